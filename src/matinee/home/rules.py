"""Which rows a home screen has, and in which order. Pure."""

from collections.abc import Mapping

from matinee.catalogue.shelves import NEW, SERIES, Shelf, genre_of
from matinee.home.model import MAX_GENRE_ROWS, RowKind, RowPlan

CONTINUE = RowPlan(id="continue", kind=RowKind.CONTINUE)


def plan_rows(sizes: Mapping[Shelf, int]) -> list[RowPlan]:
    """The rows of a home that sees this many titles on each shelf: new, series, then genres, the fullest first.

    Equally full genres come by name, so that a home does not reshuffle itself. Continue watching is not planned here: it
    is the profile's, not the catalogue's.
    """
    genres = [(genre, size) for shelf, size in sizes.items() if size > 0 and (genre := genre_of(shelf)) is not None]
    genres.sort(key=lambda pair: (-pair[1], pair[0]))
    rows = [RowPlan(id=str(NEW), kind=RowKind.NEW), RowPlan(id=str(SERIES), kind=RowKind.SERIES)]
    return [row for row in rows if sizes.get(Shelf(row.id), 0) > 0] + [
        RowPlan(id=f"genre-{genre}", kind=RowKind.GENRE, genre=genre) for genre, _ in genres[:MAX_GENRE_ROWS]
    ]
