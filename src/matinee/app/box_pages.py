"""What `matinee boxes list` and `show` tell of boxes, for a person and for a program."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant, to_rfc3339
from matinee.base.dated import in_force
from matinee.fleet import store
from matinee.fleet.identities import accepted_key, distinct_keys, own_key, waiting_keys
from matinee.fleet.model import HELD, Box, BoxAssignment
from matinee.fleet.rules import thumbprint


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """`standing`: "own", "accepted" (and own), or "waiting" (shown, and only staff can say whether it is right)."""

    thumbprint: str
    standing: str
    first_shown: str
    last_recorded: str


class IdentityRow(msgspec.Struct, frozen=True, kw_only=True):
    identity: str
    why: str
    since: str


class LineRow(msgspec.Struct, frozen=True, kw_only=True):
    """`line` is "OPERATOR/REFERENCE", "" for no line. `known` is when it was recorded."""

    line: str
    since: str
    until: str
    known: str


class InterfaceRow(msgspec.Struct, frozen=True, kw_only=True):
    interface: str
    since: str
    known: str


class BoxPage(msgspec.Struct, frozen=True, kw_only=True):
    """All of one box. Lists are in the order of recording; moments are RFC 3339, "" where there is none."""

    box: str
    serial: str
    model: str
    label: str
    identity: str
    held: bool
    line: str
    keys: tuple[KeyRow, ...]
    identities: tuple[IdentityRow, ...]
    lines: tuple[LineRow, ...]
    interfaces: tuple[InterfaceRow, ...]


class BoxLine(msgspec.Struct, frozen=True, kw_only=True):
    """One box of a list; `waiting` are the thumbprints of keys of which only staff can say whether they are right."""

    box: str
    serial: str
    model: str
    identity: str
    why: str
    since: str
    line: str
    waiting: tuple[str, ...]


class _Names:
    """Names of models and lines, read once."""

    def __init__(self, conn: Connection, assignments: Iterable[BoxAssignment]) -> None:
        self.models = {one.id: one.name for one in store.all_models(conn)}
        operators = {one.id: one.name for one in store.all_operators(conn)}
        wanted = list(dict.fromkeys(one.line for one in assignments if one.line is not None))
        self.lines = {one.id: f"{operators[one.operator]}/{one.reference}" for one in store.lines_of(conn, wanted)}


def box_page(conn: Connection, box: Box, now: Instant) -> BoxPage:
    """All that is recorded of one box."""
    keys, assigned = list(store.keys_of(conn, [box.id])), list(store.assignments_of(conn, [box.id]))
    names = _Names(conn, assigned)
    stands, own, accepted, waiting = in_force(assigned, now), own_key(keys), accepted_key(keys), waiting_keys(keys)
    rows = []
    for key in distinct_keys(keys):
        moments = [one.recorded_at for one in keys if one.key == key]
        standing = "accepted" if key == accepted else "own" if key == own else "waiting" if key in waiting else "past"
        rows.append(
            KeyRow(
                thumbprint=thumbprint(key),
                standing=standing,
                first_shown=to_rfc3339(min(moments)),
                last_recorded=to_rfc3339(max(moments)),
            )
        )
    return BoxPage(
        box=box.id,
        serial=box.serial,
        model=names.models.get(box.model, ""),
        label=box.label,
        identity=box.identity.value,
        held=box.identity in HELD,
        line="" if stands is None or stands.line is None else names.lines[stands.line],
        keys=tuple(rows),
        identities=tuple(
            IdentityRow(identity=one.identity.value, why=one.why.value, since=to_rfc3339(one.valid_from))
            for one in store.identities_of(conn, [box.id])
        ),
        lines=tuple(
            LineRow(
                line="" if one.line is None else names.lines[one.line],
                since=to_rfc3339(one.valid_from),
                until="" if one.valid_to is None else to_rfc3339(one.valid_to),
                known=to_rfc3339(one.recorded_at),
            )
            for one in assigned
        ),
        interfaces=tuple(
            InterfaceRow(
                interface=f"{one.interface.product} {one.interface.version}",
                since=to_rfc3339(one.valid_from),
                known=to_rfc3339(one.recorded_at),
            )
            for one in store.interfaces_of(conn, [box.id])
        ),
    )


def box_lines(conn: Connection, boxes: Sequence[Box], now: Instant) -> Sequence[BoxLine]:
    """These boxes in a list."""
    found = []
    for box in boxes:
        keys = list(store.keys_of(conn, [box.id]))
        waiting = waiting_keys(keys)
        assigned = list(store.assignments_of(conn, [box.id]))
        names, stands = _Names(conn, assigned), in_force(assigned, now)
        changes = list(store.identities_of(conn, [box.id]))
        found.append(
            BoxLine(
                box=box.id,
                serial=box.serial,
                model=names.models.get(box.model, ""),
                identity=box.identity.value,
                why=changes[-1].why.value if changes else "",
                since=to_rfc3339(changes[-1].valid_from) if changes else "",
                line="" if stands is None or stands.line is None else names.lines[stands.line],
                waiting=tuple(thumbprint(one) for one in waiting),
            )
        )
    return found
