"""SQL for publishers and their API keys. A change that the snapshot holds appends an event in the same transaction."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import PublisherId, new_id
from matinee.outside.database import InstantColumn, metadata
from matinee.parties import outbox, tokens
from matinee.parties.model import ApiKey, PartyError, Publisher
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
    sa.Column("publisher_id", sa.Text, sa.ForeignKey("publishers.id"), nullable=False, index=True),
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
    token = tokens.mint(TokenKind.API_KEY)
    conn.execute(
        sa.insert(api_keys).values(
            digest=tokens.digest(token), publisher_id=publisher, label=label, created_at=now, revoked_at=None
        )
    )
    outbox.append(conn, TOPIC, publisher, {}, now)
    return token


def revoke_api_key(conn: Connection, publisher: PublisherId, token_digest: str, now: Instant) -> bool:
    """End a key for good. False where this publisher has no such living key."""
    ended = conn.execute(
        sa.update(api_keys)
        .where(
            api_keys.c.digest == token_digest,
            api_keys.c.publisher_id == publisher,
            api_keys.c.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )
    if ended.rowcount:
        outbox.append(conn, TOPIC, publisher, {}, now)
    return bool(ended.rowcount)


def all_api_keys(conn: Connection) -> Sequence[ApiKey]:
    """Every key that was ever minted, ended ones too."""
    return [
        ApiKey(
            digest=r.digest,
            publisher=r.publisher_id,
            label=r.label,
            created_at=r.created_at,
            revoked_at=r.revoked_at,
        )
        for r in conn.execute(sa.select(api_keys))
    ]
