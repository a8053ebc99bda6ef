"""The home screen over HTTP: all rows at once, one row further on, the way into a partner's title and what it tells of that."""

from collections.abc import Sequence
from typing import Annotated, cast

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, Parameter

from matinee.base.clock import Clock
from matinee.base.ids import TitleId, is_id
from matinee.base.pagination import MAX_PAGE
from matinee.base.party import SCREENS
from matinee.catalogue.answers import AnyRequest, revalidated
from matinee.catalogue.api import ProfileParameter, needed_by, sight_of
from matinee.catalogue.model import Plans, Sights, TitleNotFound
from matinee.catalogue.plans import plans_among
from matinee.catalogue.snapshot import Catalogue
from matinee.home.model import ROW_ITEMS, Home, RowPage
from matinee.home.opened import OpenedTitles
from matinee.home.opening import Launch, Source, launch_of
from matinee.home.rows import Homes
from matinee.home.watched import Entities, WatchedSaid, heard
from matinee.outside.database import Database


class OpeningAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By which way (None: the first that is open), where the viewer came from, and for whom."""

    source: Source
    way: int | None = None
    profile_id: Annotated[str, msgspec.Meta(max_length=64)] | None = None


def routes(
    homes: Homes,
    opened: OpenedTitles,
    catalogue: Catalogue,
    sights: Sights,
    plans: Plans,
    database: Database,
    clock: Clock,
) -> Sequence[HTTPRouteHandler]:
    @get("/api/v1/home", opt={"policy": SCREENS}, sync_to_thread=True)
    def get_home(request: AnyRequest, profile: ProfileParameter = None) -> Response[Home]:
        """All rows of the home screen, in their order, none of them empty; and for which services of them a plan is needed."""
        sight = sight_of(request, sights, profile, clock)
        needs_plan = plans_among(catalogue.view, sight.listed, needed_by(request, plans, sight))
        with database.together():
            home = homes.home(sight)
        return cast("Response[Home]", revalidated(request, msgspec.structs.replace(home, needs_plan=needs_plan)))

    @get("/api/v1/rows/{row_id:str}", opt={"policy": SCREENS}, sync_to_thread=True)
    def get_row(
        request: AnyRequest,
        row_id: FromPath[str],
        profile: ProfileParameter = None,
        cursor: Annotated[str | None, Parameter(max_length=400)] = None,
        limit: Annotated[int, Parameter(ge=1, le=MAX_PAGE)] = ROW_ITEMS,
    ) -> Response[RowPage]:
        """A row of the home screen, page by page."""
        sight = sight_of(request, sights, profile, clock)
        with database.together():
            page = homes.page(sight, row_id, cursor, limit)
        return revalidated(request, page)

    @post("/api/v1/titles/{title_id:str}/open", opt={"policy": SCREENS}, status_code=200, sync_to_thread=True)
    def open_title(request: AnyRequest, title_id: FromPath[str], data: JSONBody[OpeningAsked]) -> Response[Launch]:
        """What a box does to show a title that lies with a partner: the link of one way to it, filled in."""
        sight = sight_of(request, sights, data.profile_id, clock)
        if not is_id(title_id):
            raise TitleNotFound
        title, launch = launch_of(catalogue.view, sight, TitleId(title_id), data.way, data.source)
        if sight.profile is not None and request.user.household is not None:
            opened.remember(request.user.household, sight.profile, title.id, sight.now)
        return Response(launch, headers={"Cache-Control": "private, no-store"})

    entities = Entities()

    @post("/api/v1/watched", opt={"policy": SCREENS}, status_code=204, sync_to_thread=True)
    def tell_watched(request: AnyRequest, data: JSONBody[WatchedSaid]) -> None:
        """How far a viewer came in a partner's application: what was told last counts, and saying it again changes nothing."""
        now, view = clock(), catalogue.view
        sight = sights.sight(request.user, data.profile_id, now, playing=True)
        here = sights.sight(request.user, None, now).services  # no film of ours runs here that may outlast a pause
        named = entities.title(view, data.service_id, data.entity_id)
        title = None if named is None else view.get(sight, named)
        if title is None or title.service not in here or request.user.household is None or sight.profile is None:
            raise TitleNotFound
        told = heard(data, title.id, sight.now)
        opened.watched(request.user.household, sight.profile, told, is_late=data.late_ms > 0)

    return [get_home, get_row, open_title, tell_watched]
