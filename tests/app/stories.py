"""What scenarios of tests begin with: an operator that has signed to carry one service, and one model of box."""


def fibre_carries_films(name: str, *, billing: str = "none", state: str = "open") -> str:
    """A scenario's text up to its launch, which is the last table: its further fields may be written behind it."""
    return f"""
name = "{name}"
today = 2026-01-01
[[services]]
name = "Films"
[[box_models]]
name = "Box"
oui = "00AF01"
product_class = "Box"
[[operators]]
name = "Fibre"
country = "FR"
timezone = "Europe/Paris"
[[agreements]]
operator = "Fibre"
service = "Films"
status = "signed"
since = 2026-01-01
billing = "{billing}"
[[launches]]
operator = "Fibre"
service = "Films"
state = "{state}"
since = 2026-01-01
technical_at = 2026-01-01
"""


def homes_of_fibre(count: int) -> str:
    """So many homes with a box each: B-00001 and on."""
    return f"""
[[homes]]
operator = "Fibre"
model = "Box"
serial = "B"
since = 2026-01-01
count = {count}
"""
