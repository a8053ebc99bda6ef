"""SQL for operators' own OpenID Connect issuers: where each signs its customers in, and the public keys that were read there."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import OperatorId
from matinee.base.party import operator_side
from matinee.members.sign_in.model import SignInError
from matinee.members.sign_in.sessions import TOPIC
from matinee.outside.calling import check_url
from matinee.outside.database import InstantColumn, JsonColumn, metadata
from matinee.parties import audit, outbox

ISSUERS_CHANGED: Final = "issuers-changed"

operator_issuers = sa.Table(
    "operator_issuers",
    metadata,
    sa.Column("operator_id", sa.Text, sa.ForeignKey("operators.id"), primary_key=True),
    sa.Column("issuer", sa.Text, nullable=False, unique=True),
    sa.Column("audience", sa.Text, nullable=False),
    sa.Column("line_claim", sa.Text, nullable=False),
    sa.Column("jwks", JsonColumn),
    sa.Column("asked_at", InstantColumn),
    sa.Column("fault", sa.Text, nullable=False),
)


class OperatorIssuer(msgspec.Struct, frozen=True, kw_only=True):
    """Who signs an operator's customers in. `line_claim` names the claim that holds the operator's own name of the line.

    `jwks` is None until it was read.
    """

    operator: OperatorId
    issuer: str
    audience: str
    line_claim: str
    jwks: Mapping[str, Any] | None
    asked_at: Instant | None
    fault: str


def set_issuer(
    conn: Connection, operator: OperatorId, issuer: str, audience: str, line_claim: str, now: Instant, *, actor: str
) -> None:
    """Record an operator's issuer in the place of what is there. Raises SignInError, CallRefused."""
    check_url(issuer)
    if "?" in issuer or "#" in issuer or not audience or not line_claim:
        raise SignInError(
            "The issuer is no address without a query, or the audience or the claim is empty.",
            remedy="Write it as its openid-configuration has it, and name what it knows this service by.",
        )
    another = sa.select(operator_issuers.c.operator_id).where(
        operator_issuers.c.issuer == issuer, operator_issuers.c.operator_id != operator
    )
    if conn.execute(another).one_or_none() is not None:
        raise SignInError("Another operator has this issuer.", remedy="Each has its own.", code=ErrorCode.CONFLICT)
    conn.execute(sa.delete(operator_issuers).where(operator_issuers.c.operator_id == operator))
    conn.execute(
        sa.insert(operator_issuers).values(
            operator_id=operator, issuer=issuer, audience=audience, line_claim=line_claim, fault=""
        )
    )
    detail = {"issuer": issuer, "audience": audience, "line_claim": line_claim}
    outbox.append(conn, TOPIC, operator, {"kind": ISSUERS_CHANGED}, now)
    audit.record(conn, actor, "issuer.set", operator, detail, now, sides=[operator_side(operator)])


def forget_issuer(conn: Connection, operator: OperatorId, now: Instant, *, actor: str) -> None:
    """Take an operator's issuer away: nobody signs in by it any more. Raises SignInError."""
    if not conn.execute(sa.delete(operator_issuers).where(operator_issuers.c.operator_id == operator)).rowcount:
        raise SignInError("This operator has no issuer.", remedy="Nothing is to be done.", code=ErrorCode.NOT_FOUND)
    outbox.append(conn, TOPIC, operator, {"kind": ISSUERS_CHANGED}, now)
    audit.record(conn, actor, "issuer.forget", operator, {}, now, sides=[operator_side(operator)])


def record_keys(conn: Connection, one: OperatorIssuer, jwks: Mapping[str, Any], now: Instant) -> bool:
    """Keep what was read of an issuer's keys. Whether they are others than before."""
    own = sa.and_(operator_issuers.c.operator_id == one.operator, operator_issuers.c.issuer == one.issuer)
    conn.execute(sa.update(operator_issuers).where(own).values(jwks=dict(jwks), asked_at=now, fault=""))
    if one.jwks == jwks:
        return False
    outbox.append(conn, TOPIC, one.operator, {"kind": ISSUERS_CHANGED}, now)
    return True


def record_fault(conn: Connection, one: OperatorIssuer, fault: str, now: Instant) -> None:
    """Keep why an issuer's keys could not be read. The last ones stay good."""
    own = sa.and_(operator_issuers.c.operator_id == one.operator, operator_issuers.c.issuer == one.issuer)
    conn.execute(sa.update(operator_issuers).where(own).values(asked_at=now, fault=fault[:400]))


def all_issuers(conn: Connection) -> Sequence[OperatorIssuer]:
    return [
        OperatorIssuer(
            operator=row.operator_id,
            issuer=row.issuer,
            audience=row.audience,
            line_claim=row.line_claim,
            jwks=row.jwks,
            asked_at=row.asked_at,
            fault=row.fault,
        )
        for row in conn.execute(sa.select(operator_issuers).order_by(operator_issuers.c.operator_id))
    ]
