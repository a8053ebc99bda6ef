"""What a box's launcher asks: which release to run, and how to prove that it runs it. And what an operator asks of its boxes."""

import secrets
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, Parameter

from matinee.base.clock import Clock, Instant, to_rfc3339
from matinee.base.errors import ErrorCode, NotFound
from matinee.base.ids import BoxId
from matinee.base.party import FLEET_OWNERS, Party, PartyKind, Policy
from matinee.fleet import key_store, release_store, rules, store
from matinee.fleet.handing import Handing, start_of
from matinee.fleet.identities import KeyShown, distinct_keys
from matinee.fleet.model import HELD, Box, FleetError, Interface, Release
from matinee.fleet.release_book import ReleaseBook
from matinee.fleet.snapshot import Fleet
from matinee.outside.database import Database

BOXES_ONLY: Policy = frozenset({PartyKind.BOX})
MAX_BOXES = 100
"""Of one serial that are told at once: more of them are no label's fault but a file's."""

NO_NUL = "^[^\\x00]*$"
"""PostgreSQL takes no text with a zero byte in it."""

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

    version: Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=NO_NUL)]
    nonce: Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=NO_NUL)]
    signature: Annotated[str, msgspec.Meta(max_length=100)]


class StartFailedBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`signature` signs "matinee-start-failed", a newline, the nonce, a newline and the version."""

    version: Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=NO_NUL)]
    nonce: Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=NO_NUL)]
    signature: Annotated[str, msgspec.Meta(max_length=100)]


class StartFailedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`counted`: whether it counts for a wave; the built-in release is in none."""

    version: str
    counted: bool


