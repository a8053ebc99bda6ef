"""Why a row is as it is: what an order was made from, and the order made of it again. Pure.

What is kept of a moment is no list of what stood where but what decided it: of each service the first titles of each row in
the row's own order, how many it has there, and its weight. From these the rows follow by the rules of `rules.py`. So one service
can be left out afterwards as if it had never been there, and a rival can be shown its places without learning whose the others
are, nor that there is a service of which nobody may know.
"""

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from matinee.base.ids import ServiceId, TitleId
from matinee.catalogue.model import Sight
from matinee.catalogue.shelves import Shelf
from matinee.catalogue.view import CatalogueView, Entry
from matinee.home.for_you import TOP as TOP_PLACES
from matinee.home.for_you import visible
from matinee.home.rules import PROMINENT_PLACES, RULE, TOP, arranged, plan_rows

PLACES: Final = PROMINENT_PLACES
"""So many first places of each row are kept: those in which a weight can act."""

SAYS: Final[Mapping[str, str]] = {
    "rows-1": "A row has its own order: the newest first, a series by its newest episode. Among its first 12 titles those of "
    "a service with a greater weight of the operator's come first; with equal weights its own order holds. No weight brings "
    "a title into the 12 or takes one out. Rows are: new, series, then the 12 genres with the most titles. Search, similar "
    "titles and continue watching know no weights.",
    "rows-2": "A row has its own order: the newest first, a series by its newest episode. Among its first 12 titles those of "
    "a service with a greater weight of the operator's come first; with equal weights its own order holds. No weight brings "
    "a title into the 12 or takes one out. Rows are: new, the top 10, series, then the 12 genres with the most titles. The top "
    "10 are the titles that the most of the operator's homes watched within a week, where enough homes did; it knows no weights. "
    "What is recommended to a profile goes by what it watched and what others watched who watched the same, else by genre and "
    "newness, whichever service it is of. Recommendations, search, similar titles and continue watching know no weights.",
}
"""What each version of the rules says, for those who are ranked by it."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """A service's part of a row: how many titles it has there, and the first of them in the row's own order."""

    size: int
    entries: tuple[Entry, ...]


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides the first places of each row. `rows`: row -> service -> its part. No weight is 0."""

    rule: str
    weights: dict[ServiceId, int]
    rows: dict[str, dict[ServiceId, Head]]


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """One place of a row, from 1: whose title stands there, at which place the row's own order has it, and what that goes by.

    `key`: minus the moment of the title; in the top row, minus the homes that watched it.
    """

    place: int
    own_place: int
    service: ServiceId
    title: TitleId
    key: int


def inputs_of(view: CatalogueView, sight: Sight, top: Sequence[Entry] = ()) -> Inputs:
    """What decides the rows of whoever has this sight. Its cost is in shelves and services, not in titles.

    `top`: minus the homes that watched a title at the operator, and the title; whoever may see it, the most first.
    """
    rows: dict[str, dict[ServiceId, Head]] = {}
    watched: dict[ServiceId, list[Entry]] = {}
    for entry, title in visible(view, sight, top):
        watched.setdefault(title.service, []).append(entry)
    if watched:
        rows[TOP] = {one: Head(size=len(entries), entries=tuple(entries[:PLACES])) for one, entries in watched.items()}
    for service in sorted(sight.listed):
        only = msgspec.structs.replace(sight, listed=frozenset({service}))
        for shelf, size in view.shelf_sizes(only).items():
            entries = tuple(entry for entry, _ in itertools.islice(view.walk(only, Shelf(shelf)), PLACES))
            rows.setdefault(str(shelf), {})[service] = Head(size=size, entries=entries)
    weights = {service: weight for service, weight in sight.prominence if service in sight.listed}
    return Inputs(rule=RULE, weights=weights, rows={row: rows[row] for row in sorted(rows)})


def narrowed(inputs: Inputs, services: Collection[ServiceId]) -> Inputs:
    """The same as if there were these services alone."""
    rows = {row: {one: head for one, head in parts.items() if one in services} for row, parts in inputs.rows.items()}
    return Inputs(
        rule=inputs.rule,
        weights={one: weight for one, weight in inputs.weights.items() if one in services},
        rows={row: parts for row, parts in rows.items() if parts},
    )


def ranked(inputs: Inputs) -> dict[str, list[Placed]]:
    """The first places of each row, in the rows' order. Raises KeyError for a version of the rules that is not known."""
    SAYS[inputs.rule]  # what "rows-1" was given has no top row, and so no part of it decides otherwise
    sizes = {Shelf(row): sum(head.size for head in parts.values()) for row, parts in inputs.rows.items()}
    weights = tuple(sorted(inputs.weights.items()))
    found = {}
    for plan in plan_rows(sizes):
        parts = inputs.rows[plan.id]
        own = sorted((*entry, service) for service, head in parts.items() for entry in head.entries)
        own = own[: TOP_PLACES if plan.id == TOP else PLACES]
        if own:
            numbered = list(enumerate(own, 1))
            shown = arranged(numbered, lambda one: one[1][2], () if plan.id == TOP else weights)
            found[plan.id] = [
                Placed(place=place, own_place=own_place, service=service, title=title, key=key)
                for place, (own_place, (key, title, service)) in enumerate(shown, 1)
            ]
    return found


def titles_shown(rows: Mapping[str, list[Placed]]) -> dict[str, list[TitleId]]:
    return {row: [one.title for one in places] for row, places in rows.items()}
