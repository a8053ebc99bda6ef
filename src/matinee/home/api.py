"""The home screen over HTTP: all rows at once, and one row further on."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, Parameter

from matinee.base.clock import Clock
from matinee.base.pagination import MAX_PAGE
from matinee.base.party import SCREENS
from matinee.catalogue.answers import AnyRequest, revalidated
from matinee.catalogue.api import ProfileParameter, sight_of
from matinee.catalogue.model import Sights
from matinee.home.model import ROW_ITEMS, Home, RowPage
from matinee.home.rows import Homes


def routes(homes: Homes, sights: Sights, clock: Clock) -> Sequence[HTTPRouteHandler]:
    @get("/api/v1/home", opt={"policy": SCREENS}, sync_to_thread=True)
    def get_home(request: AnyRequest, profile: ProfileParameter = None) -> Response[Home]:
        """All rows of the home screen, in their order; none is empty."""
        return revalidated(request, homes.home(sight_of(request, sights, profile, clock)))

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
        return revalidated(request, homes.page(sight, row_id, cursor, limit))

    return [get_home, get_row]
