"""Titles and their surroundings for tests, with only what a test cares for named at the call."""

from typing import Any

from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import PackageId, PublisherId, ServiceId, TitleId, new_id
from matinee.base.units import DurationMs, Pixels
from matinee.catalogue import store
from matinee.catalogue.model import (
    AudioTrack,
    Language,
    Metadata,
    Playable,
    SeriesRef,
    Service,
    SubtitleTrack,
    Title,
    TitleKind,
    TitleText,
)
from matinee.parties.store import ensure_publisher

NOW = Instant(1_412_244_000_000)
FR, EN = Language("fr"), Language("en")


def playable(duration_ms: int = 60_000) -> Playable:
    return Playable(
        package=PackageId(new_id()),
        duration_ms=DurationMs(duration_ms),
        height=Pixels(1080),
        audio=(AudioTrack(language=FR, label="Français"), AudioTrack(language=EN, label="English")),
        subtitles=(SubtitleTrack(language=FR, label="Français"),),
    )


def film(name: str, **fields: Any) -> Title:
    """A film named alike in both languages, unless `text` says otherwise."""
    given: dict[str, Any] = {
        "id": TitleId(new_id()),
        "publisher": PublisherId("p" * 26),
        "service": ServiceId("s" * 26),
        "kind": TitleKind.FILM,
        "text": {FR: TitleText(name=name), EN: TitleText(name=name)},
        "published_at": NOW,
        "playable": playable(),
    }
    return Title(**(given | fields))


def series(name: str, **fields: Any) -> Title:
    return film(name, **({"kind": TitleKind.SERIES, "playable": None} | fields))


def episode(of: Title, season: int, number: int, name: str = "", **fields: Any) -> Title:
    given: dict[str, Any] = {
        "kind": TitleKind.EPISODE,
        "service": of.service,
        "publisher": of.publisher,
        "series": of.id,
        "season": season,
        "episode": number,
    }
    return film(name, **(given | fields))


def told(name: str, **fields: Any) -> Metadata:
    """What a film's sidecar would say."""
    return Metadata(**({"kind": TitleKind.FILM, "text": {FR: TitleText(name=name)}} | fields))


def told_episode(key: str, season: int, number: int, name: str = "") -> Metadata:
    ref = SeriesRef(key=key, season=season, episode=number, text={FR: TitleText(name=key.title())})
    return told(name, kind=TitleKind.EPISODE, series=ref)


def a_service(conn: Connection, publisher: str = "Studio", name: str = "Cinéma") -> Service:
    return store.ensure_service(conn, ensure_publisher(conn, publisher, "EUR", NOW).id, name, NOW)
