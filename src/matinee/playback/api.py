"""The routes of playback. The answer of a play is encoded once, here, with the catalogue's JSON laid in as it is.

Bodies are read by msgspec from the bytes, not by the framework's parameter machinery: the shape is checked the same, and half the
time of a play was spent there (see README.md). The OpenAPI document names the shapes by hand for that reason.
"""

from typing import Any, TypeVar

import msgspec
from litestar import Request, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from matinee.base.errors import ErrorCode, InvalidRequest
from matinee.base.ids import ProfileId, SessionId, TitleId
from matinee.base.party import ANYONE, SCREENS
from matinee.base.units import PositionMs
from matinee.playback.licences import ClearKeyRequest
from matinee.playback.model import PlayState, Report
from matinee.playback.work import Desk

MAX_BODY = 16 * 1024
MAX_ID = 64

ShapeT = TypeVar("ShapeT")


class PlayAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which title, for which profile."""

    title_id: str
    profile_id: str


class HeartbeatSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A report. `sequence` counts up from 0 within a session."""

    sequence: int
    position_ms: int
    state: PlayState


class EndSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last report of a session."""

    sequence: int
    position_ms: int


_encode = msgspec.json.Encoder().encode
_HEADERS = {"cache-control": "no-store"}


def routes(desk: Desk) -> list[HTTPRouteHandler]:
    """The handlers, over one desk."""

    @post("/api/v1/playback", status_code=200, opt={"policy": SCREENS})
    async def play(request: Request[Any, Any, Any]) -> ASGIResponse:
        """Begin a play: manifests, licence, resume position, preferences, thumbnails, markers, in one answer."""
        asked = await _read(request, PlayAsked)
        if len(asked.title_id) > MAX_ID or len(asked.profile_id) > MAX_ID:
            raise InvalidRequest("title_id or profile_id is too long.")
        told = await desk.begin(request.user, TitleId(asked.title_id), ProfileId(asked.profile_id))
        return _json(told)

    @post("/api/v1/playback/{session_id:str}/heartbeat", status_code=200, opt={"policy": SCREENS})
    async def heartbeat(request: Request[Any, Any, Any], session_id: FromPath[str]) -> ASGIResponse:
        """Report a place; the answer renews the token before it ends and says whether to stop."""
        said = await _read(request, HeartbeatSaid)
        report = Report(sequence=said.sequence, position_ms=PositionMs(said.position_ms), state=said.state)
        return _json(await desk.heartbeat(request.user, SessionId(session_id), report))

    @post("/api/v1/playback/{session_id:str}/end", status_code=204, opt={"policy": SCREENS})
    async def end(request: Request[Any, Any, Any], session_id: FromPath[str]) -> None:
        """End a play at a place. Saying it again is fine."""
        said = await _read(request, EndSaid)
        await desk.end(request.user, SessionId(session_id), said.sequence, PositionMs(said.position_ms))

    @post("/licence/clearkey/{stream_token:str}", status_code=200, opt={"policy": ANYONE})
    async def clearkey(request: Request[Any, Any, Any], stream_token: FromPath[str]) -> ASGIResponse:
        """A ClearKey licence in the W3C form, for the film of the stream token alone: the token is who asks."""
        asked = await _read(request, ClearKeyRequest)
        return _json(await desk.licence(stream_token, asked.kids))

    return [play, heartbeat, end, clearkey]


async def _read(request: Request[Any, Any, Any], shape: type[ShapeT]) -> ShapeT:
    body = await request.body()
    if len(body) > MAX_BODY:
        raise InvalidRequest("The body is too long.", code=ErrorCode.TOO_LARGE)
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"The body is not as it must be: {error}.", remedy="See /api/openapi.json.") from error


def _json(answer: object) -> ASGIResponse:
    return ASGIResponse(body=_encode(answer), media_type="application/json", headers=_HEADERS)
