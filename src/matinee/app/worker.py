"""The worker process: runs ingests until it is told to stop. `matinee serve` starts one; `matinee work` is one.

It ends at once when told to: durable work needs no goodbye longer than its heartbeat's, and its children die with it.
"""

import os
import signal
import sys
import threading

from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.logging import set_up_logging
from matinee.app.settings import from_environment, load_settings
from matinee.base.errors import MatineeError
from matinee.catalogue.work import QUEUE, WORK, Ingest
from matinee.encoding.ladder import ladder_named
from matinee.outside.tools import find_tools
from matinee.outside.work import WorkEngine


def run_worker(installation: Installation, stop: threading.Event) -> None:
    """Run work until `stop` is set. The process must end soon after: what ran is left unfinished on purpose."""
    settings = installation.settings
    ingest = Ingest(
        database=installation.database,
        published=installation.published,
        work_folder=settings.work_folder,
        tools=find_tools(),
        master=installation.master,
        ladder=ladder_named(settings.ladder),
        drm=settings.drm_systems,
        clock=read_clock,
    )
    engine = WorkEngine(settings.work_database, installation.database, read_clock)
    engine.define(WORK, ingest.run)
    engine.queue(QUEUE, settings.ingest_at_once)
    engine.start()
    stop.wait()
    engine.say_goodbye()


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
