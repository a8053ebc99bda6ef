"""Each check fails by its name when one thing is damaged, and that alone; with the packager and ffmpeg at work."""

import dataclasses
import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

from matinee.base.ids import PackageId, new_id
from matinee.base.units import Bytes, DurationMs
from matinee.library import checks
from matinee.library.checks import CheckFailed, Looked
from matinee.library.inspection import inspect, is_media
from matinee.library.keys import new_content_keys
from matinee.library.model import Check, DrmSystem
from matinee.library.presentation import Segment, Timeline
from matinee.library.work import check, package, publish, read_contents, verify
from matinee.outside.objects import ObjectStore
from matinee.outside.tools import find_tools
from tests.library.conftest import Packaged
from tests.library.test_work import _flip, _relist, _row

TOOLS = find_tools()
Damage = Callable[[Path], None]


def _failed(look: Callable[[], object]) -> CheckFailed:
    with pytest.raises(CheckFailed) as caught:
        look()
    assert f"(check: {caught.value.check.value})" in caught.value.message
    return caught.value


def _replaced(path: str, before: str, after: str) -> Damage:
    """Another figure in a manifest."""

    def damage(out: Path) -> None:
        text = (out / path).read_text()
        start = text.index(before)
        end = start + len(before)
        while text[end].isdigit():
            end += 1
        (out / path).write_text(text[:start] + after + text[end:])

    return damage


@pytest.mark.parametrize(
    ("damage", "relisted", "check_", "said"),
    [
        (_flip("v180/2.m4s"), False, Check.FILES, "v180/2.m4s is not as it was written"),
        (lambda out: (out / "contents.json").write_bytes(b"{"), False, Check.FILES, "cannot be read"),
        (lambda out: (out / "v90/3.m4s").unlink(), True, Check.ADDRESSES, "v90/iframes.m3u8 refers to 3.m4s"),
        (_flip("v180/2.m4s"), True, Check.SAMPLES, "v180 does not decrypt"),
        (_flip("a_fr/1.m4s"), True, Check.SAMPLES, "a_fr does not decrypt"),
        (lambda out: shutil.copy(out / "v90/init.mp4", out / "v180/init.mp4"), True, Check.DECODING, "v180"),
        (_replaced("master.m3u8", "STREAM-INF:BANDWIDTH=", "STREAM-INF:BANDWIDTH=90000"), True, Check.RATES, "BANDWIDTH of v180"),
        (_replaced("master.m3u8", "AVERAGE-BANDWIDTH=", "AVERAGE-BANDWIDTH=1"), True, Check.RATES, "AVERAGE-BANDWIDTH of v180"),
        (
            _replaced("master.m3u8", "FRAME-STREAM-INF:BANDWIDTH=", "FRAME-STREAM-INF:BANDWIDTH=9"),
            True,
            Check.RATES,
            "BANDWIDTH of v180 is 9 ",
        ),
        (_replaced("manifest.mpd", '"v180" bandwidth="', '"v180" bandwidth="7'), True, Check.RATES, "bandwidth of v180 is 7"),
        (_replaced("manifest.mpd", '"a_fr" bandwidth="', '"a_fr" bandwidth="x'), True, Check.RATES, "bandwidth of a_fr is x"),
    ],
)
def test_what_is_damaged_after_packaging_fails_its_check(
    packaged: Packaged, tmp_path: Path, damage: Damage, relisted: bool, check_: Check, said: str
) -> None:
    out = shutil.copytree(packaged.out, tmp_path / "out")
    damage(out)
    if relisted:
        _relist(out)
    failed = _failed(lambda: verify(out, packaged.film, packaged.keys, TOOLS))
    assert failed.check is check_
    assert said in failed.fault


def _coded_anew(path: Path, *options: str) -> None:
    made = path.with_suffix(".new.mp4")
    argv = [TOOLS.ffmpeg, "-nostdin", "-v", "error", "-y", "-i", str(path), *options, str(made)]
    subprocess.run(argv, check=True, timeout=60)
    made.rename(path)


def _swap_rungs(work: Path) -> None:
    (work / "v180.mp4").rename(work / "other.mp4")
    (work / "v90.mp4").rename(work / "v180.mp4")
    (work / "other.mp4").rename(work / "v90.mp4")


def _refresh_bit_by_bit(work: Path) -> None:
    """Pictures at which a decoder may join after a while (periodic intra refresh), and which containers call key pictures."""
    refresh = "intra-refresh=1:keyint=48:min-keyint=48:scenecut=0:bframes=0"
    _coded_anew(work / "v90.mp4", "-c:v", "libx264", "-x264-params", refresh, "-video_track_timescale", "24000")


def _cut_sound(work: Path) -> None:
    _coded_anew(work / "a_fr.mp4", "-c", "copy", "-t", "5")


