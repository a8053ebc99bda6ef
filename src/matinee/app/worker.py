"""The worker process: runs ingests, reads partners' feeds and brings events to callbacks, until it is told to stop.

`matinee serve` starts one; `matinee work` is one.

It ends within seconds when told to: durable work needs no goodbye longer than its heartbeat's, its children die with it, and a
call that is broken off is made again.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import structlog

from matinee.app.billing import BILLS_SECONDS, run_bills
from matinee.app.forgetting import Forgetting
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.learning import lesson_in_a_child
from matinee.app.logging import set_up_logging
from matinee.app.repeating import Repeating
from matinee.app.settings import SettingInvalid, from_environment, load_settings
from matinee.app.telling import tell
from matinee.base.errors import MatineeError
from matinee.catalogue import parts
from matinee.catalogue.partner_work import FeedReader
from matinee.catalogue.parts import PartWork
from matinee.catalogue.rekey import sweep
from matinee.catalogue.work import QUEUE, WORK, Ingest, Shared
from matinee.encoding.kept import Kept
from matinee.encoding.ladder import BUILT_IN, Effort, load_ladder, with_effort
from matinee.encoding.model import Ladder
from matinee.members.sign_in.issuer_keys import IssuerKeys
from matinee.outside.tools import find_tools
from matinee.outside.work import WorkEngine
from matinee.parties.hook_work import Postman, caller

HOOKS_SECONDS = 0.5
CALLS_END_SECONDS = 3.0
"""At the end: less than what `serve` gives its children (serve.STOP_WITHIN_SECONDS)."""

SWEEP_SECONDS = 600.0
"""How often it is looked whether a package that no title points to, or an encoded part that nobody waits for, has stood long
enough."""

LISTEN_SECONDS = 0.5
"""How often the main thread looks up, which alone runs what a signal asks for."""

FORGET_SECONDS = 2.0
"""How often it is looked whether something is to be erased."""

ISSUERS_SECONDS = 20.0
"""How often it is asked which operators' issuers are due; each is read every five minutes."""

LESSON_SECONDS = 600.0
"""How often it is asked whether the day's lesson was learnt from viewing."""

FEED_SECONDS = 15.0
"""How often it is asked which feeds are due. Each has an interval of its own."""

log = structlog.get_logger("matinee.worker")


