"""Releases of the interface: how one stands, and which one a box is meant to run. Pure.

A release is uploaded by one person and approved by two others, and then spreads in waves (waves.py). What a box is meant to run
is never written down for each box: it follows from the share of the boxes that a release has come to, from the few boxes that are
named to try it, and from what the box itself confirmed.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from matinee.base.clock import MINUTE, Instant
from matinee.base.ids import BoxId, ReleaseId, ReleaseKeyId
from matinee.base.units import DurationMs
from matinee.fleet.buckets import ALL_BOXES, bucket
from matinee.fleet.model import Box, BoxModel, FleetError
from matinee.fleet.waves import EventKind, LimitWords, Phase, Plan, Standing, WaveEvent, share_before, standing

APPROVALS: Final = 2
MAX_NAMED: Final = 1_000
MAX_ACTOR: Final = 100
RETURNS_WITHIN_MS: Final = DurationMs(10 * MINUTE)
"""A box confirms seconds after a start; one that has not after this long did not come back. Two starts that do not stand and the
way back to the last good release take a launcher less than a minute."""

WORDS: Final = LimitWords(
    failing="its start did not stand",
    stalling="it stood still",
    lost="it was handed over and the box did not come back to confirm it",
)


class ReleaseStatus(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    ACTIVE = "active"
    WITHDRAWN = "withdrawn"


class ReleaseKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public key that signs releases of a product, until it is ended. `public_key`: as signing.py writes it."""

    id: ReleaseKeyId
    name: str
    product: str
    public_key: str
    added_at: Instant
    ended_at: Instant | None = None


