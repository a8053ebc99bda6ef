"""SQL for relying parties: other programs that a household may sign in to by us, each with its exact redirect addresses."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import ClientId, new_id
from matinee.members.sign_in import rules
from matinee.members.sign_in.model import DEVICE_GRANT, EXCHANGE_GRANT, OPENID, TV, WATCH, WEB, Client, SignInError
from matinee.members.sign_in.sessions import TOPIC
from matinee.outside.database import InstantColumn, JsonColumn, metadata
from matinee.parties import audit, outbox, tokens
from matinee.parties.tokens import CodeKind, Token

CLIENTS_CHANGED: Final = "clients-changed"

oauth_clients = sa.Table(
    "oauth_clients",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("redirect_uris", JsonColumn, nullable=False),
    sa.Column("secret_digest", sa.Text, nullable=False),
    sa.Column("created_at", InstantColumn, nullable=False),
    sa.Column("ended_at", InstantColumn),
)


def our_own(origin: str) -> dict[ClientId, Client]:
    """The screens: they are in no table, since each installation has them. `origin` is the web's."""
    code, refresh = "authorization_code", "refresh_token"
    return {
        TV: Client(id=TV, name="Matinee TV", redirect_uris=(), scopes=(WATCH,), grants=(DEVICE_GRANT, EXCHANGE_GRANT, refresh)),
        WEB: Client(
            id=WEB, name="Matinee", redirect_uris=(f"{origin}/watch/",), scopes=(WATCH,), grants=(code, refresh, DEVICE_GRANT)
        ),
    }


def add_client(
    conn: Connection, name: str, redirect_uris: Sequence[str], now: Instant, *, has_secret: bool, actor: str
) -> tuple[Client, Token | None]:
    """Register a relying party; its secret is shown this once. Raises SignInError."""
    if not name.strip() or rules.label_of(name, "") != name:
        raise SignInError(f"{name!r} is no name of a program.", remedy=f"Write one line of at most {rules.MAX_LABEL} characters.")
    if not redirect_uris:
        raise SignInError("The program has no address to send a code to.", remedy="Name one by --redirect.")
    for uri in redirect_uris:
        rules.check_redirect_uri(uri)
    secret = tokens.mint(CodeKind.CLIENT_SECRET) if has_secret else None
    kept = "" if secret is None else tokens.digest(secret)
    made = ClientId(new_id())
    conn.execute(
        sa.insert(oauth_clients).values(id=made, name=name, redirect_uris=list(redirect_uris), secret_digest=kept, created_at=now)
    )
    outbox.append(conn, TOPIC, made, {"kind": CLIENTS_CHANGED}, now)
    audit.record(conn, actor, "client.add", made, {"name": name, "redirect_uris": list(redirect_uris)}, now)
    return living_clients(conn)[made], secret


def end_client(conn: Connection, client: ClientId, now: Instant, *, actor: str) -> None:
    """End a relying party for good. Raises SignInError."""
    living = sa.and_(oauth_clients.c.id == client, oauth_clients.c.ended_at.is_(None))
    if not conn.execute(sa.update(oauth_clients).where(living).values(ended_at=now)).rowcount:
        raise SignInError(
            f"There is no program {client!r}.", remedy="`matinee client list` lists them.", code=ErrorCode.NOT_FOUND
        )
    outbox.append(conn, TOPIC, client, {"kind": CLIENTS_CHANGED}, now)
    audit.record(conn, actor, "client.end", client, {}, now)


def living_clients(conn: Connection) -> dict[ClientId, Client]:
    rows = conn.execute(sa.select(oauth_clients).where(oauth_clients.c.ended_at.is_(None)).order_by(oauth_clients.c.created_at))
    return {ClientId(row.id): _client(row) for row in rows}


def _client(row: Any) -> Client:
    return Client(
        id=row.id,
        name=row.name,
        redirect_uris=tuple(row.redirect_uris),
        scopes=(OPENID,),
        grants=("authorization_code",),
        secret_digest=row.secret_digest,
    )
