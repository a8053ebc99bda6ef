"""What is recorded when a box shows a key, and when staff name the right one. The keys themselves lie in store.box_keys."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import BoxId
from matinee.fleet import store
from matinee.fleet.identities import KeyShown, distinct_keys, show
from matinee.fleet.model import HELD, Box, BoxIdentity, FleetError, IdentityCause, KeyStanding, PublicKey
from matinee.fleet.rules import thumbprint
from matinee.parties import audit, outbox
from matinee.parties.tokens import Token


def show_key(conn: Connection, box: BoxId, key: PublicKey, now: Instant) -> tuple[Box, KeyShown]:
    """Record that a box has proved to hold a key; the box as it now is, and what came of it. See identities.show."""
    before = store.load_box(conn, box)
    as_ever = show(before.identity, list(store.keys_of(conn, [box])), key, now)
    if as_ever.is_taken and as_ever.standing is None and as_ever.identity is None:
        return before, as_ever  # nearly every start: nobody else need wait for it
    outbox.hold(conn)  # two screens with one token must not both be the first
    before = store.load_box(conn, box)
    for_show = _is_for_show(conn, box)
    outcome = show(before.identity, list(store.keys_of(conn, [box])), key, now, for_show=for_show)
    if outcome.standing is not None:
        store.record_keys(conn, {box: key}, outcome.standing, now)
    if outcome.identity is not None and outcome.why is not None:
        store.record_identity(conn, {box: outcome.identity}, outcome.why, now)
        if outcome.identity in HELD:
            detail = {"serial": before.serial, "why": outcome.why.value, "key": thumbprint(key)}
            audit.record(conn, store.ACTOR, "box.hold", box, detail, now, sides=store.sides_of(conn, box, now))
    if outcome.standing is KeyStanding.USED:
        store.hold_repeated(conn, box, now, now)
    if outcome.standing is not None or outcome.identity is not None:
        conn.execute(sa.update(store.boxes).where(store.boxes.c.id == box).values(last_seen=now))
        outbox.append(conn, store.TOPIC, box, {"kind": store.BOX_CHANGED}, now)
    return store.load_box(conn, box), outcome


def mark_for_show(conn: Connection, box: BoxId, now: Instant) -> None:
    """Record once that a box is the demo's, which any browser may be."""
    outbox.hold(conn)
    if not _is_for_show(conn, box):
        store.record_identity(conn, {box: BoxIdentity.UNVERIFIED}, IdentityCause.FOR_SHOW, now)
        outbox.append(conn, store.TOPIC, box, {"kind": store.BOX_CHANGED}, now)


def new_token(conn: Connection, box: BoxId, now: Instant, *, actor: str) -> Token:
    """End all tokens of a box and mint one: the way back where a token was copied. It is shown this once."""
    outbox.hold(conn)  # before the audit's lock, as everywhere: two that take them the other way round wait for each other
    ended = store.revoke_box_tokens(conn, box, now)
    audit.record(conn, actor, "box.token", box, {"ended": ended}, now, sides=store.sides_of(conn, box, now))
    return store.mint_box_token(conn, box, now)


def release_box(conn: Connection, box: BoxId, now: Instant, *, actor: str, key: str = "") -> Box:
    """Let a box out of quarantine, by the thumbprint of its right key: it is unverified until that key proves it anew.

    A box that showed one key at most needs no thumbprint. Raises FleetError.
    """
    outbox.hold(conn)
    before = store.load_box(conn, box)
    if before.identity not in HELD:
        raise FleetError(f"The box is in no quarantine: it is {before.identity.value}.", remedy="Nothing is to be done.")
    known = () if _is_for_show(conn, box) else distinct_keys(list(store.keys_of(conn, [box])))
    right = _named(known, key) if key or len(known) > 1 else next(iter(known), None)
    if right is not None:
        store.record_keys(conn, {box: right}, KeyStanding.ACCEPTED, now)
    store.record_identity(conn, {box: BoxIdentity.UNVERIFIED}, IdentityCause.RELEASED, now)
    named = "" if right is None else thumbprint(right)
    detail = {"serial": before.serial, "was": before.identity.value, "key": named}
    audit.record(conn, actor, "box.release", box, detail, now, sides=store.sides_of(conn, box, now))
    outbox.append(conn, store.TOPIC, box, {"kind": store.BOX_CHANGED}, now)
    return store.load_box(conn, box)


def accept_key(conn: Connection, box: BoxId, key: str, now: Instant, *, actor: str) -> Box:
    """Accept a key that the box has shown, by its thumbprint, as the right one: the box is verified. Raises FleetError."""
    outbox.hold(conn)
    before = store.load_box(conn, box)
    if before.identity in HELD:
        raise FleetError(
            f"The box is {before.identity.value}, and held.", remedy="Let it out by its key: matinee boxes release BOX --key."
        )
    right = _named(distinct_keys(list(store.keys_of(conn, [box]))), key)
    store.record_keys(conn, {box: right}, KeyStanding.ACCEPTED, now)
    store.record_identity(conn, {box: BoxIdentity.VERIFIED}, IdentityCause.KEY_ACCEPTED, now)
    detail = {"serial": before.serial, "key": thumbprint(right)}
    audit.record(conn, actor, "box.accept_key", box, detail, now, sides=store.sides_of(conn, box, now))
    outbox.append(conn, store.TOPIC, box, {"kind": store.BOX_CHANGED}, now)
    return store.load_box(conn, box)


def _is_for_show(conn: Connection, box: BoxId) -> bool:
    return any(one.why is IdentityCause.FOR_SHOW for one in store.identities_of(conn, [box]))


def _named(known: Sequence[PublicKey], name: str) -> PublicKey:
    """The key of this thumbprint, or of enough of its beginning."""
    found = [one for one in known if name and thumbprint(one).startswith(name)]
    if len(found) == 1:
        return found[0]
    shown = ", ".join(thumbprint(one) for one in known)
    if not shown:
        raise FleetError("The box has shown no key yet.", remedy="Let it start once, then name its key.")
    says = f"{len(found) or 'No'} key of the box begins with {name!r}." if name else "The box has shown several keys."
    raise FleetError(says, remedy=f"Name one, as --key=THUMBPRINT: {shown}.", code=ErrorCode.CONFLICT)
