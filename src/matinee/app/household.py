"""The household that lets a newcomer watch: an operator, a box at a line, two profiles, and tokens for box and web.

Until operators bring their own fleets, this is how a screen signs in. Tokens are kept in a private file beside the keys, so
that the addresses of the second run are those of the first; the database has their hashes alone.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Connection

from matinee.app.installation import Installation
from matinee.base.clock import Instant
from matinee.base.ids import BoxId, HouseholdId, OperatorId
from matinee.carriage import store as carriage
from matinee.carriage.model import AgreementStatus
from matinee.catalogue.model import AgeClass, Language, Service
from matinee.fleet import store as fleet
from matinee.fleet.key_store import mark_for_show
from matinee.members import store as members
from matinee.parties import store as parties

OPERATOR = "Home fibre"
HOUSEHOLD = "demo"
BOX_MODEL = ("001A2B", "demo-box", "Demo box")
BOX = ("DEMO-0001", "Living room")
ACTOR = "command line"


@dataclass(frozen=True, slots=True)
class ScreenTokens:
    """What a box and a web browser of the household sign in with."""

    box: str
    web: str


def ensure_household(installation: Installation, service: Service, now: Instant) -> ScreenTokens:
    """The household and its tokens, made where they are not there. Its operator carries `service`."""
    file = installation.settings.data_folder / "keys" / "screens.json"
    known = _read(file)
    with installation.database.write() as conn:
        operator = fleet.ensure_operator(conn, OPERATOR, "FR", "Europe/Paris", now)
        carriage.ensure_agreement(conn, operator.id, service.id, AgreementStatus.SIGNED, now, actor=ACTOR)
        carriage.ensure_open_launch(conn, operator.id, service.id, now, actor=ACTOR)
        model = fleet.ensure_box_model(conn, *BOX_MODEL, {"codecs": ["avc1", "mp4a"]}, now)
        box = fleet.ensure_box(conn, model.id, *BOX, now)
        mark_for_show(conn, box.id, now)
        if known is not None:
            return known
        household = _settle(conn, operator.id, box.id, now)
        tokens = ScreenTokens(box=fleet.mint_box_token(conn, box.id, now), web=members.mint_viewer_token(conn, household, now))
    _write(file, tokens)
    return tokens


def addresses(installation: Installation, tokens: ScreenTokens) -> list[tuple[str, str, str]]:
    """(name, what it is, address) of each screen."""
    web = installation.settings.web_origin
    return [
        ("The box", "a television's screen, by the arrow keys, Enter and Escape", f"{web}/box/#token={tokens.box}"),
        ("Web and phone", "the same service in a browser", f"{web}/watch/#token={tokens.web}"),
        ("The API", "its description, for programs", f"{web}/api/openapi.json"),
    ]


def mint(installation: Installation, kind: str, service: Service, now: Instant) -> str:
    """A fresh token: "box" and "web" for screens of the household, "api" for the publisher's programs."""
    ensure_household(installation, service, now)
    with installation.database.write() as conn:
        if kind == "api":
            return parties.mint_api_key(conn, service.publisher, ACTOR, now)
        if kind == "box":
            model = fleet.ensure_box_model(conn, *BOX_MODEL, {"codecs": ["avc1", "mp4a"]}, now)
            return fleet.mint_box_token(conn, fleet.ensure_box(conn, model.id, *BOX, now).id, now)
        return members.mint_viewer_token(conn, members.ensure_household(conn, HOUSEHOLD, now).id, now)


def _settle(conn: Connection, operator: OperatorId, box: BoxId, now: Instant) -> HouseholdId:
    """Put the box and a household with two profiles at a line of the operator's."""
    line = fleet.ensure_line(conn, operator, "demo-line", now)
    household = members.ensure_household(conn, HOUSEHOLD, now)
    fleet.assign_box(conn, box, line.id, now, now)
    members.assign_household(conn, line.id, household.id, now, now)
    members.ensure_profile(conn, household.id, "Salon", "#c8553d", AgeClass(18), Language("fr"), now)
    members.ensure_profile(conn, household.id, "Kids", "#3d7ea6", AgeClass(10), Language("en"), now)
    return household.id


def _read(file: Path) -> ScreenTokens | None:
    """The tokens of an earlier run; None where there are none that can be read."""
    try:
        return ScreenTokens(**json.loads(file.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _write(file: Path, tokens: ScreenTokens) -> None:
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump({"box": tokens.box, "web": tokens.web}, out)
    draft.replace(file)
