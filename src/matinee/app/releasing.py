"""`matinee release`: bundles made, taken in, approved, spread and withdrawn; and which one a box is meant to run."""

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from sqlalchemy.engine import Connection

from matinee.app.boxes import one_box
from matinee.app.commands import DONE, opened
from matinee.app.installation import read_clock
from matinee.app.screens import built_release
from matinee.app.terminal import Terminal
from matinee.base.clock import HOUR, Instant, from_rfc3339, to_rfc3339
from matinee.base.errors import InvalidRequest
from matinee.base.units import DurationMs
from matinee.fleet import bundle, signing
from matinee.fleet import release_store as store
from matinee.fleet import release_work as work
from matinee.fleet import store as fleet
from matinee.fleet.release_book import ReleaseBook
from matinee.fleet.release_work import Terms
from matinee.fleet.releases import ReleaseStatus, Spread, UIRelease, check_actor
from matinee.fleet.waves import Freeze, OnTimeout

Act = Callable[[Connection, UIRelease, str, Instant], Spread]
ACTS: dict[str, Act] = {"approve": work.approve, "resume": work.resume, "withdraw": work.withdraw}
_STYLES = {ReleaseStatus.ACTIVE: "good", ReleaseStatus.WITHDRAWN: "quiet", ReleaseStatus.APPROVED: "name"}


# --- making bundles, where no installation is needed ----------------------------------------------------------------------


def keygen(file: Path) -> int:
    """A new private key in a file for its owner alone, and its public half on standard output."""
    private = signing.new_private_key()
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be made: {error.strerror}.", remedy="Name a file that is not there yet.") from error
    with os.fdopen(descriptor, "wb") as out:
        out.write(private)
    Terminal().line(signing.public_key_of(private))
    return DONE


def pack(folder: Path, *, key: Path, version: str, models: Sequence[str], out: Path | None) -> int:
    """A bundle of a built folder, signed; its name is VERSION.matinee-ui unless `out` names another."""
    try:
        private = key.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{key} cannot be read: {error.strerror}.", remedy="Name the file that keygen made.") from error
    wanted: bundle.Models = "all" if not models else tuple(_model(one) for one in models)
    made_at = to_rfc3339(read_clock())
    made = bundle.pack_folder(folder, private, version=version, models=wanted, made_at=made_at)
    file = out or Path(f"{version}{bundle.SUFFIX}")
    draft = file.with_name(f".{file.name}.draft")
    try:
        draft.write_bytes(made)
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise InvalidRequest(f"{file} cannot be written: {error.strerror}.", remedy="Name another with --out.") from error
    Terminal().line(str(file))
    return DONE


def _model(text: str) -> tuple[str, str]:
    oui, colon, product_class = text.partition(":")
    if not colon:
        raise InvalidRequest(
            f"{text!r} is no box model.", remedy="Write its OUI, a colon and its product class: 001A2B:demo-box."
        )
    return oui.upper(), product_class


# --- who may sign -----------------------------------------------------------------------------------------------------


def key(
    action: Literal["list", "add", "end"], name: str, *, product: str, public: str, by: str, data: Path | None, as_json: bool
) -> int:
    """Let a key sign, end that, or list who may and might."""
    with opened(data) as installation, installation.database.write() as conn:
        if action != "list":
            check_actor(by)
            if not name.strip():
                raise InvalidRequest("No key is named.", remedy=f"Write: matinee release key {action} NAME.")
        if action == "add":
            signing.read_public_key(public)
            if not product.strip():
                raise InvalidRequest("No product is named.", remedy="Write --product: matinee-ui is that of our own screens.")
            store.add_key(conn, name.strip(), product.strip(), public, read_clock(), actor=by.strip())
        elif action == "end":
            store.end_key(conn, name.strip(), read_clock(), actor=by.strip())
        keys = store.all_keys(conn)
    terminal = Terminal()
    if as_json:
        terminal.json({"keys": [msgspec.to_builtins(one) for one in keys]})
    elif keys:
        cells = [[one.name, one.product, one.public_key, "signs" if one.ended_at is None else "ended"] for one in keys]
        terminal.table(["key", "product", "public key", "state"], cells)
    else:
        terminal.line("No key may sign releases yet: `matinee release keygen` makes one.")
    return DONE


