"""SQL for operators, models, boxes, lines, and which box stood at which line when. Assignments, keys and identities
are only added."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from matinee.base.clock import Instant
from matinee.base.dated import Dated, in_force
from matinee.base.ids import BoxId, BoxModelId, LineId, OperatorId, new_id
from matinee.base.party import SideKey, operator_side
from matinee.fleet.identities import VOUCHED, repeated
from matinee.fleet.model import (
    HELD,
    Additions,
    Box,
    BoxAssignment,
    BoxIdentity,
    BoxInterface,
    BoxKey,
    BoxModel,
    FleetError,
    IdentityCause,
    IdentityChange,
    Interface,
    KeyStanding,
    Line,
    Operator,
    PublicKey,
)
from matinee.fleet.rules import NONCES_PER_BOX
from matinee.outside.database import InstantColumn, JsonColumn, metadata
from matinee.parties import audit, outbox, tokens
from matinee.parties.tokens import Token, TokenDigest, TokenKind

TOPIC: Final = "fleet"
ACTOR: Final = "matinee"
"""Who holds boxes by rule, as the audit names it."""

BOX_CHANGED: Final = "box"
IDENTITY_CHANGED: Final = "identity"
LINE_CHANGED: Final = "line"
ROWS_AT_A_TIME: Final = 5_000
IDS_PER_EVENT: Final = 1_000
SQLITE_CACHE_KB: Final = 256 * 1024
"""While many boxes are recorded: their random ids touch every page of an index, and with SQLite's 2 MB each is read anew."""

operators = sa.Table(
    "operators",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("timezone", sa.Text, nullable=False),
    sa.Column("created_at", InstantColumn, nullable=False),
)

