"""The routes of playback. The answer of a play is encoded once, here, with the catalogue's JSON laid in as it is.

The three routes that a screen waits for, or calls all the time, are answered ahead of the framework (`base/ahead.py`): the shape
is checked the same, and half the time of a play went into the framework's way from a body to a parameter and from an answer to
its bytes (see README.md).
"""

from typing import Any, TypeVar

import msgspec
from litestar import Request, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from matinee.base.ahead import Answer, Asked, answered_ahead
from matinee.base.errors import ErrorCode, InvalidRequest
from matinee.base.ids import ProfileId, SessionId, TitleId
from matinee.base.party import ANYONE, SCREENS
from matinee.base.units import DurationMs, PositionMs
from matinee.playback.licences import ClearKeyAnswer, ClearKeyRequest
from matinee.playback.model import PlayState, Report
from matinee.playback.work import Desk, HeartbeatHeard, PlayTold

MAX_BODY = 16 * 1024
MAX_ID = 64

ShapeT = TypeVar("ShapeT")


class PlayAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which title, for which profile."""

    title_id: str
    profile_id: str
    prepares: bool = False
    """Nobody has pressed OK yet: no place among the home's streams is taken before the first heartbeat."""


class HeartbeatSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A report. `sequence` counts up from 0 within a session."""

    sequence: int
    position_ms: int
    state: PlayState


class EndSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last report of a session. `late_ms`: how long ago that was, where nobody could be told of it before."""

    sequence: int
    position_ms: int
    late_ms: int = 0


_encode = msgspec.json.Encoder().encode


def routes(desk: Desk) -> list[HTTPRouteHandler]:
    """The handlers, over one desk."""

    async def begin(request: Asked) -> Answer:
        asked = read(request.body, PlayAsked)
        if len(asked.title_id) > MAX_ID or len(asked.profile_id) > MAX_ID:
            raise InvalidRequest("title_id or profile_id is too long.")
        told = await desk.begin(request.party, TitleId(asked.title_id), ProfileId(asked.profile_id), prepares=asked.prepares)
        return Answer(_encode(told))

    async def hear(request: Asked) -> Answer:
        said = read(request.body, HeartbeatSaid)
        report = Report(sequence=said.sequence, position_ms=PositionMs(said.position_ms), state=said.state)
        return Answer(_encode(await desk.heartbeat(request.party, SessionId(request.path["session_id"]), report)))

    async def unlock(request: Asked) -> Answer:
        return Answer(_encode(await desk.licence(request.path["stream_token"], read(request.body, ClearKeyRequest).kids)))

    @post("/api/v1/playback", status_code=200, opt={"policy": SCREENS, "ahead": begin})
    async def play(data: JSONBody[PlayAsked]) -> PlayTold:
        """Begin a play: manifests, licence, resume position, preferences, thumbnails, markers, in one answer."""
        answered_ahead()

    @post(
        "/api/v1/playback/{session_id:str}/heartbeat",
        status_code=200,
        opt={"policy": SCREENS, "ahead": hear},
    )
    async def heartbeat(session_id: FromPath[str], data: JSONBody[HeartbeatSaid]) -> HeartbeatHeard:
        """Report a place; the answer renews the token before it ends and says whether to stop."""
        answered_ahead()

    @post("/api/v1/playback/{session_id:str}/end", status_code=204, opt={"policy": SCREENS})
    async def end(request: Request[Any, Any, Any], session_id: FromPath[str], data: JSONBody[EndSaid]) -> None:
        """End a play at a place. Saying it again is fine."""
        late = DurationMs(max(0, data.late_ms))
        await desk.end(request.user, SessionId(session_id), data.sequence, PositionMs(data.position_ms), late)

    @post("/api/v1/playback/{session_id:str}/stop", status_code=204, opt={"policy": SCREENS})
    async def stop(request: Request[Any, Any, Any], session_id: FromPath[str]) -> None:
        """Stop a play of the same household, at whichever of its screens: that one is told so at its next heartbeat.

        403 `pin_needed` where a kids' profile is open and may not open the one that watches there.
        """
        await desk.stop_other(request.user, SessionId(session_id))

    @post("/licence/clearkey/{stream_token:str}", status_code=200, opt={"policy": ANYONE, "ahead": unlock})
    async def clearkey(stream_token: FromPath[str], data: JSONBody[ClearKeyRequest]) -> ClearKeyAnswer:
        """A ClearKey licence in the W3C form, for the film of the stream token alone: the token is who asks."""
        answered_ahead()

    return [play, heartbeat, end, stop, clearkey]


def read(body: bytes, shape: type[ShapeT]) -> ShapeT:
    """A body of this shape. Raises InvalidRequest, which names the field."""
    if len(body) > MAX_BODY:
        raise InvalidRequest("The body is too long.", code=ErrorCode.TOO_LARGE)
    try:
        return msgspec.json.decode(body, type=shape)
    except RecursionError:
        raise InvalidRequest("The body is nested too deeply.", remedy="See /api/openapi.json.") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"The body is not as it must be: {error}.", remedy="See /api/openapi.json.") from error