# --- what is done to a release ------------------------------------------------------------------------------------------


def upload(file: Path, *, by: str, data: Path | None, as_json: bool) -> int:
    """Take a bundle in as a draft."""
    with opened(data) as installation:
        built = built_release(installation.settings.screens)
        taken = None if built is None else built.version
        release, is_new = work.upload(installation.database, installation.published, file, read_clock(), actor=by, taken=taken)
    terminal = Terminal()
    if as_json:
        terminal.json({"version": release.version, "product": release.product, "new": is_new, "files": len(release.files)})
    elif is_new:
        terminal.line(f"{release.version} of {release.product} is a draft: two who did not upload it approve it.", "good")
    else:
        terminal.line(f"{release.version} is there already, the same in every byte.")
    return DONE


def act(name: str, version: str, *, by: str, data: Path | None, as_json: bool) -> int:
    """One of `ACTS`, then how the release stands."""
    return _acted(version, data, as_json, lambda conn, release, now: ACTS[name](conn, release, by, now))


def give_to(version: str, boxes: Sequence[str], *, by: str, data: Path | None, as_json: bool) -> int:
    """Give an approved release to boxes, each by its serial or id, ahead of its waves."""

    def do(conn: Connection, release: UIRelease, now: Instant) -> Spread:
        return work.give_to(conn, release, [one_box(conn, name) for name in boxes], by, now)

    return _acted(version, data, as_json, do)


def start(
    version: str,
    *,
    percent: str,
    sample: int | None,
    soak: float,
    timeout: float,
    failing: float,
    lost: float,
    on_timeout: OnTimeout,
    freezes: Sequence[str],
    by: str,
    data: Path | None,
    as_json: bool,
) -> int:
    """Spread a release in waves. Times are hours."""
    try:
        percents = tuple(float(one) for one in percent.split(",") if one.strip())
        if not all(math.isfinite(one) for one in percents):
            raise ValueError(percent)
    except ValueError as error:
        raise InvalidRequest(f"{percent!r} are no percentages.", remedy="Write them with commas: 1,10,50,100.") from error
    terms = Terms(
        percents=percents,
        sample=sample,
        soak_ms=_hours(soak),
        timeout_ms=_hours(timeout),
        failing=failing,
        lost=lost,
        on_timeout=on_timeout,
        freezes=tuple(_freeze(one) for one in freezes),
    )
    return _acted(version, data, as_json, lambda conn, release, now: work.start(conn, release, terms, by, now))


def _hours(hours: float) -> DurationMs:
    if not math.isfinite(hours):
        raise InvalidRequest(f"{hours:g} is no number of hours.", remedy="Write hours, such as 1 or 0.5.")
    return DurationMs(round(hours * HOUR))


def _freeze(text: str) -> Freeze:
    begins, _, ends = text.partition("/")
    try:
        return Freeze(start=from_rfc3339(begins), end=from_rfc3339(ends))
    except ValueError as error:
        raise InvalidRequest(
            f"{text!r} is no time between two moments.",
            remedy="Write 2014-12-24T00:00:00Z/2014-12-27T00:00:00Z, with their zones.",
        ) from error


def _acted(version: str, data: Path | None, as_json: bool, do: Callable[[Connection, UIRelease, Instant], Spread]) -> int:
    with opened(data) as installation, installation.database.write() as conn:
        spread = do(conn, store.load(conn, version).release, read_clock())
    terminal = Terminal()
    if as_json:
        terminal.json(_row(spread))
    else:
        _tell(terminal, spread)
    return DONE


# --- looking ------------------------------------------------------------------------------------------------------------


def list_all(*, data: Path | None, as_json: bool) -> int:
    """Every release, in the order of uploading, and how it stands."""
    with opened(data) as installation, installation.database.read() as conn:
        spreads = store.all_spreads(conn)
    terminal = Terminal()
    if as_json:
        terminal.json({"releases": [_row(one) for one in spreads]})
        return DONE
    if not spreads:
        terminal.line("No release was uploaded: every box is meant to run the built-in screens.")
    for one in spreads:
        _tell(terminal, one)
    return DONE


