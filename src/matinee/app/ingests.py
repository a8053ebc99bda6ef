"""What the command line and the demo share of an ingest: which files are meant, where they go, how one ended."""

from collections.abc import Sequence
from pathlib import Path

from matinee.app.installation import Installation, read_clock
from matinee.base.errors import ErrorCode, InvalidRequest
from matinee.catalogue import store as catalogue
from matinee.catalogue.model import Service
from matinee.catalogue.naming import FILM_SUFFIXES, printable
from matinee.catalogue.work import IngestOutcome, IngestRequest, OutcomeState, read_outcome
from matinee.parties import store as parties


def films_in(paths: Sequence[Path]) -> list[Path]:
    """The film files that are meant: a file is taken as it is named, a folder is searched for names of films.

    Raises InvalidRequest for a path that is not there and for a folder without films.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = [p for p in sorted(path.rglob("*")) if _looks_like_a_film(p.relative_to(path), p)]
            if not inside:
                raise InvalidRequest(
                    f"There is no film in the folder {path}.",
                    remedy="Films are files such as NAME.mp4, NAME.mkv, NAME.mov, NAME.webm.",
                )
            found |= dict.fromkeys(inside)
        elif path.exists():
            found[path] = None
        else:
            raise InvalidRequest(f"There is no file or folder {path}.", remedy="See that the path is spelled right.")
    return list(found)


def _looks_like_a_film(inside: Path, path: Path) -> bool:
    """By its name alone; what is hidden, or in a hidden folder, is somebody's half-made file."""
    hidden = any(part.startswith(".") for part in inside.parts)
    return not hidden and path.suffix.lstrip(".").lower() in FILM_SUFFIXES and path.is_file()


def default_service(installation: Installation, name: str | None = None) -> Service:
    """The service that films go to: by name, or the one that the settings name; made where it is not there."""
    settings, now = installation.settings, read_clock()
    with installation.database.write() as conn:
        publisher = parties.ensure_publisher(conn, settings.publisher, settings.currency, now)
        return catalogue.ensure_service(conn, publisher.id, name or settings.service, now)


def outcome_of(installation: Installation, request: IngestRequest) -> IngestOutcome | None:
    """How an ingest ended, None while it has not."""
    state = installation.queue.state(request.ingest)
    if state is None or state.state in ("waiting", "running"):
        return None
    if state.state == "done" and state.result is not None:
        return read_outcome(state.result)
    return IngestOutcome(
        ingest=request.ingest,
        state=OutcomeState.FAILED,
        name=printable(Path(request.source).name),
        code=ErrorCode.INTERNAL,
        message=f"{printable(Path(request.source).name)} could not be ingested: {state.error or state.state}.",
        remedy="Add it again; if it fails again, the worker's log says more.",
    )
