"""What was done to rights and money, by whom: appended, never edited, each row sealed to the one before it.

A row's hash covers its own words and the hash before it, so that to change one row quietly all later ones must be
written anew, and a copy of the newest hash kept elsewhere shows even that.

A publisher and an operator read the rows that concern them, and no more: how many rows others have, and when, would tell of a
launch that is kept silent. So each side has a chain of its own over its own rows, with its own numbers and seals, which it can
follow by itself from what it is shown; the chain over all rows is for auditors of the whole installation.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.party import SideKey
from matinee.outside.database import InstantColumn, JsonColumn, metadata

_LOCK: Final = 0x6175_6469_7400
_BEGINNING: Final = "0" * 64

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("at", InstantColumn, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", JsonColumn, nullable=False),
    sa.Column("seal", sa.Text, nullable=False),
)

audit_sides = sa.Table(
    "audit_sides",
    metadata,
    sa.Column("side", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),  # audit.seq: no foreign key, so that a row that was taken away is told of
    sa.Column("seal", sa.Text, nullable=False),
)


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it stands in one chain: the number and the seal are that chain's. `stands`: it carries the seal of its words.

    `detail` is None where a hand that touched it left what is no JSON.
    """

    number: int
    at: Instant
    actor: str
    action: str
    subject: str
    detail: Any
    seal: str
    stands: bool


_AS_WRITTEN: Final = sa.select(
    audit.c.seq, audit.c.at, audit.c.actor, audit.c.action, audit.c.subject, audit.c.seal,
    sa.type_coerce(audit.c.detail, sa.Text).label("detail"),
)  # fmt: skip
"""Rows with their detail as text: one that is no JSON any more must not keep the others from being read."""