def show(version: str, *, data: Path | None, as_json: bool) -> int:
    """All of one release: what it is, and everything that was done to it."""
    with opened(data) as installation, installation.database.read() as conn:
        spread = store.load(conn, version)
        acts = store.acts_of(conn, spread.release.id)
    release = spread.release
    terminal = Terminal()
    if as_json:
        told = [msgspec.to_builtins(one) | {"at": to_rfc3339(one.at)} for one in acts]
        terminal.json(
            {**_row(spread), "files": release.files, "made_at": release.made_at, "digest": release.digest, "acts": told}
        )
        return DONE
    _tell(terminal, spread)
    models = "every model" if release.models is None else ", ".join(" ".join(one) for one in release.models)
    terminal.line(f"  made {release.made_at}, {len(release.files)} files, for {models}")
    terminal.line(f"  {to_rfc3339(release.uploaded_at)}  uploaded by {release.uploader}")
    for one in acts:
        wave = f" wave {one.wave + 1}" if one.actor == work.ACTOR else ""
        terminal.line(f"  {to_rfc3339(one.at)}  {one.kind.value}{wave} by {one.actor}{f': {one.says}' if one.says else ''}")
    return DONE


def explain(name: str, *, data: Path | None, as_json: bool) -> int:
    """Which release a box is meant to run, and why; beside it what it was handed and what it confirmed."""
    with opened(data) as installation, installation.database.read() as conn:
        box = one_box(conn, name)
        model = {one.id: one for one in fleet.all_models(conn)}.get(box.model)
        book = ReleaseBook(built_release(installation.settings.screens))
        book.load(conn)
    meant, answers = book.meant_for(box, model), book.explain(box, model)
    version = None if meant is None else meant.version
    terminal = Terminal()
    if as_json:
        told = [one._asdict() for one in answers]
        of_box = {"box": box.id, "serial": box.serial, "installed": box.installed_release, "confirmed": box.confirmed_release}
        terminal.json({**of_box, "meant": version, "answers": told})
        return DONE
    is_builtin = not any(one.holds for one in answers)
    terminal.line(
        f"{box.serial} is meant to run {version or 'nothing'}{' (built in)' if is_builtin and version else ''}.", "name"
    )
    for one in answers:
        terminal.line(f"  {'✓' if one.holds else '✗'} {one.version}: {one.says}", "good" if one.holds else "quiet")
        if one.holds:
            break
    terminal.line(f"  It was last handed {box.installed_release or 'none'} and last confirmed {box.confirmed_release or 'none'}.")
    return DONE


def _tell(terminal: Terminal, spread: Spread) -> None:
    release, stands = spread
    terminal.line(f"{release.version}  {release.product}  {stands.status.value}", _STYLES.get(stands.status, "note"))
    if stands.status is ReleaseStatus.DRAFT:
        terminal.line(f"  approved by {', '.join(stands.approvers) or 'nobody'} of two")
    if stands.plan is not None and stands.waves is not None and stands.status is not ReleaseStatus.WITHDRAWN:
        number, count = min(stands.waves.wave + 1, len(stands.plan.waves)), len(stands.plan.waves)
        terminal.line(
            f"  {stands.waves.phase.value} in wave {number} of {count}, for {stands.share / 100:g} % of the boxes,"
            f" since {to_rfc3339(stands.waves.since)}"
        )
        if stands.waves.says:
            terminal.line(f"  {stands.waves.says}")
    if stands.named:
        terminal.line(f"  {len(stands.named)} boxes are named to try it")


def _row(spread: Spread) -> dict[str, Any]:
    release, stands = spread
    waves = stands.waves
    return {
        "version": release.version,
        "product": release.product,
        "status": stands.status.value,
        "models": "all" if release.models is None else [list(one) for one in release.models],
        "uploaded_by": release.uploader,
        "uploaded_at": to_rfc3339(release.uploaded_at),
        "approved_by": list(stands.approvers),
        "phase": None if waves is None else waves.phase.value,
        "wave": None if waves is None or stands.plan is None else min(waves.wave + 1, len(stands.plan.waves)),
        "waves": None if stands.plan is None else len(stands.plan.waves),
        "percent": stands.share / 100,
        "says": "" if waves is None else waves.says,
        "named": len(stands.named),
    }
