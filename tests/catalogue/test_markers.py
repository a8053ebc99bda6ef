"""Intros and end music found by what episodes share, and which markers a title then has."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from matinee.base.units import DurationMs, PositionMs
from matinee.catalogue import markers
from matinee.catalogue.model import CatalogueError, Marker, MarkerKind, MarkerSource
from matinee.encoding import landmarks
from matinee.encoding.landmarks import Landmarks
from matinee.encoding.model import Chapter
from matinee.encoding.prints import SoundPrint, Stretch, common_stretch
from matinee.outside.tools import find_tools
from tests.catalogue.factories import film
from tests.encoding.music import melody, silence, write_sound

SECONDS = 48
JINGLE, ENDING = melody(1, 8), melody(2, 10)
AAC, MP3, OPUS = (
    ("m4a", "-c:a", "aac", "-b:a", "96k"),
    ("mp3", "-c:a", "libmp3lame", "-b:a", "96k"),
    ("ogg", "-c:a", "libopus", "-b:a", "64k"),
)

Episode = Callable[..., Landmarks]


@pytest.fixture
def episode(tmp_path: Path) -> Episode:
    """Landmarks of a sound of 48 s: parts one after another, filled up with music of its own."""

    def make(
        *parts: np.ndarray, coding: Sequence[str] = AAC, end: Sequence[np.ndarray] = (), edges: Sequence[int] = ()
    ) -> Landmarks:
        seed = len(list(tmp_path.iterdir())) + 100
        taken = sum(len(part) for part in (*parts, *end)) / 48_000
        sounds = [*parts, melody(seed, SECONDS - taken), *end]
        path = write_sound(tmp_path / f"{seed}.{coding[0]}", sounds, *coding[1:])
        head, heard = landmarks._listen(path, 0, SECONDS * 500, find_tools())
        tail_ms = round(SECONDS * 1000 * landmarks.TAIL_SHARE)
        tail, heard_later = landmarks._listen(path, SECONDS * 1000 - tail_ms, tail_ms, find_tools())
        points = {*map(PositionMs, edges), *heard, *heard_later}
        return Landmarks(length_ms=DurationMs(SECONDS * 1000), head=head, tail=tail, edges=tuple(sorted(points)))

    return make


def _kinds(found: Sequence[Marker]) -> list[str]:
    return [marker.kind.value for marker in found]


@pytest.mark.parametrize(
    ("opens", "level", "coding"),
    [(0.0, 1.0, AAC), (2.37, 1.0, AAC), (6.11, 0.3, MP3), (10.05, 0.6, OPUS)],
    ids=["no cold open", "another offset", "quieter, MP3", "later, Opus"],
)
def test_an_intro_is_found_after_any_cold_open_at_any_level_through_any_codec(
    episode: Episode, opens: float, level: float, coding: tuple[str, ...]
) -> None:
    first = episode(melody(50, 4.2), JINGLE)
    second = episode(melody(60, opens), JINGLE * np.float32(level), coding=coding)
    for own, other, begins in ((first, second, 4_200), (second, first, opens * 1000)):
        (intro,) = markers.found_together(own, [other])
        assert (intro.kind, intro.source) == (MarkerKind.INTRO, MarkerSource.FOUND)
        assert abs(intro.start_ms - begins) <= 700
        assert abs(intro.end_ms - begins - 8_000) <= 700


def test_its_ends_go_to_a_cut_or_a_silence_where_one_is_near(episode: Episode) -> None:
    first, second = episode(melody(50, 4.2), JINGLE, edges=[4_240, 12_160, 30_000]), episode(silence(2), JINGLE)
    (intro,) = markers.found_together(first, [second])
    assert (intro.start_ms, intro.end_ms) == (4_240, 12_160)
    (intro,) = markers.found_together(second, [first])
    assert abs(intro.start_ms - 2_000) <= 60, "where the silence ends, to the frame of a codec"


def test_no_intro_where_nothing_is_shared(episode: Episode) -> None:
    assert markers.found_together(episode(), [episode(), episode(coding=MP3)]) == ()


def test_one_episode_alone_has_none(episode: Episode) -> None:
    assert markers.found_together(episode(JINGLE), []) == ()


def test_a_silence_that_is_shared_is_no_intro(episode: Episode) -> None:
    assert markers.found_together(episode(melody(50, 3), silence(9)), [episode(melody(60, 5), silence(9))]) == ()


def test_a_hum_that_is_shared_is_no_intro(episode: Episode) -> None:
    hum = (np.sin(np.arange(9 * 48_000) * 2 * np.pi * 100 / 48_000) * 0.3).astype(np.float32)
    assert markers.found_together(episode(melody(50, 3), hum), [episode(melody(60, 5), hum)]) == ()


def test_music_that_comes_back_in_the_middle_of_another_is_no_intro(episode: Episode) -> None:
    assert markers.found_together(episode(JINGLE), [episode(melody(60, 26), JINGLE)]) == ()


def test_a_sting_of_three_seconds_is_no_intro(episode: Episode) -> None:
    sting = melody(1, 3.2)
    assert markers.found_together(episode(melody(50, 3), sting), [episode(melody(60, 5), sting)]) == ()


def test_a_film_that_is_there_twice_has_no_intro(episode: Episode) -> None:
    whole = melody(70, SECONDS)
    assert markers.found_together(episode(whole), [episode(whole, coding=MP3)]) == ()


def test_music_that_two_ends_share_is_their_credits(episode: Episode) -> None:
    first = episode(end=[ENDING, silence(1)])
    second = episode(melody(60, 3), end=[ENDING * np.float32(0.5), silence(3)], coding=MP3)
    (credits_,) = markers.found_together(first, [second])
    assert (credits_.kind, credits_.end_ms) == (MarkerKind.CREDITS, 48_000)
    assert abs(credits_.start_ms - 37_000) <= 700


def test_what_most_of_a_season_tells_alike_outweighs_one(episode: Episode) -> None:
    odd, other_jingle = melody(3, 9), melody(4, 5)
    own = episode(JINGLE, odd)
    season = [episode(melody(60, 2), JINGLE), episode(melody(61, 4), JINGLE), episode(other_jingle, odd)]
    (intro,) = markers.found_together(own, season)
    assert intro.start_ms < 1_000
    assert abs(intro.end_ms - 8_000) <= 700


def test_prints_of_no_words_or_odd_bytes_share_nothing() -> None:
    empty, odd = SoundPrint(start_ms=PositionMs(0), words=b""), SoundPrint(start_ms=PositionMs(0), words=b"abc" * 31)
    for one in (empty, odd):
        for other in (empty, odd):
            assert common_stretch(one, other) is None or one is other is odd


def _chapter(name: str, start: int, end: int) -> Chapter:
    return Chapter(name=name, start_ms=PositionMs(start), end_ms=PositionMs(end))


def _marker(kind: MarkerKind, start: int, end: int, source: MarkerSource = MarkerSource.WRITTEN) -> Marker:
    return Marker(kind=kind, start_ms=PositionMs(start), end_ms=PositionMs(end), source=source)


def test_chapters_that_say_what_they_are_are_written_markers() -> None:
    chapters = [
        _chapter("Chapter 1", 0, 5_000),
        _chapter(" Intro ", 5_000, 20_000),
        _chapter("intro", 30_000, 40_000),
        _chapter("Générique de fin", 50_000, 99_000),
        _chapter("Credits", 70_000, 60_000),
    ]
    assert markers.of_chapters(chapters, DurationMs(60_000)) == (
        _marker(MarkerKind.INTRO, 5_000, 20_000),
        _marker(MarkerKind.CREDITS, 50_000, 60_000),
    )


def test_a_sidecar_wins_over_chapters_and_both_over_what_is_found() -> None:
    sidecar, chapter = _marker(MarkerKind.INTRO, 1, 2), _marker(MarkerKind.INTRO, 3, 4)
    assert markers.written([sidecar], [chapter]) == (sidecar,)
    title = film("A", markers=(sidecar,))
    found = [_marker(MarkerKind.INTRO, 5, 6), _marker(MarkerKind.CREDITS, 50_000, 60_000)]
    assert markers.with_found(title, found).markers == (
        sidecar,
        _marker(MarkerKind.CREDITS, 50_000, 60_000, MarkerSource.FOUND),
    )


def test_what_staff_decided_is_never_found_anew() -> None:
    found = [_marker(MarkerKind.INTRO, 5, 6), _marker(MarkerKind.CREDITS, 7, 8)]
    changes = {MarkerKind.INTRO: None, MarkerKind.CREDITS: Stretch(start_ms=PositionMs(9), end_ms=PositionMs(10))}
    edited = markers.edited(markers.with_found(film("A"), found), changes)
    assert edited.markers == (_marker(MarkerKind.CREDITS, 9, 10),)
    assert set(edited.settled) == {MarkerKind.INTRO, MarkerKind.CREDITS}
    assert markers.with_found(edited, found) == edited


@pytest.mark.parametrize(("start", "end"), [(5, 5), (9, 3), (-1, 4), (0, 60_001)])
def test_a_marker_outside_of_its_film_is_refused(start: int, end: int) -> None:
    stretch = Stretch(start_ms=PositionMs(start), end_ms=PositionMs(end))
    with pytest.raises(CatalogueError, match="does not lie within"):
        markers.edited(film("A"), {MarkerKind.INTRO: stretch})


def test_a_title_as_it_was_stored_before_markers_had_sources_is_read() -> None:
    kept = {"kind": "intro", "start_ms": 1, "end_ms": 2}
    assert msgspec.convert(kept, Marker).source is MarkerSource.WRITTEN
