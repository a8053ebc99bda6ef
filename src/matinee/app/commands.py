"""What each command does, apart from how it is typed: open the installation, call the use case, print. Each gives the exit
code.
"""

import contextlib
import json as json_module
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from matinee.app.household import addresses, ensure_household, mint
from matinee.app.ingests import default_service, films_in, outcome_of
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.logging import set_up_logging
from matinee.app.settings import Settings, from_environment, load_settings, settings_as_environment
from matinee.app.terminal import Bars, Terminal
from matinee.app.tls import ensure_local_tls, lan_address, local_authority
from matinee.base.clock import to_rfc3339
from matinee.base.errors import ErrorCode, InvalidRequest, MatineeError, NotFound
from matinee.catalogue import progress
from matinee.catalogue import store as catalogue
from matinee.catalogue.model import Language, Title, TitleKind
from matinee.catalogue.naming import printable
from matinee.catalogue.rekey import Rekeying
from matinee.catalogue.reports import report_on
from matinee.catalogue.rules import name_of
from matinee.catalogue.work import IngestOutcome, IngestRequest, OutcomeState, hand_in, read_outcome, take_away
from matinee.encoding.analysis_report import report_html
from matinee.library import store as library_store
from matinee.library import work as library
from matinee.outside.processes import dies_with_parent
from matinee.outside.tools import find_tools
from matinee.outside.work import any_worker_alive

DONE, FAILED = 0, 1


class WorkerDied(MatineeError):
    """The worker that a command started for itself is gone."""

    code = ErrorCode.UNAVAILABLE


POLL_SECONDS = 0.25
CANCEL_SECONDS = 30.0
_ANY = Language("en")


def settings_for(data: Path | None) -> Settings:
    """The settings of the installation that a command works on, with nothing opened."""
    return load_settings(data or from_environment(), os.environ)


@contextlib.contextmanager
def opened(data: Path | None, **overrides: Any) -> Iterator[Installation]:
    """The installation that a command works on."""
    settings = load_settings(data or from_environment(), os.environ, **overrides)
    with open_installation(settings) as installation:
        yield installation


# --- films ------------------------------------------------------------------------------------------------------------


def add(films: Sequence[Path], *, data: Path | None, service: str | None, detach: bool, as_json: bool) -> int:
    """Hand films in, and wait for each to end unless detached."""
    terminal = Terminal()
    found = films_in(films)
    with opened(data) as installation:
        requests = [_hand_in(installation, film, service) for film in found]
        if detach:
            return _detached(terminal, installation, requests, as_json)
        with _some_worker(installation) as check_alive:
            outcomes = _await(terminal, installation, requests, check_alive, quiet=as_json)
        if as_json:
            terminal.json([msgspec.to_builtins(outcome) for outcome in outcomes])
        else:
            _tell_outcomes(terminal, outcomes)
    good = (OutcomeState.PUBLISHED,)
    return DONE if all(o.state in good or o.code == ErrorCode.ALREADY_ADDED for o in outcomes) else FAILED


def _hand_in(installation: Installation, film: Path, service: str | None) -> IngestRequest:
    into = default_service(installation, service)
    with installation.database.write() as conn:
        return hand_in(conn, installation.queue, film, into, read_clock())


def _detached(terminal: Terminal, installation: Installation, requests: Sequence[IngestRequest], as_json: bool) -> int:
    if as_json:
        terminal.json([{"ingest": r.ingest, "title": r.title, "source": r.source} for r in requests])
    for request in requests if not as_json else ():
        terminal.line(f"{Path(request.source).name}: handed in as {request.title}")
    if not any_worker_alive(installation.database, read_clock()):
        terminal.err.print("No worker runs; these wait until `matinee serve` or `matinee work` does.", style="note")
    return DONE


