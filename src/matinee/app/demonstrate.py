"""`matinee demo`: serve at once, draw the films one by one, hand each in as soon as it is drawn, and say what may be watched.

The service is a child of this command, the drawing is this process's own work: so the pages answer from the first second, and two
cores are busy with one film being drawn and one being encoded.
"""

import contextlib
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from matinee.app.demo.films import films, render
from matinee.app.demo.model import DemoFilm
from matinee.app.household import ScreenTokens, addresses, ensure_household
from matinee.app.ingests import default_service, outcome_of
from matinee.app.installation import Installation, read_clock
from matinee.app.scenario.apply import apply_scenario, days_until
from matinee.app.scenario.told import read_scenario
from matinee.app.settings import settings_as_environment
from matinee.app.terminal import Bars, Terminal
from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.ids import IngestId, new_id
from matinee.catalogue import progress
from matinee.catalogue import store as catalogue
from matinee.catalogue.model import Service
from matinee.catalogue.progress import Reporter, Stage
from matinee.catalogue.work import IngestRequest, OutcomeState, fingerprint, hand_in
from matinee.fleet import store as fleet
from matinee.outside.processes import dies_with_parent
from matinee.outside.tools import find_tools

STORY = Path(__file__).parents[3] / "examples" / "france-2014.toml"
"""Beside the program where it runs from a checkout; an installed one tells no story."""

READY_WITHIN_SECONDS = 60
POLL_SECONDS = 0.3


class DemoFailed(MatineeError):
    """The demo's service did not come up, or a film of its own was refused."""

    code = ErrorCode.UNAVAILABLE


@dataclass(slots=True)
class Underway:
    """A film that is being drawn or ingested."""

    film: DemoFilm
    ingest: IngestId
    request: IngestRequest | None = None


def demonstrate(installation: Installation, terminal: Terminal) -> int:
    """Run the demo until it is interrupted; the exit code."""
    began = time.monotonic()
    service = default_service(installation)
    tokens = ensure_household(installation, service, read_clock())
    with _service_running(installation) as child:
        _await_health(installation, child)
        _tell_addresses(terminal, installation, tokens)
        _make_films(terminal, installation, service, began)
        terminal.line("\nAll films are there.")
        _tell_addresses(terminal, installation, tokens)
        _tell_story(terminal, installation)
        terminal.line("Ctrl-C ends the service; `make demo` starts it again in seconds.")
        while child.poll() is None:
            time.sleep(POLL_SECONDS)
        return 1


def _tell_addresses(terminal: Terminal, installation: Installation, tokens: ScreenTokens) -> None:
    terminal.line("")
    for name, what, address in addresses(installation, tokens):
        terminal.line(f"  {name:14} {address}", "name")
        terminal.line(f"  {'':14} {what}", "quiet")
    terminal.line("")


def _tell_story(terminal: Terminal, installation: Installation) -> None:
    """Load the example of 2014 as if it were today, once: its dates are shifted, no clock is."""
    if not STORY.is_file():
        return
    scenario, now = read_scenario(STORY), read_clock()
    with installation.database.write() as conn:
        there = {operator.name for operator in fleet.all_operators(conn)}
        if there.isdisjoint(operator.name for operator in scenario.operators):
            apply_scenario(conn, scenario, now, shift_days=days_until(scenario, now))
    folder = installation.settings.data_folder
    terminal.line("Five operators of 2014 are there too, as if that autumn were now. Who may see what, and why:")
    terminal.line(f"  .venv/bin/matinee reach --service Netflix --data {folder}", "name")
    terminal.line(f"  .venv/bin/matinee explain --service Netflix --box ORANGE-2 --data {folder}", "name")
    terminal.line("")


