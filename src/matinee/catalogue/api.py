"""Titles over HTTP: a title's page, search, and a publisher's own list."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, Parameter

from matinee.base.clock import Clock, to_rfc3339
from matinee.base.errors import NotAllowed
from matinee.base.ids import TitleId, is_id
from matinee.base.pagination import MAX_PAGE
from matinee.base.party import PUBLISHERS, SCREENS
from matinee.catalogue import marker_api, store
from matinee.catalogue.answers import AnyRequest, revalidated
from matinee.catalogue.model import Language, Plans, Positions, Sight, Sights, Tastes, Title, TitleNotFound
from matinee.catalogue.pages import SearchAnswer, TitlePage, search_answer, title_page
from matinee.catalogue.plans import Needed
from matinee.catalogue.rules import language_from
from matinee.catalogue.snapshot import Catalogue
from matinee.outside.database import Database

UI_LANGUAGES: tuple[Language, ...] = (Language("fr"), Language("en"))
MAX_ID_CHARS = 64
MAX_SEARCH_CHARS = 200

ProfileParameter = Annotated[
    str | None, Parameter(max_length=MAX_ID_CHARS, description="Whose eyes: a profile of the household. Else the youngest's.")
]


class PublishedText(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    synopsis: str
    short: str


class PublishedTitle(msgspec.Struct, frozen=True, kw_only=True):
    """A title as its publisher sees it: all languages, and where it stands."""

    id: str
    kind: str
    service_id: str
    text: dict[str, PublishedText]
    year: int | None
    age_class: int
    genres: tuple[str, ...]
    series_id: str | None
    season: int | None
    episode: int | None
    package_id: str | None
    duration_ms: int | None
    published_at: str
    warnings: tuple[str, ...]
    markers: list[marker_api.PublishedMarker]


class PublishedPage(msgspec.Struct, frozen=True, kw_only=True):
    items: list[PublishedTitle]
    next_cursor: str | None


def sight_of(request: AnyRequest, sights: Sights, profile: str | None, clock: Clock) -> Sight:
    """What the asker may see now. In the profile's language; without a profile in the one that the client asks for."""
    sight = sights.sight(request.user, profile, clock())
    if profile is not None:
        return sight
    language = language_from(request.headers.get("accept-language"), UI_LANGUAGES, sight.language)
    return msgspec.structs.replace(sight, language=language)


def needed_by(request: AnyRequest, plans: Plans, sight: Sight) -> Needed:
    """Which plans the asker needs, at the moment of what it sees."""
    return lambda service: plans.seller_needed(request.user, service, sight.now)


def routes(
    catalogue: Catalogue,
    database: Database,
    sights: Sights,
    plans: Plans,
    positions: Positions,
    tastes: Tastes,
    clock: Clock,
) -> Sequence[HTTPRouteHandler]:
    @get("/api/v1/titles/{title_id:str}", opt={"policy": SCREENS}, sync_to_thread=True)
    def get_title(request: AnyRequest, title_id: FromPath[str], profile: ProfileParameter = None) -> Response[TitlePage]:
        """A title's page. What the party may not see is as a title that does not exist."""
        sight = sight_of(request, sights, profile, clock)
        if not is_id(title_id):
            raise TitleNotFound
        needed = needed_by(request, plans, sight)
        return revalidated(request, title_page(catalogue.view, sight, positions, tastes, TitleId(title_id), needed))

    @get("/api/v1/search", opt={"policy": SCREENS}, sync_to_thread=True)
    def search_titles(
        request: AnyRequest,
        q: Annotated[str, Parameter(max_length=MAX_SEARCH_CHARS, description="What was typed so far.")],
        profile: ProfileParameter = None,
        limit: Annotated[int, Parameter(ge=1, le=60)] = 24,
    ) -> Response[SearchAnswer]:
        """Titles and people as one types: accents and case do not matter, one typo in a word is forgiven."""
        sight = sight_of(request, sights, profile, clock)
        return revalidated(request, search_answer(catalogue, sight, q, limit))

    @get("/api/v1/titles", opt={"policy": PUBLISHERS}, sync_to_thread=True)
    def list_titles(
        request: AnyRequest,
        cursor: Annotated[str | None, Parameter(max_length=400)] = None,
        limit: Annotated[int, Parameter(ge=1, le=MAX_PAGE)] = 50,
    ) -> Response[PublishedPage]:
        """The publisher's own titles, newest first, in every language."""
        if request.user.publisher is None:
            raise NotAllowed("This key belongs to no publisher.")
        with database.read() as conn:
            page = store.list_titles(conn, request.user.publisher, cursor, limit)
        answer = PublishedPage(items=[_published(title) for title in page.items], next_cursor=page.next_cursor)
        return revalidated(request, answer)

    return [get_title, search_titles, list_titles, *marker_api.routes(database, clock)]


def _published(title: Title) -> PublishedTitle:
    return PublishedTitle(
        id=title.id,
        kind=title.kind.value,
        service_id=title.service,
        text={tag: PublishedText(name=text.name, synopsis=text.synopsis, short=text.short) for tag, text in title.text.items()},
        year=title.year,
        age_class=title.age_class,
        genres=title.genres,
        series_id=title.series,
        season=title.season,
        episode=title.episode,
        package_id=title.playable.package if title.playable else None,
        duration_ms=title.playable.duration_ms if title.playable else None,
        published_at=to_rfc3339(title.published_at),
        warnings=title.warnings,
        markers=marker_api.published_markers(title),
    )
