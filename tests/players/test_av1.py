"""AV1 under encryption, shown by three players that we did not write: the very frames that were encoded."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from matinee.base.ids import PackageId, new_id
from matinee.encoding.model import Coding, Transfer
from matinee.library.keys import new_content_keys
from matinee.library.model import DrmSystem
from matinee.library.work import package, verify
from matinee.outside.tools import find_tools
from tests.library.films import Shape, make_film
from tests.players.server import serve_files, serve_package
from tests.players.test_players import _PLAYERS, Served, _frame, _page, _settled_frame, browser, site

__all__ = ["browser", "site"]

FRAMES = [3, 47, 48, 113]
"""Beginning, both sides of a segment's boundary, the middle of a group of pictures."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, browser: Browser, site: str) -> Iterator[Served]:
    """A film in both codings, and its AV1 frames as the browser shows them from the clear rendition."""
    folder = tmp_path_factory.mktemp("av1")
    film = make_film(folder / "work", Shape(sounds=(("fr", "Français", "main"),), texts=(), av1=Transfer.SDR))
    keys = new_content_keys()
    files = package(film, folder / "work", PackageId(new_id()), keys, (DrmSystem.CLEARKEY,), folder / "out", find_tools())
    verify(folder / "out", film, keys, find_tools())
    asked: list[list[str]] = []
    with serve_package(folder / "out", keys, asked) as origin, serve_files({"clear": folder / "work"}) as renditions:
        result = Served(film, folder / "work", folder / "out", files, keys, origin, asked)
        best = next(rung for rung in film.video if rung.coding is Coding.AV1)
        with _page(browser, site) as page:
            page.evaluate("(url) => page.clear({ url })", f"{renditions}/clear/{best.path}")
            result.clear.update({number: _frame(page, result, number) for number in FRAMES})
        assert len(set(result.clear.values())) == len(FRAMES), "the chosen frames look alike: they prove nothing"
        yield result


def _load(served: Served, manifest: str, codec: str) -> dict[str, object]:
    return {
        "manifest": f"{served.origin}/package/{manifest}",
        "licence": f"{served.origin}/licence/clearkey",
        "keys": {served.keys.kid.hex(): served.keys.key.hex()},
        "height": served.height,
        "codec": codec,
    }


@pytest.mark.parametrize("player", sorted(_PLAYERS))
def test_a_player_shows_the_av1_frames_that_were_encoded(served: Served, browser: Browser, site: str, player: str) -> None:
    kind, manifest = _PLAYERS[player]
    with _page(browser, site) as page:
        page.evaluate("([kind, argument]) => page[kind](argument)", [kind, _load(served, manifest, "av01")])
        assert {number: _settled_frame(page, served, number) for number in FRAMES} == served.clear
        assert page.evaluate("page.encrypted()") is True
        assert page.evaluate("page.errors") == []
        used = page.evaluate("performance.getEntriesByType('resource').map(one => one.name)")
        assert any("/av1_180/1.m4s" in one for one in used)


@pytest.mark.parametrize("manifest", ["master.m3u8", "manifest.mpd"])
def test_a_player_told_to_keep_to_h264_has_no_av1_variant_at_all(
    served: Served, browser: Browser, site: str, manifest: str
) -> None:
    with _page(browser, site) as page:
        page.evaluate("(argument) => page.shaka(argument)", _load(served, manifest, "avc1"))
        assert [codec.partition(".")[0] for codec in page.evaluate("page.codecs()")] == ["avc1", "avc1"]
        page.evaluate("page.play(0.6)")
        used = page.evaluate("performance.getEntriesByType('resource').map(one => one.name)")
        assert not any(Path(one).parent.name.startswith("av1_") and one.endswith(".m4s") for one in used)
