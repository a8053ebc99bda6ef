"""What a home screen is made of: rows of tiles, in an order, none of them empty."""

from enum import StrEnum
from typing import Final

import msgspec

from matinee.base.errors import ErrorCode, MatineeError
from matinee.catalogue.model import Genre
from matinee.catalogue.plans import PlanNeededTold
from matinee.catalogue.tiles import Tile

ROW_ITEMS: Final = 24
MAX_GENRE_ROWS: Final = 12


class HomeError(MatineeError):
    """A row that is asked for cannot be shown."""


class RowNotFound(HomeError):
    """No such row, or none with a title in it that this party may see: the two read alike."""

    code = ErrorCode.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("There is no such row.", remedy="Ask for the home screen again.")

    def __reduce__(self) -> tuple[object, ...]:
        return RowNotFound, ()


class RowKind(StrEnum):
    CONTINUE = "continue"
    MY_LIST = "my_list"
    NEW = "new"
    SERIES = "series"
    GENRE = "genre"


class RowPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A row that a home screen is to have: what it is called in addresses, and what it holds."""

    id: str
    kind: RowKind
    genre: Genre | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """At most 24 tiles; `more` says that the row goes on. A screen words its heading from kind and genre."""

    id: str
    kind: str
    genre: str | None
    items: list[Tile]
    more: bool


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """`needs_plan`: the services among those of the rows for which this home needs a plan; their tiles are there all the same."""

    rows: list[Row]
    needs_plan: list[PlanNeededTold] = []


class RowPage(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Tile]
    next_cursor: str | None
