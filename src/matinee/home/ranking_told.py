"""What a publisher is told of how its service was ranked: its own places, the rule, and its own part of what decided them.

Of others it learns how many places were filled by services that everybody might hear of. A service that nobody may know of is
left out before anything is counted.
"""

import msgspec

from matinee.base.clock import HOUR, Instant, to_rfc3339
from matinee.base.errors import NotFound
from matinee.base.ids import OperatorId, ServiceId
from matinee.home.ranking import PLACES, SAYS, Placed, narrowed, ranked
from matinee.home.ranking_store import KEPT_MS, Ranking
from matinee.home.ranking_store import newest as newest_ranking
from matinee.home.rules import TOP
from matinee.outside.database import Database


class RankedTitle(msgspec.Struct, frozen=True, kw_only=True):
    """A title of the service: its place as shown, the place that the row's own order gives it, and what it is sorted by: its
    moment, and in the top row how many homes watched it."""

    title: str
    place: int
    own_place: int
    sorted_by: str


class RankedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row: how many titles the service has in it, how many of the first places are filled, and those that are the service's."""

    row: str
    titles: int
    filled: int
    places: list[RankedTitle]


class RankingTold(msgspec.Struct, frozen=True, kw_only=True):
    """How a service was ranked at an operator in an hour, where everything that all may know of could be seen."""

    service: str
    operator: str
    hour: str
    rule: str
    says: str
    first_places: int
    prominence: int
    rows: list[RankedRow]


def ranking_told(
    database: Database, service: ServiceId, operator: OperatorId, at: Instant, now: Instant
) -> tuple[RankingTold, Ranking]:
    """What is told of a service at an operator at a moment, and the record it comes from. Raises NotFound. Blocks."""
    with database.read() as conn:
        found = newest_ranking(conn, operator, at) if now - KEPT_MS <= at <= now else None
    if found is None:
        raise NotFound(
            "Nothing was recorded of that operator's rows then.",
            remedy=f"Ask for a moment of the last {KEPT_MS // (24 * HOUR)} days in which the service ran.",
        )
    inputs = narrowed(found.inputs, {service, *found.openly})
    rows = [
        RankedRow(
            row=row, titles=head.size, filled=len(places), places=[_told(row, one) for one in places if one.service == service]
        )
        for row, places in ranked(inputs).items()
        if (head := inputs.rows[row].get(service)) is not None
    ]
    told = RankingTold(
        service=service,
        operator=operator,
        hour=to_rfc3339(Instant(at - at % HOUR)),
        rule=inputs.rule,
        says=SAYS[inputs.rule],
        first_places=PLACES,
        prominence=inputs.weights.get(service, 0),
        rows=rows,
    )
    return told, found


def _told(row: str, one: Placed) -> RankedTitle:
    by = f"{-one.key} homes" if row == TOP else to_rfc3339(Instant(-one.key))
    return RankedTitle(title=one.title, place=one.place, own_place=one.own_place, sorted_by=by)
