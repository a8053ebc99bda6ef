"""What a demo film is: its words, its plan in time, and the two functions that make its picture and its sound.

A film is data first, so that its sidecar, its subtitles and its tests are read off one plan; only `picture` and `music` are code.
Times are seconds from the first frame. Lengths on the picture are in frame heights, so that one composition holds at any size.
"""

from collections.abc import Callable
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from matinee.base.units import FrameRate

Language = Literal["fr", "en"]
LANGUAGES: tuple[Language, ...] = ("fr", "en")

Plane = npt.NDArray[np.floating[Any]]
"""(height, width): a mask or one channel, 0 to 1."""
Picture = npt.NDArray[np.floating[Any]]
"""(channels, height, width): 3 planes of red, green and blue, or 1 of grey; 0 to 1, gamma-coded as on the screen."""
Mono = npt.NDArray[np.floating[Any]]
"""(samples,) at sound.RATE."""
Stereo = npt.NDArray[np.floating[Any]]
"""(2, samples) at sound.RATE; full scale is 1."""

Painter = Callable[[float], Picture]
"""The picture at a time. It may reuse its buffers: the caller is done with one picture before it asks for the next."""


class Words(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One text in both languages."""

    fr: str
    en: str

    def in_language(self, language: Language) -> str:
        return self.fr if language == "fr" else self.en


class Cue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One subtitle. The sung voice of each language sings its vowels, so sound and text never drift apart."""

    start: float
    end: float
    text: Words


class Credit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    role: str
    names: tuple[str, ...]


class Marker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: Literal["intro", "recap", "credits"]
    start: float
    end: float


class Series(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    title: Words
    synopsis: Words


class Episode(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The place of a film in a series."""

    series: Series
    season: int
    number: int


class Score(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is heard: the bed of music and effects that both languages share, and the notes the voice may sing at a time."""

    bed: Stereo
    notes: Callable[[float], tuple[int, ...]]
    voice_gain: float = 1.0


class DemoFilm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One film of the demo. `slug` names its files."""

    slug: str
    title: Words
    synopsis: Words
    short: Words
    year: int
    age_class: Literal[0, 10, 12, 16, 18]
    genres: tuple[str, ...]
    original_language: Language
    credits: tuple[Credit, ...]
    markers: tuple[Marker, ...]
    cues: tuple[Cue, ...]
    width: int
    height: int
    frame_rate: FrameRate
    frames: int
    container: Literal["mp4", "mkv"]
    subtitles: Literal["beside", "inside"]
    picture: Callable[[int, int], Painter]
    """Given width and height, the painter of the film at that size."""
    music: Callable[[float], Score]
    """Given the length in seconds, the sound."""
    monochrome: bool = False
    crf: int = 13
    """x264's constant rate factor for the file. Grain costs so much that a film of it asks for less."""
    episode: Episode | None = None

    @property
    def seconds(self) -> float:
        return float(self.frames / self.frame_rate.fraction)
