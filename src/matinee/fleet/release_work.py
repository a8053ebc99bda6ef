"""What is done with releases: uploaded, approved, tried, started, withdrawn; and how their waves move on by themselves.

Who does it is a name that the caller vouches for.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
import structlog
from sqlalchemy.engine import Connection

from matinee.base.clock import HOUR, Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import BoxId, ReleaseId, new_id
from matinee.base.units import DurationMs
from matinee.fleet import bundle, release_store, releases, signing, store
from matinee.fleet.buckets import ALL_BOXES
from matinee.fleet.bundle import SUFFIX, Bundle, Told
from matinee.fleet.model import Box, FleetError
from matinee.fleet.releases import WORDS, Act, ActKind, ReleaseKey, Spread, Style, UIRelease
from matinee.fleet.waves import Counts, EventKind, Freeze, OnTimeout, Phase, Plan, Wave, check_plan, next_step, share_before
from matinee.outside.database import Database
from matinee.outside.objects import ObjectStore
from matinee.parties import outbox

ACTOR: Final = "release"
MOST_SAMPLED: Final = 1_000

log = structlog.get_logger("matinee.releases")


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How a release spreads. `percents`: of all boxes of its models, wave by wave.

    `sample` None: a tenth of the boxes that a wave adds, 1 to 1,000. Limits are percent of the boxes that reported.
    """

    percents: tuple[float, ...] = (1, 10, 50, 100)
    sample: int | None = None
    soak_ms: DurationMs = DurationMs(1 * HOUR)
    timeout_ms: DurationMs = DurationMs(72 * HOUR)
    failing: float = 2.0
    lost: float | None = 5.0
    on_timeout: OnTimeout = OnTimeout.HALT
    freezes: tuple[Freeze, ...] = ()


def upload(
    database: Database, published: ObjectStore, file: Path, now: Instant, *, actor: str, taken: str | None
) -> tuple[UIRelease, bool]:
    """Take a bundle in as a draft; the release, and whether it is new. `taken`: the built-in release's version.

    The files come first, under a name that is made of all their hashes, and the row last: what ends this halfway leaves nothing
    that anybody is handed, and the same bundle goes on from there. Raises BundleRefused, FleetError.
    """
    releases.check_actor(actor)
    try:
        opened = file.open("rb")
    except OSError as error:
        raise FleetError(f"{file} cannot be read: {error.strerror}.", remedy=f"Name a file *{SUFFIX}.") from error
    with opened:
        made = Bundle(opened)
        with database.read() as conn:
            key = _signer(made, release_store.all_keys(conn))
            known = _known(conn, made, taken)
            _check_models(conn, made.told)
        styles: dict[str, str] = {}
        for path, body in made.files():
            if path in made.told.styles:
                styles[path] = bundle.sri(body)
            _put(published, f"releases/{made.digest}/{path}", body)
    if known is not None:
        return known, False
    release = UIRelease(
        id=ReleaseId(new_id()),
        product=made.told.product,
        version=made.told.version,
        digest=made.digest,
        entry=made.told.entry,
        integrity=made.told.integrity,
        styles=tuple(Style(path=path, integrity=styles[path]) for path in made.told.styles),
        models=None if made.told.models == "all" else made.told.models,
        files=made.told.files,
        made_at=made.told.made_at,
        uploaded_at=now,
        uploader=actor.strip(),
        key=key.id,
    )
    with database.write() as conn:
        outbox.hold(conn)  # two uploads of one version: the second finds the first
        _signer(made, release_store.all_keys(conn))
        known = _known(conn, made, taken)
        if known is not None:
            return known, False
        release_store.insert(conn, release, now)
    return release, True


def approve(conn: Connection, release: UIRelease, actor: str, now: Instant) -> Spread:
    """Approve a release; two approvals of others than who uploaded it make it approved. Raises FleetError."""
    return _do(conn, release, ActKind.APPROVED, actor, now, lambda held: releases.check_approval(*held, actor))


