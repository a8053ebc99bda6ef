"""Cursors: what a list gave comes back whole; what anyone made up is refused in one way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.errors import ErrorCode, InvalidRequest
from matinee.base.pagination import decode_cursor, encode_cursor


@given(st.integers(-(2**53), 2**53), st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=30))
def test_a_cursor_comes_back_as_it_was(number: int, text: str) -> None:
    assert decode_cursor(encode_cursor(number, text), int, str) == (number, text)


@given(st.text(max_size=500))
def test_a_made_up_cursor_is_refused_and_breaks_nothing(text: str) -> None:
    try:
        key = decode_cursor(text, int, str)
    except InvalidRequest as error:
        refused_as = error.code
    else:
        assert encode_cursor(*key) != ""
        return
    assert refused_as is ErrorCode.INVALID_CURSOR


@pytest.mark.parametrize("cursor", ["", "e30", "W10", "[1]", "A" * 5000, encode_cursor("a", 1), encode_cursor(1)])
def test_a_cursor_of_another_list_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        decode_cursor(cursor, int, str)


@pytest.mark.parametrize("key", [(2**63, ""), (-(2**63) - 1, ""), (10**300, ""), (1, "a\0"), (1, "\ud800")])
def test_what_no_database_could_be_asked_for_is_refused(key: tuple[int, str]) -> None:
    with pytest.raises(InvalidRequest):
        decode_cursor(encode_cursor(*key), int, str)
    assert decode_cursor(encode_cursor(2**63 - 1, "\u00e9"), int, str) == (2**63 - 1, "\u00e9")