@contextlib.contextmanager
def _service_running(installation: Installation) -> Iterator["subprocess.Popen[bytes]"]:
    child = subprocess.Popen(
        [sys.executable, "-m", "matinee.app.cli", "serve"],
        env={**settings_as_environment(installation.settings), "MATINEE_LOG_LEVEL": "warning", "MATINEE_SHOWS_PROGRESS": "true"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=dies_with_parent,
    )
    try:
        yield child
    finally:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _await_health(installation: Installation, child: "subprocess.Popen[bytes]") -> None:
    """Wait until the web answers. It is asked at this machine's own address, whatever name screens know it by."""
    settings = installation.settings
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 -- compared with, not bound
    address = f"{settings.scheme}://{host}:{settings.port}/healthz"
    unchecked = ssl.create_default_context()
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE  # our own certificate, on our own machine: only "is it up?" is asked
    end = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < end:
        if child.poll() is not None:
            raise DemoFailed("The service did not start.", remedy="The lines above say why.")
        try:
            with urllib.request.urlopen(address, timeout=2, context=unchecked):  # noqa: S310 -- our own http(s) address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise DemoFailed(f"The service did not answer within {READY_WITHIN_SECONDS} s.")


def _make_films(terminal: Terminal, installation: Installation, service: Service, began: float) -> None:
    """Draw and hand in each film that is not published yet. Raises DemoFailed where one of our own films is refused."""
    folder = installation.settings.data_folder / "demo-films"
    under_way = _missing(installation, service, folder)
    with terminal.bars() as bars:
        for one in tuple(under_way):
            path = _draw(bars, installation, one, folder)
            with installation.database.write() as conn:
                one.request = hand_in(conn, installation.queue, path, service, read_clock(), one.ingest)
            _follow(bars, terminal, installation, under_way, began)
        while under_way:
            _follow(bars, terminal, installation, under_way, began)
            time.sleep(POLL_SECONDS)


def _missing(installation: Installation, service: Service, folder: Path) -> list[Underway]:
    """The films that are not published, each announced, so that the pages show what is coming from the first second."""
    with installation.database.write() as conn:
        states = installation.queue.states([one.id for one in progress.under_way(conn)])
        pending = [IngestId(each) for each, state in states.items() if state.state in ("waiting", "running")]
        progress.forget_all_but(conn, pending)
    wanted = [film for film in films() if not _is_published(installation, service, folder, film)]
    with installation.database.write() as conn:
        announced = [Underway(film, IngestId(new_id())) for film in wanted]
        for place, one in enumerate(announced):
            progress.begin(conn, one.ingest, service.id, one.film.title.en, Instant(read_clock() + place))
    return announced


def _is_published(installation: Installation, service: Service, folder: Path, film: DemoFilm) -> bool:
    path = folder / f"{film.slug}.{film.container}"
    if not path.exists():
        return False
    mark = fingerprint(path, lambda _: None)
    with installation.database.read() as conn:
        return catalogue.title_of_source(conn, service.publisher, mark.sha256) is not None


def _draw(bars: Bars, installation: Installation, one: Underway, folder: Path) -> Path:
    report = Reporter(installation.database, one.ingest, read_clock).stage(Stage.RENDER)

    def tell(fraction: float) -> None:
        report(fraction)
        bars.show(one.ingest, one.film.title.en, Stage.RENDER, fraction)

    return render(one.film, folder, find_tools(), tell)


def _follow(bars: Bars, terminal: Terminal, installation: Installation, under_way: list[Underway], began: float) -> None:
    """Show how far each film has come; those that have ended leave the list."""
    with installation.database.read() as conn:
        rows = {row.id: row for row in progress.under_way(conn)}
    for one in list(under_way):
        ended = outcome_of(installation, one.request) if one.request is not None else None
        if ended is None:
            if (row := rows.get(one.ingest)) is not None and one.request is not None:
                bars.show(one.ingest, one.film.title.en, row.stage, row.fraction)
            continue
        if ended.state is not OutcomeState.PUBLISHED and ended.code != ErrorCode.ALREADY_ADDED:
            raise DemoFailed(ended.message, remedy=ended.remedy)
        under_way.remove(one)
        seconds = time.monotonic() - began
        bars.finish(one.ingest, one.film.title.en, f"ready to watch, {seconds:.0f} s after the start", good=True)
