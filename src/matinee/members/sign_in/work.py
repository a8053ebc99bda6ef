"""What is done apart from any request: what is over is forgotten."""

from typing import Final

from matinee.base.clock import DAY, Clock, Instant
from matinee.members.sign_in import sessions
from matinee.outside.database import Database

FORGET_SECONDS: Final = 3_600.0
FORGOTTEN_MS: Final = 30 * DAY
"""Sessions that ended so long ago: until then staff can be told when one ended."""


def forget_old(database: Database, clock: Clock) -> int:
    """Take away sessions that were over long ago. How many."""
    with database.write() as conn:
        return sessions.forget_old(conn, Instant(clock() - FORGOTTEN_MS))
