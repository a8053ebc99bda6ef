"""The draw of a share: the hash by its published values, and what a viewer relies on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.fleet.buckets import bucket, murmur3_32


@pytest.mark.parametrize(
    ("data", "seed", "expected"),
    [  # Published test values of MurmurHash3_x86_32.
        (b"", 0, 0),
        (b"", 1, 0x514E28B7),
        (b"", 0xFFFFFFFF, 0x81F16F39),
        (b"\x00\x00\x00\x00", 0, 0x2362F9DE),
        (b"\xff\xff\xff\xff", 0, 0x76293B50),
        (b"\x21\x43\x65\x87", 0, 0xF55B516B),
        (b"\x21\x43\x65", 0, 0x7E4A8634),
        (b"\x21\x43", 0, 0xA0F7B07A),
        (b"\x21", 0, 0x72661CF4),
        (b"hello", 0, 0x248BFA47),
        (b"hello, world", 0, 0x149BBB7F),
        (b"The quick brown fox jumps over the lazy dog", 0, 0x2E4FF723),
    ],
)
def test_the_hash_is_murmur3(data: bytes, seed: int, expected: int) -> None:
    assert murmur3_32(data, seed) == expected


@given(st.text(max_size=40), st.text(max_size=40), st.integers(1, 10_000))
def test_a_place_is_among_the_places(salt: str, key: str, total: int) -> None:
    assert 0 <= bucket(salt, key, total) < total


def test_raising_a_share_only_adds_boxes() -> None:
    boxes = [f"box-{number}" for number in range(2000)]
    before: set[str] = set()
    for share in (0, 1, 50, 100, 1_000, 5_000, 9_999, 10_000):
        chosen = {box for box in boxes if bucket("wave", box, 10_000) < share}
        assert before <= chosen
        before = chosen
    assert before == set(boxes)


def test_a_share_is_about_that_many_and_a_salt_draws_anew() -> None:
    boxes = [f"box-{number}" for number in range(20_000)]
    one, other = ({box for box in boxes if bucket(salt, box, 10_000) < 1_000} for salt in ("one", "other"))
    assert abs(len(one) / len(boxes) - 0.1) < 0.01
    assert abs(len(one & other) / len(boxes) - 0.01) < 0.004, "two salts draw apart from each other"
