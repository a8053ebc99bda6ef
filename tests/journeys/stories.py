"""Another service at the demo's operator, told by a scenario's file: what journeys about launches begin with."""

from pathlib import Path

from tests.journeys.service import Service


def signed_at_the_demos_operator(name: str, kind: str = "svod", *, publisher: str = "", billing: str = "none") -> str:
    """A scenario's text in which the demo's operator has signed with a service. Launches are written behind it."""
    owner = f'publisher = "{publisher}"' if publisher else ""
    return f"""
name = "Another service at the demo's operator"
today = 2026-01-01
[[services]]
name = "{name}"
kind = "{kind}"
{owner}
[[operators]]
name = "Home fibre"
country = "FR"
timezone = "Europe/Paris"
[[agreements]]
operator = "Home fibre"
service = "{name}"
status = "signed"
since = 2026-01-01
billing = "{billing}"
"""


def apply_story(service: Service, folder: Path, text: str) -> str:
    """`matinee apply` of a scenario's text. What it printed."""
    file = folder / "story.toml"
    file.write_text(text)
    done = service.matinee("apply", str(file))
    assert done.returncode == 0, done.stderr
    return done.stdout