def give_to(conn: Connection, release: UIRelease, boxes: Sequence[Box], actor: str, now: Instant) -> Spread:
    """Give an approved release to boxes by name, ahead of its waves. Raises FleetError."""
    models = {one.id: one for one in store.all_models(conn)}
    for box in boxes:
        if not release.is_for(models.get(box.model)):
            raise FleetError(f"{release.version} is not for the model of {box.serial}.", remedy="Name a box of its models.")
    made = tuple(dict.fromkeys(box.id for box in boxes))
    return _do(conn, release, ActKind.NAMED, actor, now, lambda held: releases.check_named(held, made), boxes=made)


def start(conn: Connection, release: UIRelease, terms: Terms, actor: str, now: Instant) -> Spread:
    """Spread an approved release in waves over the boxes of its models. Raises FleetError, naming the wave."""
    outbox.hold(conn)
    held = release_store.load(conn, release.version)
    releases.check_start(held, release_store.all_spreads(conn))
    models = [one.id for one in store.all_models(conn) if release.is_for(one)]
    count = store.boxes_of_models(conn, models)
    plan = Plan(
        starts_at=now,
        recorded_at=now,
        waves=_waves(terms, held.stands.share, count),
        salt=release.id,  # one for all its plans, so that a greater share only adds
        author=actor.strip(),
        base=held.stands.share,
        freezes=terms.freezes,
    )
    check_plan(plan, count)
    return _do(conn, release, ActKind.STARTED, actor, now, lambda _: None, plan=plan)


def resume(conn: Connection, release: UIRelease, actor: str, now: Instant) -> Spread:
    """Begin a wave that halted anew: boxes on which it failed try it again, what was told before no longer counts."""
    outbox.hold(conn)
    held = release_store.load(conn, release.version)
    releases.check_resume(held, release_store.all_spreads(conn))
    wave = 0 if held.stands.waves is None else held.stands.waves.wave
    return _do(conn, release, ActKind.RESUMED, actor, now, lambda _: None, wave=wave)


def withdraw(conn: Connection, release: UIRelease, actor: str, now: Instant) -> Spread:
    """Take a release back: its boxes are meant to run the newest one before it, or the built-in one. Raises FleetError."""
    return _do(conn, release, ActKind.WITHDRAWN, actor, now, lambda held: releases.check_withdraw(*held))


def advance_all(database: Database, now: Instant) -> Sequence[tuple[UIRelease, Act]]:
    """Move the waves of every release on by what they do now; what happened. Blocks.

    One that cannot be moved is told of in the log, and holds up no other.
    """
    with database.read() as conn:
        moving = [one for one in release_store.all_spreads(conn) if _moves(one)]
    happened = []
    for spread in moving:
        try:
            act = _advance(database, spread, now)
        except Exception as error:
            log.error("a release cannot be moved on; it is tried again", version=spread.release.version, exc_info=error)
            continue
        if act is not None:
            happened.append((spread.release, act))
    return happened


def _moves(spread: Spread) -> bool:
    waves = spread.stands.waves
    moves = waves is not None and waves.phase in (Phase.WAITING, Phase.RUNNING)
    return moves and spread.stands.status is not releases.ReleaseStatus.WITHDRAWN


def _advance(database: Database, seen: Spread, now: Instant) -> Act | None:
    with database.read() as conn:
        if _wants(conn, seen, now) is None:
            return None
    with database.write() as conn:
        outbox.hold(conn)  # several processes do this, and staff act: one at a time, and each sees what came before
        held = release_store.load(conn, seen.release.version)
        step = _wants(conn, held, now) if held == seen else None
        if step is None or held.stands.waves is None:
            return None
        kind, says = step
        act = Act(kind=_ACTS[kind], at=now, actor=ACTOR, wave=held.stands.waves.wave, says=says)
        release_store.append(conn, held.release, act)
        return act