@contextlib.contextmanager
def _some_worker(installation: Installation) -> Iterator[Callable[[], None]]:
    """Where no worker runs, run one for as long as this command waits. What it gives raises WorkerDied when it must."""
    if any_worker_alive(installation.database, read_clock()):
        yield lambda: None
        return
    worker = subprocess.Popen(
        [sys.executable, "-m", "matinee.app.worker"],
        env={**settings_as_environment(installation.settings), "MATINEE_LOG_LEVEL": "error"},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=dies_with_parent,
    )

    def check_alive() -> None:
        if worker.poll() is not None:
            raise WorkerDied(
                f"The worker ended with exit code {worker.returncode}.", remedy="The lines above say why; then add again."
            )

    try:
        yield check_alive
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait()


def _await(
    terminal: Terminal,
    installation: Installation,
    requests: Sequence[IngestRequest],
    check_alive: Callable[[], None],
    *,
    quiet: bool,
) -> list[IngestOutcome]:
    outcomes: dict[str, IngestOutcome] = {}
    with terminal.bars() if not quiet else contextlib.nullcontext(None) as bars:
        while len(outcomes) < len(requests):
            for request in requests:
                if request.ingest not in outcomes:
                    ended = outcome_of(installation, request)
                    if ended is not None:
                        outcomes[request.ingest] = ended
                        _show_end(bars, request, ended)
            _show_progress(bars, installation, requests)
            if len(outcomes) < len(requests):
                check_alive()
                time.sleep(POLL_SECONDS)
    return [outcomes[request.ingest] for request in requests]


def _show_progress(bars: Bars | None, installation: Installation, requests: Sequence[IngestRequest]) -> None:
    if bars is None:
        return
    with installation.database.read() as conn:
        rows = {row.id: row for row in progress.under_way(conn)}
    for request in requests:
        if (row := rows.get(request.ingest)) is not None:
            bars.show(row.id, row.name, row.stage, row.fraction)


def _show_end(bars: Bars | None, request: IngestRequest, outcome: IngestOutcome) -> None:
    if bars is not None:
        good = outcome.state is OutcomeState.PUBLISHED
        bars.finish(request.ingest, printable(outcome.name), "published" if good else str(outcome.state), good=good)


def _tell_outcomes(terminal: Terminal, outcomes: Sequence[IngestOutcome]) -> None:
    for outcome in outcomes:
        for warning in outcome.warnings:
            terminal.err.print(f"! {printable(outcome.name)}: {warning}", style="note", markup=False)
        if outcome.state is not OutcomeState.PUBLISHED:
            terminal.error(MatineeError(outcome.message, remedy=outcome.remedy))
    published = sum(outcome.state is OutcomeState.PUBLISHED for outcome in outcomes)
    terminal.line(f"{published} of {len(outcomes)} published.")


def titles(*, data: Path | None, as_json: bool) -> int:
    """List titles and what is under way."""
    terminal = Terminal()
    with opened(data) as installation:
        with installation.database.read() as conn:
            every = sorted(catalogue.all_titles(conn), key=lambda t: (-t.published_at, t.id))
            under_way = progress.under_way(conn)
        if as_json:
            terminal.json(
                {
                    "titles": [_brief(title) for title in every],
                    "ingests": [msgspec.to_builtins(row) for row in under_way],
                }
            )
            return DONE
        terminal.table(
            ("id", "name", "kind", "year", "length", "published"),
            [(t.id, _full_name(t, every), t.kind, str(t.year or ""), _length(t), to_rfc3339(t.published_at)) for t in every],
        )
        for row in under_way:
            terminal.err.print(f"under way: {row.name}, {row.stage} {row.fraction:.0%}", style="quiet", markup=False)
        if not every and not under_way:
            terminal.err.print("No titles yet. Publish some: matinee add FOLDER", style="note")
    return DONE


