"""What a box's identity becomes when it shows a key, and when its serial is told of twice. Pure.

A key cannot be taken out of a box, so two keys are two boxes, or one box that was cleared or mended: the second key alone
does not say which. It is taken, and the box is unverified. Only the first key coming back within a day says that both are
alive: then the box is held. Once staff have named the right key no other one changes anything: whoever holds a copied
token cannot have the right box held again.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from matinee.base.clock import DAY, Instant
from matinee.base.ids import BoxId
from matinee.fleet.model import HELD, Box, BoxIdentity, BoxKey, IdentityCause, KeyStanding, PublicKey

ALTERNATE_WITHIN_MS: Final = DAY
"""How soon a key must come back to show that two boxes are alive. Later it may be a firmware that was taken back to the other of
two partitions, each with a key of its own."""

NEW_KEYS_A_DAY: Final = 8
"""Keys of one box that are put on record within a day. One that is on record already may always be shown."""

VOUCHED: Final = frozenset({IdentityCause.RELEASED, IdentityCause.KEY_ACCEPTED})


class KeyShown(NamedTuple):
    """What comes of a key that was shown. `standing` None: nothing is put on record; `identity` None: it stays as it is.

    `is_taken`: the key is the box's own. `is_refused`: too many keys came within a day.
    """

    is_taken: bool
    standing: KeyStanding | None = None
    identity: BoxIdentity | None = None
    why: IdentityCause | None = None
    is_refused: bool = False


def own_key(keys: Sequence[BoxKey]) -> PublicKey | None:
    """The key that a box goes by: the last one that was taken or accepted. `keys` in the order of recording."""
    return next((one.key for one in reversed(keys) if one.standing is not KeyStanding.WAITING), None)


def accepted_key(keys: Sequence[BoxKey]) -> PublicKey | None:
    """The key that staff named last, None where they never did."""
    return next((one.key for one in reversed(keys) if one.standing is KeyStanding.ACCEPTED), None)


def distinct_keys(keys: Sequence[BoxKey]) -> Sequence[PublicKey]:
    """All keys of a box, its own first, then those seen last."""
    own = own_key(keys)
    latest = [one.key for one in reversed(keys)]
    return list(dict.fromkeys(latest if own is None else [own, *latest]))


def waiting_keys(keys: Sequence[BoxKey]) -> Sequence[PublicKey]:
    """The keys that only staff can say something of: those shown since the last was accepted, where there is more than one."""
    accepted = accepted_key(keys)
    if accepted is None:
        known = distinct_keys(keys)
        return known if len(known) > 1 else ()
    last = max(place for place, one in enumerate(keys) if one.standing is KeyStanding.ACCEPTED)
    return list(dict.fromkeys(one.key for one in keys[last + 1 :] if one.key != accepted))


def show(identity: BoxIdentity, keys: Sequence[BoxKey], shown: PublicKey, now: Instant, *, for_show: bool = False) -> KeyShown:
    """Decide for a box of this identity and these keys, in the order of recording, that has proved to hold the key shown.

    `for_show`: it is the demo's box, which any number of browsers are by turns.
    """
    own, accepted = own_key(keys), accepted_key(keys)
    if shown == own:
        proved = shown == accepted and identity is BoxIdentity.UNVERIFIED
        return KeyShown(True, None, BoxIdentity.VERIFIED, IdentityCause.KEY_PROVED) if proved else KeyShown(True)
    known = any(one.key == shown for one in keys)
    if not for_show and not known and sum(one.recorded_at > now - DAY for one in keys) >= NEW_KEYS_A_DAY:
        return KeyShown(False, is_refused=True)
    if own is None:
        if identity in HELD:
            return KeyShown(True, KeyStanding.USED)
        return KeyShown(True, KeyStanding.USED, BoxIdentity.VERIFIED, IdentityCause.FIRST_KEY)
    if accepted is not None or identity in HELD:
        return KeyShown(False, None if _waits(keys, shown) else KeyStanding.WAITING)
    if not for_show and known and now - _taken_at(keys) <= ALTERNATE_WITHIN_MS:
        return KeyShown(False, KeyStanding.WAITING, BoxIdentity.CLONED, IdentityCause.KEYS_ALTERNATE)
    changes = identity is not BoxIdentity.UNVERIFIED
    return KeyShown(
        True,
        KeyStanding.USED,
        BoxIdentity.UNVERIFIED if changes else None,
        IdentityCause.ANOTHER_KEY if changes else None,
    )


def _taken_at(keys: Sequence[BoxKey]) -> Instant:
    """When the box's own key was taken in the place of the one before it."""
    return next(one.recorded_at for one in reversed(keys) if one.standing is not KeyStanding.WAITING)


def _waits(keys: Sequence[BoxKey], shown: PublicKey) -> bool:
    """Whether a key is on record as waiting since the last one was taken or accepted."""
    for one in reversed(keys):
        if one.standing is not KeyStanding.WAITING:
            return False
        if one.key == shown:
            return True
    return False


def repeated(boxes: Iterable[Box], vouched: frozenset[BoxId]) -> tuple[Sequence[BoxId], BoxIdentity, IdentityCause]:
    """What becomes of boxes of one model and serial that stand at more than one line: which change, to what, and why.

    That they are told of twice is a doubt: they are quarantined. That they have shown two keys is a proof: they are clones.
    Those that staff vouched for stay as they are.
    """
    boxes = list(boxes)
    two_keys = len({one.public_key for one in boxes if one.public_key is not None}) > 1
    identity = BoxIdentity.CLONED if two_keys else BoxIdentity.QUARANTINED
    why = IdentityCause.SERIAL_WITH_TWO_KEYS if two_keys else IdentityCause.SERIAL_REPEATED
    may_change = {BoxIdentity.UNVERIFIED, BoxIdentity.VERIFIED} | ({BoxIdentity.QUARANTINED} if two_keys else set())
    return [one.id for one in boxes if one.identity in may_change and one.id not in vouched], identity, why
