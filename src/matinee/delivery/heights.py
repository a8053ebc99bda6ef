"""What a token that is for smaller pictures opens of a package: which rungs are refused, and manifests that do not name them.

A player's word is not asked: a rung that is taller than the token says is refused file by file, whoever asks for it and by
whichever manifest he knows it. The package's own list of contents says how tall each rung is, so that every package that was ever
published can be served so, and one package serves every plan.
"""

import re
import xml.etree.ElementTree as ET
from collections import OrderedDict
from collections.abc import Mapping

import msgspec

from matinee.base.units import Pixels

CONTENTS = "contents.json"
MASTER, MPD = "master.m3u8", "manifest.mpd"
FILTERED = frozenset({MASTER, MPD})
MAX_PACKAGES = 2_000

_DASH = "urn:mpeg:dash:schema:mpd:2011"
_URI = re.compile(r'URI="([^"]*)"')

for _prefix, _namespace in (("", _DASH), ("cenc", "urn:mpeg:cenc:2013"), ("mspr", "urn:microsoft:playready")):
    ET.register_namespace(_prefix, _namespace)


class _Track(msgspec.Struct, frozen=True):
    name: str
    kind: str
    height: int = 0


class _Contents(msgspec.Struct, frozen=True):
    """Of a package's list of contents what is needed here."""

    tracks: tuple[_Track, ...]


Heights = Mapping[str, Pixels]
"""How tall each rung of a package is, by its name, which is its folder."""


def heights_of(contents: bytes) -> Heights:
    """Read from a package's list of contents. Raises msgspec.MsgspecError."""
    told = msgspec.json.decode(contents, type=_Contents)
    return {track.name: Pixels(track.height) for track in told.tracks if track.kind == "video"}


def refused_rungs(heights: Heights, max_height: Pixels) -> frozenset[str]:
    """The rungs that are too tall. Where all are, the smallest stay: a film that was sold is shown."""
    least = min(heights.values(), default=Pixels(0))
    return frozenset(name for name, height in heights.items() if height > max(max_height, least))


def rung_of(file: str) -> str:
    """The folder of a file within its package; "" for one that lies beside the folders."""
    return file.partition("/")[0] if "/" in file else ""


def without_rungs(file: str, manifest: bytes, refused: frozenset[str]) -> bytes:
    """A manifest as if the package had no such rungs. Raises ValueError for what is no manifest of ours."""
    if not refused:
        return manifest
    return _master_without(manifest.decode(), refused) if file == MASTER else _mpd_without(manifest.decode(), refused)


def _master_without(master: str, refused: frozenset[str]) -> bytes:
    kept: list[str] = []
    variant: str | None = None
    for line in master.splitlines():
        if line.startswith("#EXT-X-STREAM-INF:"):
            variant = line  # its address is the next line that is no tag
        elif variant is not None and line and not line.startswith("#"):
            if rung_of(line) not in refused:
                kept += [variant, line]
            variant = None
        elif line.startswith("#EXT-X-I-FRAME-STREAM-INF:"):
            found = _URI.search(line)
            if found is None or rung_of(found[1]) not in refused:
                kept.append(line)
        else:
            kept.append(line)
    return ("\n".join(kept) + "\n").encode()


def _mpd_without(mpd: str, refused: frozenset[str]) -> bytes:
    try:
        root = ET.fromstring(mpd)  # noqa: S314 -- out of our own published store, where no stranger writes
    except ET.ParseError as error:
        raise ValueError("a manifest cannot be read") from error
    for period in root.iter(f"{{{_DASH}}}Period"):
        for adaptation in list(period.iter(f"{{{_DASH}}}AdaptationSet")):
            every = adaptation.findall(f"{{{_DASH}}}Representation")
            left = [one for one in every if one.get("id") not in refused]
            if len(left) == len(every):
                continue
            for one in every:
                if one not in left:
                    adaptation.remove(one)
            if not left:
                period.remove(adaptation)
                continue
            for name in ("width", "height"):
                adaptation.set(f"max{name.capitalize()}", str(max(int(one.get(name, "0")) for one in left)))
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n").encode()


class KnownHeights:
    """Heights of the packages that were asked for last. A published package never changes, so none gets old."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Heights] = OrderedDict()

    def get(self, package: str) -> Heights | None:
        return self._known.get(package)

    def keep(self, package: str, heights: Heights) -> None:
        self._known[package] = heights
        if len(self._known) > MAX_PACKAGES:
            self._known.popitem(last=False)