def show(wanted: str, *, data: Path | None, report: Path | None, as_json: bool) -> int:
    """All of one title; its report goes into a file."""
    terminal = Terminal()
    with opened(data) as installation:
        with installation.database.read() as conn:
            title = one_title(list(catalogue.all_titles(conn)), wanted, whole_name=False)
            package = library_store.get(conn, title.playable.package) if title.playable else None
            page = None if report is None else report_html(report_on(conn, title))
        if report is not None and page is not None:
            _write(report, page)
            terminal.err.print(f"What was measured of {name_of(title, _ANY)} is in {report}.", markup=False)
            return DONE
        told = {**msgspec.to_builtins(title), "package": msgspec.to_builtins(package) if package else None}
        if as_json:
            terminal.json(told)
            return DONE
        terminal.line(name_of(title, _ANY), "name")
        terminal.line(json_module.dumps(told, ensure_ascii=False, indent=2))
    return DONE


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(
            f"{file} cannot be written: {error.strerror}.", remedy="Name a file in a folder that may be written."
        ) from error


def remove(wanted: str, *, data: Path | None, yes: bool) -> int:
    """Take a title away, after asking."""
    terminal = Terminal()
    with opened(data) as installation:
        with installation.database.read() as conn:
            title = one_title(list(catalogue.all_titles(conn)), wanted, whole_name=True)
        name = name_of(title, _ANY)
        if not yes and not _agreed(terminal, f"Remove {name} for good? [y/N] "):
            terminal.line("Nothing was removed.")
            return FAILED
        gone = take_away(installation.database, installation.published, title.publisher, title.id, read_clock())
        for one in gone:
            terminal.line(f"Removed {name_of(one, _ANY)} ({one.kind}).")
    return DONE


def rekey(wanted: str, *, at_once: bool, data: Path | None, as_json: bool) -> int:
    """Give a title new keys."""
    terminal = Terminal()
    with opened(data) as installation:
        with installation.database.read() as conn:
            title = one_title(list(catalogue.all_titles(conn)), wanted, whole_name=True)
        name = name_of(title, _ANY)
        rekeying = Rekeying(
            database=installation.database,
            published=installation.published,
            work_folder=installation.settings.work_folder,
            tools=find_tools(),
            master=installation.master,
            drm=installation.settings.drm_systems,
            clock=read_clock,
        )
        with terminal.bars() if not as_json else contextlib.nullcontext(None) as bars:
            package = rekeying.rekey(
                title,
                at_once=at_once,
                progress=lambda part: bars.show(title.id, name, "new keys", part) if bars is not None else None,
            )
            if bars is not None:
                bars.finish(title.id, name, "new keys", good=True)
    if as_json:
        terminal.json({"title": title.id, "package": package})
    else:
        went = "The old ones are gone." if at_once else "The old ones go in a day: who is watching goes on."
        terminal.line(f"{name} has new keys. {went}")
    return DONE


def cancel(wanted: str, *, data: Path | None) -> int:
    """Have an ingest under way stop, and wait until it has where a worker runs."""
    terminal = Terminal()
    with opened(data) as installation:
        with installation.database.write() as conn:
            one = _one_ingest(progress.under_way(conn), wanted)
            progress.cancel(conn, one.id)
        state = installation.queue.state(one.id)
        if state is None or not any_worker_alive(installation.database, read_clock()) or state.state == "waiting":
            terminal.line(f"{one.name} will not be made: it ends when a worker comes to it.")
            return DONE
        end = time.monotonic() + CANCEL_SECONDS
        while time.monotonic() < end:
            state = installation.queue.state(one.id)
            if state is not None and state.state not in ("waiting", "running"):
                return _tell_cancelled(terminal, one.name, state.result)
            time.sleep(POLL_SECONDS)
    terminal.line(f"{one.name} is being stopped; its workers have not all answered yet.")
    return DONE


def _tell_cancelled(terminal: Terminal, name: str, result: str | None) -> int:
    """What came of it: an ingest that was about to end may have ended otherwise."""
    if result is not None and read_outcome(result).state is OutcomeState.PUBLISHED:
        told = f"{name} was published before it could be stopped."
        terminal.error(MatineeError(told, remedy="matinee remove takes a title away."))
        return FAILED
    terminal.line(f"Cancelled {name}.")
    return DONE


