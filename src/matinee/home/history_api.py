"""What a profile has watched, newest first, and how it is taken out of there.

It comes from two places: how far a profile is in what plays here, and what it opened with a partner. What is hidden is erased
from both: it leaves continue watching too.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import Response, Router, delete, get
from litestar.params import FromPath, Parameter

from matinee.base.clock import Clock, Instant, to_rfc3339
from matinee.base.ids import TitleId, is_id
from matinee.base.pagination import MAX_PAGE, decode_cursor, encode_cursor
from matinee.base.party import SCREENS
from matinee.catalogue.answers import AnyRequest, revalidated
from matinee.catalogue.api import ProfileParameter, sight_of
from matinee.catalogue.model import Sights
from matinee.catalogue.snapshot import Catalogue
from matinee.catalogue.tiles import Tile, tile_of
from matinee.home import opened as opened_store
from matinee.home.opened import Opened, OpenedTitles
from matinee.members import forgotten
from matinee.members.forgotten import Forgotten, ForgottenKind
from matinee.members.model import ProfileNotFound
from matinee.outside.database import Database
from matinee.playback import store as places
from matinee.playback.book import Book

_NOTHING = TitleId("")
"""No title's id: what cannot be one hides nothing."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A title and when it was last watched. `completed` is null of what lies with a partner who told nothing."""

    title: Tile
    at: str
    completed: bool | None


class HistoryPage(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Seen]
    next_cursor: str | None


def routes(
    book: Book, opened: OpenedTitles, catalogue: Catalogue, sights: Sights, database: Database, clock: Clock
) -> Sequence[Router]:
    @get("/history", opt={"policy": SCREENS}, sync_to_thread=True)
    def get_history(
        request: AnyRequest,
        profile: ProfileParameter = None,
        cursor: Annotated[str | None, Parameter(max_length=400)] = None,
        limit: Annotated[int, Parameter(ge=1, le=MAX_PAGE)] = 50,
    ) -> Response[HistoryPage]:
        """What a profile has watched and may still see, newest first, page by page."""
        sight = sight_of(request, sights, profile, clock)
        if sight.profile is None:
            raise ProfileNotFound
        seen = {one.title: (one.counted_at, one.completed) for one in list(book.find_places(sight.profile).values())}
        watched: list[tuple[int, TitleId, bool | None]] = [(-at, title, done) for title, (at, done) in seen.items()]
        watched += [
            (-one.at, one.title, _is_done(one)) for one in opened.recent(sight.profile, sight.now) if one.title not in seen
        ]
        after = decode_cursor(cursor, int, str) if cursor else None
        view, items, last = catalogue.view, list[Seen](), None
        for key, title_id, done in sorted(watched, key=lambda one: one[:2]):
            title = view.get(sight, title_id) if after is None or (key, title_id) > after else None
            if title is None:
                continue
            if len(items) == limit:
                return revalidated(request, HistoryPage(items=items, next_cursor=last))
            items.append(Seen(title=tile_of(view, sight, title), at=to_rfc3339(Instant(-key)), completed=done))
            last = encode_cursor(key, title_id)
        return revalidated(request, HistoryPage(items=items, next_cursor=None))

    def _hide(request: AnyRequest, profile: str | None, title: TitleId | None) -> None:
        sight = sights.sight(request.user, profile, clock())
        household = request.user.household
        if household is None or sight.profile is None:
            raise ProfileNotFound
        told = Forgotten(kind=ForgottenKind.HISTORY, household=household, profile=sight.profile, title=title, until=sight.now)
        book.forget(sight.profile, title)
        with database.write() as conn:
            places.forget(conn, told)
            opened_store.forget(conn, told)
            forgotten.say(conn, told)  # another process may be about to write what it heard before this
        book.forget(sight.profile, title)
        opened.forget(sight.profile)

    @delete("/history/{title_id:str}", opt={"policy": SCREENS}, status_code=204, sync_to_thread=True)
    def hide_one(request: AnyRequest, title_id: FromPath[str], profile: ProfileParameter = None) -> None:
        """Take one title out of what a profile has watched. The same for a title that is not in there."""
        _hide(request, profile, TitleId(title_id) if is_id(title_id) else _NOTHING)

    @delete("/history", opt={"policy": SCREENS}, status_code=204, sync_to_thread=True)
    def hide_all(request: AnyRequest, profile: ProfileParameter = None) -> None:
        """Take all that a profile has watched out."""
        _hide(request, profile, None)

    return [Router(path="/api/v1", route_handlers=[get_history, hide_one, hide_all])]


def _is_done(one: Opened) -> bool | None:
    """Whether a partner's title was finished; None where the partner told nothing."""
    return None if one.permille is None and not one.completed else one.completed
