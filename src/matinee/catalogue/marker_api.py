"""A title's markers over HTTP, for its publisher: how they stand and where they come from, and to set them by hand."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from matinee.base.clock import Clock
from matinee.base.errors import InvalidRequest, NotAllowed
from matinee.base.ids import TitleId, is_id
from matinee.base.party import PUBLISHERS
from matinee.base.units import PositionMs
from matinee.catalogue.answers import AnyRequest
from matinee.catalogue.marking import edit_markers
from matinee.catalogue.model import MarkerKind, Title, TitleNotFound
from matinee.encoding.prints import Stretch
from matinee.outside.database import Database
from matinee.parties.hooks import actor_of

LONGEST_MS = 86_400_000
Ms = Annotated[int, msgspec.Meta(ge=0, le=LONGEST_MS)]


class PublishedMarker(msgspec.Struct, frozen=True, kw_only=True):
    """`source`: written (in a sidecar, by a chapter's name, by hand) or found."""

    kind: str
    start_ms: int
    end_ms: int
    source: str


class MarkerBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: MarkerKind
    start_ms: Ms
    end_ms: Ms


class MarkersBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`markers`: what is to stand, one of a kind. `none`: kinds of which none is to stand. Kinds that neither names stay."""

    markers: Annotated[list[MarkerBody], msgspec.Meta(max_length=len(MarkerKind))] = []
    none: Annotated[list[MarkerKind], msgspec.Meta(max_length=len(MarkerKind))] = []


class MarkersAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`settled`: the kinds that were decided on by hand; none of them is found any more."""

    title_id: str
    markers: list[PublishedMarker]
    settled: list[str]


def published_markers(title: Title) -> list[PublishedMarker]:
    """A title's markers as its publisher sees them."""
    return [
        PublishedMarker(kind=one.kind.value, start_ms=one.start_ms, end_ms=one.end_ms, source=one.source.value)
        for one in title.markers
    ]


def routes(database: Database, clock: Clock) -> Sequence[HTTPRouteHandler]:
    @post("/api/v1/titles/{title_id:str}/markers", opt={"policy": PUBLISHERS}, status_code=200, sync_to_thread=True)
    def set_markers(request: AnyRequest, title_id: FromPath[str], data: JSONBody[MarkersBody]) -> Response[MarkersAnswer]:
        """Set markers of one's own title by hand, or say that it has none of a kind. What is set so is never found anew."""
        if request.user.publisher is None:
            raise NotAllowed("This key belongs to no publisher.")
        kinds = [one.kind for one in data.markers] + data.none
        if not kinds or len(set(kinds)) < len(kinds):
            raise InvalidRequest(
                "The markers name no kind, or one of them twice.",
                remedy="Name each kind once, in markers with its times or in none.",
            )
        changes: dict[MarkerKind, Stretch | None] = dict.fromkeys(data.none)
        for one in data.markers:
            changes[one.kind] = Stretch(start_ms=PositionMs(one.start_ms), end_ms=PositionMs(one.end_ms))
        if not is_id(title_id):
            raise TitleNotFound
        after = edit_markers(database, request.user.publisher, TitleId(title_id), changes, clock(), actor=actor_of(request.user))
        settled = [kind.value for kind in after.settled]
        answer = MarkersAnswer(title_id=after.id, markers=published_markers(after), settled=settled)
        return Response(answer, headers={"Cache-Control": "no-store"})

    return [set_markers]