_ACTS = {EventKind.BEGUN: ActKind.BEGUN, EventKind.SUCCEEDED: ActKind.SUCCEEDED, EventKind.HALTED: ActKind.HALTED}


def _wants(conn: Connection, spread: Spread, now: Instant) -> tuple[EventKind, str] | None:
    plan, waves = spread.stands.plan, spread.stands.waves
    if plan is None or waves is None:
        return None
    counts = Counts()
    if waves.phase is Phase.RUNNING:
        places = share_before(plan, waves.wave), plan.waves[waves.wave].share
        counts = release_store.counts(conn, spread.release.id, places, waves.since, now)
    return next_step(plan, now, waves, counts, WORDS)


def _do(
    conn: Connection,
    release: UIRelease,
    kind: ActKind,
    actor: str,
    now: Instant,
    check: Callable[[Spread], None],
    *,
    wave: int = 0,
    plan: Plan | None = None,
    boxes: tuple[BoxId, ...] = (),
) -> Spread:
    """Append an act, once it holds of the release as it stands now, and nobody else acts."""
    outbox.hold(conn)
    releases.check_actor(actor)
    check(release_store.load(conn, release.version))
    release_store.append(conn, release, Act(kind=kind, at=now, actor=actor.strip(), wave=wave, plan=plan, boxes=boxes))
    return release_store.load(conn, release.version)


def _waves(terms: Terms, base: int, boxes: int) -> tuple[Wave, ...]:
    made, before = [], base
    for percent in terms.percents:
        share = round(percent * ALL_BOXES / 100)
        tenth = (share - before) * boxes // (ALL_BOXES * 10)
        wave = Wave(
            share=share,
            sample=max(1, min(tenth, MOST_SAMPLED)) if terms.sample is None else terms.sample,
            soak_ms=terms.soak_ms,
            timeout_ms=terms.timeout_ms,
            failing=terms.failing,
            lost=terms.lost,
            on_timeout=terms.on_timeout,
        )
        made.append(wave)
        before = share
    return tuple(made)


def _put(published: ObjectStore, place: str, body: bytes) -> None:
    """Let a file lie in its place. What lies there and is another is a damaged one: the place is named by what belongs there."""
    if not published.put_if_absent(place, body) and published.get(place) != body:
        published.put(place, body)


def _signer(made: Bundle, keys: Sequence[ReleaseKey]) -> ReleaseKey:
    for key in keys:
        may_sign = key.product == made.told.product and key.ended_at is None
        if may_sign and signing.is_signed_by(key.public_key, made.signature, made.raw):
            return key
    raise FleetError(
        f"The release is signed by no key that may sign for {made.told.product}.",
        remedy="See `matinee release key list` for who may, and let its key sign: `matinee release key add`.",
        code=ErrorCode.NOT_ALLOWED,
    )


def _known(conn: Connection, made: Bundle, taken: str | None) -> UIRelease | None:
    """The same release, if it was uploaded before. Raises FleetError where the version is another's."""
    version = made.told.version
    known = release_store.find(conn, version)
    if known is not None and known.digest == made.digest:
        return known
    if known is not None or version == taken:
        whose = "the built-in release" if known is None else f"a release that {known.uploader} uploaded"
        raise FleetError(
            f"The version {version} is that of {whose}, and a release never changes.",
            remedy="Pack it as another version.",
            code=ErrorCode.CONFLICT,
        )
    return None


def _check_models(conn: Connection, told: Told) -> None:
    known = {(one.oui, one.product_class) for one in store.all_models(conn)}
    for model in told.models if told.models != "all" else ():
        if model not in known:
            there = ", ".join(sorted(" ".join(one) for one in known)[:5]) or "none yet"
            raise FleetError(
                f"There is no box model {' '.join(model)}: the release is for a model that does not exist.",
                remedy=f"Tell of it in a scenario and apply that, or pack it for others. There are: {there}.",
            )