def run_worker(installation: Installation, stop: threading.Event) -> None:
    """Run work until `stop` is set. The process must end soon after: what ran is left unfinished on purpose."""
    settings = installation.settings
    ingest = Ingest(
        database=installation.database,
        published=installation.published,
        work_folder=settings.work_folder,
        tools=find_tools(),
        master=installation.master,
        ladder=chosen_ladder(settings.ladder, settings.effort),
        drm=settings.drm_systems,
        clock=read_clock,
        kept=Kept(settings.analyses_folder),
        shared=Shared(installation.work_store, installation.queue),
    )
    encode = PartWork(installation.database, installation.work_store, settings.work_folder, find_tools(), read_clock)
    engine = WorkEngine(settings.work_database, installation.database, read_clock)
    engine.define(WORK, ingest.run)
    engine.define(parts.WORK, encode.run)
    engine.queue(QUEUE, settings.ingest_at_once)
    engine.queue(parts.QUEUE, settings.parts_at_once)
    try:
        sweep_parts(installation)
    except MatineeError as error:  # the store is away: no reason not to begin
        log.error("the work store is not swept", exc_info=error)
    sweeping = Repeating("work-store", partial(sweep_parts, installation), SWEEP_SECONDS, "the work store is not swept")
    reader = FeedReader(installation.database, read_clock, allow_private=settings.call_private_addresses)
    feeds = Repeating("partner-feeds", reader.poll, FEED_SECONDS, "partners' feeds cannot be read; titles stay")
    retired = Repeating(
        "retired-packages",
        lambda: sweep(installation.database, installation.published, read_clock()),
        SWEEP_SECONDS,
        "retired packages cannot be taken away; they stay",
    )
    charging = Repeating(
        "bills", partial(run_bills, installation), BILLS_SECONDS, "direct plans cannot be charged; each month stays due"
    )
    months = {"viewing_months": settings.viewing_months, "plays_months": settings.plays_months}
    forgets = Forgetting(installation.database, read_clock, **months)
    forgetting = Repeating("forgetting", forgets.step, FORGET_SECONDS, "what is to be erased waits")
    issuer_keys = IssuerKeys(installation.database, read_clock, allow_private=settings.call_private_addresses)
    issuers = Repeating(
        "operators-issuers", issuer_keys.poll, ISSUERS_SECONDS, "operators' issuers cannot be read; their last keys stay"
    )
    learning = Repeating(
        "lessons",
        partial(lesson_in_a_child, installation),
        LESSON_SECONDS,
        "nothing is learnt from viewing; the lesson before holds",
    )
    with _whole_or_not_at_all():
        engine.start()
        bringing = postman(installation)
        hooks = Repeating("hooks", bringing.step, HOOKS_SECONDS, "events cannot be brought to callbacks; they wait")
        for one in (hooks, feeds, issuers, retired, sweeping, charging, forgetting, learning):
            one.start()
        # A signal that another thread receives is heard when this one runs next: it must not sleep until it is told.
        while not stop.wait(LISTEN_SECONDS):
            pass
        forgetting.close()
        sweeping.close()
        hooks.close()
        bringing.close(CALLS_END_SECONDS)
        engine.say_goodbye()


@contextlib.contextmanager
def _whole_or_not_at_all() -> Iterator[None]:
    """End the process where its main thread breaks. The work engine's threads would keep it up: half a worker, which takes work
    that nobody then takes over from it."""
    try:
        yield
    except BaseException as error:
        log.error("the worker broke and ends", exc_info=error)
        sys.stderr.flush()
        os._exit(1)


def sweep_parts(installation: Installation) -> None:
    """Take away what killed processes left on this machine, and what failed ingests left in the work store and nobody came back
    for."""
    parts.sweep_scratch(installation.settings.work_folder)
    parts.sweep_folders(installation.database, installation.settings.work_folder)
    parts.sweep(installation.database, installation.work_store, read_clock())


def postman(installation: Installation) -> Postman:
    """What brings events to the callbacks that publishers and operators registered."""
    return Postman(
        installation.database,
        tell,
        installation.master,
        caller(allow_private=installation.settings.call_private_addresses),
        read_clock,
    )


def chosen_ladder(setting: str, effort: str = "") -> Ladder:
    """The ladder that the settings name: a built-in one, or a JSON file; with the presets of an effort where one is named.

    Raises SettingInvalid.
    """
    ladder = _named_ladder(setting)
    if not effort:
        return ladder
    if effort not in list(Effort):
        raise SettingInvalid(f"The setting effort is {effort!r}.", remedy=f"Write {' or '.join(Effort)}, or leave it out.")
    return with_effort(ladder, Effort(effort))


def _named_ladder(setting: str) -> Ladder:
    if setting in BUILT_IN:
        return BUILT_IN[setting]
    try:
        return load_ladder(Path(setting).read_bytes())
    except OSError as error:
        raise SettingInvalid(
            f"The setting ladder is {setting!r}, which is no built-in ladder and no file that can be read.",
            remedy=f"Write {' or '.join(BUILT_IN)}, or the path of a JSON file.",
        ) from error


def main() -> None:
    """The process's entry: settings from the environment, as `matinee serve` hands them on."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = load_settings(from_environment(), os.environ)
        set_up_logging(settings.log_level)
        with open_installation(settings) as installation:
            run_worker(installation, stop)
            os._exit(0)
    except MatineeError as error:
        sys.stderr.write(f"worker: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
