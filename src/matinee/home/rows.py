"""Rows put together from the snapshots. What many homes share is made once and kept; what is a profile's own is not.

Two homes that see the same services, at the same age, in the same language and place, by the same weights, see the same rows: so
those are kept by just that, for one version of the catalogue, a few seconds at most (a title's window may open meanwhile). What
remains for each request is the continue-watching row and the profile's recommendations, and so its cost does not grow with the
catalogue.
"""

import itertools
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from matinee.base.clock import SECOND, Instant
from matinee.base.errors import ErrorCode, InvalidRequest
from matinee.base.ids import OperatorId, ServiceId, TitleId
from matinee.base.pagination import decode_cursor, encode_cursor
from matinee.catalogue.model import AgeClass, Language, Positions, Sight, Tastes, Title, Watched
from matinee.catalogue.shelves import Shelf
from matinee.catalogue.snapshot import Catalogue
from matinee.catalogue.tiles import Tile, tile_of, written
from matinee.catalogue.view import CatalogueView, Entry
from matinee.home.learnt import NOTHING_LEARNT, Learnt
from matinee.home.model import ROW_ITEMS, HomeWritten, Row, RowKind, RowNotFound, RowPage, RowPlan, RowWritten
from matinee.home.opened import Opened, OpenedTitles
from matinee.home.ranking_log import NotesRows
from matinee.home.recommending import BECAUSE, FOR_YOU, Recommending
from matinee.home.rules import CONTINUE, MY_LIST, PROMINENT_PLACES, TOP, arranged, for_kids, plan_rows, together
from matinee.home.watched import watched_of

KEPT_HOMES: Final = 512
KEPT_FOR_MS: Final = 5 * SECOND
MAX_CONTINUE: Final = 100
MAX_LISTED: Final = 200
"""As many as a profile may put on its list (members/taste_store.py)."""
REMEMBERED: Final = 500
"""As many places as playback remembers of a profile."""

_Prominence = tuple[tuple[ServiceId, int], ...]
_Key = tuple[frozenset[ServiceId], AgeClass, bool, OperatorId | None, str | None, Language, _Prominence]
_HEAD: Final = "head"


class _Kept(NamedTuple):
    """The rows that homes share, as they were made of this view and lesson at a moment; and as they are sent."""

    view: CatalogueView
    lesson: Learnt
    at: Instant
    rows: list[Row]
    written: list[RowWritten]

    def holds(self, view: CatalogueView, lesson: Learnt, now: Instant) -> bool:
        return self.view is view and self.lesson is lesson and self.at <= now < self.at + KEPT_FOR_MS


