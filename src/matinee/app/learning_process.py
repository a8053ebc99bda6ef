"""The process that learns the day's lesson from viewing, and ends: a child of the worker, at a low priority."""

import os
import sys

from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.logging import set_up_logging
from matinee.app.settings import from_environment, load_settings
from matinee.base.clock import Instant
from matinee.base.errors import MatineeError
from matinee.home.for_you import lesson_of
from matinee.home.lesson_work import learn
from matinee.members import consent_store
from matinee.members.consent_store import Purpose

NICE = 10


def learn_now(installation: Installation, as_of: Instant) -> bool:
    """Learn the lesson of a moment, where no other process has it in hand. Blocks. Whether this one learnt it."""
    with installation.database.read() as conn:
        agreed = consent_store.all_given(conn, Purpose.RECOMMENDATIONS)
    return learn(installation.database, as_of, agreed.__contains__, installation.settings.least_homes, read_clock)


def main() -> None:
    """The process's entry: settings from the environment, as the worker hands them on."""
    os.nice(NICE)
    try:
        settings = load_settings(from_environment(), os.environ)
        set_up_logging(settings.log_level)
        with open_installation(settings) as installation:
            learn_now(installation, lesson_of(read_clock()))
    except MatineeError as error:
        sys.stderr.write(f"learning: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
