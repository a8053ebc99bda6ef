"""Files of a store elsewhere, kept in memory: what changed or does not fit is not kept."""

from matinee.base.units import Bytes
from matinee.delivery.files import Found, HotFiles


def found(path: str, size: int, changed: int = 1) -> Found:
    return Found(path=path, size=Bytes(size), changed=changed)


def test_what_does_not_fit_or_changed_is_not_kept() -> None:
    hot = HotFiles(Bytes(25))
    for path in ("a", "b", "c"):
        hot.keep(found(path, 10), b"x" * 10)
    assert hot.get(found("a", 10)) is None, "the least lately used goes first"
    assert hot.get(found("c", 10)) is not None
    assert hot.size == 20
    assert hot.get(found("c", 10, changed=2)) is None, "made anew"
    hot.keep(found("d", 11), b"x" * 10)
    assert hot.get(found("d", 11)) is None, "read short"
    assert hot.size == 10
