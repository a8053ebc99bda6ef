"""New keys for a title: the same pictures and sounds under another key, whole or not at all."""

import contextlib
import errno
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from matinee.app import cli
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.settings import load_settings
from matinee.base.clock import Instant
from matinee.base.ids import PackageId, TitleId
from matinee.catalogue import room
from matinee.catalogue import store as catalogue
from matinee.catalogue.rekey import KEEP_RETIRED_MS, Rekeying, sweep, take_away_package
from matinee.catalogue.work import take_away
from matinee.library import store as library_store
from matinee.library import work as library
from matinee.library.model import Contents, PackageState
from matinee.library.rules import CONTENTS
from matinee.library.work import check, package_folder, read_contents
from tests.films import make_film


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rekey")
    make_film(folder / "film.mp4")
    assert cli.run(["add", str(folder / "film.mp4"), "--data", str(folder / "data")]) == cli.DONE
    return folder / "data"


@pytest.fixture
def installation(data: Path) -> Iterator[Installation]:
    with open_installation(load_settings(data, {})) as opened:
        yield opened


def _title(installation: Installation) -> tuple[TitleId, PackageId]:
    with installation.database.read() as conn:
        (one,) = catalogue.all_titles(conn)
    assert one.playable is not None
    return one.id, one.playable.package


def _rekey(data: Path, title: TitleId, *more: str) -> int:
    return cli.run(["rekey", title, "--data", str(data), *more])


def _rung(contents: Contents) -> str:
    return contents.tracks[0].name


def _standing(installation: Installation) -> set[str]:
    return {path.split("/")[1] for path, _ in installation.published.list("packages")}


