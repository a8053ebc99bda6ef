"""What was measured is kept: found again as it was, and never believed where it is not what was written."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.encoding.kept import LARGEST_FILE, Kept, key_of
from matinee.encoding.measured import Sample, Survey

KEY = key_of("a film", ["ffmpeg", "-crf", "20"])
SAMPLE = Sample(groups=(100, 200), scores=(91.25,), older=(90.0,))


def file_of(folder: Path) -> Path:
    (path,) = (path for path in folder.rglob("*") if path.is_file())
    return path


def test_what_was_kept_is_found_and_nothing_else(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    assert kept.find(KEY, Sample) is None
    kept.keep(KEY, SAMPLE)
    assert Kept(tmp_path).find(KEY, Sample) == SAMPLE
    assert kept.find(key_of("a film", ["ffmpeg", "-crf", "21"]), Sample) is None
    assert kept.find(KEY, Survey) is None


def test_the_parts_of_a_key_do_not_run_into_each_other() -> None:
    assert len({key_of("ab", "c"), key_of("a", "bc"), key_of(["ab", "c"]), key_of("abc")}) == 4


@settings(max_examples=60)
@given(at=st.integers(0, 200), what=st.binary(min_size=1, max_size=4), cut=st.booleans())
def test_a_damaged_file_is_as_one_that_is_not_there(
    tmp_path_factory: pytest.TempPathFactory, at: int, what: bytes, cut: bool
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    kept = Kept(folder)
    kept.keep(KEY, SAMPLE)
    path = file_of(folder)
    whole = path.read_bytes()
    at %= len(whole)
    damaged = whole[:at] if cut else whole[:at] + what + whole[at + len(what) :]
    path.write_bytes(damaged)
    assert kept.find(KEY, Sample) == (SAMPLE if damaged == whole else None)
    kept.keep(KEY, SAMPLE)
    assert kept.find(KEY, Sample) == SAMPLE


def test_a_file_under_another_name_or_a_huge_one_is_not_believed(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.keep(KEY, SAMPLE)
    other = key_of("another film")
    (tmp_path / other[:2]).mkdir(exist_ok=True)
    file_of(tmp_path).rename(tmp_path / other[:2] / other[2:])
    assert kept.find(other, Sample) is None
    (tmp_path / other[:2] / other[2:]).write_bytes(b"x" * (LARGEST_FILE + 1))
    assert kept.find(other, Sample) is None


def test_the_folder_is_bounded_and_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    keys = [key_of(str(number)) for number in range(6)]
    for number, key in enumerate(keys):
        kept.keep(key, SAMPLE)
        os.utime(tmp_path / key[:2] / key[2:], (number, number))
    assert kept.find(keys[0], Sample) == SAMPLE  # used now
    size = (tmp_path / keys[0][:2] / keys[0][2:]).stat().st_size
    Kept(tmp_path, most_bytes=3 * size).trim()
    assert [kept.find(key, Sample) is not None for key in keys] == [True, False, False, False, True, True]


def test_a_folder_that_cannot_be_written_keeps_nothing_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    kept = Kept(tmp_path / "file")
    kept.keep(KEY, SAMPLE)
    kept.trim()
    assert kept.find(KEY, Sample) is None


def test_what_stands_on_a_disk_that_may_not_be_written_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(tmp_path)
    kept.keep(KEY, SAMPLE)

    def refused(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "utime", refused)
    assert kept.find(KEY, Sample) == SAMPLE
