"""Packages made, proved, published and taken back, with the packager and ffmpeg at work; and killed at every point."""

import hashlib
import logging
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from matinee.base.clock import Instant
from matinee.base.ids import PackageId, TitleId, new_id
from matinee.base.units import FrameRate
from matinee.library.keys import new_content_keys
from matinee.library.model import Contents, DrmSystem, LibraryError, Package, PackageState, TrackKind
from matinee.library.rules import publishing_order
from matinee.library.work import check, package, publish, read_contents, unpublish, verify
from matinee.outside.objects import ObjectStore
from matinee.outside.processes import Finished, ToolFailed, run
from matinee.outside.tools import find_tools
from tests.library.conftest import Packaged
from tests.library.films import Shape, make_film
from tests.readers import frames_by_ffprobe

TOOLS = find_tools()


def _bytes(folder: Path) -> dict[str, str]:
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _row(packaged: Packaged) -> Package:
    return Package(
        id=packaged.id,
        title_id=TitleId(new_id()),
        kid=packaged.files.kid,
        state=PackageState.PUBLISHED,
        created_at=Instant(0),
        files=packaged.files,
    )


@pytest.fixture
def copy(packaged: Packaged, tmp_path: Path) -> Path:
    """The package as a folder that a test may damage."""
    return shutil.copytree(packaged.out, tmp_path / "copy")


# --- package and verify ----------------------------------------------------------------------------------------------


def test_the_folder_holds_this_and_nothing_else(packaged: Packaged) -> None:
    media = ["v180", "v90", "a_fr", "a_en_2", "a_fr_3"]
    expected = {f"{name}/{file}" for name in media for file in ("init.mp4", "1.m4s", "2.m4s", "3.m4s", "main.m3u8")}
    expected |= {"v180/iframes.m3u8", "v90/iframes.m3u8", "thumbs/1.jpg", "thumbs/2.jpg", "thumbs/main.m3u8"}
    expected |= {f"{name}/{file}" for name in ("t_fr", "t_en_2", "t_und_3") for file in ("main.vtt", "main.m3u8")}
    expected |= {"master.m3u8", "manifest.mpd", "contents.json"}
    assert set(_bytes(packaged.out)) == expected
    assert packaged.files.file_count == len(expected)
    assert packaged.files.total_bytes == sum(file.stat().st_size for file in packaged.out.rglob("*") if file.is_file())


def test_two_runs_give_equal_bytes(packaged: Packaged, tmp_path: Path) -> None:
    again = package(
        packaged.film, packaged.work, packaged.id, packaged.keys, tuple(DrmSystem), tmp_path / "again", TOOLS
    )
    assert again == packaged.files
    assert _bytes(tmp_path / "again") == _bytes(packaged.out)


def test_a_finished_package_is_kept_and_a_half_one_made_again(packaged: Packaged, copy: Path) -> None:
    arguments = (packaged.film, packaged.work, packaged.id, packaged.keys, tuple(DrmSystem), copy, TOOLS)
    before = (copy / "contents.json").stat().st_ino
    assert package(*arguments) == packaged.files
    assert (copy / "contents.json").stat().st_ino == before
    # As a process leaves it that was killed between the packager and the end: a draft, and no folder of that name.
    copy.rename(copy.with_name(".copy.draft"))
    (copy.with_name(".copy.draft") / "v180" / "99.m4s").write_bytes(b"left over")
    assert package(*arguments) == packaged.files
    assert _bytes(copy) == _bytes(packaged.out)
    assert not copy.with_name(".copy.draft").exists()


def test_a_package_of_another_key_is_not_mistaken_for_ours(packaged: Packaged, copy: Path) -> None:
    keys = new_content_keys()
    files = package(packaged.film, packaged.work, packaged.id, keys, (DrmSystem.CLEARKEY,), copy, TOOLS)
    assert (files.kid, files.drm) == (keys.kid.hex(), (DrmSystem.CLEARKEY,))
    verify(copy, packaged.film, keys, TOOLS)


def test_no_key_lies_in_the_package_nor_in_the_log(
    packaged: Packaged, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    out = tmp_path / "out"
    package(packaged.film, packaged.work, packaged.id, packaged.keys, tuple(DrmSystem), out, TOOLS)
    verify(out, packaged.film, packaged.keys, TOOLS)
    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()) + caplog.text.encode()
    for form in (packaged.keys.key, packaged.keys.key.hex().encode(), packaged.keys.key.hex().upper().encode()):
        assert form not in written


def test_verifying_tells_what_was_looked_at(packaged: Packaged) -> None:
    report = verify(packaged.out, packaged.film, packaged.keys, TOOLS)
    assert (report.files, report.segments, report.sync_ms) == (packaged.files.file_count, 15, 0)
    assert report.duration_ms == 5506
    assert report.frames_decoded >= 2 * 132


