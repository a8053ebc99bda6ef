"""What a box's launcher asks: which release to run, and how to prove that it runs it."""

import secrets
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from matinee.base.clock import Clock, Instant, to_rfc3339
from matinee.base.errors import ErrorCode, NotFound
from matinee.base.ids import BoxId
from matinee.base.party import Party, PartyKind, Policy
from matinee.fleet import rules, store
from matinee.fleet.model import FleetError, Interface, Release, Releases
from matinee.fleet.snapshot import Fleet
from matinee.outside.database import Database

BOXES_ONLY: Policy = frozenset({PartyKind.BOX})

BoxRequest = Request[Party, Any, Any]


class KeyBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`jwk` is the public key as WebCrypto exports it; `proof` signs "matinee-key", a newline and its RFC 7638 thumbprint."""

    jwk: dict[str, Any]
    proof: Annotated[str, msgspec.Meta(max_length=100)]


class KeyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    identity: str
    thumbprint: str


class NonceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    nonce: str
    expires_at: str


class ConfirmBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`signature` signs "matinee-confirm", a newline, the nonce, a newline and the version."""

    version: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    nonce: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    signature: Annotated[str, msgspec.Meta(max_length=100)]


class ConfirmAnswer(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    confirmed_at: str


def routes(fleet: Fleet, database: Database, releases: Releases, clock: Clock) -> Sequence[HTTPRouteHandler]:
    def meant_for(request: BoxRequest) -> Release:
        box = fleet.box(request.user.box)
        release = releases.meant_for(fleet.model(box.model) if box is not None else None)
        if release is None:
            raise NotFound("No interface is built for this box.", remedy="Build the screens: make ui.")
        return release

    @post("/api/v1/box/key", opt={"policy": BOXES_ONLY}, status_code=200, sync_to_thread=True)
    def bind_key(request: BoxRequest, data: JSONBody[KeyBody]) -> KeyAnswer:
        """Register the box's public key, once it has proved to hold the private one."""
        key = rules.public_key_of(data.jwk)
        rules.check_signature(key, data.proof, rules.key_message(key))
        with database.write() as conn:
            box = store.bind_key(conn, _box(request), key, clock())
        return KeyAnswer(identity=box.identity.value, thumbprint=rules.thumbprint(key))

    @get("/api/v1/box/release", opt={"policy": BOXES_ONLY})
    async def get_release(request: BoxRequest) -> Response[Release]:
        """The release that this box is meant to run."""
        return Response(meant_for(request), headers={"Cache-Control": "private, no-cache"})

    @get("/api/v1/box/nonce", opt={"policy": BOXES_ONLY}, sync_to_thread=True)
    def get_nonce(request: BoxRequest) -> Response[NonceAnswer]:
        """A number to sign once, within two minutes."""
        now = clock()
        expires_at = Instant(now + rules.NONCE_LIVES_MS)
        nonce = secrets.token_urlsafe(24)
        with database.write() as conn:
            store.add_nonce(conn, _box(request), nonce, expires_at, now)
        answer = NonceAnswer(nonce=nonce, expires_at=to_rfc3339(expires_at))
        return Response(answer, headers={"Cache-Control": "no-store"})

    @post("/api/v1/box/confirm", opt={"policy": BOXES_ONLY}, status_code=200, sync_to_thread=True)
    def confirm(request: BoxRequest, data: JSONBody[ConfirmBody]) -> ConfirmAnswer:
        """Confirm, after a start that worked, that this box runs the release that it is meant to run."""
        now = clock()
        meant = meant_for(request)
        if data.version != meant.version:
            raise FleetError(
                f"The release {data.version} is not the one that this box is meant to run.",
                remedy="Ask for the release again.",
                code=ErrorCode.CONFLICT,
            )
        with database.write() as conn:
            # The nonce is spent by any attempt that names it: a wrong signature does not get a second guess.
            spent = store.use_nonce(conn, _box(request), data.nonce, now)
            key = store.load_box(conn, _box(request)).public_key
        if not spent:
            raise FleetError(
                "The nonce is used, old, or another box's.", remedy="Ask for a new one.", code=ErrorCode.CONFLICT
            )
        if key is None:
            raise FleetError("This box has no key yet.", remedy="Register it first.", code=ErrorCode.CONFLICT)
        rules.check_signature(key, data.signature, rules.confirm_message(data.nonce, data.version))
        with database.write() as conn:
            store.record_confirmed(conn, _box(request), Interface(product=meant.product, version=data.version), now)
        return ConfirmAnswer(version=data.version, confirmed_at=to_rfc3339(now))

    return [bind_key, get_release, get_nonce, confirm]


def _box(request: BoxRequest) -> BoxId:
    if request.user.box is None:
        raise NotFound("This token is no box's.")
    return request.user.box
