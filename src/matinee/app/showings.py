"""The catalogue as playback asks it: all that a play needs to know of a title, ready in memory.

A play's answer carries the title's tile as JSON. It is encoded once for each version of the catalogue and language, and laid
into answers as it is: what may be seen is decided afresh each time, what it looks like is not.
"""

from collections import OrderedDict

import msgspec

from matinee.base.ids import ServiceId, TitleId
from matinee.base.units import DurationMs
from matinee.catalogue.model import Language, MarkerKind, Sight, Title
from matinee.catalogue.pages import wire_markers
from matinee.catalogue.snapshot import Catalogue
from matinee.catalogue.tiles import tile_of
from matinee.catalogue.view import CatalogueView
from matinee.playback.model import Showing

MAX_ENCODED = 20_000
_UNKNOWN = Language("und")


class CatalogueShowings:
    """Implements playback's `Showings` over the catalogue's snapshot. Called from the event loop alone."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._version = -1
        self._encoded: OrderedDict[tuple[TitleId, Language], tuple[msgspec.Raw, msgspec.Raw]] = OrderedDict()

    def showing(self, title: TitleId, sight: Sight) -> Showing | None:
        """The title, if this sight may see it; None otherwise, whether there is such a title or not."""
        view = self._catalogue.view
        found = view.get(sight, title)
        if found is None:
            return None
        if view.version != self._version:
            self._encoded.clear()
            self._version = view.version
        tile, markers = self._encode(view, sight, found)
        playable = found.playable
        if playable is None:
            return Showing(
                title=title, service=found.service, package=None, duration_ms=DurationMs(0), tile=tile, markers=markers, audio=()
            )
        following = view.next_episode(sight, found)
        return Showing(
            title=title,
            service=found.service,
            package=playable.package,
            duration_ms=playable.duration_ms,
            tile=tile,
            markers=markers,
            audio=tuple(dict.fromkeys(track.language for track in playable.audio)) or (_UNKNOWN,),
            subtitles=tuple(dict.fromkeys(track.language for track in playable.subtitles)),
            credits_ms=next((m.start_ms for m in found.markers if m.kind is MarkerKind.CREDITS), None),
            thumbnails=playable.thumbnails,
            av1=playable.av1 if sight.takes_av1 else None,
            next_title=following.id if following else None,
            next_duration_ms=following.playable.duration_ms if following and following.playable else None,
            next_tile=self._encode(view, sight, following)[0] if following else None,
        )

    def service_of(self, title: TitleId, sight: Sight) -> ServiceId | None:
        """The title's service, if this sight may see it; None otherwise."""
        found = self._catalogue.view.get(sight, title)
        return None if found is None else found.service

    def _encode(self, view: CatalogueView, sight: Sight, title: Title) -> tuple[msgspec.Raw, msgspec.Raw]:
        key = (title.id, sight.language)
        found = self._encoded.get(key)
        if found is None:
            found = (
                msgspec.Raw(msgspec.json.encode(tile_of(view, sight, title))),
                msgspec.Raw(msgspec.json.encode(wire_markers(title))),
            )
            self._encoded[key] = found
            if len(self._encoded) > MAX_ENCODED:
                self._encoded.popitem(last=False)
        return found