def test_the_same_film_under_another_key(data: Path, installation: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    title, old = _title(installation)
    root = data / "published"
    before = read_contents(root / package_folder(old))
    assert _rekey(data, title, "--json") == cli.DONE
    new = PackageId(json.loads(capsys.readouterr().out)["package"])
    assert _title(installation) == (title, new)
    after = read_contents(root / package_folder(new))
    assert after.kid != before.kid
    assert after.tracks == before.tracks, "to the bit: the hashes of the clear samples are among what is compared"
    pairs = [(root / package_folder(one) / _rung(before) / "1.m4s").read_bytes() for one in (old, new)]
    assert pairs[0] != pairs[1]
    assert len(pairs[0]) == len(pairs[1])
    with installation.database.read() as conn:
        row, keys = library_store.get(conn, new), library_store.keys_of(conn, installation.master, new)
        kept = library_store.get(conn, old)
        library_store.keys_of(conn, installation.master, old)  # who is watching asks for it still
    assert check(row, installation.published, keys).faults == ()
    assert kept.state is PackageState.RETIRED
    told = [*(root / package_folder(new)).rglob("*.m3u8"), root / package_folder(new) / "manifest.mpd"]
    assert len(told) > 3
    for manifest in told:
        text = manifest.read_text()
        assert before.kid not in text.replace("-", "")
    assert list((data / "work").glob("rekey-*")) == []


def test_the_old_package_goes_when_nobody_can_be_watching_it(data: Path, installation: Installation) -> None:
    title, old = _title(installation)
    assert _rekey(data, title) == cli.DONE
    now = read_clock()
    assert old not in sweep(installation.database, installation.published, now)
    assert old in _standing(installation)
    assert old in sweep(installation.database, installation.published, Instant(now + KEEP_RETIRED_MS + 60_000))
    assert _standing(installation) == {_title(installation)[1]}


def test_a_key_that_got_out_is_gone_at_once(data: Path, installation: Installation) -> None:
    title, old = _title(installation)
    assert _rekey(data, title, "--now") == cli.DONE
    assert old not in _standing(installation)
    with installation.database.read() as conn, pytest.raises(Exception, match="no key"):
        library_store.keys_of(conn, installation.master, old)


def test_a_damaged_package_is_told_and_nothing_changes(
    data: Path, installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    title, old = _title(installation)
    folder = data / "published" / package_folder(old)
    segment = folder / _rung(read_contents(folder)) / "1.m4s"
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        assert _rekey(data, title) == cli.FAILED
    finally:
        segment.write_bytes(whole)
    assert f"{segment.parent.name}/1.m4s" in capsys.readouterr().err
    assert _title(installation) == (title, old)
    assert _standing(installation) == {old}
    with installation.database.read() as conn:
        assert library_store.of_title(conn, title, PackageState.PREPARING) == []


def test_a_disk_without_room_is_told_and_nothing_changes(
    data: Path, installation: Installation, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    title, old = _title(installation)
    with monkeypatch.context() as patch:
        patch.setattr(room.shutil, "disk_usage", lambda _: SimpleNamespace(free=200_000_000))
        assert _rekey(data, title) == cli.FAILED
    said = " ".join(capsys.readouterr().err.split())
    assert "200 MB are free" in said
    assert "it plays as before" in said

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(library, "publish", full)
        assert _rekey(data, title) == cli.FAILED
    assert "The disk of" in " ".join(capsys.readouterr().err.split())
    assert _title(installation) == (title, old)
    assert _standing(installation) == {old}
    with installation.database.read() as conn:
        assert library_store.of_title(conn, title, PackageState.PREPARING) == []


def test_a_list_of_contents_that_was_written_anew_is_not_believed(
    data: Path, installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever can write to the store could name hashes of their own there, and files beyond the folder."""
    title, old = _title(installation)
    listing = data / "published" / package_folder(old) / CONTENTS
    whole = listing.read_bytes()
    forged = msgspec.structs.replace(Contents.decode(whole), tracks=())
    try:
        for said in (forged.encode(), b"no list"):
            listing.write_bytes(said)
            assert _rekey(data, title) == cli.FAILED
            assert f"{CONTENTS} of package {old} is not as it was written" in capsys.readouterr().err
    finally:
        listing.write_bytes(whole)
    assert _title(installation) == (title, old)
    assert _standing(installation) == {old}


def test_an_error_after_the_title_was_handed_over_takes_nothing_away(
    data: Path, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    title, old = _title(installation)
    plain = Rekeying._tell

    def told_then_stopped(*given: Any) -> None:
        plain(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(Rekeying, "_tell", told_then_stopped)
    with contextlib.suppress(KeyboardInterrupt):
        _rekey(data, title)
    new = _title(installation)[1]
    assert new != old
    assert new in _standing(installation)
    with installation.database.read() as conn:
        row, keys = library_store.get(conn, new), library_store.keys_of(conn, installation.master, new)
    assert check(row, installation.published, keys).faults == ()
    take_away_package(installation.database, installation.published, old)


def test_a_killed_one_is_cleared_away_by_the_next(data: Path, installation: Installation) -> None:
    title, _ = _title(installation)
    left = PackageId("left0000000000000000000000")
    with installation.database.write() as conn:
        library_store.ensure_keys(conn, installation.master, left, title, read_clock())
    installation.published.put(f"{package_folder(left)}/v180/1.m4s", b"half")
    (data / "work" / f"rekey-{left}").mkdir(parents=True)
    assert _rekey(data, title, "--now") == cli.DONE
    assert left not in _standing(installation)
    assert list((data / "work").glob("rekey-*")) == []


def test_removing_a_title_takes_what_it_had_before_too(data: Path, installation: Installation) -> None:
    title, old = _title(installation)
    assert _rekey(data, title) == cli.DONE
    with installation.database.read() as conn:
        one = catalogue.load_title(conn, title)
    take_away(installation.database, installation.published, one.publisher, title, read_clock())
    assert _standing(installation) == set()
    with installation.database.read() as conn, pytest.raises(Exception, match="no key"):
        library_store.keys_of(conn, installation.master, old)
