"""What a home screen is made of: rows of tiles, in an order, none of them empty."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from matinee.base.errors import ErrorCode, MatineeError
from matinee.base.ids import OperatorId, ProfileId
from matinee.catalogue.model import Genre
from matinee.catalogue.plans import PlanNeededTold
from matinee.catalogue.tiles import Tile
from matinee.home.for_you import Viewed

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
    FOR_YOU = "for-you"
    BECAUSE = "because"
    NEW = "new"
    TOP = "top"
    SERIES = "series"
    GENRE = "genre"


class RowPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A row that a home screen is to have: what it is called in addresses, and what it holds."""

    id: str
    kind: RowKind
    genre: Genre | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """At most 24 tiles; `more` says that the row goes on. A screen words its heading from kind, genre and `about`.

    `about` is a name: of a top 10 the operator's, of a row that is there because something was watched that title's.
    """

    id: str
    kind: str
    genre: str | None
    about: str | None = None
    items: list[Tile]
    more: bool


class RowWritten(msgspec.Struct, frozen=True, kw_only=True):
    """A `Row` whose tiles are the JSON in which they are sent."""

    id: str
    kind: str
    genre: str | None
    about: str | None
    items: list[msgspec.Raw]
    more: bool


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """`needs_plan`: the services among those of the rows for which this home needs a plan; their tiles are there all the same."""

    rows: list[Row]
    needs_plan: list[PlanNeededTold] = []


class HomeWritten(msgspec.Struct, frozen=True, kw_only=True):
    """A `Home` of which what it shares with others is written already: to write it all each time takes as long as to find it."""

    rows: Sequence[Row | RowWritten]
    needs_plan: list[PlanNeededTold] = []


class RowPage(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Tile]
    next_cursor: str | None


class Viewings(Protocol):
    """What a profile watched: playback's places answer it."""

    def viewed(self, profile: ProfileId) -> Sequence[Viewed]:
        """All that is remembered, in no order that means anything. May block."""
        ...


class MayRecommend(Protocol):
    """Whether what a profile watches may be learnt from, and used to recommend titles to it."""

    def __call__(self, profile: ProfileId, /) -> bool: ...


class OperatorNames(Protocol):
    """What an operator is called; "" for one that is not known."""

    def __call__(self, operator: OperatorId, /) -> str: ...
