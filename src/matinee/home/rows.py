"""Rows put together from the snapshots. What many homes share is made once and kept; what is a profile's own is not.

Two homes that see the same services, at the same age, in the same language and place, see the same rows: so those are
kept by just that, for one version of the catalogue, a few seconds at most (a title's window may open meanwhile). What
remains for each request is the continue-watching row, and so its cost does not grow with the catalogue.
"""

import itertools
import threading
from collections import OrderedDict
from typing import Final

from matinee.base.clock import SECOND, Instant
from matinee.base.ids import OperatorId, ServiceId, TitleId
from matinee.base.pagination import decode_cursor, encode_cursor
from matinee.catalogue.model import AgeClass, Language, Positions, Sight
from matinee.catalogue.shelves import Shelf
from matinee.catalogue.snapshot import Catalogue
from matinee.catalogue.tiles import Tile, tile_of
from matinee.catalogue.view import CatalogueView
from matinee.home.model import ROW_ITEMS, Home, Row, RowKind, RowNotFound, RowPage
from matinee.home.rules import CONTINUE, plan_rows

KEPT_HOMES: Final = 512
KEPT_FOR_MS: Final = 5 * SECOND
MAX_CONTINUE: Final = 100
REMEMBERED: Final = 500
"""As many places as playback remembers of a profile."""

_Key = tuple[frozenset[ServiceId], AgeClass, OperatorId | None, str | None, Language]


class Homes:
    """Home screens. Safe to call from many threads."""

    def __init__(self, catalogue: Catalogue, positions: Positions) -> None:
        self._catalogue = catalogue
        self._positions = positions
        self._kept: OrderedDict[_Key, tuple[CatalogueView, Instant, list[Row]]] = OrderedDict()
        self._lock = threading.Lock()

    def home(self, sight: Sight) -> Home:
        """All rows that have a title for this party, continue watching first."""
        view = self._catalogue.view
        shared = self._shared(view, sight)
        under_way = self._under_way(view, sight, ROW_ITEMS + 1)
        if not under_way:
            return Home(rows=shared)
        own = Row(
            id=CONTINUE.id,
            kind=CONTINUE.kind.value,
            genre=None,
            items=under_way[:ROW_ITEMS],
            more=len(under_way) > ROW_ITEMS,
        )
        return Home(rows=[own, *shared])

    def page(self, sight: Sight, row: str, cursor: str | None, limit: int) -> RowPage:
        """A part of one row. Raises RowNotFound, and InvalidRequest for a cursor that is not ours."""
        view = self._catalogue.view
        if row == CONTINUE.id:
            items = self._under_way(view, sight, MAX_CONTINUE)
            if not items:
                raise RowNotFound
            return RowPage(items=items, next_cursor=None)  # short enough to be one page, and it moves as one watches
        after = None
        if cursor:
            key, last = decode_cursor(cursor, int, str)
            after = (int(key), TitleId(str(last)))
        found = list(itertools.islice(view.walk(sight, Shelf(row), after), limit + 1))
        if not found and after is None:
            raise RowNotFound
        page = found[:limit]
        return RowPage(
            items=[tile_of(view, sight, title) for _, title in page],
            next_cursor=encode_cursor(*page[-1][0]) if len(found) > limit else None,
        )

    def _shared(self, view: CatalogueView, sight: Sight) -> list[Row]:
        key = (sight.listed, sight.max_age, sight.operator, sight.territory, sight.language)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] is view and kept[1] <= sight.now < kept[1] + KEPT_FOR_MS:
                self._kept.move_to_end(key)
                return kept[2]
        rows = _rows(view, sight)
        with self._lock:
            self._kept[key] = (view, sight.now, rows)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT_HOMES:
                self._kept.popitem(last=False)
        return rows

    def _under_way(self, view: CatalogueView, sight: Sight, limit: int) -> list[Tile]:
        """What the profile watched last and may still see. A series shows once, by the episode in hand."""
        if sight.profile is None:
            return []
        tiles: dict[TitleId, Tile] = {}
        # All that is remembered, and cut to length after: what may not be seen must take no place of what may.
        for watched in self._positions.recent(sight.profile, REMEMBERED):
            title = view.get(sight, watched.title)
            if title is not None and (title.series or title.id) not in tiles:
                tiles[title.series or title.id] = tile_of(view, sight, title, watched)
                if len(tiles) >= limit:
                    break
        return list(tiles.values())


def _rows(view: CatalogueView, sight: Sight) -> list[Row]:
    rows = []
    for plan in plan_rows(view.shelf_sizes(sight)):
        head = [title for _, title in itertools.islice(view.walk(sight, Shelf(plan.id)), ROW_ITEMS + 1)]
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