box_models = sa.Table(
    "box_models",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("oui", sa.Text, nullable=False),
    sa.Column("product_class", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("capabilities", JsonColumn, nullable=False),
    sa.UniqueConstraint("oui", "product_class"),
)

boxes = sa.Table(
    "boxes",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("model_id", sa.Text, sa.ForeignKey("box_models.id"), nullable=False),
    sa.Column("serial", sa.Text, nullable=False),  # repeated in the field: no key
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("identity", sa.Text, nullable=False),
    sa.Column("public_key", JsonColumn),
    sa.Column("installed_release", sa.Text),
    sa.Column("confirmed_release", sa.Text),
    sa.Column("confirmed_at", InstantColumn),
    sa.Column("last_seen", InstantColumn),
    sa.Index("ix_boxes_by_serial", "model_id", "serial"),
)

lines = sa.Table(
    "lines",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("operator_id", sa.Text, sa.ForeignKey("operators.id"), nullable=False),
    sa.Column("reference", sa.Text, nullable=False),
    sa.UniqueConstraint("operator_id", "reference"),
)

box_assignments = sa.Table(
    "box_assignments",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("box_id", sa.Text, sa.ForeignKey("boxes.id"), nullable=False, index=True),
    sa.Column("line_id", sa.Text, sa.ForeignKey("lines.id")),
    sa.Column("valid_from", InstantColumn, nullable=False),
    sa.Column("valid_to", InstantColumn),
    sa.Column("recorded_at", InstantColumn, nullable=False),
)

box_interfaces = sa.Table(
    "box_interfaces",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("box_id", sa.Text, sa.ForeignKey("boxes.id"), nullable=False, index=True),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("valid_from", InstantColumn, nullable=False),
    sa.Column("valid_to", InstantColumn),
    sa.Column("recorded_at", InstantColumn, nullable=False),
)

box_keys = sa.Table(
    "box_keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("box_id", sa.Text, sa.ForeignKey("boxes.id"), nullable=False, index=True),
    sa.Column("public_key", JsonColumn, nullable=False),
    sa.Column("standing", sa.Text, nullable=False, server_default=KeyStanding.USED.value),
    sa.Column("valid_from", InstantColumn, nullable=False),
    sa.Column("recorded_at", InstantColumn, nullable=False),
)

box_identities = sa.Table(
    "box_identities",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("box_id", sa.Text, sa.ForeignKey("boxes.id"), nullable=False, index=True),
    sa.Column("identity", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("valid_from", InstantColumn, nullable=False),
    sa.Column("recorded_at", InstantColumn, nullable=False),
)

box_tokens = sa.Table(
    "box_tokens",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("box_id", sa.Text, sa.ForeignKey("boxes.id"), nullable=False, index=True),
    sa.Column("created_at", InstantColumn, nullable=False),
    sa.Column("revoked_at", InstantColumn),
)

box_nonces = sa.Table(
    "box_nonces",
    metadata,
    sa.Column("nonce", sa.Text, primary_key=True),
    sa.Column("box_id", sa.Text, sa.ForeignKey("boxes.id"), nullable=False, index=True),
    sa.Column("expires_at", InstantColumn, nullable=False),
)


def ensure_operator(conn: Connection, name: str, country: str, timezone: str, now: Instant) -> Operator:
    """The operator of that name, made where there is none. Raises FleetError for a zone or a country of no known form."""
    if len(country) != 2 or not country.isascii() or not country.isupper():
        raise FleetError(f"The country {country!r} of {name!r} is not known.", remedy="Write two capital letters (ISO 3166): FR.")
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise FleetError(
            f"The time zone {timezone!r} of {name!r} is not known.", remedy="Write an IANA name: Europe/Paris."
        ) from error
    row = conn.execute(sa.select(operators).where(operators.c.name == name)).one_or_none()
    if row is not None:
        return _operator(row)
    made = Operator(id=OperatorId(new_id()), name=name, country=country, timezone=timezone)
    conn.execute(sa.insert(operators).values(**msgspec.structs.asdict(made), created_at=now))
    outbox.append(conn, TOPIC, made.id, {"kind": "operator"}, now)
    return made


def ensure_box_model(
    conn: Connection, oui: str, product_class: str, name: str, capabilities: dict[str, Any], now: Instant
) -> BoxModel:
    """The model of that OUI and product class, made where there is none."""
    row = conn.execute(
        sa.select(box_models).where(box_models.c.oui == oui, box_models.c.product_class == product_class)
    ).one_or_none()
    if row is not None:
        return _model(row)
    made = BoxModel(id=BoxModelId(new_id()), oui=oui, product_class=product_class, name=name, capabilities=capabilities)
    conn.execute(sa.insert(box_models).values(**msgspec.structs.asdict(made)))
    outbox.append(conn, TOPIC, made.id, {"kind": "model"}, now)
    return made


def line_named(conn: Connection, operator: OperatorId, reference: str) -> LineId | None:
    """The operator's line of its own name."""
    own = sa.and_(lines.c.operator_id == operator, lines.c.reference == reference)
    return conn.execute(sa.select(lines.c.id).where(own)).scalar()


def ensure_line(conn: Connection, operator: OperatorId, reference: str, now: Instant) -> Line:
    """The operator's line of that reference, made where there is none."""
    row = conn.execute(sa.select(lines).where(lines.c.operator_id == operator, lines.c.reference == reference)).one_or_none()
    if row is not None:
        return Line(id=row.id, operator=row.operator_id, reference=row.reference)
    made = Line(id=LineId(new_id()), operator=operator, reference=reference)
    conn.execute(sa.insert(lines).values(id=made.id, operator_id=operator, reference=reference))
    outbox.append(conn, TOPIC, made.id, {"kind": LINE_CHANGED}, now)
    return made


def add_box(conn: Connection, model: BoxModelId, serial: str, label: str, now: Instant) -> Box:
    """A new box. Its serial may be another's too: telling clones apart is not the store's."""
    made = Box(id=BoxId(new_id()), model=model, serial=serial, label=label)
    conn.execute(sa.insert(boxes).values(id=made.id, model_id=model, serial=serial, label=label, identity=made.identity.value))
    outbox.append(conn, TOPIC, made.id, {"kind": BOX_CHANGED}, now)
    return made


def ensure_box(conn: Connection, model: BoxModelId, serial: str, label: str, now: Instant) -> Box:
    """The first box of that model and serial, made where there is none: for set-ups that are run again."""
    return find_box(conn, model, serial) or add_box(conn, model, serial, label, now)


def find_box(conn: Connection, model: BoxModelId, serial: str) -> Box | None:
    """The first box of that model and serial, None where there is none."""
    row = conn.execute(
        sa.select(boxes).where(boxes.c.model_id == model, boxes.c.serial == serial).order_by(boxes.c.id).limit(1)
    ).one_or_none()
    return None if row is None else _box(row)


def assign_box(
    conn: Connection,
    box: BoxId,
    line: LineId | None,
    valid_from: Instant,
    now: Instant,
    valid_to: Instant | None = None,
    *,
    known: Instant | None = None,
) -> None:
    """Record that a box stands at a line from a moment on; None, that it stands at none.

    `known` is when it was known, where that was before `now`. Where another box of its model and serial stands at another line
    now, or once this one comes to its own, both are held from now on.
    """
    if valid_to is not None and valid_to <= valid_from:
        raise FleetError("The assignment ends before it begins.", remedy="Write its beginning first.")
    conn.execute(
        sa.insert(box_assignments).values(
            id=new_id(),
            box_id=box,
            line_id=line,
            valid_from=valid_from,
            valid_to=valid_to,
            recorded_at=now if known is None else known,
        )
    )
    outbox.append(conn, TOPIC, box, {"kind": BOX_CHANGED}, now)
    if line is not None:
        hold_repeated(conn, box, max(valid_from, now), now)


def record_interface(
    conn: Connection, box: BoxId, interface: Interface, valid_from: Instant, now: Instant, valid_to: Instant | None = None
) -> None:
    """Record that a box runs an interface from a moment on, as its launcher confirmed or its operator reported."""
    if valid_to is not None and valid_to <= valid_from:
        raise FleetError("The interface's time on the box ends before it begins.", remedy="Write its beginning first.")
    conn.execute(
        sa.insert(box_interfaces).values(
            id=new_id(),
            box_id=box,
            product=interface.product,
            version=interface.version,
            valid_from=valid_from,
            valid_to=valid_to,
            recorded_at=now,
        )
    )
    outbox.append(conn, TOPIC, box, {"kind": BOX_CHANGED}, now)


def mint_box_token(conn: Connection, box: BoxId, now: Instant) -> Token:
    """A new token of a box. It is shown this once; what is kept is its hash."""
    token = tokens.mint(TokenKind.BOX)
    conn.execute(sa.insert(box_tokens).values(digest=tokens.digest(token), box_id=box, created_at=now))
    outbox.append(conn, TOPIC, box, {"kind": BOX_CHANGED}, now)
    return token


def revoke_box_tokens(conn: Connection, box: BoxId, now: Instant) -> int:
    """End all tokens of a box. How many there were."""
    ended = conn.execute(
        sa.update(box_tokens).where(box_tokens.c.box_id == box, box_tokens.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    outbox.append(conn, TOPIC, box, {"kind": BOX_CHANGED}, now)
    return ended.rowcount


def record_identity(conn: Connection, changes: Mapping[BoxId, BoxIdentity], why: IdentityCause, now: Instant) -> None:
    """Record that boxes have another identity from now on. The caller tells of the boxes in the outbox.

    Of two changes of a box in one millisecond the second is dated a millisecond later, so that it is plain which came last.
    """
    if not changes:
        return
    known = box_identities.c
    newest: dict[BoxId, Instant] = {}
    for box, recorded in _rows(conn, sa.select(known.box_id, known.recorded_at), known.box_id, list(changes)):
        newest[box] = max(recorded, newest.get(box, recorded))
    rows, identities = [], []
    for box, identity in changes.items():
        since = max(now, newest.get(box, now - 1) + 1)
        row = {"id": new_id(), "box_id": box, "identity": identity.value, "why": why.value}
        rows.append({**row, "valid_from": since, "recorded_at": since})
        identities.append({"of": box, "to": identity.value})
    conn.execute(sa.insert(box_identities), rows)
    conn.execute(sa.update(boxes).where(boxes.c.id == sa.bindparam("of")).values(identity=sa.bindparam("to")), identities)
    for told in dict.fromkeys(changes.values()):
        if told in HELD or why is IdentityCause.RELEASED:
            _tell_identity(conn, [box for box, identity in changes.items() if identity is told], told, now)


def sides_of(conn: Connection, box: BoxId, now: Instant) -> Sequence[SideKey]:
    """Who may read in the audit what was done to a box: the operator at whose line it stands."""
    stands = in_force(list(assignments_of(conn, [box])), now)
    where = [] if stands is None or stands.line is None else [stands.line]
    return [operator_side(line.operator) for line in lines_of(conn, where)]


def hold_repeated(conn: Connection, box: BoxId, at: Instant, now: Instant) -> None:
    """Hold a box and those of its model and serial that stand at other lines at a moment; see identities.repeated."""
    me = load_box(conn, box)
    alike = {one.id: one for one in boxes_of_serials(conn, me.model, [me.serial])}
    if len(alike) < 2:
        return
    stands: dict[BoxId, LineId] = {}
    for one in alike:
        found = in_force(list(assignments_of(conn, [one])), at)
        if found is not None and found.line is not None:
            stands[one] = found.line
    if box not in stands or len(set(stands.values())) < 2:
        return
    vouched = frozenset(one.box for one in identities_of(conn, list(alike)) if one.why in VOUCHED)
    held, identity, why = repeated((alike[one] for one in stands), vouched)
    record_identity(conn, dict.fromkeys(held, identity), why, now)
    operators = {line.id: line.operator for line in lines_of(conn, list(set(stands.values())))}
    own: dict[OperatorId, list[BoxId]] = {}
    for one in held:
        own.setdefault(operators[stands[one]], []).append(one)
    for operator, some in own.items():  # a row for each: neither operator reads of the other's box
        detail = {"boxes": some, "serial": me.serial, "why": why.value}
        audit.record(conn, ACTOR, "boxes.hold", some[0], detail, now, sides=[operator_side(operator)])
    for one in held:
        outbox.append(conn, TOPIC, one, {"kind": BOX_CHANGED}, now)


def add_nonce(conn: Connection, box: BoxId, nonce: str, expires_at: Instant, now: Instant) -> None:
    """Keep a nonce until it is used or old. A box has a few at most: asking for more takes its oldest away."""
    conn.execute(sa.delete(box_nonces).where(box_nonces.c.box_id == box, box_nonces.c.expires_at <= now))
    kept = (
        sa.select(box_nonces.c.nonce)
        .where(box_nonces.c.box_id == box)
        .order_by(box_nonces.c.expires_at.desc(), box_nonces.c.nonce)
        .limit(NONCES_PER_BOX - 1)
    )
    conn.execute(sa.delete(box_nonces).where(box_nonces.c.box_id == box, box_nonces.c.nonce.not_in(kept.scalar_subquery())))
    conn.execute(sa.insert(box_nonces).values(nonce=nonce, box_id=box, expires_at=expires_at))


def use_nonce(conn: Connection, box: BoxId, nonce: str, now: Instant) -> bool:
    """Take a nonce: True once, for the box it was given to, while it lives."""
    taken = conn.execute(
        sa.delete(box_nonces).where(box_nonces.c.nonce == nonce, box_nonces.c.box_id == box, box_nonces.c.expires_at > now)
    )
    return taken.rowcount == 1


def record_confirmed(conn: Connection, box: BoxId, interface: Interface, now: Instant) -> None:
    """Record that a box proved to run a release."""
    version = interface.version
    before = in_force(interfaces_of(conn, [box]), now)
    if before is None or before.interface != interface:
        record_interface(conn, box, interface, now, now)
    conn.execute(
        sa.update(boxes)
        .where(boxes.c.id == box)
        .values(installed_release=version, confirmed_release=version, confirmed_at=now, last_seen=now)
    )
    outbox.append(conn, TOPIC, box, {"kind": BOX_CHANGED}, now)


def record_installed(conn: Connection, handed: Mapping[BoxId, tuple[str, Instant]], now: Instant) -> None:
    """Record the version that each of these boxes was last handed, and when."""
    # Before the boxes' rows: a box that confirms meanwhile takes them in this order, and the two would wait for each other.
    outbox.hold(conn)
    statement = sa.update(boxes).where(boxes.c.id == sa.bindparam("of"))
    statement = statement.values(installed_release=sa.bindparam("version"), last_seen=sa.bindparam("at"))
    ids = sorted(handed)
    conn.execute(statement, [{"of": box, "version": handed[box][0], "at": handed[box][1]} for box in ids])
    for begin in range(0, len(ids), IDS_PER_EVENT):
        some = ids[begin : begin + IDS_PER_EVENT]
        outbox.append(conn, TOPIC, some[0], {"kind": BOX_CHANGED, "ids": some}, now)


def boxes_of_serials(conn: Connection, model: BoxModelId, serials: Sequence[str]) -> Iterator[Box]:
    """The boxes of a model with one of these serials, by id, as they are read: several may share a serial."""
    query = sa.select(boxes).where(boxes.c.model_id == model).order_by(boxes.c.id)
    yield from map(_box, _rows(conn, query, boxes.c.serial, serials))


def boxes_of_one_serial(conn: Connection, models: Sequence[BoxModelId], serial: str) -> Sequence[Box]:
    """The boxes of any of these models with this serial, by id. Found by an index, which a look at the serial alone has not."""
    query = sa.select(boxes).where(boxes.c.model_id.in_(models), boxes.c.serial == serial).order_by(boxes.c.id)
    return [_box(row) for row in conn.execute(query)]


def lines_of_references(conn: Connection, operator: OperatorId, references: Sequence[str]) -> Iterator[Line]:
    """An operator's lines of these references, as they are read."""
    query = sa.select(lines.c.id, lines.c.reference).where(lines.c.operator_id == operator)
    for line, reference in _rows(conn, query, lines.c.reference, references):
        yield Line(id=line, operator=operator, reference=reference)


def record_many(conn: Connection, made: Additions, now: Instant) -> None:
    """Record many boxes at once: a statement for each table, and an event for many lines or boxes."""
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql(f"PRAGMA cache_size = -{SQLITE_CACHE_KB}")
    insert: dict[sa.Table, list[dict[str, Any]]] = {
        lines: [{"id": one.id, "operator_id": one.operator, "reference": one.reference} for one in made.lines],
        boxes: [
            {"id": one.id, "model_id": one.model, "serial": one.serial, "label": one.label, "identity": one.identity.value}
            for one in made.boxes
        ],
        box_assignments: [
            {"id": row, "box_id": one.box, "line_id": one.line, **_dated(one)}
            for row, one in zip(_row_ids(), sorted(made.assignments, key=_box_id), strict=False)
        ],
        box_interfaces: [
            {"id": row, "box_id": one.box, **msgspec.structs.asdict(one.interface), **_dated(one)}
            for row, one in zip(_row_ids(), sorted(made.interfaces, key=_box_id), strict=False)
        ],
    }
    for table, rows in insert.items():
        if rows:
            conn.execute(sa.insert(table), sorted(rows, key=_id))
    outbox.hold(conn)  # before rows that are there already, as everywhere: see `record_installed`
    if made.labels:
        changes = [{"of": box, "to": label} for box, label in made.labels.items()]
        conn.execute(sa.update(boxes).where(boxes.c.id == sa.bindparam("of")).values(label=sa.bindparam("to")), changes)
    record_identity(conn, dict.fromkeys(made.quarantined, BoxIdentity.QUARANTINED), IdentityCause.TOLD_ELSEWHERE, now)
    record_keys(conn, made.accepted, KeyStanding.ACCEPTED, now)
    record_identity(conn, dict.fromkeys(made.accepted, BoxIdentity.VERIFIED), IdentityCause.KEY_ACCEPTED, now)
    for kind, ids in ((LINE_CHANGED, [line.id for line in made.lines]), (BOX_CHANGED, made.changed_boxes)):
        for begin in range(0, len(ids), IDS_PER_EVENT):
            some = ids[begin : begin + IDS_PER_EVENT]
            outbox.append(conn, TOPIC, some[0], {"kind": kind, "ids": some}, now)


def _tell_identity(conn: Connection, changed: Sequence[BoxId], identity: BoxIdentity, now: Instant) -> None:
    """Append that boxes were put into quarantine, or let out, with the operator at whose line each stands now."""
    for begin in range(0, len(changed), IDS_PER_EVENT):
        some = changed[begin : begin + IDS_PER_EVENT]
        facts: dict[BoxId, list[BoxAssignment]] = {}
        for one in assignments_of(conn, some):
            facts.setdefault(one.box, []).append(one)
        at = {box: stands.line for box, known in facts.items() if (stands := in_force(known, now)) and stands.line}
        owners = {line.id: line.operator for line in lines_of(conn, list(set(at.values())))}
        serials = {box.id: box.serial for box in boxes_of(conn, some)}
        told = [(box, serials[box], owners[at[box]]) for box in some if at.get(box) in owners]
        if told:
            outbox.append(conn, TOPIC, told[0][0], {"kind": IDENTITY_CHANGED, "identity": identity.value, "boxes": told}, now)


def _row_ids() -> Iterator[str]:
    """Ids for rows that nobody names by them: random all together, and in order, which an index on disk takes in far faster."""
    begin = new_id()[:-8]
    return (f"{begin}{number:08}" for number in itertools.count())


def _id(row: Mapping[str, Any]) -> str:
    return str(row["id"])


def _box_id(fact: BoxAssignment | BoxInterface) -> BoxId:
    return fact.box


def _dated(fact: Dated) -> dict[str, Any]:
    return {"valid_from": fact.valid_from, "valid_to": fact.valid_to, "recorded_at": fact.recorded_at}


def changed(events: Iterable[outbox.Event], kind: str) -> Sequence[str]:
    """The ids of what changed, each once: an event is of its key, or of all `ids` in its payload where many changed at once."""
    told = (event.payload.get("ids") or (event.key,) for event in events if event.payload.get("kind") == kind)
    return list(dict.fromkeys(one for ids in told for one in ids))


def load_box(conn: Connection, box: BoxId) -> Box:
    """One box. Raises FleetError where there is none."""
    row = conn.execute(sa.select(boxes).where(boxes.c.id == box)).one_or_none()
    if row is None:
        raise FleetError(f"There is no box {box}.", remedy="Look it up in the list of boxes.")
    return _box(row)


def boxes_named(conn: Connection, name: str) -> Sequence[Box]:
    """The boxes with this id, or this serial."""
    return [_box(row) for row in conn.execute(sa.select(boxes).where(sa.or_(boxes.c.id == name, boxes.c.serial == name)))]


def all_operators(conn: Connection) -> Sequence[Operator]:
    return [_operator(row) for row in conn.execute(sa.select(operators).order_by(operators.c.name))]


def all_models(conn: Connection) -> Sequence[BoxModel]:
    return [_model(row) for row in conn.execute(sa.select(box_models))]


def boxes_standing(conn: Connection, operator: OperatorId, now: Instant) -> int:
    """How many boxes stand at a line of the operator's now."""
    later = box_assignments.alias()
    follows = sa.exists().where(
        later.c.box_id == box_assignments.c.box_id,
        later.c.valid_from <= now,
        sa.tuple_(later.c.valid_from, later.c.recorded_at)
        > sa.tuple_(box_assignments.c.valid_from, box_assignments.c.recorded_at),
    )
    query = (
        sa.select(sa.func.count(sa.distinct(box_assignments.c.box_id)))
        .select_from(box_assignments.join(lines, box_assignments.c.line_id == lines.c.id))
        .where(lines.c.operator_id == operator, box_assignments.c.valid_from <= now, ~follows)
        .where(sa.or_(box_assignments.c.valid_to.is_(None), box_assignments.c.valid_to > now))
    )
    return int(conn.execute(query).scalar_one())


def boxes_of_models(conn: Connection, models: Sequence[BoxModelId]) -> int:
    """How many boxes there are of these models."""
    return int(conn.execute(sa.select(sa.func.count()).select_from(boxes).where(boxes.c.model_id.in_(models))).scalar_one())


def lines_of(conn: Connection, ids: Sequence[LineId] | None = None) -> Iterator[Line]:
    """These lines, or all, as they are read."""
    query = sa.select(lines.c.id, lines.c.operator_id, lines.c.reference)
    for line, operator, reference in _rows(conn, query, lines.c.id, ids):
        yield Line(id=line, operator=operator, reference=reference)


def boxes_of(conn: Connection, ids: Sequence[BoxId] | None = None) -> Iterator[Box]:
    """These boxes, or all, as they are read."""
    yield from map(_box, _rows(conn, sa.select(boxes), boxes.c.id, ids))


def assignments_of(conn: Connection, ids: Sequence[BoxId] | None = None) -> Iterator[BoxAssignment]:
    """All that was ever recorded of these boxes' lines, or of all boxes', in the order of recording, as it is read."""
    facts = box_assignments.c
    query = sa.select(facts.box_id, facts.line_id, facts.valid_from, facts.valid_to, facts.recorded_at)
    for box, line, begins, ends, recorded in _rows(conn, query.order_by(facts.recorded_at, facts.valid_from), facts.box_id, ids):
        yield BoxAssignment(box=box, line=line, valid_from=begins, valid_to=ends, recorded_at=recorded)


def interfaces_of(conn: Connection, ids: Sequence[BoxId] | None = None) -> Iterator[BoxInterface]:
    """All that was ever recorded of what these boxes ran, or all boxes, in the order of recording, as it is read."""
    facts = box_interfaces.c
    query = sa.select(facts.box_id, facts.product, facts.version, facts.valid_from, facts.valid_to, facts.recorded_at)
    query = query.order_by(facts.recorded_at, facts.valid_from, facts.id)
    for box, product, version, begins, ends, recorded in _rows(conn, query, facts.box_id, ids):
        interface = Interface(product=product, version=version)
        yield BoxInterface(box=box, interface=interface, valid_from=begins, valid_to=ends, recorded_at=recorded)


def identities_of(conn: Connection, ids: Sequence[BoxId] | None = None) -> Iterator[IdentityChange]:
    """All changes of these boxes' identities, or of all boxes', in the order of recording, as they are read."""
    facts = box_identities.c
    query = sa.select(facts.box_id, facts.identity, facts.why, facts.valid_from, facts.recorded_at)
    for box, identity, why, begins, recorded in _rows(conn, query.order_by(facts.recorded_at), facts.box_id, ids):
        yield IdentityChange(
            box=box, identity=BoxIdentity(identity), why=IdentityCause(why), valid_from=begins, recorded_at=recorded
        )


def keys_of(conn: Connection, ids: Sequence[BoxId] | None = None) -> Iterator[BoxKey]:
    """All keys that these boxes ever showed, or all boxes, in the order of recording, as they are read."""
    facts = box_keys.c
    query = sa.select(facts.box_id, facts.public_key, facts.standing, facts.recorded_at)
    for box, key, standing, recorded in _rows(conn, query.order_by(facts.recorded_at, facts.id), facts.box_id, ids):
        yield BoxKey(box=box, key=msgspec.convert(key, PublicKey), standing=KeyStanding(standing), recorded_at=recorded)


def record_keys(conn: Connection, keys: Mapping[BoxId, PublicKey], standing: KeyStanding, now: Instant) -> None:
    """Put a key of each of these boxes on record; one that is taken or accepted is the box's own from now on.

    Of two records of a box in one millisecond the second is dated a millisecond later.
    """
    if not keys:
        return
    known = box_keys.c
    newest: dict[BoxId, Instant] = {}
    for box, recorded in _rows(conn, sa.select(known.box_id, known.recorded_at), known.box_id, list(keys)):
        newest[box] = max(recorded, newest.get(box, recorded))
    rows = []
    for box, key in keys.items():
        since = max(now, newest.get(box, now - 1) + 1)
        row = {"id": new_id(), "box_id": box, "public_key": msgspec.to_builtins(key), "standing": standing.value}
        rows.append({**row, "valid_from": since, "recorded_at": since})
    conn.execute(sa.insert(box_keys), rows)
    if standing is not KeyStanding.WAITING:
        own = [{"of": row["box_id"], "to": row["public_key"]} for row in rows]
        conn.execute(sa.update(boxes).where(boxes.c.id == sa.bindparam("of")).values(public_key=sa.bindparam("to")), own)


def boxes_to_check(conn: Connection) -> Iterator[Box]:
    """The boxes that are held or have `identities.waiting_keys`, by id, as they are read; the demo's box is none of them."""
    keys, accepted = box_keys.c, box_keys.alias().c
    spoke = sa.select(accepted.box_id, sa.func.max(accepted.recorded_at).label("at"))
    last = spoke.where(accepted.standing == KeyStanding.ACCEPTED.value).group_by(accepted.box_id).subquery()
    waiting = (
        sa.select(keys.box_id)
        .select_from(box_keys.outerjoin(last, keys.box_id == last.c.box_id))
        .where(last.c.at.is_(None) | (keys.recorded_at > last.c.at))
        .group_by(keys.box_id)
        # Before staff spoke one key is the box's own; after it only others are put on record.
        .having(sa.func.count(sa.distinct(keys.public_key)) > sa.case((sa.func.max(last.c.at).is_(None), 1), else_=0))
    )
    for_show = sa.select(box_identities.c.box_id).where(box_identities.c.why == IdentityCause.FOR_SHOW.value)
    held = boxes.c.identity.in_([one.value for one in HELD])
    to_check = held | (boxes.c.id.in_(waiting) & boxes.c.id.not_in(for_show))
    query = sa.select(boxes).where(to_check).order_by(boxes.c.id)
    yield from map(_box, _rows(conn, query, boxes.c.id, None))


def tokens_of(conn: Connection, ids: Sequence[BoxId] | None = None) -> Iterator[tuple[TokenDigest, BoxId]]:
    """The living tokens' hashes of these boxes, or of all, as they are read."""
    query = sa.select(box_tokens.c.digest, box_tokens.c.box_id).where(box_tokens.c.revoked_at.is_(None))
    for digest, box in _rows(conn, query, box_tokens.c.box_id, ids):
        yield TokenDigest(digest), BoxId(box)


def _rows(conn: Connection, query: "sa.Select[Any]", column: "sa.Column[Any]", ids: Sequence[str] | None) -> Iterator[Any]:
    """The query's rows, or those with one of these ids in a column: a few thousand held at a time, whatever the table holds."""
    if ids is not None:
        query = query.where(column.in_(ids))
    yield from conn.execute(query.execution_options(yield_per=ROWS_AT_A_TIME))


def _operator(row: "Row[Any]") -> Operator:
    return Operator(id=row.id, name=row.name, country=row.country, timezone=row.timezone)


def _model(row: "Row[Any]") -> BoxModel:
    return BoxModel(id=row.id, oui=row.oui, product_class=row.product_class, name=row.name, capabilities=row.capabilities)


def _box(row: Sequence[Any]) -> Box:
    box, model, serial, label, identity, key, installed, confirmed, confirmed_at, last_seen = row  # as the table has them
    return Box(
        id=box,
        model=model,
        serial=serial,
        label=label,
        identity=BoxIdentity(identity),
        public_key=msgspec.convert(key, PublicKey) if key else None,
        installed_release=installed,
        confirmed_release=confirmed,
        confirmed_at=confirmed_at,
        last_seen=last_seen,
    )