class Homes:
    """Home screens. Safe to call from many threads."""

    def __init__(
        self,
        catalogue: Catalogue,
        positions: Positions,
        opened: OpenedTitles | None = None,
        log: NotesRows | None = None,
        tastes: Tastes | None = None,
        recommending: Recommending | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._positions = positions
        self._opened = opened
        self._log = log
        self._tastes = tastes
        self._recommending = recommending
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def home(self, sight: Sight) -> HomeWritten:
        """All rows that have a title for this party, the profile's own first: continue watching, then its list."""
        view = self._catalogue.view
        shared = self._shared(view, sight)
        own = ((CONTINUE, self._under_way(view, sight, ROW_ITEMS + 1)), (MY_LIST, self._listed(view, sight, ROW_ITEMS + 1)))
        rows = [_own_row(plan, tiles) for plan, tiles in own if tiles]
        return HomeWritten(rows=together(rows, self._own(view, sight), shared.written))

    def page(self, sight: Sight, row: str, cursor: str | None, limit: int) -> RowPage:
        """A part of one row. Raises RowNotFound, and InvalidRequest for a cursor that is not ours."""
        view = self._catalogue.view
        if row in (CONTINUE.id, MY_LIST.id):
            own = self._under_way if row == CONTINUE.id else self._listed
            items = own(view, sight, MAX_CONTINUE if row == CONTINUE.id else MAX_LISTED)
            if not items:
                raise RowNotFound
            return RowPage(items=items, next_cursor=None)  # short enough to be one page, and it moves as one watches
        if row in (FOR_YOU, TOP) or row.startswith(BECAUSE):
            return self._short(view, sight, row)
        after, skipped = _place(cursor)
        found = _walk(view, sight, row, after, skipped + limit + 1)
        if not found and after is None:
            raise RowNotFound
        ends = skipped + limit
        return RowPage(
            items=[tile_of(view, sight, title) for _, title in found[skipped:ends]],
            next_cursor=_cursor(sight, after, found, ends) if len(found) > ends else None,
        )

    def _short(self, view: CatalogueView, sight: Sight, row: str) -> RowPage:
        """A row that is one page, as the home has it."""
        rows = self._shared(view, sight).rows if row == TOP else self._own(view, sight)
        for one in rows:
            if one.id == row:
                return RowPage(items=one.items, next_cursor=None)
        raise RowNotFound

    def _own(self, view: CatalogueView, sight: Sight) -> list[Row]:
        if self._recommending is None or sight.profile is None or sight.kids:
            return []  # children are recommended nothing by what they watched
        opened = self._opened.recent(sight.profile, sight.now) if self._opened is not None else ()
        return self._recommending.rows(view, sight, [one.title for one in opened])

    def _shared(self, view: CatalogueView, sight: Sight) -> _Kept:
        key = (sight.listed, sight.max_age, sight.kids, sight.operator, sight.territory, sight.language, sight.prominence)
        lesson = self._recommending.lesson if self._recommending is not None else NOTHING_LEARNT
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept.holds(view, lesson, sight.now):
                self._kept.move_to_end(key)
                return kept
        top = self._recommending.top_row(view, lesson, sight) if self._recommending is not None else None
        rows = _rows(view, sight, top)
        if self._log is not None and not sight.kids:  # what is shown to children is no publisher's to read
            self._log.note(view, lesson, sight, rows)
        made = _Kept(view, lesson, sight.now, rows, [_written(view, sight, row) for row in rows])
        with self._lock:
            for old in [one for one, known in self._kept.items() if known.view is not view and view is self._catalogue.view]:
                del self._kept[old]  # nobody asks for it again, and it holds its whole catalogue
            self._kept[key] = made
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT_HOMES:
                self._kept.popitem(last=False)
        return made

    def _listed(self, view: CatalogueView, sight: Sight, limit: int) -> list[Tile]:
        """What the profile put on its list and may still see, newest first."""
        if sight.profile is None or self._tastes is None:
            return []
        found = (view.get(sight, one) for one in self._tastes.listed(sight.profile))
        return [tile_of(view, sight, title) for title in itertools.islice((one for one in found if one is not None), limit)]

    def _under_way(self, view: CatalogueView, sight: Sight, limit: int) -> list[Tile]:
        """What the profile watched or opened last and may still see. A series shows once, by the episode in hand."""
        if sight.profile is None:
            return []
        tiles: dict[TitleId, Tile] = {}
        # All that is remembered, and cut to length after: what may not be seen must take no place of what may.
        recent: list[tuple[Instant, TitleId, Watched | None]] = [
            (watched.at, watched.title, watched) for watched in self._positions.recent(sight.profile, REMEMBERED)
        ]
        opened = self._opened.recent(sight.profile, sight.now) if self._opened is not None else ()
        if opened:
            recent = sorted([*recent, *_with_partners(view, sight, opened)], key=lambda one: -one[0])
        for _, one, watched in recent:
            title = view.get(sight, one)
            if title is not None and (title.series or title.id) not in tiles:
                tiles[title.series or title.id] = tile_of(view, sight, title, watched)
                if len(tiles) >= limit:
                    break
        return list(tiles.values())


def _with_partners(
    view: CatalogueView, sight: Sight, opened: Sequence[Opened]
) -> Iterator[tuple[Instant, TitleId, Watched | None]]:
    """What was opened with partners and is not finished; in the place of a finished episode the one that follows it."""
    known = {one.title for one in opened}
    for one in opened:
        title = view.get(sight, one.title)
        if title is None:
            continue
        if not one.completed:
            yield one.at, title.id, watched_of(title, one)
        elif (following := view.next_episode(sight, title)) is not None and following.id not in known:
            yield one.at, following.id, None


def _written(view: CatalogueView, sight: Sight, row: Row) -> RowWritten:
    items = [written(view, sight, tile) for tile in row.items]
    return RowWritten(**{**msgspec.structs.asdict(row), "items": items})


def _own_row(plan: RowPlan, tiles: list[Tile]) -> Row:
    return Row(id=plan.id, kind=plan.kind.value, genre=None, items=tiles[:ROW_ITEMS], more=len(tiles) > ROW_ITEMS)


def _walk(view: CatalogueView, sight: Sight, row: str, after: Entry | None, count: int) -> list[tuple[Entry, Title]]:
    """The first titles of a row as they are shown, from after an entry on; there the row's own order holds."""
    least = PROMINENT_PLACES if after is None and sight.prominence else 0
    found = list(itertools.islice(view.walk(sight, Shelf(row), after), max(count, least)))
    return found if after is not None else arranged(found, lambda pair: pair[1].service, sight.prominence)[:count]


def _place(cursor: str | None) -> tuple[Entry | None, int]:
    """Where a page begins: after an entry of the row's own order, or after so many titles of its arranged beginning."""
    if not cursor:
        return None, 0
    try:
        key, last = decode_cursor(cursor, int, str)
        return (int(key), TitleId(str(last))), 0
    except InvalidRequest:
        word, count = decode_cursor(cursor, str, int)
        if word != _HEAD or not 0 < int(count) < PROMINENT_PLACES:
            raise InvalidRequest("The cursor is not one that this list gave.", code=ErrorCode.INVALID_CURSOR) from None
        return None, int(count)


def _cursor(sight: Sight, after: Entry | None, found: Sequence[tuple[Entry, Title]], ends: int) -> str:
    if after is None and sight.prominence and ends < PROMINENT_PLACES:
        return encode_cursor(_HEAD, ends)
    # Beyond the arranged beginning each title comes after all that were shown.
    return encode_cursor(*max(entry for entry, _ in found[:ends]))


def _rows(view: CatalogueView, sight: Sight, top: Row | None) -> list[Row]:
    rows = []
    sizes = view.shelf_sizes(sight)
    if top is not None:
        sizes[TOP] = len(top.items)
    planned = plan_rows(sizes)
    for plan in for_kids(planned) if sight.kids else planned:
        if top is not None and plan.kind is RowKind.TOP:
            rows.append(top)
            continue
        head = [title for _, title in _walk(view, sight, plan.id, None, ROW_ITEMS + 1)]
        if head:
            rows.append(
                Row(
                    id=plan.id,
                    kind=plan.kind.value,
                    genre=plan.genre if plan.kind is RowKind.GENRE else None,
                    items=[tile_of(view, sight, title) for title in head[:ROW_ITEMS]],
                    more=len(head) > ROW_ITEMS,
                )
            )
    return rows
