"""The shelves that titles stand on, and their names, which are also the names of rows in addresses."""

from typing import Final, NewType

from matinee.catalogue.model import Genre

Shelf = NewType("Shelf", str)
NEW: Final = Shelf("new")
SERIES: Final = Shelf("series")
_GENRE: Final = "genre-"


def genre_shelf(genre: Genre) -> Shelf:
    return Shelf(_GENRE + genre)


def genre_of(shelf: Shelf) -> Genre | None:
    """The genre that a shelf holds, None for the shelves that are no genre's."""
    return Genre(shelf.removeprefix(_GENRE)) if shelf.startswith(_GENRE) else None
