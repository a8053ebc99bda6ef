"""Decisions about packages that need nothing but their arguments."""

from collections.abc import Iterable

CONTENTS = "contents.json"
MANIFESTS = ("master.m3u8", "manifest.mpd")


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
