"""A token that is for smaller pictures: taller rungs are refused file by file, and manifests do not name them."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.ids import PackageId
from matinee.base.units import Pixels
from matinee.delivery.heights import refused_rungs, without_rungs
from tests.delivery.edges import SEGMENT, RunningEdge, running_edge

MASTER = """#EXTM3U
#EXT-X-VERSION:6
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Français",URI="a_fr/main.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360
v360/main.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=3000000,RESOLUTION=1280x720
v720/main.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=9000000,RESOLUTION=1920x1080
v1080/main.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=6000000,RESOLUTION=3840x2160
av1_2160/main.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,URI="v360/iframes.m3u8"
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=190000,URI="v1080/iframes.m3u8"
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=9000,URI="thumbs/main.m3u8"
"""
MPD = """<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" xmlns:cenc="urn:mpeg:cenc:2013" type="static"><Period id="0">
<AdaptationSet contentType="video" maxWidth="1920" maxHeight="1080" id="1"><ContentProtection cenc:default_KID="0"/>
<Representation id="v360" width="640" height="360"/><Representation id="v720" width="1280" height="720"/>
<Representation id="v1080" width="1920" height="1080"/></AdaptationSet>
<AdaptationSet contentType="video" maxWidth="3840" maxHeight="2160" id="2">
<Representation id="av1_2160" width="3840" height="2160"/>
</AdaptationSet><AdaptationSet contentType="audio" id="3"><Representation id="a_fr"/></AdaptationSet></Period></MPD>
"""
HEIGHTS = {"v360": 360, "v720": 720, "v1080": 1080, "av1_2160": 2160}


def contents() -> bytes:
    tracks = [{"name": name, "kind": "video", "height": height, "codec": "x"} for name, height in HEIGHTS.items()]
    return json.dumps({"package_id": "p", "tracks": [*tracks, {"name": "a_fr", "kind": "audio"}], "files": []}).encode()


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEdge]:
    with running_edge(tmp_path_factory.mktemp("edge")) as running:
        yield running


@pytest.fixture(scope="module")
def package(edge: RunningEdge) -> PackageId:
    files = {"master.m3u8": MASTER.encode(), "manifest.mpd": MPD.encode(), "contents.json": contents()}
    for rung in (*HEIGHTS, "a_fr", "thumbs"):
        files |= {f"{rung}/init.mp4": b"init", f"{rung}/1.m4s": SEGMENT, f"{rung}/main.m3u8": b"#EXTM3U\n"}
        files |= {f"{rung}/iframes.m3u8": b"#EXTM3U\n"}
    return edge.package(files)


@pytest.mark.parametrize(
    ("max_height", "opens"),
    [
        (None, {"v360", "v720", "v1080", "av1_2160"}),
        (4320, {"v360", "v720", "v1080", "av1_2160"}),
        (1080, {"v360", "v720", "v1080"}),
        (1079, {"v360", "v720"}),
        (360, {"v360"}),
        (144, {"v360"}),  # nothing is so small: the smallest is shown
    ],
)
def test_a_player_that_heeds_no_hint_is_refused_what_is_too_tall(
    edge: RunningEdge, package: PackageId, max_height: Any, opens: set[str]
) -> None:
    token = edge.token(package, max_height=max_height)
    for rung in HEIGHTS:
        for file in ("init.mp4", "1.m4s", "main.m3u8", "iframes.m3u8"):
            for method in ("GET", "HEAD"):
                answer = httpx.request(method, edge.url(package, f"{rung}/{file}", token), headers={"Range": "bytes=0-3"})
                assert (answer.status_code < 300) == (rung in opens), (rung, file, answer.status_code)
                if rung not in opens:
                    assert answer.status_code == 403
                    assert SEGMENT[:4] not in answer.content
    for always in ("a_fr/1.m4s", "a_fr/main.m3u8", "thumbs/1.m4s"):
        assert httpx.get(edge.url(package, always, token)).status_code == 200


def test_the_manifests_name_what_the_token_opens_and_nothing_else(edge: RunningEdge, package: PackageId) -> None:
    token = edge.token(package, max_height=720)
    master = httpx.get(edge.url(package, "master.m3u8", token))
    assert master.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert set(re.findall(r"^(\w+)/main.m3u8$", master.text, re.M)) == {"v360", "v720"}
    assert master.text.count("#EXT-X-STREAM-INF") == 2
    assert "v1080" not in master.text
    assert "thumbs/main.m3u8" in master.text
    assert "a_fr/main.m3u8" in master.text
    mpd = httpx.get(edge.url(package, "manifest.mpd", token))
    root = ET.fromstring(mpd.text)
    every = [one.get("id") for one in root.iter("{urn:mpeg:dash:schema:mpd:2011}Representation")]
    assert every == ["v360", "v720", "a_fr"]
    first = next(root.iter("{urn:mpeg:dash:schema:mpd:2011}AdaptationSet"))
    assert (first.get("maxWidth"), first.get("maxHeight")) == ("1280", "720")
    assert 'cenc:default_KID="0"' in mpd.text
    again = httpx.get(edge.url(package, "manifest.mpd", token), headers={"If-None-Match": mpd.headers["etag"]})
    assert again.status_code == 304
    whole = httpx.get(edge.url(package, "manifest.mpd"))
    assert whole.text == MPD
    assert whole.headers["etag"] != mpd.headers["etag"]
    head = httpx.head(edge.url(package, "manifest.mpd", token))
    assert int(head.headers["content-length"]) == len(mpd.content)


def test_a_package_that_tells_no_heights_opens_to_no_limited_token(edge: RunningEdge) -> None:
    silent = edge.package()
    limited, every = edge.token(silent, max_height=720), edge.token(silent)
    assert httpx.get(edge.url(silent, "v720/1.m4s", limited)).status_code == 404
    assert httpx.get(edge.url(silent, "v720/1.m4s", every)).status_code == 200


names = st.text("abcv0123", min_size=1, max_size=6)


@given(st.dictionaries(names, st.integers(1, 5000).map(Pixels), min_size=1), st.integers(1, 6000).map(Pixels))
def test_something_is_left_and_nothing_taller_where_anything_fits(heights: dict[str, Pixels], most: Pixels) -> None:
    left = {name: height for name, height in heights.items() if name not in refused_rungs(heights, most)}
    assert left
    if min(heights.values()) <= most:
        assert max(left.values()) <= most
        assert all(height > most for name, height in heights.items() if name not in left)
    else:
        assert set(left.values()) == {min(heights.values())}


def test_without_anything_refused_a_manifest_is_what_it_was() -> None:
    for file, text in (("master.m3u8", MASTER), ("manifest.mpd", MPD)):
        assert without_rungs(file, text.encode(), frozenset()) == text.encode()


def test_a_claim_that_is_no_height_refuses_the_token(edge: RunningEdge, package: PackageId, tmp_path: Path) -> None:
    for wrong in (0, -1):
        token = edge.token(package, max_height=wrong)
        assert httpx.get(edge.url(package, "v360/1.m4s", token)).status_code == 403
