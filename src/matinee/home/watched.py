"""What a partner's application tells a box of what was watched in it, in Firebolt's words (Discovery.watched).

A box's clock may be wrong by a year, so no moment is taken from it: it says how long ago that was, by its own measure.
"""

import threading
from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from matinee.base.clock import Instant
from matinee.base.ids import ServiceId, TitleId
from matinee.base.units import DurationMs, PositionMs
from matinee.catalogue.model import Title, Watched
from matinee.catalogue.view import CatalogueView
from matinee.home.opened import SHOWN_FOR_MS, Opened

_WHOLE: Final = 1_000
_ID: Final = msgspec.Meta(max_length=64)


class WatchedSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a profile came in an entity of a service, as the partner names both. `progress`: a share, 0 to 1.

    `late_ms`: how long ago that was, where it could not be told before; at most as long as such a title is shown.
    """

    profile_id: Annotated[str, _ID]
    service_id: Annotated[str, _ID]
    entity_id: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]
    progress: Annotated[float, msgspec.Meta(ge=0, le=1)]
    completed: bool = False
    late_ms: Annotated[int, msgspec.Meta(ge=0, le=SHOWN_FOR_MS)] = 0


class Entities:
    """Partners' titles by what partners call them; looked through once for each version of the catalogue."""

    def __init__(self) -> None:
        self._found: tuple[CatalogueView | None, Mapping[tuple[ServiceId, str], TitleId]] = None, {}
        self._looking = threading.Lock()

    def title(self, view: CatalogueView, service: str, entity: str) -> TitleId | None:
        """The title of a service that its partner calls so, whoever may see it."""
        of, named = self._found
        if of is not view:
            with self._looking:  # one looks through them, and the others wait for what it finds
                of, named = self._found
                if of is not view:
                    named = {(one.service, one.partner.ref): one.id for one in view.titles.values() if one.partner is not None}
                    self._found = view, named
        return named.get((ServiceId(service), entity))


def heard(said: WatchedSaid, title: TitleId, now: Instant) -> Opened:
    """What is kept of a report that came at a moment."""
    return Opened(title, Instant(now - said.late_ms), round(said.progress * _WHOLE), said.completed)


def watched_of(title: Title, one: Opened) -> Watched | None:
    """How far a profile is in a partner's title; None where the partner told of no progress, or of no length."""
    whole = None if title.partner is None else title.partner.duration_ms
    if whole is None or one.permille is None:
        return None
    place = PositionMs(round(whole * one.permille / _WHOLE))
    return Watched(title=title.id, position_ms=place, duration_ms=DurationMs(whole), at=one.at)
