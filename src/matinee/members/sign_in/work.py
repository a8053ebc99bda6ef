"""What is done apart from any request: what is over is forgotten."""

from typing import Final

from sqlalchemy.engine import Connection

from matinee.base.clock import DAY, Clock, Instant
from matinee.base.ids import HouseholdId
from matinee.members.sign_in import accounts, codes, sessions
from matinee.outside.database import Database

FORGET_SECONDS: Final = 3_600.0
FORGOTTEN_MS: Final = 30 * DAY
"""Sessions that ended so long ago: until then staff can be told when one ended."""


def hold(conn: Connection, household: HouseholdId) -> None:
    """Lock all that a household signed in with, in the order of parties/outbox.py: before the outbox."""
    accounts.hold(conn, household)
    codes.hold(conn, household)
    sessions.hold(conn, household)


def erase(conn: Connection, household: HouseholdId, now: Instant) -> None:
    """Take away all that a household signed in with, and sign it out. Its line and its people are for others to erase."""
    codes.void(conn, household)
    sessions.end_all(conn, household, now)
    sessions.erase(conn, household)
    accounts.erase(conn, household)


def forget_old(database: Database, clock: Clock) -> int:
    """Take away sessions that were over long ago. How many."""
    with database.write() as conn:
        return sessions.forget_old(conn, Instant(clock() - FORGOTTEN_MS))
