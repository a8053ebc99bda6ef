"""Which rows a home screen has, in which order, and where an operator's prominence acts in them. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from matinee.base.ids import ServiceId
from matinee.catalogue.shelves import NEW, SERIES, Shelf, genre_of
from matinee.home.for_you import LEAST_TOP
from matinee.home.model import MAX_GENRE_ROWS, Row, RowKind, RowPlan, RowWritten

CONTINUE = RowPlan(id="continue", kind=RowKind.CONTINUE)
MY_LIST = RowPlan(id="my-list", kind=RowKind.MY_LIST)

TOP: Final = Shelf("top")
"""What the homes of an operator watched most, as if it were a shelf. No weight acts in it."""

RULE: Final = "rows-2"
"""The version of what this file decides. The ranking log names it: never change what a version means, give it another number."""

PROMINENT_PLACES: Final = 12
"""As many titles at the beginning of a row may change places by prominence; which titles these are is the row's own order."""

T = TypeVar("T")
AnyRow = Row | RowWritten


def arranged(head: Sequence[T], service_of: Callable[[T], ServiceId], prominence: Sequence[tuple[ServiceId, int]]) -> list[T]:
    """The beginning of a row, given in the row's own order, as it is shown.

    Among its first 12 titles those of a service with a greater weight come first; with equal weights (0 where an operator gives
    none) the row's own order holds. No weight brings a title into the 12, or takes one out.
    """
    if not prominence:
        return list(head)
    weights = dict(prominence)
    first = sorted(head[:PROMINENT_PLACES], key=lambda one: -weights.get(service_of(one), 0))  # stable: equals stay
    return [*first, *head[PROMINENT_PLACES:]]


def together(first: Sequence[AnyRow], own: Sequence[AnyRow], shared: Sequence[AnyRow]) -> list[AnyRow]:
    """The rows of a home in their order: continue watching and one's list, for you, new, the top, because one watched, the rest.

    A home to which nothing of its own is recommended, as a children's, has the shared rows in the order in which they are.
    """
    if not own:
        return [*first, *shared]
    for_you = [row for row in own if row.kind == RowKind.FOR_YOU]
    because = [row for row in own if row.kind != RowKind.FOR_YOU]
    leading = [row for row in shared if row.kind in (RowKind.NEW, RowKind.TOP)]
    rest = [row for row in shared if row.kind not in (RowKind.NEW, RowKind.TOP)]
    return [*first, *for_you, *leading, *because, *rest]


def plan_rows(sizes: Mapping[Shelf, int]) -> list[RowPlan]:
    """The rows of a home that sees this many titles on each shelf: new, the top, series, then genres, the fullest first.

    Equally full genres come by name, so that a home does not reshuffle itself. Continue watching and what is
    recommended are not planned here: they are the profile's, not the catalogue's.
    """
    genres = [(genre, size) for shelf, size in sizes.items() if size > 0 and (genre := genre_of(shelf)) is not None]
    genres.sort(key=lambda pair: (-pair[1], pair[0]))
    rows = [RowPlan(id=str(NEW), kind=RowKind.NEW)] if sizes.get(NEW, 0) > 0 else []
    rows += [RowPlan(id=str(TOP), kind=RowKind.TOP)] if sizes.get(TOP, 0) >= LEAST_TOP else []
    rows += [RowPlan(id=str(SERIES), kind=RowKind.SERIES)] if sizes.get(SERIES, 0) > 0 else []
    return rows + [RowPlan(id=f"genre-{genre}", kind=RowKind.GENRE, genre=genre) for genre, _ in genres[:MAX_GENRE_ROWS]]


def for_kids(rows: Sequence[RowPlan]) -> list[RowPlan]:
    """The rows of a children's home, of those that a home has: series and genres before what is new.

    A child looks for what it knows; "new" is a row for those who read what has come.
    """
    return sorted(rows, key=lambda row: row.kind is RowKind.NEW)