@pytest.mark.parametrize(
    ("damage", "check_", "said"),
    [
        (_swap_rungs, Check.DESCRIPTIONS, "v180 is 160x90 where 320x180 is promised"),
        (_refresh_bit_by_bit, Check.KEY_PICTURES, "v90/2.m4s does not begin with a picture that stands alone"),
        (_cut_sound, Check.SYNC, "a_fr ends -49"),
    ],
)
def test_what_was_encoded_wrongly_fails_its_check_though_the_package_is_true_to_it(
    packaged: Packaged, tmp_path: Path, damage: Damage, check_: Check, said: str
) -> None:
    work = shutil.copytree(packaged.work, tmp_path / "work")
    damage(work)
    package(packaged.film, work, packaged.id, packaged.keys, (DrmSystem.CLEARKEY,), tmp_path / "out", TOOLS)
    failed = _failed(lambda: verify(tmp_path / "out", packaged.film, packaged.keys, TOOLS))
    assert failed.check is check_
    assert said in failed.fault


def test_a_film_of_another_length_fails_its_check(packaged: Packaged) -> None:
    longer = msgspec.structs.replace(packaged.film, duration_ms=DurationMs(packaged.film.duration_ms + 100))
    assert _failed(lambda: verify(packaged.out, longer, packaged.keys, TOOLS)).check is Check.LENGTHS


@pytest.mark.parametrize("score", [0.0, 14.9])
def test_a_rung_that_does_not_look_like_the_film_fails_its_check(packaged: Packaged, score: float) -> None:
    failed = _failed(
        lambda: verify(packaged.out, packaged.film, packaged.keys, TOOLS, scores=lambda: {"v180": 95.0, "v90": score})
    )
    assert failed.check is Check.PICTURES
    assert "v90 does not look like the film" in failed.fault


def test_every_check_passes_for_a_package_as_it_should_be(packaged: Packaged) -> None:
    report = verify(packaged.out, packaged.film, packaged.keys, TOOLS, scores=lambda: {"v180": 96.04, "v90": 15.0})
    assert report.scores == {"v180": 96.0, "v90": 15.0}


@pytest.fixture(scope="module")
def looked(packaged: Packaged) -> dict[str, Looked]:
    read = lambda path: (packaged.out / path).read_bytes()  # noqa: E731
    tracks = [track for track in read_contents(packaged.out).tracks if is_media(track)]
    return {track.name: inspect(track, read, packaged.keys) for track in tracks}


def test_a_rung_whose_segments_begin_elsewhere_is_named(looked: dict[str, Looked]) -> None:
    first, *rest = looked["v90"].timeline.segments
    moved = Timeline(looked["v90"].timeline.timescale, (dataclasses.replace(first, ticks=first.ticks + 1), *rest))
    assert checks.boundaries(looked.values()) == []
    assert checks.boundaries([looked["v180"], dataclasses.replace(looked["v90"], timeline=moved)]) == [
        "The segments of v90 do not begin where those of v180 do."
    ]


def test_boundaries_are_compared_as_times_whatever_the_timescale(looked: dict[str, Looked]) -> None:
    line = looked["v90"].timeline
    finer = Timeline(line.timescale * 3, tuple(dataclasses.replace(one, ticks=one.ticks * 3) for one in line.segments))
    assert checks.boundaries([looked["v180"], dataclasses.replace(looked["v90"], timeline=finer)]) == []


@pytest.mark.parametrize(("late_ms", "faulty"), [(0, False), (41, False), (43, True), (-43, True), (500, True)])
def test_a_sound_that_begins_apart_is_named(looked: dict[str, Looked], late_ms: int, faulty: bool) -> None:
    """A frame of this film lasts 41.7 ms."""
    sound = dataclasses.replace(looked["a_fr"], first_shown=Fraction(late_ms, 1000))
    assert bool(checks.sync([looked["v180"], sound])) is faulty


@pytest.mark.parametrize(("weight", "faulty"), [(1.0, False), (1.08, False), (1.13, True), (0.8, True)])
def test_rates_are_true_to_a_tenth(packaged: Packaged, looked: dict[str, Looked], weight: float, faulty: bool) -> None:
    line = looked["a_fr"].timeline
    heavier = tuple(Segment(one.ticks, Bytes(round(one.size * weight))) for one in line.segments)
    sound = dataclasses.replace(looked["a_fr"], timeline=Timeline(line.timescale, heavier))
    mpd = (packaged.out / "manifest.mpd").read_text()
    assert bool(checks.rates([sound], Fraction(2), "", mpd)) is faulty


def test_a_check_of_what_is_published_asks_the_same(packaged: Packaged, tmp_path: Path) -> None:
    work = shutil.copytree(packaged.work, tmp_path / "work")
    _cut_sound(work)
    keys, id_ = new_content_keys(), PackageId(new_id())
    files = package(packaged.film, work, id_, keys, (DrmSystem.CLEARKEY,), tmp_path / "out", TOOLS)
    store = ObjectStore.local(tmp_path / "store")
    publish(tmp_path / "out", id_, store)
    row = msgspec.structs.replace(_row(packaged), id=id_, kid=files.kid, files=files)
    (fault,) = check(row, store, keys).faults
    assert fault.startswith("a_fr ends -49")


def test_the_checks_are_a_closed_set_and_each_has_its_test() -> None:
    text = Path(__file__).read_text()
    assert all(f"Check.{one.name}" in text or one is Check.BOUNDARIES for one in Check)
    assert {one.value for one in Check} == {
        "files", "addresses", "samples", "key_pictures", "decoding", "boundaries", "descriptions", "lengths", "sync", "rates",
        "pictures",
    }  # fmt: skip