class Style(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    path: str
    integrity: str


class UIRelease(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An uploaded release: it never changes. Paths are relative to it; `files` has each one's SHA-256.

    `digest` is release.json's and names where its files lie. `models`: by OUI and product class; None is every one.
    """

    id: ReleaseId
    product: str
    version: str
    digest: str
    entry: str
    integrity: str
    styles: tuple[Style, ...]
    models: tuple[tuple[str, str], ...] | None
    files: dict[str, str]
    made_at: str
    uploaded_at: Instant
    uploader: str
    key: ReleaseKeyId

    def is_for(self, model: BoxModel | None) -> bool:
        """Whether boxes of a model may run it; a box whose model is not known may run what is for every one."""
        return self.models is None or (model is not None and (model.oui, model.product_class) in self.models)

    def object_path(self, path: str) -> str:
        """Where one of its files lies in the published store."""
        return f"releases/{self.digest}/{path}"


class ActKind(StrEnum):
    APPROVED = "approved"
    NAMED = "named"
    STARTED = "started"
    BEGUN = "begun"
    SUCCEEDED = "succeeded"
    HALTED = "halted"
    RESUMED = "resumed"
    WITHDRAWN = "withdrawn"


_OF_WAVES: Final = {
    ActKind.BEGUN: EventKind.BEGUN,
    ActKind.SUCCEEDED: EventKind.SUCCEEDED,
    ActKind.HALTED: EventKind.HALTED,
    ActKind.RESUMED: EventKind.RESUMED,
}


class Act(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that was done to a release, or that its waves did: appended, never edited."""

    kind: ActKind
    at: Instant
    actor: str
    wave: int = 0
    says: str = ""
    plan: Plan | None = None
    boxes: tuple[BoxId, ...] = ()


class ReleaseStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How a release stands. `waves` is where its newest `plan` stands. `given_since`: since when boxes may have it, by a plan or
    by name. `attempt` counts how often staff said to try it again after a halt: boxes on which it failed then try it again too.
    """

    status: ReleaseStatus = ReleaseStatus.DRAFT
    approvers: tuple[str, ...] = ()
    named: frozenset[BoxId] = frozenset()
    plan: Plan | None = None
    waves: Standing | None = None
    given_since: Instant | None = None
    attempt: int = 0

    @property
    def share(self) -> int:
        """The boxes of 10,000 that have it, drawn by the plan's salt. A wave that halted no longer adds its boxes."""
        if self.plan is None or self.waves is None or self.status is ReleaseStatus.WITHDRAWN:
            return 0
        if self.waves.phase is Phase.FINISHED:
            return self.plan.waves[-1].share
        if self.waves.phase is Phase.RUNNING:
            return self.plan.waves[self.waves.wave].share
        return share_before(self.plan, self.waves.wave)


def stand(acts: Iterable[Act]) -> ReleaseStanding:
    """Fold what was done, in its order."""
    approvers: list[str] = []
    named: set[BoxId] = set()
    plan, events = None, list[WaveEvent]()
    started = named_at = None
    attempt, was_active, is_withdrawn = 0, False, False
    for act in acts:
        if act.kind is ActKind.APPROVED:
            approvers.append(act.actor)
        elif act.kind is ActKind.NAMED:
            named.update(act.boxes)
            named_at = act.at if named_at is None else named_at
        elif act.kind is ActKind.STARTED:
            plan, events = act.plan, []
            started = act.at if started is None else started
        elif act.kind is ActKind.WITHDRAWN:
            is_withdrawn = True
        else:
            attempt += act.kind is ActKind.RESUMED
            events.append(WaveEvent(kind=_OF_WAVES[act.kind], wave=act.wave, at=act.at, actor=act.actor, says=act.says))
            was_active |= plan is not None and standing(plan, events).phase is Phase.FINISHED
    status = ReleaseStatus.APPROVED if len(approvers) >= APPROVALS else ReleaseStatus.DRAFT
    if is_withdrawn or was_active:
        status = ReleaseStatus.WITHDRAWN if is_withdrawn else ReleaseStatus.ACTIVE
    return ReleaseStanding(
        status=status,
        approvers=tuple(approvers),
        named=frozenset(named),
        plan=plan,
        waves=None if plan is None else standing(plan, events),
        given_since=started if started is not None else named_at,
        attempt=attempt,
    )


class Spread(NamedTuple):
    """A release and how it stands."""

    release: UIRelease
    stands: ReleaseStanding


class Answer(NamedTuple):
    """Whether a release is for a box, and why."""

    version: str
    holds: bool
    says: str


def newest_first(spreads: Iterable[Spread]) -> Sequence[Spread]:
    """Those that boxes may have, in the order in which a box is asked about them: what was started last comes first."""
    given = [one for one in spreads if one.stands.given_since is not None and one.stands.status is not ReleaseStatus.WITHDRAWN]
    return sorted(given, key=lambda one: (one.stands.given_since, one.release.uploaded_at, one.release.id), reverse=True)


def meant_for(ordered: Iterable[Spread], box: Box | None, model: BoxModel | None) -> Spread | None:
    """The release that a box is meant to run: the first of `newest_first` that is for it; None for the built-in one."""
    return next((one for one in ordered if answer(one, box, model).holds), None)


def answer(spread: Spread, box: Box | None, model: BoxModel | None) -> Answer:
    """Whether a release is for a box. Of those for which it is, the newest is the one."""
    release, stands = spread
    holds, says = _answer(release, stands, box, model)
    return Answer(release.version, holds, says)


def _answer(release: UIRelease, stands: ReleaseStanding, box: Box | None, model: BoxModel | None) -> tuple[bool, str]:
    if stands.status is ReleaseStatus.WITHDRAWN:
        return False, "It is withdrawn."
    if stands.status is ReleaseStatus.DRAFT:
        return False, f"It has {len(stands.approvers)} approvals of {APPROVALS}."
    if not release.is_for(model):
        return False, "It is for other box models."
    if box is not None and box.id in stands.named:
        return True, "The box is named to try it."
    if stands.plan is None:
        return False, "It has not been started."
    if stands.share == ALL_BOXES:
        return True, "It is for all boxes of its models."
    if box is None:
        return False, f"It is for {stands.share / 100:g} % of the boxes, and this one is not known."
    place = bucket(stands.plan.salt, box.id, ALL_BOXES)
    if place < stands.share:
        return True, f"It is for {stands.share / 100:g} % of the boxes, and this one is among them: its place is {place / 100:g}."
    if box.confirmed_release == release.version:
        return True, "The box has confirmed it and keeps it, though its waves do not add this box now."
    return False, f"It is for {stands.share / 100:g} % of the boxes, and the place of this one is {place / 100:g}."


def is_same_person(one: str, other: str) -> bool:
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def check_actor(actor: str) -> None:
    """Refuse an act that nobody, or an endless name, does. Raises FleetError."""
    if not 0 < len(actor.strip()) <= MAX_ACTOR:
        raise FleetError(f"The name of who does it has no or over {MAX_ACTOR} characters.", remedy="Say who you are: --by NAME.")


def check_approval(release: UIRelease, stands: ReleaseStanding, actor: str) -> None:
    """Refuse what is no approval of somebody else. Raises FleetError."""
    check_actor(actor)
    if stands.status is not ReleaseStatus.DRAFT:
        raise FleetError(
            f"{release.version} waits for no approval: it is {stands.status.value}.", remedy="See `matinee release list`."
        )
    if is_same_person(actor, release.uploader):
        raise FleetError(f"{actor} uploaded {release.version} and cannot approve it.", remedy="Have two others do it.")
    if any(is_same_person(actor, one) for one in stands.approvers):
        raise FleetError(f"{actor} has approved {release.version} already.", remedy="Have somebody else do it: it takes two.")


def check_start(spread: Spread, others: Iterable[Spread]) -> None:
    """Refuse to spread what nobody approved, what spreads already, or what would cross another release. Raises FleetError."""
    release, stands = spread
    _check_given(release, stands)
    if stands.waves is not None and stands.waves.phase is not Phase.FINISHED:
        how = "its waves halted" if stands.waves.phase is Phase.HALTED else "it spreads already"
        raise FleetError(f"{release.version} cannot be started: {how}.", remedy="Resume or withdraw it: `matinee release`.")
    if stands.share == ALL_BOXES:
        raise FleetError(f"{release.version} is for all boxes of its models already.", remedy="Nothing is to be done.")
    _check_crossing(spread, others)


def check_named(spread: Spread, boxes: Sequence[BoxId]) -> None:
    """Refuse to give a release to boxes by name. Raises FleetError."""
    _check_given(*spread)
    if len(spread.stands.named | set(boxes)) > MAX_NAMED:
        raise FleetError(f"More than {MAX_NAMED:,} boxes would be named.", remedy="Start it: waves are for many boxes.")


def check_resume(spread: Spread, others: Iterable[Spread]) -> None:
    """Refuse to begin a wave anew that did not halt. Raises FleetError."""
    release, stands = spread
    if stands.status is ReleaseStatus.WITHDRAWN or stands.waves is None or stands.waves.phase is not Phase.HALTED:
        raise FleetError(f"No wave of {release.version} has halted.", remedy="See `matinee release list`.")
    _check_crossing(spread, others)


def check_withdraw(release: UIRelease, stands: ReleaseStanding) -> None:
    """Raises FleetError."""
    if stands.status is ReleaseStatus.WITHDRAWN:
        raise FleetError(f"{release.version} is withdrawn already.", remedy="Nothing is to be done.")


def _check_given(release: UIRelease, stands: ReleaseStanding) -> None:
    if stands.status is ReleaseStatus.WITHDRAWN:
        raise FleetError(f"{release.version} is withdrawn.", remedy="Pack it again as another version, and upload that.")
    if stands.status is ReleaseStatus.DRAFT:
        count = len(stands.approvers)
        raise FleetError(
            f"{release.version} has {count} {'approval' if count == 1 else 'approvals'} of {APPROVALS}.",
            remedy=f"Have two who did not upload it say: matinee release approve {release.version} --by NAME.",
        )


def _check_crossing(spread: Spread, others: Iterable[Spread]) -> None:
    release = spread.release
    for other, its in others:
        if other.id == release.id or its.plan is None or its.waves is None or its.status is ReleaseStatus.WITHDRAWN:
            continue
        if not _share_models(release, other):
            continue
        if other.product != release.product:
            raise FleetError(
                f"Boxes of the same models run {other.product} ({other.version}): a model runs one product.",
                remedy=f"Withdraw the releases of {other.product} first, or name other models.",
            )
        if its.waves.phase in (Phase.WAITING, Phase.RUNNING):
            raise FleetError(
                f"{other.version} still spreads over boxes of the same models.",
                remedy=f"Let it end, or withdraw it: matinee release withdraw {other.version}.",
            )
        if its.share == ALL_BOXES and _is_covered(release, other) and _came_before(spread.stands, its):
            raise FleetError(
                f"{other.version} was started later and is for all boxes of these models: none would run {release.version}.",
                remedy=f"Withdraw that one first: matinee release withdraw {other.version}.",
            )


def _share_models(one: UIRelease, other: UIRelease) -> bool:
    return one.models is None or other.models is None or bool(set(one.models) & set(other.models))


def _is_covered(one: UIRelease, by: UIRelease) -> bool:
    return by.models is None or (one.models is not None and set(one.models) <= set(by.models))


def _came_before(one: ReleaseStanding, other: ReleaseStanding) -> bool:
    """Whether a release was first started before another: it stays behind that one, however often it is started."""
    began, its = one.given_since, other.given_since
    return one.plan is not None and began is not None and its is not None and began < its