def _one_ingest(every: Sequence[progress.IngestProgress], wanted: str) -> progress.IngestProgress:
    """The ingest that is meant, by its id or its whole name. Raises NotFound, InvalidRequest."""
    found = [one for one in every if one.id == wanted] or [one for one in every if one.name == wanted]
    if not found:
        raise NotFound(f"There is no film {wanted!r} under way.", remedy="matinee titles lists those that are.")
    if len(found) > 1:
        raise InvalidRequest(f"Several films {wanted!r} are under way.", remedy="Name one by its id: matinee titles --json.")
    return found[0]


def check(*, data: Path | None, as_json: bool) -> int:
    """Read and decrypt every byte of every published package."""
    terminal = Terminal()
    reports = []
    with opened(data) as installation:
        with installation.database.read() as conn:
            packages = library_store.published(conn)
            names = {title.id: name_of(title, _ANY) for title in catalogue.all_titles(conn)}
        with terminal.bars() if not as_json else contextlib.nullcontext(None) as bars:
            for package in packages:
                name = names.get(package.title_id, package.title_id)
                if bars is not None:
                    bars.show(package.id, name, "reading", 0.0)
                with installation.database.read() as conn:
                    keys = library_store.keys_of(conn, installation.master, package.id)
                report = library.check(package, installation.published, keys)
                reports.append((name, report))
                if bars is not None:
                    verdict = f"{report.files} files, {report.bytes / 1e6:.1f} MB"
                    bars.finish(package.id, name, verdict if not report.faults else "DAMAGED", good=not report.faults)
        faults = [f"{name}: {fault}" for name, report in reports for fault in report.faults]
        if as_json:
            terminal.json([{"name": name, **msgspec.to_builtins(report)} for name, report in reports])
        else:
            for fault in faults:
                terminal.err.print(f"✗ {fault}", style="bad", markup=False)
            terminal.line(f"{len(reports)} titles checked, {len(faults)} faults.")
    return FAILED if faults else DONE


def one_title(every: Sequence[Title], wanted: str, *, whole_name: bool) -> Title:
    """The title that is meant, by id or name. Raises NotFound, or InvalidRequest where several could be."""
    folded = wanted.casefold()
    names = {title.id: [text.name.casefold() for text in title.text.values()] for title in every}
    by_id = [title for title in every if title.id == wanted]
    exact = [title for title in every if folded in names[title.id]]
    partly = [] if whole_name else [title for title in every if any(folded in name for name in names[title.id])]
    found = by_id or exact or partly
    if not found:
        raise NotFound(f"There is no title {wanted!r}.", remedy="matinee titles lists them.")
    if len(found) > 1:
        ids = ", ".join(f"{title.id} ({name_of(title, _ANY)})" for title in found[:5])
        raise InvalidRequest(f"Several titles could be {wanted!r}: {ids}.", remedy="Name one by its id.")
    return found[0]


def _agreed(terminal: Terminal, question: str) -> bool:
    if not sys.stdin.isatty():
        raise InvalidRequest("Nobody is here to answer whether to remove it.", remedy="Say --yes to remove without asking.")
    terminal.err.print(question, end="", markup=False)
    return input().strip().lower() in ("y", "yes")


def _brief(title: Title) -> dict[str, Any]:
    return {
        "id": title.id,
        "kind": title.kind,
        "name": name_of(title, _ANY),
        "year": title.year,
        "duration_ms": title.playable.duration_ms if title.playable else None,
        "series_id": title.series,
        "season": title.season,
        "episode": title.episode,
        "warnings": list(title.warnings),
        "published_at": to_rfc3339(title.published_at),
    }