def test_verifying_writes_nothing_to_a_disk(packaged: Packaged, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """New keys are proved where no clear rendition lies, and none must come to lie there."""
    standing: list[set[Path]] = []

    def watched(*given: Any, **more: Any) -> Finished:
        standing.append(set(copy.parent.rglob("*")))
        return run(*given, **more)

    before = set(copy.parent.rglob("*"))
    monkeypatch.setattr("matinee.library.work.run", watched)
    verify(copy, packaged.film, packaged.keys, TOOLS)
    assert standing
    assert all(seen == before for seen in standing)


@pytest.mark.parametrize(
    ("shape", "segments"),
    [
        (Shape(rate=FrameRate(25, 1), segment_frames=50, frames=50, heights=(90,)), 1),
        (Shape(rate=FrameRate(30000, 1001), segment_frames=60, frames=181, heights=(90,)), 4),
        (Shape(rate=FrameRate(60, 1), segment_frames=120, frames=7, heights=(90,), thumbnails=False), 1),
        (Shape(rate=FrameRate(24, 1), frames=49, heights=(90,), sounds=(), texts=()), 2),
        (Shape(rate=FrameRate(15, 2), segment_frames=15, frames=46, heights=(90,), texts=()), 4),
    ],
)
def test_films_of_other_rates_and_lengths(tmp_path: Path, shape: Shape, segments: int) -> None:
    film = make_film(tmp_path / "work", shape)
    keys = new_content_keys()
    files = package(film, tmp_path / "work", PackageId(new_id()), keys, (DrmSystem.CLEARKEY,), tmp_path / "out", TOOLS)
    verify(tmp_path / "out", film, keys, TOOLS)
    assert [track.segments for track in files.tracks if track.kind is TrackKind.VIDEO] == [segments]
    assert len(list((tmp_path / "out/v90").glob("*.m4s"))) == segments


def test_ffprobe_plays_hls_and_ffmpeg_plays_dash(tmp_path: Path) -> None:
    """Readers that we did not write, from the manifests on. The key is a test's: on an argv it is no secret here."""
    film = make_film(tmp_path / "work", Shape())
    keys = new_content_keys()
    package(film, tmp_path / "work", PackageId(new_id()), keys, (DrmSystem.CLEARKEY,), tmp_path / "out", TOOLS)
    key = keys.key.hex()
    assert frames_by_ffprobe(tmp_path / "out", key) == {(180, 132), (90, 132)}
    dash = [TOOLS.ffmpeg, "-v", "error", "-protocol_whitelist", "file,crypto", "-allowed_extensions", "ALL"]
    dash += ["-cenc_decryption_key", key, "-i", "manifest.mpd", "-map", "0:v", "-fps_mode", "passthrough"]
    dash += ["-f", "framecrc", "-"]
    told = subprocess.run(dash, cwd=tmp_path / "out", check=True, capture_output=True, text=True).stdout.splitlines()
    assert sum(1 for line in told if not line.startswith("#")) == 2 * 132


def _flip(path: str, at: int = -100) -> Callable[[Path], None]:
    def damage(out: Path) -> None:
        data = bytearray((out / path).read_bytes())
        data[at] ^= 1
        (out / path).write_bytes(data)

    return damage


def _relist(out: Path) -> None:
    """Bring the list of contents up to date with the damage, as a faulty packager would have."""
    contents = read_contents(out)
    files = []
    for file in contents.files:
        if (out / file.path).is_file():
            data = (out / file.path).read_bytes()
            files.append(msgspec.structs.replace(file, size=len(data), sha256=hashlib.sha256(data).hexdigest()))
    (out / "contents.json").write_bytes(msgspec.structs.replace(contents, files=tuple(files)).encode())


@pytest.mark.parametrize(
    ("damage", "relisted", "said"),
    [
        (_flip("v180/2.m4s"), False, "v180/2.m4s is not as it was written"),
        (_flip("t_fr/main.vtt", 0), False, "t_fr/main.vtt is not as it was written"),
        (lambda out: (out / "a_fr/3.m4s").unlink(), False, "a_fr/3.m4s is missing"),
        (lambda out: (out / "v180/4.m4s").write_bytes(b""), False, "v180/4.m4s stands in the package and is not on its list"),
        (lambda out: (out / "contents.json").write_bytes(b"{"), False, "list of contents of copy cannot be read"),
        (_flip("v180/2.m4s"), True, "v180 does not decrypt to what was encoded"),
        (_flip("a_en_2/1.m4s"), True, "a_en_2 does not decrypt to what was encoded"),
        (_flip("v180/2.m4s", 44), True, "v180/2.m4s cannot be read back"),
        (lambda out: (out / "v90/3.m4s").unlink(), True, "v90/iframes.m3u8 refers to 3.m4s, which is not there"),
        (lambda out: shutil.copy(out / "v90/1.m4s", out / "v90/2.m4s"), True, "v90/2.m4s begins at tick 0 where 48048 is due"),
        (lambda out: shutil.copy(out / "v90/init.mp4", out / "v180/init.mp4"), True, "v180: a part of it does not decode"),
    ],
)
def test_every_damage_is_found_and_named(
    packaged: Packaged, copy: Path, damage: Callable[[Path], None], relisted: bool, said: str
) -> None:
    damage(copy)
    if relisted:
        _relist(copy)
    with pytest.raises(LibraryError, match=said):
        verify(copy, packaged.film, packaged.keys, TOOLS)


def test_segments_that_are_not_what_was_encoded_are_refused(packaged: Packaged, tmp_path: Path) -> None:
    arguments = (packaged.work, packaged.id, packaged.keys, (DrmSystem.CLEARKEY,), tmp_path / "out", TOOLS)
    for change, said in (({"frames": 131}, "132 frames where 131"), ({"segment_frames": 24}, "ticks where 24 frames last")):
        with pytest.raises(LibraryError, match=said):
            package(msgspec.structs.replace(packaged.film, **change), *arguments)
        assert not (tmp_path / "out").exists()


def test_a_rendition_that_is_no_film_fails_by_name(packaged: Packaged, tmp_path: Path) -> None:
    work = shutil.copytree(packaged.work, tmp_path / "work")
    (work / "v180.mp4").write_bytes(b"not a film")
    with pytest.raises(ToolFailed, match="packager"):
        package(packaged.film, work, packaged.id, packaged.keys, (DrmSystem.CLEARKEY,), tmp_path / "out", TOOLS)
    assert not (tmp_path / "out").exists()


# --- publish, check, unpublish ---------------------------------------------------------------------------------------


class _Killed(BaseException):
    """The end of a process, as far as the code that runs can tell."""


class _DyingStore(ObjectStore):
    """A store whose process is killed at its n-th write or delete, before or after it is done."""

    def __init__(self, root: Path, at: int, done: bool) -> None:
        whole = ObjectStore.local(root)
        super().__init__(whole._store, whole._root)
        self.left, self.done = at, done

    def _step(self) -> bool:
        self.left -= 1
        if self.left == 0 and not self.done:
            raise _Killed
        return self.left == 0

    def put_if_absent(self, path: str, data: bytes | Path) -> bool:
        last = self._step()
        written = super().put_if_absent(path, data)
        if last:
            raise _Killed
        return written

    def delete(self, path: str) -> None:
        last = self._step()
        super().delete(path)
        if last:
            raise _Killed


def _refers_to_nothing_missing(root: Path) -> None:
    """Whatever playlist or manifest stands, all that it leads to stands too."""
    for playlist in root.rglob("*.m3u8"):
        for line in playlist.read_text().splitlines():
            address = line if line and not line.startswith("#") else ""
            if 'URI="' in line and "EXT-X-KEY" not in line:
                address = line.partition('URI="')[2].partition('"')[0]
            assert not address or (playlist.parent / address).is_file(), (playlist, address)
    for manifest in root.rglob("manifest.mpd"):
        standing = set(_bytes(manifest.parent)) | {"master.m3u8"}
        contents = Contents.decode((manifest.parent / "contents.json").read_bytes())
        assert {file.path for file in contents.files} <= standing


@pytest.mark.parametrize("done", [False, True])
def test_a_publish_killed_at_any_point_leaves_nothing_half_visible(packaged: Packaged, tmp_path: Path, done: bool) -> None:
    root = tmp_path / "published"
    for at in range(1, packaged.files.file_count + 1, 4 if done else 1):
        shutil.rmtree(root, ignore_errors=True)
        with pytest.raises(_Killed):
            publish(packaged.out, packaged.id, _DyingStore(root, at, done))
        _refers_to_nothing_missing(root)
        publish(packaged.out, packaged.id, ObjectStore.local(root))
        assert _bytes(root / "packages" / packaged.id) == _bytes(packaged.out)


@pytest.mark.parametrize("done", [False, True])
def test_an_unpublish_killed_at_any_point_can_be_run_again(packaged: Packaged, tmp_path: Path, done: bool) -> None:
    root = tmp_path / "published"
    for at in range(1, packaged.files.file_count + 1, 5):
        publish(packaged.out, packaged.id, ObjectStore.local(root))
        with pytest.raises(_Killed):
            unpublish(packaged.id, _DyingStore(root, at, done))
        _refers_to_nothing_missing(root)
        unpublish(packaged.id, ObjectStore.local(root))
        assert _bytes(root) == {}


def _inodes(folder: Path) -> dict[Path, int]:
    return {file: file.stat().st_ino for file in folder.rglob("*") if file.is_file()}


def test_publishing_again_writes_nothing_and_never_over_another_package(packaged: Packaged, copy: Path, tmp_path: Path) -> None:
    store = ObjectStore.local(tmp_path / "published")
    seen: list[float] = []
    publish(packaged.out, packaged.id, store, seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    before = _inodes(tmp_path / "published")
    publish(packaged.out, packaged.id, store)
    assert _inodes(tmp_path / "published") == before
    (copy / "v180" / "1.m4s").write_bytes(b"another size")
    _relist(copy)
    with pytest.raises(LibraryError, match=r"v180/1.m4s stands in the store with another size"):
        publish(copy, packaged.id, store)
    with pytest.raises(LibraryError, match="holds package"):
        publish(copy, PackageId(new_id()), store)


def test_a_published_package_stands(packaged: Packaged, tmp_path: Path) -> None:
    store = ObjectStore.local(tmp_path / "published")
    publish(packaged.out, packaged.id, store)
    report = check(_row(packaged), store, packaged.keys)
    assert (report.files, report.bytes, report.faults) == (packaged.files.file_count, packaged.files.total_bytes, ())


@pytest.mark.parametrize(
    ("damage", "faults"),
    [
        (_flip("v180/2.m4s"), ("v180/2.m4s is not as it was written.",)),
        (_flip("thumbs/2.jpg"), ("thumbs/2.jpg is not as it was written.",)),
        (lambda out: (out / "manifest.mpd").unlink(), ("manifest.mpd is missing.",)),
        (lambda out: (out / "x.txt").write_text("?"), ("x.txt stands in the package and is not on its list.",)),
        (_flip("contents.json"), ("contents.json is not as it was written.",)),
        (lambda out: (out / "contents.json").unlink(), ("contents.json is missing.",)),
        (
            lambda out: [(out / name).unlink() for name in ("v180/2.m4s", "a_fr/1.m4s", "master.m3u8")],
            ("v180/2.m4s is missing.", "a_fr/1.m4s is missing.", "master.m3u8 is missing."),
        ),
    ],
)
def test_check_tells_every_fault(
    packaged: Packaged, tmp_path: Path, damage: Callable[[Path], object], faults: tuple[str, ...]
) -> None:
    store = ObjectStore.local(tmp_path / "published")
    publish(packaged.out, packaged.id, store)
    damage(tmp_path / "published" / "packages" / packaged.id)
    assert check(_row(packaged), store, packaged.keys).faults == faults


def test_check_with_another_key_says_that_nothing_opens(packaged: Packaged, tmp_path: Path) -> None:
    store = ObjectStore.local(tmp_path / "published")
    publish(packaged.out, packaged.id, store)
    faults = check(_row(packaged), store, new_content_keys()).faults
    assert len(faults) == 5
    assert all("names another key than the package's" in fault for fault in faults)


def test_the_order_of_publishing() -> None:
    paths = ["manifest.mpd", "v1/main.m3u8", "v1/1.m4s", "contents.json", "thumbs/1.jpg", "master.m3u8", "v1/iframes.m3u8"]
    assert publishing_order(paths) == [
        ["thumbs/1.jpg", "v1/1.m4s"],
        ["contents.json"],
        ["v1/iframes.m3u8", "v1/main.m3u8"],
        ["manifest.mpd", "master.m3u8"],
    ]


def test_each_range_of_an_iframe_playlist_is_a_whole_picture(packaged: Packaged, tmp_path: Path) -> None:
    """What a player fetches for trick play: the initialisation segment and one byte range decode to one frame."""
    entries = re.findall(r"#EXT-X-BYTERANGE:(\d+)@(\d+)\n(.+)", (packaged.out / "v180/iframes.m3u8").read_text())
    assert [name for _, _, name in entries] == ["1.m4s", "2.m4s", "3.m4s"]
    for length, start, name in entries:
        data = (packaged.out / "v180" / name).read_bytes()[int(start) : int(start) + int(length)]
        assert len(data) == int(length)
        (tmp_path / "one.mp4").write_bytes((packaged.out / "v180/init.mp4").read_bytes() + data)
        command = [TOOLS.ffmpeg, "-v", "error", "-decryption_key", packaged.keys.key.hex(), "-i", tmp_path / "one.mp4"]
        command += ["-frames:v", "1", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]
        picture = subprocess.run(command, check=True, capture_output=True).stdout
        chosen = f"select=eq(n\\,{48 * (int(name[0]) - 1)})"
        clear = [TOOLS.ffmpeg, "-v", "error", "-i", packaged.work / "v180.mp4", "-vf", chosen]
        clear += ["-frames:v", "1", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]
        assert picture == subprocess.run(clear, check=True, capture_output=True).stdout
        assert len(picture) == 320 * 180 * 3 // 2
