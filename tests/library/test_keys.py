"""The master key file, and content keys wrapped by it."""

import os
import pickle
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.ids import PackageId, new_id
from matinee.library.keys import MasterKey, load_master_key, new_content_keys
from matinee.library.model import ContentKeys, KeysUnusable

_sixteen = st.binary(min_size=16, max_size=16)
_keys = st.builds(lambda kid, key, iv: ContentKeys(kid=kid, key=key, iv=iv), _sixteen, _sixteen, _sixteen)
_masters = st.builds(MasterKey, st.binary(min_size=32, max_size=32))
_ids = st.builds(lambda _: PackageId(new_id()), st.none())


@given(master=_masters, package=_ids, keys=_keys)
def test_what_was_wrapped_unwraps(master: MasterKey, package: PackageId, keys: ContentKeys) -> None:
    wrapped = master.wrap(package, keys)
    assert master.unwrap(package, keys.kid, wrapped) == keys
    assert keys.key not in wrapped
    assert keys.iv not in wrapped
    assert wrapped != master.wrap(package, keys)


@given(master=_masters, other=_masters, package=_ids, keys=_keys, kid=_sixteen, at=st.integers(0, 60), flip=st.integers(1, 255))
def test_anything_else_does_not_open(
    master: MasterKey, other: MasterKey, package: PackageId, keys: ContentKeys, kid: bytes, at: int, flip: int
) -> None:
    wrapped = master.wrap(package, keys)
    assert len(wrapped) == 61
    damaged = bytes(byte ^ flip if index == at else byte for index, byte in enumerate(wrapped))
    attempts = [
        (master, package, keys.kid, damaged),
        (master, package, keys.kid, wrapped[:at]),
        (master, PackageId(new_id()), keys.kid, wrapped),
    ]
    attempts += [(master, package, kid, wrapped)] if kid != keys.kid else []
    attempts += [(other, package, keys.kid, wrapped)] if other.name != master.name else []
    for who, where, which, what in attempts:
        with pytest.raises(KeysUnusable, match="master key file that was in use"):
            who.unwrap(where, which, what)


def test_content_keys_have_no_readable_form() -> None:
    keys = new_content_keys()
    for text in (repr(keys), str(keys), f"{keys}", repr({"keys": keys})):
        assert keys.key.hex() not in text
        assert repr(keys.key) not in text
    with pytest.raises(TypeError):
        pickle.dumps(keys)
    with pytest.raises(TypeError):
        msgspec.json.encode(keys)


def test_the_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    os.umask(0)
    first = load_master_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert load_master_key(path).name == first.name
    assert [entry.name for entry in path.parent.iterdir()] == ["master.key"]
    assert repr(first) == f"MasterKey({first.name})"


def test_many_that_start_at_once_end_with_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        names = set(pool.map(lambda _: load_master_key(tmp_path / "keys" / "master.key").name, range(64)))
    assert len(names) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_file_that_others_may_read_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    load_master_key(path)
    path.chmod(mode)
    with pytest.raises(KeysUnusable, match=rf"mode 0{mode:o}\).*chmod 600"):
        load_master_key(path)


@pytest.mark.parametrize("text", [b"", b"matinee-master-key-1:", b"matinee-master-key-1:AAAA\n", b"\xff" * 90, b"x" * 4096])
def test_a_file_that_is_no_master_key_is_left_and_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(KeysUnusable, match="is not a master key file"):
        load_master_key(path)
    assert path.read_bytes() == text


def test_a_sealed_secret_opens_for_its_purpose_and_by_its_master_key_alone() -> None:
    master = MasterKey(b"a" * 32)
    sealed = master.seal("hook a", b"secret")
    assert b"secret" not in sealed
    assert sealed != master.seal("hook a", b"secret")
    assert master.unseal("hook a", sealed) == b"secret"
    for other, purpose, words in (
        (master, "hook b", sealed),
        (MasterKey(b"b" * 32), "hook a", sealed),
        (master, "hook a", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (master, "hook a", b"\x02" + sealed[1:]),
        (master, "hook a", b""),
    ):
        with pytest.raises(KeysUnusable, match=purpose):
            other.unseal(purpose, words)


def test_a_mark_is_always_the_same_and_another_for_other_words_or_keys() -> None:
    master = MasterKey(b"a" * 32)
    assert master.mark("event 1") == MasterKey(b"a" * 32).mark("event 1")
    assert len({master.mark("event 1"), master.mark("event 2"), MasterKey(b"b" * 32).mark("event 1")}) == 3
    assert len(master.mark("")) == 16
