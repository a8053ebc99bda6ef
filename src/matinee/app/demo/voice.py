"""A sung voice for each language. No speech can be synthesised here with what a wheel brings, and none is pretended: a soft
choir sings the vowels of each subtitle, syllable by syllable, on the notes of the film's music.

French and English therefore truly differ (in vowels, in the number of syllables, in rhythm), as two dubs over one music track do.
Formants are rounded from Peterson and Barney's table (1952) for English, and common phonetics handbooks' values for French.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from matinee.app.demo.model import Cue, Language, Mono, Stereo
from matinee.app.demo.sound import RATE, Mix, hertz, seconds_axis

_VOWELS = "aeiouyàâäéèêëîïôöùûüœ"
_FORMANTS: dict[str, tuple[float, float, float]] = {
    "a": (760, 1350, 2550),
    "e": (480, 1950, 2600),
    "i": (300, 2200, 2950),
    "o": (460, 880, 2500),
    "u": (310, 820, 2400),  # the French ou, the English oo
    "y": (290, 1850, 2300),  # the French u
    "@": (500, 1450, 2450),  # the French e and eu, the English schwa
    "n": (620, 1150, 2500),  # nasal vowels: an, on
}
_FRENCH = (("ou|où", "u"), ("oi", "a"), ("an|en|am|em|on|om", "n"), ("eau|au|ô|o", "o"), ("ai|ei|è|ê|é", "e"), ("eu|œ", "@"))
_ENGLISH = (("oo|ew", "u"), ("ee|ea|ie", "i"), ("ow|oa|aw", "o"), ("ai|ay|ey|ei", "e"), ("ou", "a"))
"""What a group of vowels begins with, and the vowel it is sung as; the first that fits."""


def syllables(text: str, language: Language) -> list[str]:
    """The vowels to sing, one a syllable, as keys of the formant table. Rough on purpose: it is sung, not spoken."""
    rules = _FRENCH if language == "fr" else _ENGLISH
    sung: list[str] = []
    for word in re.findall(r"[^\W\d_]+", text.lower()):
        # A final silent e is no syllable in either language, but in words that have no other vowel.
        spoken = re.sub(r"(?<=[^aeiouyéèê])es?$", "", word)
        word = spoken if re.search(f"[{_VOWELS}]", spoken) else word
        for group in re.findall(f"[{_VOWELS}]+[nm]?(?![{_VOWELS}])|[{_VOWELS}]+", word):
            sung.append(_vowel(group, rules, language))  # noqa: PERF401 -- a loop in a loop reads better flat
    return sung


def _vowel(group: str, rules: Sequence[tuple[str, str]], language: Language) -> str:
    for pattern, vowel in rules:
        if re.match(pattern, group):
            return vowel
    plain = unicodedata.normalize("NFD", group)[0]
    if language == "fr":
        return {"u": "y", "e": "@", "y": "i"}.get(plain, plain)
    return {"u": "@", "y": "i"}.get(plain, plain)


def choir(cues: Sequence[Cue], language: Language, notes: Callable[[float], tuple[int, ...]], seconds: float) -> Stereo:
    """(2, samples): every cue sung in one language."""
    mix = Mix(seconds)
    for index, cue in enumerate(cues):
        line = syllables(cue.text.in_language(language), language)
        if not line:
            continue
        beat = min(0.42, (cue.end - cue.start) / (len(line) + 1))
        tune = _tune(line, notes, cue.start, beat)
        for part, (transpose, pan) in enumerate(((0, -0.35), (0, 0.35), (-12, 0.0))):
            sung = _sing(line, [note + transpose for note in tune], beat, seed=index * 8 + part)
            mix.add(cue.start + 0.05, sung, 0.5 if transpose == 0 else 0.32, pan)
    return mix.samples


def _tune(line: Sequence[str], notes: Callable[[float], tuple[int, ...]], start: float, beat: float) -> list[int]:
    """A line that walks over the tones of the chord that sounds, never leaping far, and comes to rest on the lowest."""
    place, tune = 1, []
    for i, vowel in enumerate(line):
        chord = notes(start + i * beat)
        place = max(0, min(len(chord) - 1, place + (-1, 0, 1, 1, 0, -1)[(i * 5 + ord(vowel)) % 6]))
        tune.append(chord[0] if i == len(line) - 1 else chord[place])
    return tune


def _sing(line: Sequence[str], tune: Sequence[int], beat: float, seed: int) -> Mono:
    seconds = beat * len(line) + 0.9
    t = seconds_axis(seconds)
    knots = (np.arange(len(line)) + 0.35) * beat
    pitch = np.interp(t, np.repeat(knots, 2) + np.tile([-beat * 0.28, beat * 0.28], len(line)), np.repeat(_logs(tune), 2))
    vibrato = 0.004 * np.sin(2 * np.pi * (5.0 + 0.2 * (seed % 3)) * t + seed) * np.clip(t / 0.6, 0, 1)
    frequency = np.exp(pitch) * (1 + vibrato + 0.0015 * np.sin(seed + 1.7 * t))
    phase = np.mod(np.cumsum(frequency) / RATE, 1.0).astype(np.float32) * np.float32(2 * np.pi)
    formants = np.array([_FORMANTS[vowel] for vowel in line])
    out = np.zeros_like(t)
    control = np.arange(0, seconds, 0.01)
    base = np.interp(control, t[::240], frequency[::240])
    tracks = [np.interp(control, knots, formants[:, i]) for i in range(3)]
    for k in range(1, 23):
        partial = base * k
        colour: npt.NDArray[np.floating[Any]] = np.asarray(
            sum(
                g * np.exp(-(((partial - f) / w) ** 2))
                for f, g, w in zip(tracks, (1.0, 0.42, 0.12), (150, 190, 260), strict=True)
            )
        )
        strength = (colour + 0.05) * k**-0.55 * (partial < 5000)
        out += np.interp(t, control, strength).astype(np.float32) * np.sin(phase * np.float32(k))
    return out * _breaths(t, len(line), beat) * np.float32(0.3)


def _logs(tune: Sequence[int]) -> npt.NDArray[np.floating[Any]]:
    return np.log([hertz(note) for note in tune])


def _breaths(t: Mono, count: int, beat: float) -> Mono:
    """Loudness: a soft start, a dip between syllables where a consonant would be, a long end."""
    syllable = np.clip(t / beat, 0, count - 0.001) % 1.0
    dip = 1 - 0.45 * np.exp(-((syllable / 0.12) ** 2)) * (t < beat * count)
    end = np.clip((beat * count + 0.9 - t) / 1.1, 0, 1) ** 1.5
    return np.asarray(dip * np.clip(t / 0.12, 0, 1) * end, np.float32)