class ConfirmAnswer(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    confirmed_at: str


class WireInterface(msgspec.Struct, frozen=True, kw_only=True):
    product: str
    version: str


class WireMeant(msgspec.Struct, frozen=True, kw_only=True):
    """The release that a box is meant to run, and why, in words for staff; `version` is null where none is built."""

    version: str | None
    says: str


class OwnBox(msgspec.Struct, frozen=True, kw_only=True):
    """A box at one of the operator's lines. `line` is the operator's own name for it; `interface` was confirmed, or is null."""

    id: str
    serial: str
    model: str
    label: str
    identity: str
    interface: WireInterface | None
    release: WireMeant
    line: str


class OwnBoxes(msgspec.Struct, frozen=True, kw_only=True):
    boxes: list[OwnBox]


def routes(fleet: Fleet, database: Database, releases: ReleaseBook, handing: Handing, clock: Clock) -> Sequence[HTTPRouteHandler]:
    def meant_for(box: Box | None) -> Release:
        release = releases.meant_for(box, fleet.model(box.model) if box is not None else None)
        if release is None:
            raise NotFound("No interface is built for this box.", remedy="Build the screens: make ui.")
        return release

    def check_proof(box: BoxId, nonce: str, signature: str, message: bytes, now: Instant) -> None:
        with database.write() as conn:
            # The nonce is spent by any attempt that names it: a wrong signature does not get a second guess.
            spent = store.use_nonce(conn, box, nonce, now)
            keys = distinct_keys(list(store.keys_of(conn, [box])))[: rules.KEYS_TRIED]
        if not spent:
            raise FleetError("The nonce is used, old, or another box's.", remedy="Ask for a new one.", code=ErrorCode.CONFLICT)
        if not keys:
            raise FleetError("This box has no key yet.", remedy="Register it first.", code=ErrorCode.CONFLICT)
        key = rules.signer(keys, signature, message)
        with database.write() as conn:
            _, outcome = key_store.show_key(conn, box, key, now)
        if not outcome.is_taken:
            raise _not_taken(outcome)

    @post("/api/v1/box/key", opt={"policy": BOXES_ONLY}, status_code=200, sync_to_thread=True)
    def bind_key(request: BoxRequest, data: JSONBody[KeyBody]) -> KeyAnswer:
        """Register the box's public key, once it has proved to hold the private one.

        A second key is taken too, and the box is unverified then; not where staff have accepted another one.
        """
        key = rules.public_key_of(data.jwk)
        rules.check_signature(key, data.proof, rules.key_message(key))
        with database.write() as conn:
            box, outcome = key_store.show_key(conn, _box(request), key, clock())
        if outcome.is_refused or not (outcome.is_taken or box.identity in HELD):
            raise _not_taken(outcome)
        return KeyAnswer(identity=box.identity.value, thumbprint=rules.thumbprint(key))

    @get("/api/v1/box/release", opt={"policy": BOXES_ONLY})
    async def get_release(request: BoxRequest) -> Response[Release]:
        """The release that this box is meant to run."""
        box = fleet.box(request.user.box)
        release = meant_for(box)
        if box is not None:
            handing.note(box, release.version)
        return Response(release, headers={"Cache-Control": "private, no-cache"})

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
        now, box = clock(), _box(request)
        meant = meant_for(fleet.box(box))
        if data.version != meant.version:
            raise FleetError(
                f"The release {data.version} is not the one that this box is meant to run.",
                remedy="Ask for the release again.",
                code=ErrorCode.CONFLICT,
            )
        check_proof(box, data.nonce, data.signature, rules.confirm_message(data.nonce, data.version), now)
        start = start_of(releases, box, data.version)
        with database.write() as conn:
            store.record_confirmed(conn, box, Interface(product=meant.product, version=data.version), now)
            if start is not None:
                release_store.record_confirmed(conn, start, now)
        return ConfirmAnswer(version=data.version, confirmed_at=to_rfc3339(now))

    @post("/api/v1/box/start-failed", opt={"policy": BOXES_ONLY}, status_code=200, sync_to_thread=True)
    def start_failed(request: BoxRequest, data: JSONBody[StartFailedBody]) -> StartFailedAnswer:
        """Tell that a release which this box was handed did not stand on it. However often it says so, it is one box."""
        now, box = clock(), _box(request)
        check_proof(box, data.nonce, data.signature, rules.start_failed_message(data.nonce, data.version), now)
        handing.flush()  # this box may have been handed it a moment ago
        start = start_of(releases, box, data.version)
        with database.write() as conn:
            was_handed = start is not None and release_store.was_handed(conn, start.release, box)
            if not was_handed and data.version != meant_for(fleet.box(box)).version:
                raise FleetError(
                    f"This box was not handed the release {data.version}.",
                    remedy="Tell of the release that it was to start.",
                    code=ErrorCode.CONFLICT,
                )
            if start is not None:
                release_store.record_failed(conn, start, now)
        return StartFailedAnswer(version=data.version, counted=start is not None)

    @get("/api/v1/boxes", opt={"policy": FLEET_OWNERS}, sync_to_thread=True)
    def list_boxes(
        request: BoxRequest,
        serial: Annotated[str, Parameter(min_length=1, max_length=200, description="As the box's label has it: serials repeat.")],
    ) -> Response[OwnBoxes]:
        """The boxes of this serial that stand at the operator's own lines now. Another's are as boxes that do not exist."""
        now, side = clock(), request.user.side
        with database.read() as conn:
            # PostgreSQL takes no text with a zero byte in it, and so has no box that is called so.
            found = [] if "\0" in serial else store.boxes_of_one_serial(conn, fleet.models(), serial)
            standing = [(box, line) for box in found if (line := fleet.line_of(box.id, now)) is not None]
            own = [(box, line) for box, line in standing if side.has_operator(fleet.operator_of_line(line))]
            references = {line.id: line.reference for line in store.lines_of(conn, [line for _, line in own])}
        rows = [_own(fleet, releases, box, references.get(line, ""), now) for box, line in own]
        return Response(OwnBoxes(boxes=rows[:MAX_BOXES]), headers={"Cache-Control": "private, no-store"})

    return [list_boxes, bind_key, get_release, get_nonce, confirm, start_failed]


def _not_taken(outcome: KeyShown) -> FleetError:
    if outcome.is_refused:
        return FleetError(
            "This box has shown too many keys today.", remedy="Try again tomorrow.", code=ErrorCode.TOO_MANY_REQUESTS
        )
    return FleetError(
        "This key is not the one that this box goes by: the box must be checked.",
        remedy="Call your operator, who can accept the key.",
        code=ErrorCode.NOT_ALLOWED,
    )


def _box(request: BoxRequest) -> BoxId:
    if request.user.box is None:
        raise NotFound("This token is no box's.")
    return request.user.box


def _own(fleet: Fleet, releases: ReleaseBook, box: Box, line: str, now: Instant) -> OwnBox:
    model, runs = fleet.model(box.model), fleet.interface_of(box.id, now)
    meant = releases.meant_for(box, model)
    why = next(
        (one.says for one in releases.explain(box, model) if one.holds),
        "No uploaded release is for it: it runs the built-in one.",
    )
    return OwnBox(
        id=box.id,
        serial=box.serial,
        model=model.name if model is not None else "",
        label=box.label,
        identity=box.identity.value,
        interface=None if runs is None else WireInterface(product=runs.product, version=runs.version),
        release=WireMeant(version=None if meant is None else meant.version, says=why),
        line=line,
    )
