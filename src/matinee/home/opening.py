"""What OK on a partner's title does: the way that is open to this viewer, its link filled in, and where the viewer came from.

The answer is what a box's launcher is told, in Firebolt's manner: an action, an address, and a context with the source.
"""

from enum import StrEnum

import msgspec

from matinee.base.errors import ErrorCode
from matinee.base.ids import TitleId
from matinee.catalogue.deep_links import filled
from matinee.catalogue.model import Sight, Title, TitleNotFound
from matinee.catalogue.rules import open_ways
from matinee.catalogue.tiles import service_name
from matinee.catalogue.view import CatalogueView
from matinee.home.model import HomeError


class NoWayToWatch(HomeError):
    """The title is there, and has no such way to it now: it plays here, or the partner's window is shut."""

    code = ErrorCode.CONFLICT


class Source(StrEnum):
    """Where a viewer came from to the title that is opened."""

    HOME = "home"
    SEARCH = "search"
    CONTINUE = "continue"
    TITLE = "title"


class LaunchContext(msgspec.Struct, frozen=True, kw_only=True):
    """`source` as it was asked; whose application it is, and what it is to show."""

    source: Source
    service_id: str
    service_name: str
    title_id: str
    entity_id: str


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """What a box is to do: `action` is always "launch". `uri` leads only to where the service's links may lead."""

    action: str
    uri: str
    context: LaunchContext


def launch_of(view: CatalogueView, sight: Sight, title_id: TitleId, way: int | None, source: Source) -> tuple[Title, Launch]:
    """The title and its launch, by the way of this number or, with None, by the first that is open.

    Raises TitleNotFound, NoWayToWatch.
    """
    title = view.get(sight, title_id)
    if title is None:
        raise TitleNotFound
    ways = dict(open_ways(sight, title))
    chosen = ways.get(next(iter(ways), -1) if way is None else way)
    if chosen is None or title.partner is None:
        raise NoWayToWatch("There is no such way to watch this title now.", remedy="Ask for the title again: it tells its ways.")
    ref = title.partner.ref
    return title, Launch(
        action="launch",
        uri=filled(chosen.link, ref=ref, language=sight.language, source=source.value),
        context=LaunchContext(
            source=source,
            service_id=title.service,
            service_name=service_name(view, title),
            title_id=title.id,
            entity_id=ref,
        ),
    )
