"""Ids: 128 random bits in a shape that is safe in a path, on a command line and read aloud."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.ids import decode_id, encode_id, is_id, new_id


@given(st.binary(min_size=16, max_size=16))
def test_every_sixteen_bytes_make_an_id_of_the_one_shape(raw: bytes) -> None:
    text = encode_id(raw)
    assert len(text) == 26
    assert is_id(text)


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_ids_sort_as_their_bytes_and_differ_where_they_differ(a: bytes, b: bytes) -> None:
    assert (encode_id(a) < encode_id(b)) == (a < b)
    assert (encode_id(a) == encode_id(b)) == (a == b)


@given(st.binary(min_size=16, max_size=16))
def test_an_id_gives_its_bytes_back(raw: bytes) -> None:
    assert decode_id(encode_id(raw)) == raw


@given(st.text(max_size=40) | st.text("0123456789abcdefghijklmnopqrstuvwxyzA_ +-\n٣", min_size=26, max_size=26))
def test_what_is_no_id_has_no_bytes(text: str) -> None:
    if is_id(text):
        assert encode_id(decode_id(text)) == text
        return
    with pytest.raises(ValueError, match="is no id"):
        decode_id(text)


@given(st.text(max_size=40))
def test_only_the_shape_is_an_id(text: str) -> None:
    if is_id(text):
        assert len(text) == 26
        assert text.isascii()
        assert "/" not in text
        assert not text.startswith("-")


def test_two_ids_of_one_moment_share_no_beginning() -> None:
    ids = [new_id() for _ in range(2000)]
    assert len(set(ids)) == 2000
    assert len({text[:4] for text in ids}) > 1500, "a time-ordered id would share its first characters"
