"""SQL for agreements and launches. A change is one more record; nothing that was once recorded is edited or taken away."""

import datetime
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import AgreementId, LaunchId, OperatorId, ServiceId, is_id, new_id
from matinee.base.party import SideKey, operator_side, publisher_side
from matinee.carriage.expressions import check
from matinee.carriage.model import (
    LIVE,
    MAX_NAMES,
    MAX_PROMINENCE,
    Agreement,
    AgreementStatus,
    Billing,
    CarriageError,
    Launch,
    LaunchState,
    Switch,
)
from matinee.catalogue.model import CatalogueError
from matinee.catalogue.store import service_of
from matinee.outside.database import InstantColumn, JsonColumn, metadata
from matinee.parties import audit, outbox

TOPIC: Final = "carriage"
AGREEMENT_RECORDED: Final = "agreement"
LAUNCH_RECORDED: Final = "launch"
SWITCHED: Final = "switch"
MAX_VERSION: Final = 40
MAX_NAME: Final = 256
FIRST_MOMENT: Final = -2_208_988_800_000
LAST_MOMENT: Final = 221_845_392_000_000
"""The first days of 1900 and of 9000."""

agreements = sa.Table(
    "agreements",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("operator_id", sa.Text, sa.ForeignKey("operators.id"), nullable=False, index=True),
    sa.Column("service_id", sa.Text, sa.ForeignKey("services.id"), nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("valid_from", InstantColumn, nullable=False),
    sa.Column("valid_to", InstantColumn),
    sa.Column("recorded_at", InstantColumn, nullable=False),
    sa.Column("territories", JsonColumn, nullable=False, server_default="[]"),
    sa.Column("billing", sa.Text, nullable=False, server_default=Billing.NONE.value),
    sa.Column("prominence", sa.Integer, nullable=False, server_default="0"),
)

launches = sa.Table(
    "launches",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("operator_id", sa.Text, sa.ForeignKey("operators.id"), nullable=False, index=True),
    sa.Column("service_id", sa.Text, sa.ForeignKey("services.id"), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("valid_from", InstantColumn, nullable=False),
    sa.Column("valid_to", InstantColumn),
    sa.Column("recorded_at", InstantColumn, nullable=False),
    sa.Column("terms", JsonColumn, nullable=False),  # the rest of model.Launch, by its names
)

switches = sa.Table(
    "switches",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("service_id", sa.Text, nullable=False),
    sa.Column("operator_id", sa.Text),  # no foreign keys: the control file comes first, and may outlive what it names
    sa.Column("is_off", sa.Boolean, nullable=False),
    sa.Column("ends_plays", sa.Boolean, nullable=False),
    sa.Column("valid_from", InstantColumn, nullable=False),
    sa.Column("recorded_at", InstantColumn, nullable=False),
)

_OF_A_LAUNCH: Final = frozenset({"id", "operator", "service", "state", "valid_from", "valid_to", "recorded_at"})


def record_agreement(
    conn: Connection,
    operator: OperatorId,
    service: ServiceId,
    status: AgreementStatus,
    valid_from: Instant,
    now: Instant,
    *,
    actor: str,
    valid_to: Instant | None = None,
    reason: str = "",
    territories: Sequence[str] = (),
    billing: Billing = Billing.NONE,
    prominence: int = 0,
    recorded_at: Instant | None = None,
) -> Agreement:
    """Record how an operator and a service stand with each other from a moment on. Raises CarriageError.

    `recorded_at` is when it was known, where that was before `now`; the audit says when it was written.
    """
    _check_times(valid_from, valid_to, recorded_at, now)
    for country in territories:
        if len(country) != 2 or not country.isascii() or not country.isupper():
            raise CarriageError(f"The territory {country!r} is not known.", remedy="Write two capital letters (ISO 3166): FR.")
    if status is AgreementStatus.REFUSED and not reason.strip():
        raise CarriageError("A refusal has no reason.", remedy="Say why: staff will ask.")
    if not 0 <= prominence <= MAX_PROMINENCE:
        raise CarriageError(f"The prominence is {prominence}.", remedy=f"Write 0 (none) to {MAX_PROMINENCE}.")
    made = Agreement(
        id=AgreementId(new_id()),
        operator=operator,
        service=service,
        status=status,
        valid_from=valid_from,
        valid_to=valid_to,
        recorded_at=_known_at(
            conn, agreements, (operator, service), valid_from, now if recorded_at is None else recorded_at, now
        ),
        reason=reason,
        territories=tuple(territories),
        billing=billing,
        prominence=prominence,
    )
    conn.execute(
        sa.insert(agreements).values(
            id=made.id,
            operator_id=operator,
            service_id=service,
            status=status.value,
            reason=reason,
            valid_from=valid_from,
            valid_to=valid_to,
            recorded_at=made.recorded_at,
            territories=list(made.territories),
            billing=billing.value,
            prominence=prominence,
        )
    )
    detail: dict[str, Any] = {"operator": operator, "service": service, "status": status.value, "valid_from": valid_from}
    detail |= {"prominence": prominence} if prominence else {}
    audit.record(conn, actor, "agreement.record", made.id, detail, now, sides=both_sides(conn, operator, service))
    told = {
        "kind": AGREEMENT_RECORDED,
        "agreement": made.id,
        "service": service,
        "status": status.value,
        "billing": billing.value,
        "territories": list(made.territories),
        "valid_from": valid_from,
        "valid_to": valid_to,
    }
    outbox.append(conn, TOPIC, operator, told, now)
    return made


def ensure_agreement(
    conn: Connection, operator: OperatorId, service: ServiceId, status: AgreementStatus, now: Instant, *, actor: str
) -> Agreement:
    """The newest record of the two, where it has this status; else a new one that holds from now on."""
    known = [one for one in all_agreements(conn) if (one.operator, one.service) == (operator, service)]
    if known and known[-1].status is status:
        return known[-1]
    return record_agreement(conn, operator, service, status, now, now, actor=actor)


def all_agreements(conn: Connection) -> Sequence[Agreement]:
    """All that was ever recorded, in the order of recording."""
    rows = conn.execute(sa.select(agreements).order_by(agreements.c.recorded_at, agreements.c.valid_from, agreements.c.id))
    return [
        Agreement(
            id=r.id,
            operator=r.operator_id,
            service=r.service_id,
            status=AgreementStatus(r.status),
            reason=r.reason,
            valid_from=r.valid_from,
            valid_to=r.valid_to,
            recorded_at=r.recorded_at,
            territories=tuple(r.territories),
            billing=Billing(r.billing),
            prominence=r.prominence,
        )
        for r in rows
    ]


def record_launch(conn: Connection, launch: Launch, now: Instant, *, actor: str) -> Launch:
    """Record how far a service is switched on at an operator from a moment on. Raises CarriageError.

    A rule is checked here, and not tried: see trial.try_rule. The record's own id is drawn here; `launch.recorded_at` is when
    it was known, and not after `now`.
    """
    _check_times(launch.valid_from, launch.valid_to, launch.recorded_at, now)
    _check_years(launch.technical_at, launch.embargo_until)
    for one in launch.blackouts:
        _check_years(one.start, one.end)
        if one.end <= one.start:
            raise CarriageError("A blackout ends before it begins.", remedy="Write its beginning first.")
    if launch.state in LIVE and launch.technical_at is None and launch.state is not LaunchState.ANNOUNCED:
        raise CarriageError(
            f"A launch that is {launch.state.value} has no technical date: no box would ever have it.",
            remedy="Write technical_at, or the state planned or announced.",
        )
    if launch.announced_for and not _is_day_or_month(launch.announced_for):
        raise CarriageError(
            f"The launch is announced for {launch.announced_for!r}, which is no day and no month.",
            remedy="Write 2014-11, 2014-11-20, or nothing where no date was told.",
        )
    least = launch.interface
    if least is not None and not (least.product and 0 < len(least.version) <= MAX_VERSION):
        raise CarriageError(
            f"The launch's interface has no product or no version of at most {MAX_VERSION} characters.",
            remedy='Write both: "polaris" and "2.1".',
        )
    _check_names(launch.named, launch.excluded)
    if launch.rule:
        check(launch.rule)
    pair = (launch.operator, launch.service)
    known = _known_at(conn, launches, pair, launch.valid_from, launch.recorded_at, now)
    made = msgspec.structs.replace(launch, id=LaunchId(new_id()), recorded_at=known)
    words = msgspec.to_builtins(made, order="sorted")
    terms = {name: value for name, value in words.items() if name not in _OF_A_LAUNCH}
    conn.execute(
        sa.insert(launches).values(
            id=made.id,
            operator_id=made.operator,
            service_id=made.service,
            state=made.state.value,
            valid_from=made.valid_from,
            valid_to=made.valid_to,
            recorded_at=made.recorded_at,
            terms=terms,
        )
    )
    summed = {name: _summed(words[name]) for name in ("named", "excluded") if words[name]}
    sides = both_sides(conn, made.operator, made.service)
    audit.record(conn, actor, "launch.record", made.id, {**words, **summed}, now, sides=sides)
    told = {
        "kind": LAUNCH_RECORDED,
        "launch": made.id,
        "service": made.service,
        "state": made.state.value,
        "share": made.share,
        "discoverability": made.discoverability.value,
        "technical_at": made.technical_at,
        "announced_for": made.announced_for,
        "embargo_until": made.embargo_until,
        "valid_from": made.valid_from,
        "valid_to": made.valid_to,
    }
    outbox.append(conn, TOPIC, made.operator, told, now)
    return made


def ensure_open_launch(conn: Connection, operator: OperatorId, service: ServiceId, now: Instant, *, actor: str) -> Launch:
    """The newest launch of the two where there is one; else one that is open to every box from now on."""
    known = [one for one in all_launches(conn) if (one.operator, one.service) == (operator, service)]
    if known:
        return known[-1]
    launch = Launch(
        id=LaunchId(""),
        operator=operator,
        service=service,
        state=LaunchState.OPEN,
        technical_at=now,
        valid_from=now,
        recorded_at=now,
    )
    return record_launch(conn, launch, now, actor=actor)


def all_launches(conn: Connection) -> Sequence[Launch]:
    """All that was ever recorded, in the order of recording."""
    return _launches(conn, sa.select(launches))


def launches_of(conn: Connection, operator: OperatorId, service: ServiceId) -> Sequence[Launch]:
    """All that was ever recorded of the two, in the order of recording."""
    return _launches(conn, sa.select(launches).where(launches.c.operator_id == operator, launches.c.service_id == service))


def _launches(conn: Connection, query: "sa.Select[Any]") -> Sequence[Launch]:
    rows = conn.execute(query.order_by(launches.c.recorded_at, launches.c.valid_from, launches.c.id))
    found = [
        msgspec.convert(
            {
                **r.terms,
                "id": r.id,
                "operator": r.operator_id,
                "service": r.service_id,
                "state": r.state,
                "valid_from": r.valid_from,
                "valid_to": r.valid_to,
                "recorded_at": r.recorded_at,
            },
            Launch,
        )
        for r in rows
    ]
    same: dict[frozenset[str], frozenset[str]] = {}  # the waves of one launch name the same boxes: they are kept once
    return [
        msgspec.structs.replace(
            one, named=same.setdefault(one.named, one.named), excluded=same.setdefault(one.excluded, one.excluded)
        )
        for one in found
    ]


def _known_at(
    conn: Connection, table: sa.Table, pair: tuple[str, str], valid_from: Instant, told: Instant, now: Instant
) -> Instant:
    """When a record was known, so that of two it is plain which was written last.

    What is known from now on is known after whatever another transaction recorded of the two by a later clock, and committed
    first. Of those that begin at one moment no two are known at one moment.
    """
    outbox.hold(conn)
    of_both = (table.c.operator_id == pair[0], table.c.service_id == pair[1])
    newest = conn.execute(sa.select(sa.func.max(table.c.recorded_at)).where(*of_both)).scalar()
    if told == now and newest is not None and newest > told:
        told = Instant(newest + 1)
    alike = sa.select(table.c.recorded_at).where(*of_both, table.c.valid_from == valid_from, table.c.recorded_at >= told)
    taken = set(conn.execute(alike).scalars())
    while told in taken:
        told = Instant(told + 1)
    return told


def follow_switches(conn: Connection, standing: Sequence[Switch], now: Instant, *, actor: str) -> int:
    """Record how the switches stand, where that is not what was recorded last; how many records that took."""
    outbox.hold(conn)  # two processes that follow the same file must not both find it news
    recorded = {(one.service, one.operator): one for one in all_switches(conn)}
    wanted = {(one.service, one.operator): one for one in standing}
    made = 0
    for place in sorted(recorded.keys() | wanted.keys(), key=lambda place: (place[0], place[1] or "")):
        before, after = recorded.get(place), wanted.get(place)
        is_off, ends_plays = after is not None, after is not None and after.ends_plays
        if (before is not None and before.is_off, before is not None and before.ends_plays) == (is_off, ends_plays):
            continue
        since = after.valid_from if after is not None and (before is None or not before.is_off) else now
        values = {"service_id": place[0], "operator_id": place[1], "is_off": is_off, "ends_plays": ends_plays}
        made_id = new_id()
        conn.execute(sa.insert(switches).values(id=made_id, valid_from=since, recorded_at=now, **values))
        operators = {place[1]} if place[1] is not None else _carriers(conn, place[0])
        sides = [*(operator_side(one) for one in operators), *_owner(conn, place[0])]
        audit.record(conn, actor, "service.switch", made_id, {**values, "valid_from": since}, now, sides=sides)
        told = {
            "kind": SWITCHED,
            "switch": made_id,
            "service": place[0],
            "is_off": is_off,
            "ends_plays": ends_plays,
            "since": since,
            "at": _as_operators_see_it(place[0], operators, wanted.values()),
        }
        outbox.append(conn, TOPIC, place[1] or "", told, now)
        made += 1
    return made


def _as_operators_see_it(
    service: ServiceId, operators: Iterable[OperatorId], standing: Iterable[Switch]
) -> Sequence[tuple[OperatorId, bool, bool]]:
    """For each operator whether the service is off there now, by this or another switch, and whether plays end with it."""
    found = []
    for one in sorted(operators):
        off = [switch for switch in standing if switch.service == service and switch.operator in (None, one)]
        found.append((one, bool(off), any(switch.ends_plays for switch in off)))
    return found


def all_switches(conn: Connection) -> Sequence[Switch]:
    """All that was ever recorded, in the order of recording."""
    rows = conn.execute(sa.select(switches).order_by(switches.c.recorded_at, switches.c.valid_from, switches.c.id))
    return [
        Switch(
            service=r.service_id,
            operator=r.operator_id,
            is_off=r.is_off,
            ends_plays=r.ends_plays,
            valid_from=r.valid_from,
            recorded_at=r.recorded_at,
        )
        for r in rows
    ]


def standing_switches(conn: Connection) -> Sequence[Switch]:
    """Those that were recorded last as off."""
    newest = {(one.service, one.operator): one for one in all_switches(conn)}
    return tuple(one for one in newest.values() if one.is_off)


def both_sides(conn: Connection, operator: OperatorId, service: ServiceId) -> Sequence[SideKey]:
    """Who may read what is recorded of the two: the operator, and the publisher of the service."""
    return [operator_side(operator), *_owner(conn, service)]


def _owner(conn: Connection, service: ServiceId) -> Sequence[SideKey]:
    """The service's publisher; nobody where there is no such service, as in a control file that outlived it."""
    try:
        return [publisher_side(service_of(conn, service).publisher)]
    except CatalogueError:
        return []


def _carriers(conn: Connection, service: ServiceId) -> set[OperatorId]:
    """Operators that have an agreement with a service, of whatever kind."""
    return set(conn.execute(sa.select(agreements.c.operator_id).where(agreements.c.service_id == service).distinct()).scalars())


def _check_years(*moments: Instant | None) -> None:
    """No decision may meet a moment that no calendar can tell, in whatever zone."""
    for moment in moments:
        if moment is not None and not FIRST_MOMENT <= moment <= LAST_MOMENT:
            raise CarriageError("A moment lies before 1900 or after 9000.", remedy="Leave it out where no date is known.")


def _check_names(named: frozenset[str], excluded: frozenset[str]) -> None:
    if len(named) + len(excluded) > MAX_NAMES:
        raise CarriageError(
            f"The launch names {len(named) + len(excluded):,} boxes; {MAX_NAMES:,} are the most.", remedy="Use a rule or a share."
        )
    for one in (*named, *excluded):
        if not (is_id(one) or one.count("-") >= 2) or len(one) > MAX_NAME or not one.isprintable():
            raise CarriageError(
                f"The launch names {one[:80]!r}, which is no box.",
                remedy="Write an id, or OUI-class-serial: 00AF01-LBP-123.",
            )
    if both := named & excluded:
        raise CarriageError(f"The launch names {min(both)} and excludes it.", remedy="Leave it in one of the two.")


def _summed(names: Sequence[str]) -> str:
    """Many names in few words, which no other names have: the launch's own record keeps them."""
    return f"{len(names):,} boxes, SHA-256 {hashlib.sha256(chr(10).join(names).encode()).hexdigest()}"


def _is_day_or_month(text: str) -> bool:
    try:
        datetime.date.fromisoformat(text if len(text) == len("2014-11-20") else f"{text}-01")
    except ValueError:
        return False
    return True


def _check_times(valid_from: Instant, valid_to: Instant | None, recorded_at: Instant | None, now: Instant) -> None:
    _check_years(valid_from, valid_to)
    if valid_to is not None and valid_to <= valid_from:
        raise CarriageError("It ends before it begins.", remedy="Write valid_from before valid_to.")
    if recorded_at is not None and recorded_at > now:
        raise CarriageError("It was known later than now.", remedy="Leave recorded_at out, or write a moment that is past.")
