"""SQL for publishers and for API keys. A change that the snapshot holds appends an event in the same transaction."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import PublisherId, new_id
from matinee.base.party import Role
from matinee.outside.database import InstantColumn, metadata
from matinee.parties import audit, outbox, tokens
from matinee.parties.model import KEY_ID_CHARS, ApiKey, PartyError, Publisher, Seat
from matinee.parties.rules import check_label, check_seat
from matinee.parties.seats import seat_columns, seat_of, sides_of, values_of
from matinee.parties.tokens import Token, TokenKind

TOPIC: Final = "parties"

publishers = sa.Table(
    "publishers",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("created_at", InstantColumn, nullable=False),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    *seat_columns(),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("created_at", InstantColumn, nullable=False),
    sa.Column("revoked_at", InstantColumn),
)


def ensure_publisher(conn: Connection, name: str, currency: str, now: Instant) -> Publisher:
    """The publisher of that name, made where there is none. Raises PartyError for an empty name or an odd currency."""
    if not name.strip():
        raise PartyError("A publisher's name is empty.", remedy="Give it a name.")
    if len(currency) != 3 or not currency.isascii() or not currency.isupper():
        raise PartyError(
            f"The currency {currency!r} of the publisher {name!r} is not known.",
            remedy="Write three capital letters (ISO 4217): EUR.",
        )
    row = conn.execute(sa.select(publishers).where(publishers.c.name == name)).one_or_none()
    if row is not None:
        return Publisher(id=row.id, name=row.name, currency=row.currency)
    made = Publisher(id=PublisherId(new_id()), name=name, currency=currency)
    conn.execute(sa.insert(publishers).values(id=made.id, name=name, currency=currency, created_at=now))
    outbox.append(conn, TOPIC, made.id, {}, now)
    return made


def all_publishers(conn: Connection) -> Sequence[Publisher]:
    """Every publisher of this installation, by name."""
    rows = conn.execute(sa.select(publishers).order_by(publishers.c.name))
    return [Publisher(id=r.id, name=r.name, currency=r.currency) for r in rows]


def mint_api_key(conn: Connection, publisher: PublisherId, label: str, now: Instant) -> Token:
    """A new key of a publisher. It is shown this once; what is kept is its hash."""
    return add_api_key(conn, Seat(role=Role.PUBLISHER, publisher=publisher), label, now, actor="command line")


def add_api_key(conn: Connection, seat: Seat, label: str, now: Instant, *, actor: str) -> Token:
    """A new key. It is shown this once; what is kept is its hash. Raises PartyError."""
    check_seat(seat)
    check_label(label)
    outbox.hold(conn)  # before the audit's lock, as everywhere
    token = tokens.mint(TokenKind.API_KEY)
    digest = tokens.digest(token)
    conn.execute(sa.insert(api_keys).values(digest=digest, label=label, created_at=now, revoked_at=None, **values_of(seat)))
    _tell(conn, digest, seat, label, "key.add", now, actor)
    return token


def end_api_key(conn: Connection, begins: str, now: Instant, *, actor: str) -> ApiKey:
    """End the one living key whose id, or more of its digest, this is. Raises PartyError."""
    outbox.hold(conn)  # before the audit's lock, as everywhere; and of two that end a key at once, the second finds it ended
    found = [one for one in all_api_keys(conn) if one.revoked_at is None and begins and one.digest.startswith(begins)]
    if len(found) != 1:
        raise PartyError(
            f"{len(found) or 'No'} living key has an id that begins with {begins!r}.",
            remedy="`matinee key list` lists them.",
            code=ErrorCode.NOT_FOUND,
        )
    one = found[0]
    conn.execute(sa.update(api_keys).where(api_keys.c.digest == one.digest).values(revoked_at=now))
    _tell(conn, one.digest, one.seat, one.label, "key.end", now, actor)
    return one


def all_api_keys(conn: Connection) -> Sequence[ApiKey]:
    """Every key that was ever minted, ended ones too, in the order of minting."""
    return [
        ApiKey(digest=r.digest, seat=seat_of(r), label=r.label, created_at=r.created_at, revoked_at=r.revoked_at)
        for r in conn.execute(sa.select(api_keys).order_by(api_keys.c.created_at, api_keys.c.digest))
    ]


def _tell(conn: Connection, digest: str, seat: Seat, label: str, action: str, now: Instant, actor: str) -> None:
    key = digest[:KEY_ID_CHARS]
    audit.record(conn, actor, action, key, {"label": label, **values_of(seat)}, now, sides=sides_of(seat))
    outbox.append(conn, TOPIC, seat.publisher or seat.operator or "", {}, now)
