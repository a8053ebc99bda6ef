"""What was done to rights and money, by whom: appended, never edited, each row sealed to the one before it.

A row's hash covers its own words and the hash before it, so that to change one row quietly all later ones must be
written anew, and a copy of the newest hash kept elsewhere shows even that.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
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

_AS_WRITTEN: Final = sa.select(
    audit.c.seq, audit.c.at, audit.c.actor, audit.c.action, audit.c.subject, audit.c.seal,
    sa.type_coerce(audit.c.detail, sa.Text).label("detail"),
)  # fmt: skip
"""Rows with their detail as text: one that is no JSON any more must not keep the others from being read."""


def record(
    conn: Connection, actor: str, action: str, subject: str, detail: Mapping[str, Any], now: Instant
) -> tuple[int, str]:
    """Append a row in the transaction of the act itself. The row's number and its seal.

    `actor` and `subject` are ids or the names of programs, `action` a verb with its noun: "agreement.record".
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
    return seq, seal


def first_broken(conn: Connection) -> int | None:
    """The number of the first row that is not as it was written, or that is missing; None where the chain holds.

    Rows cut off at the end leave a chain that holds: ask `row_sealed` for a seal that was kept elsewhere.
    """
    before, expected = _BEGINNING, 1
    try:
        for row in conn.execute(_AS_WRITTEN.order_by(audit.c.seq)):
            if row.seq != expected or not _stands(row, before):
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


def _stands(row: Any, before: str) -> bool:
    """Whether a row carries the seal of its own words. A hand that touched it may have left what is no JSON, or no text."""
    try:
        detail = json.loads(row.detail)
        return bool(row.seal == _seal(before, row.seq, row.at, row.actor, row.action, row.subject, detail))
    except (ValueError, TypeError, RecursionError):
        return False


def _seal(before: str, seq: int, at: int, actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> str:
    words = json.dumps([before, seq, at, actor, action, subject, detail], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(words.encode("ascii")).hexdigest()
