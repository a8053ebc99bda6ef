"""What is to be erased wherever it is held, said once through the outbox: each folder that holds something of it follows."""

from enum import StrEnum
from typing import Any, Final

import msgspec
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import HouseholdId, ProfileId, TitleId
from matinee.parties import outbox
from matinee.parties.outbox import Event

TOPIC: Final = "forgotten"


class ForgottenKind(StrEnum):
    PROFILE = "profile"
    HOUSEHOLD = "household"
    HISTORY = "history"
    """What a profile watched, of one title or of all: it leaves the rows and the history; its list and thumbs stay."""


class Forgotten(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`until`: what was there at that moment goes; what came after it stays. `title` None is all."""

    kind: ForgottenKind
    household: HouseholdId
    until: Instant
    profile: ProfileId | None = None
    title: TitleId | None = None


def say(conn: Connection, told: Forgotten) -> None:
    """Tell everybody, in the transaction of the act."""
    payload: dict[str, Any] = msgspec.to_builtins(told)
    outbox.append(conn, TOPIC, told.household, payload, told.until)


def heard(event: Event) -> Forgotten:
    return msgspec.convert(event.payload, Forgotten)
