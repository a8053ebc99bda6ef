"""Files kept in memory: every range of them is the bytes of the file, and what changed or does not fit is not kept."""

from hypothesis import given
from hypothesis import strategies as st

from matinee.base.units import Bytes
from matinee.delivery.files import PIECE_BYTES, Found, HotFiles, held

DATA = bytes(n * 7 % 251 for n in range(2 * PIECE_BYTES + 1234))


@given(st.integers(0, len(DATA)), st.integers(0, len(DATA)))
def test_a_range_is_the_files_own_bytes(one: int, other: int) -> None:
    start, end = sorted((one, other))
    pieces = list(held(DATA).within(start, end))
    assert b"".join(pieces) == DATA[start:end]
    assert all(0 < len(piece) <= PIECE_BYTES for piece in pieces) or start == end


def test_edges_of_pieces() -> None:
    for start in (0, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1):
        for end in (start + 1, PIECE_BYTES * 2 - 1, PIECE_BYTES * 2, PIECE_BYTES * 2 + 1, len(DATA)):
            assert b"".join(held(DATA).within(start, end)) == DATA[start:end]
    assert list(held(b"").within(0, 0)) == []


def found(path: str, size: int, changed: int = 1) -> Found:
    return Found(path=path, size=Bytes(size), changed=changed, local=None)


def test_what_does_not_fit_or_changed_is_not_kept() -> None:
    hot = HotFiles(Bytes(25))
    for path in ("a", "b", "c"):
        hot.keep(found(path, 10), held(b"x" * 10))
    assert hot.get(found("a", 10)) is None, "the least lately used goes first"
    assert hot.get(found("c", 10)) is not None
    assert hot.size == 20
    assert hot.get(found("c", 10, changed=2)) is None, "made anew"
    hot.keep(found("d", 11), held(b"x" * 10))
    assert hot.get(found("d", 11)) is None, "read short"
    assert hot.size == 10