def record(
    conn: Connection,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any],
    now: Instant,
    *,
    sides: Collection[SideKey] = (),
) -> tuple[int, str]:
    """Append a row in the transaction of the act itself. The row's number and its seal.

    `actor` and `subject` are ids or names, `action` a verb with its noun: "agreement.record". `sides` are those who may read it,
    whole: where one of them must not know of another, or of a part of `detail`, write a row for each.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    last = conn.execute(sa.select(audit.c.seq, audit.c.seal).order_by(audit.c.seq.desc()).limit(1)).one_or_none()
    seq, before = (1, _BEGINNING) if last is None else (last.seq + 1, last.seal)
    seal = _seal(before, seq, now, actor, action, subject, detail)
    conn.execute(
        sa.insert(audit).values(
            seq=seq, at=now, actor=actor, action=action, subject=subject, detail=dict(detail), seal=seal
        )
    )
    for side in sorted(set(sides)):
        own = sa.select(audit_sides.c.number, audit_sides.c.seal).where(audit_sides.c.side == side)
        ended = conn.execute(own.order_by(audit_sides.c.number.desc()).limit(1)).one_or_none()
        number, behind = (1, _BEGINNING) if ended is None else (ended.number + 1, ended.seal)
        sealed = _seal(behind, number, now, actor, action, subject, detail)
        conn.execute(sa.insert(audit_sides).values(side=side, number=number, seq=seq, seal=sealed))
    return seq, seal


def page_of(conn: Connection, side: SideKey | None, before: int | None, limit: int) -> Sequence[AuditRow]:
    """At most `limit` rows of a side's chain, or with None of the chain over all, newest first, below the number `before`.

    Each is checked against the row behind it.
    """
    number, query = (audit.c.seq, _AS_WRITTEN) if side is None else (audit_sides.c.number, _of_sides(side))
    if before is not None:
        query = query.where(number < before)
    rows = list(conn.execute(query.order_by(number.desc()).limit(limit + 1)))
    shown = []
    for place, row in enumerate(rows[:limit]):
        last = rows[place + 1] if place + 1 < len(rows) else None
        numbered = row.seq if side is None else row.number
        whole = numbered == 1 if last is None else (last.seq if side is None else last.number) == numbered - 1
        behind = _BEGINNING if last is None else last.seal
        try:
            detail = json.loads(row.detail)
        except (ValueError, TypeError, RecursionError):
            detail = None
        shown.append(
            AuditRow(
                number=numbered,
                at=row.at,
                actor=row.actor,
                action=row.action,
                subject=row.subject,
                detail=detail,
                seal=row.seal,
                stands=whole and _stands(row, behind, numbered),
            )
        )
    return shown


def broken_sides(conn: Connection) -> Sequence[tuple[SideKey, int]]:
    """Each side whose own chain is not as it was written, with the number of its first row that is not, or that is missing."""
    found: dict[SideKey, int] = {}
    before: dict[SideKey, tuple[str, int]] = {}
    for row in conn.execute(_of_sides(None).order_by(audit_sides.c.side, audit_sides.c.number)):
        seal, number = before.get(row.side, (_BEGINNING, 0))
        if row.side not in found and (row.number != number + 1 or not _stands(row, seal, row.number)):
            found[row.side] = number + 1
        before[row.side] = (row.seal, row.number)
    return sorted(found.items())


def _of_sides(side: SideKey | None) -> "sa.Select[Any]":
    """Rows of a side's chain, or of every side's, with the words of the audit; None in their place where a row is gone."""
    words = (audit.c.at, audit.c.actor, audit.c.action, audit.c.subject, sa.type_coerce(audit.c.detail, sa.Text).label("detail"))
    query = sa.select(audit_sides.c.side, audit_sides.c.number, audit_sides.c.seal, *words).select_from(
        audit_sides.outerjoin(audit, audit.c.seq == audit_sides.c.seq)
    )
    return query if side is None else query.where(audit_sides.c.side == side)


def first_broken(conn: Connection) -> int | None:
    """The number of the first row that is not as it was written, or that is missing; None where the chain holds.

    Rows cut off at the end leave a chain that holds: ask `row_sealed` for a seal that was kept elsewhere.
    """
    before, expected = _BEGINNING, 1
    try:
        for row in conn.execute(_AS_WRITTEN.order_by(audit.c.seq)):
            if row.seq != expected or not _stands(row, before, row.seq):
                return expected
            before, expected = row.seal, expected + 1
    except sa.exc.OperationalError as error:
        if "decode" not in str(error.orig):
            raise
        return expected  # SQLite hands out rows one by one, and none whose text is no UTF-8
    return None


def row_at(conn: Connection, seq: int) -> str | None:
    """What a row says now, on one line for staff, whether it was touched or not; None where there is none."""
    try:
        row = conn.execute(_AS_WRITTEN.where(audit.c.seq == seq)).one_or_none()
    except sa.exc.OperationalError as error:
        return f"what cannot be read: {error.orig}"
    return None if row is None else f"{row.at} {row.actor} {row.action} {row.subject} {row.detail}"


def newest(conn: Connection) -> tuple[int, str]:
    """The newest row's number and seal; 0 and the seal of the beginning where nothing is recorded."""
    last = conn.execute(sa.select(audit.c.seq, audit.c.seal).order_by(audit.c.seq.desc()).limit(1)).one_or_none()
    return (0, _BEGINNING) if last is None else (last.seq, last.seal)


def row_sealed(conn: Connection, seal: str) -> int | None:
    """The number of the row that carries a seal, 0 for the seal of the beginning, None where no row does."""
    if seal == _BEGINNING:
        return 0
    found = conn.execute(sa.select(sa.func.min(audit.c.seq)).where(audit.c.seal == seal)).scalar_one()
    return None if found is None else int(found)


def _stands(row: Any, before: str, number: int) -> bool:
    """Whether a row carries, at this place of a chain, the seal of its own words.

    A hand that touched it may have left what is no JSON, or no text.
    """
    try:
        detail = json.loads(row.detail)
        return bool(row.seal == _seal(before, number, row.at, row.actor, row.action, row.subject, detail))
    except (ValueError, TypeError, RecursionError):
        return False


def _seal(before: str, number: int, at: int, actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> str:
    words = json.dumps([before, number, at, actor, action, subject, detail], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(words.encode("ascii")).hexdigest()
