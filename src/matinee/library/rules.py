"""Decisions about packages that need nothing but their arguments."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

CONTENTS = "contents.json"
MANIFESTS = ("master.m3u8", "manifest.mpd")

EARLY_LIMIT_MS = 40
LATE_LIMIT_MS = 60
"""Sound may lead the picture by 40 ms or follow it by 60 ms at the end of the chain (EBU R 37)."""


def publishing_order(paths: Iterable[str]) -> list[list[str]]:
    """Waves in which files go into the published store: nothing that refers to another file goes before it.

    Reversed, it is the order of taking them away.
    """
    waves: list[list[str]] = [[], [], [], []]
    for path in sorted(paths):
        if path in MANIFESTS:
            waves[3].append(path)
        elif path.endswith(".m3u8"):
            waves[2].append(path)
        elif path == CONTENTS:
            waves[1].append(path)
        else:
            waves[0].append(path)
    return [wave for wave in waves if wave]


def decoded_segments(count: int) -> list[int]:
    """Which of the segments 1 to `count` a verification decodes: the first, the middle one, the last.

    All of them are compared with what was encoded, byte for byte; decoding a few shows that what was encoded is pictures.
    """
    return sorted({1, (count + 1) // 2, count})


@dataclass(frozen=True, slots=True)
class Together:
    """How long after the picture the sound begins, the worst of all tracks, and whether a viewer would forgive it."""

    milliseconds: int
    good: bool


def starts_together(video: Sequence[Fraction], audio: Sequence[Fraction]) -> Together:
    """Compare when tracks are first shown, in seconds."""
    gaps = [round((sound - picture) * 1000) for picture in video for sound in audio]
    worst = max(gaps, key=abs, default=0)
    return Together(worst, all(-EARLY_LIMIT_MS <= gap <= LATE_LIMIT_MS for gap in gaps))
