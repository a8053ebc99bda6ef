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
    sa.Column("web_client", sa.Text, nullable=False, server_default=""),
    sa.Column("sealed_secret", sa.LargeBinary),
    sa.Column("endpoints", JsonColumn),
    sa.Column("jwks", JsonColumn),
    sa.Column("asked_at", InstantColumn),
    sa.Column("fault", sa.Text, nullable=False),
)


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Where an issuer signs a browser in, and gives its ID token. `secret_in_body`: it takes our secret in the form alone."""

    authorization: str
    token: str
    secret_in_body: bool = False


class WebClient(msgspec.Struct, frozen=True, kw_only=True):
    """As what an issuer knows our pages in a browser. `sealed` is its secret; None for a public client, which has none."""

    id: str
    sealed: bytes | None = None


class OperatorIssuer(msgspec.Struct, frozen=True, kw_only=True):
    """Who signs an operator's customers in. `line_claim` names the claim that holds the operator's own name of the line.

    `web` is None where it signs in boxes alone; `jwks` and `endpoints` are None until they were read.
    """

    operator: OperatorId
    issuer: str
    audience: str
    line_claim: str
    web: WebClient | None
    endpoints: Endpoints | None
    jwks: Mapping[str, Any] | None
    asked_at: Instant | None
    fault: str


def check_issuer(issuer: str, audience: str, line_claim: str) -> None:
    """Raises SignInError, CallRefused."""
    check_url(issuer)
    if "?" in issuer or "#" in issuer or not audience or not line_claim:
        raise SignInError(
            "The issuer is no address without a query, or the audience or the claim is empty.",
            remedy="Write it as its openid-configuration has it, and name what it knows this service by.",
        )


def set_issuer(
    conn: Connection,
    operator: OperatorId,
    issuer: str,
    audience: str,
    line_claim: str,
    now: Instant,
    *,
    actor: str,
    web: WebClient | None = None,
) -> None:
    """Record an operator's issuer in the place of what is there. Raises SignInError, CallRefused."""
    check_issuer(issuer, audience, line_claim)
    another = sa.select(operator_issuers.c.operator_id).where(
        operator_issuers.c.issuer == issuer, operator_issuers.c.operator_id != operator
    )
    if conn.execute(another).one_or_none() is not None:
        raise SignInError("Another operator has this issuer.", remedy="Each has its own.", code=ErrorCode.CONFLICT)
    row: dict[str, Any] = {"audience": audience, "line_claim": line_claim, "fault": "", "endpoints": None, "asked_at": None}
    row |= {"web_client": "" if web is None else web.id, "sealed_secret": None if web is None else web.sealed}
    own = operator_issuers.c.operator_id == operator
    same = sa.update(operator_issuers).where(own, operator_issuers.c.issuer == issuer).values(**row)
    if not conn.execute(same).rowcount:  # of the same issuer the keys that were read stay: its boxes go on signing in
        conn.execute(sa.delete(operator_issuers).where(own))
        conn.execute(sa.insert(operator_issuers).values(operator_id=operator, issuer=issuer, **row))
    detail = {"issuer": issuer, "audience": audience, "line_claim": line_claim, "web_client": "" if web is None else web.id}
    outbox.append(conn, TOPIC, operator, {"kind": ISSUERS_CHANGED}, now)
    audit.record(conn, actor, "issuer.set", operator, detail, now, sides=[operator_side(operator)])


def forget_issuer(conn: Connection, operator: OperatorId, now: Instant, *, actor: str) -> None:
    """Take an operator's issuer away: nobody signs in by it any more. Raises SignInError."""
    if not conn.execute(sa.delete(operator_issuers).where(operator_issuers.c.operator_id == operator)).rowcount:
        raise SignInError("This operator has no issuer.", remedy="Nothing is to be done.", code=ErrorCode.NOT_FOUND)
    outbox.append(conn, TOPIC, operator, {"kind": ISSUERS_CHANGED}, now)
    audit.record(conn, actor, "issuer.forget", operator, {}, now, sides=[operator_side(operator)])


def record_read(
    conn: Connection, one: OperatorIssuer, jwks: Mapping[str, Any], endpoints: Endpoints | None, now: Instant, *, fault: str = ""
) -> bool:
    """Keep what was read of an issuer. Whether it is another than before. `fault`: why no browser signs in there."""
    own = _as_it_was(one)
    where = None if endpoints is None else msgspec.to_builtins(endpoints)
    read = {"jwks": dict(jwks), "endpoints": where, "asked_at": now, "fault": fault[:400]}
    if not conn.execute(sa.update(operator_issuers).where(own).values(**read)).rowcount:
        return False  # it was recorded anew meanwhile, and is read again
    if one.jwks == jwks and one.endpoints == endpoints:
        return False
    outbox.append(conn, TOPIC, one.operator, {"kind": ISSUERS_CHANGED}, now)
    return True


def record_fault(conn: Connection, one: OperatorIssuer, fault: str, now: Instant) -> None:
    """Keep why an issuer could not be read. What was read before stays good."""
    conn.execute(sa.update(operator_issuers).where(_as_it_was(one)).values(asked_at=now, fault=fault[:400]))


def _as_it_was(one: OperatorIssuer) -> Any:
    """The row from which an issuer was read: none where it was recorded anew since, and the others must hear of that reading."""
    own = operator_issuers.c
    return sa.and_(own.operator_id == one.operator, own.issuer == one.issuer, own.asked_at.is_not_distinct_from(one.asked_at))


def all_issuers(conn: Connection) -> Sequence[OperatorIssuer]:
    return [
        OperatorIssuer(
            operator=row.operator_id,
            issuer=row.issuer,
            audience=row.audience,
            line_claim=row.line_claim,
            web=WebClient(id=row.web_client, sealed=row.sealed_secret) if row.web_client else None,
            endpoints=None if row.endpoints is None else msgspec.convert(row.endpoints, Endpoints),
            jwks=row.jwks,
            asked_at=row.asked_at,
            fault=row.fault,
        )
        for row in conn.execute(sa.select(operator_issuers).order_by(operator_issuers.c.operator_id))
    ]
