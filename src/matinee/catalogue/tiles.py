"""A title as a tile: the one small form in which home, search, a title's page and the player show it."""

from typing import Final

import msgspec

from matinee.base.ids import ArtworkId, TitleId
from matinee.base.units import DurationMs
from matinee.catalogue.model import Language, Sight, Title, TitleKind, Watched
from matinee.catalogue.rules import name_of, short_synopsis
from matinee.catalogue.view import CatalogueView

MAX_KEPT: Final = 20_000


class Artwork(msgspec.Struct, frozen=True, kw_only=True):
    """Absolute paths of a title's pictures: poster 2:3, backdrop and tile 16:9, the tile with the title set on it."""

    poster: str
    poster_small: str
    backdrop: str
    backdrop_small: str
    tile: str


class TileSeries(msgspec.Struct, frozen=True, kw_only=True):
    """The place of an episode's tile."""

    id: str
    name: str
    season: int
    episode: int


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    position_ms: int
    duration_ms: int


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """The wire form. `duration_ms` is null for a series.

    `service_name` is told of what lies with a partner: its service's name. It is null for what plays here.
    """

    id: str
    kind: str
    name: str
    year: int | None
    duration_ms: int | None
    age_class: int
    genres: tuple[str, ...]
    artwork: Artwork | None
    synopsis_short: str
    series: TileSeries | None
    progress: Progress | None
    service_id: str
    service_name: str | None


def tile_of(view: CatalogueView, sight: Sight, title: Title, watched: Watched | None = None) -> Tile:
    """A title as this party reads it; `watched` adds how far its profile is."""
    _, tile, _ = _kept(view, sight.language, title)
    if watched is None:
        return tile
    return msgspec.structs.replace(tile, progress=Progress(position_ms=watched.position_ms, duration_ms=watched.duration_ms))


def written(view: CatalogueView, sight: Sight, tile: Tile) -> msgspec.Raw:
    """The JSON in which a tile is sent to this party, kept where the tile is: a home has hundreds of them."""
    kept = view.tiles.get((TitleId(tile.id), sight.language))
    return kept[2] if kept is not None and kept[1] is tile else msgspec.Raw(msgspec.json.encode(tile))


def _kept(view: CatalogueView, language: Language, title: Title) -> tuple[Title, Tile, msgspec.Raw]:
    kept: tuple[Title, Tile, msgspec.Raw] | None = view.tiles.get((title.id, language))
    if kept is None or kept[0] is not title:
        tile = _made(view, language, title)
        kept = title, tile, msgspec.Raw(msgspec.json.encode(tile))
        if len(view.tiles) >= MAX_KEPT:
            view.tiles.clear()
        view.tiles[title.id, language] = kept
    return kept


def _made(view: CatalogueView, language: Language, title: Title) -> Tile:
    return Tile(
        id=title.id,
        kind=title.kind.value,
        name=name_of(title, language),
        year=title.year,
        duration_ms=_duration(title),
        age_class=view.age_of(title),
        genres=title.genres,
        artwork=artwork_of(title.artwork),
        synopsis_short=short_synopsis(title, language),
        series=_place(view, title, language),
        progress=None,
        service_id=title.service,
        service_name=None if title.partner is None else service_name(view, title),
    )


def service_name(view: CatalogueView, title: Title) -> str:
    """What a title's service is called; "" for one that is not known yet."""
    service = view.services.get(title.service)
    return "" if service is None else service.name


def _duration(title: Title) -> DurationMs | None:
    if title.partner is not None:
        return title.partner.duration_ms
    return title.playable.duration_ms if title.playable else None


def artwork_of(artwork: ArtworkId | None) -> Artwork | None:
    if artwork is None:
        return None
    at = f"/artwork/{artwork}"
    return Artwork(
        poster=f"{at}/poster.jpg",
        poster_small=f"{at}/poster-320.jpg",
        backdrop=f"{at}/backdrop.jpg",
        backdrop_small=f"{at}/backdrop-960.jpg",
        tile=f"{at}/tile.jpg",
    )


def _place(view: CatalogueView, title: Title, language: Language) -> TileSeries | None:
    series = view.titles.get(title.series) if title.kind is TitleKind.EPISODE and title.series else None
    if series is None:
        return None
    return TileSeries(id=series.id, name=name_of(series, language), season=title.season or 0, episode=title.episode or 0)