def _full_name(title: Title, every: Sequence[Title]) -> str:
    name = name_of(title, _ANY)
    if title.kind is not TitleKind.EPISODE:
        return name
    series = next((one for one in every if one.id == title.series), None)
    place = f"S{title.season or 0:02d}E{title.episode or 0:02d}"
    return f"{name_of(series, _ANY)} {place} {name}" if series else f"{place} {name}"


def _length(title: Title) -> str:
    if title.playable is None:
        return ""
    seconds = round(title.playable.duration_ms / 1000)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


# --- running ----------------------------------------------------------------------------------------------------------


def serve(*, data: Path | None, lan: bool, **listen: Any) -> int:
    """Web, edge and worker, until interrupted."""
    # The web's libraries take half a second to load, which `matinee titles` need not wait for.
    from matinee.app.edge_process import edge_child
    from matinee.app.pages import landing_html
    from matinee.app.serve import Child
    from matinee.app.serve import serve as serve_app
    from matinee.app.wiring import build_web

    terminal = Terminal()
    overrides = _lan_overrides(data, listen) if lan else listen
    with opened(data, **overrides) as installation:
        settings = installation.settings
        authority = local_authority(settings.data_folder / "tls", settings.tls_certificate)
        set_up_logging(settings.log_level)
        tokens = ensure_household(installation, default_service(installation), read_clock())
        told = addresses(installation, tokens)

        def on_ready() -> None:
            for name, _, address in told:
                terminal.line(f"  {name:14} {address}")
            if authority is not None:
                terminal.line(f"  Trust first    {settings.web_origin}/authority.pem  (a file for the screen's certificates)")

        # Without tokens: a page that anyone may ask for signs nobody in. The terminal has the whole addresses.
        shown = [(name, what, address.partition("#")[0]) for name, what, address in told] if settings.shows_progress else []
        app = build_web(
            installation,
            shows_progress=settings.shows_progress,
            landing=lambda: landing_html(shown),
            authority=authority,
        )
        children = (edge_child(installation), Child("worker", "matinee.app.worker", settings_as_environment(settings)))
        serve_app(app, settings, children, on_ready)
    return DONE


def _lan_overrides(data: Path | None, listen: dict[str, Any]) -> dict[str, Any]:
    """What listening for the home network changes: every interface, this machine's address, and TLS."""
    settings = load_settings(data or from_environment(), os.environ, **listen)
    address = lan_address()
    values = {**listen, "host": listen.get("host") or "0.0.0.0"}  # noqa: S104 -- what --lan asks for
    if not settings.tls_certificate:
        tls = ensure_local_tls(settings.data_folder / "tls", (address, "localhost", "127.0.0.1"))
        values |= {"tls_certificate": str(tls.certificate), "tls_key": str(tls.key)}
    values["public_url"] = settings.public_url or f"https://{address}:{settings.port}"
    values["edge_url"] = settings.edge_url or f"https://{address}:{settings.edge_port}"
    return values


def demo(*, data: Path | None, lan: bool, **listen: Any) -> int:
    """The demo: the service, and films that the project makes itself."""
    from matinee.app.demonstrate import demonstrate  # draws with numpy, which no other command needs

    overrides = _lan_overrides(data, listen) if lan else listen
    with opened(data, **overrides) as installation:
        return demonstrate(installation, Terminal())


def token(kind: str, *, data: Path | None, as_json: bool) -> int:
    """A fresh token, shown once."""
    terminal = Terminal()
    with opened(data) as installation:
        made = mint(installation, kind, default_service(installation), read_clock())
    if as_json:
        terminal.json({"kind": kind, "token": made})
    else:
        terminal.line(made)
    return DONE


def work(*, data: Path | None) -> int:
    """A worker alone, in this process."""
    from matinee.app.worker import run_worker

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with opened(data) as installation:
        set_up_logging(installation.settings.log_level)
        Terminal().err.print("The worker runs; Ctrl-C ends it.", style="quiet")
        run_worker(installation, stop)
        os._exit(DONE)
