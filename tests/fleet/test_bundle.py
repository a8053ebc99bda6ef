"""Bundles of releases: what is packed is read again, and every hostile archive is refused with a reason."""

import base64
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.fleet import bundle, signing
from matinee.fleet.bundle import Bundle, BundleRefused
from matinee.fleet.model import FleetError
from tests.fleet.bundles import ENTRY, FILES, STYLE, archive, made, signed, words

KEY = signing.new_private_key()
GOOD = made(KEY)


def read(raw: bytes) -> dict[str, bytes]:
    return dict(Bundle(io.BytesIO(raw)).files())


def test_what_is_packed_is_read_again_and_signed() -> None:
    opened = Bundle(io.BytesIO(GOOD))
    assert (opened.told.version, opened.told.entry, opened.told.styles) == ("2.1", ENTRY, (STYLE,))
    assert signing.is_signed_by(signing.public_key_of(KEY), opened.signature, opened.raw)
    assert not signing.is_signed_by(signing.public_key_of(signing.new_private_key()), opened.signature, opened.raw)
    assert not signing.is_signed_by(signing.public_key_of(KEY), opened.signature, opened.raw + b" ")
    assert dict(opened.files()) == FILES
    assert made(KEY) == GOOD, "equal in, equal out"


def test_a_built_folder_is_packed_under_another_version(tmp_path: Path) -> None:
    (tmp_path / "ui/abc/assets").mkdir(parents=True)
    for path, body in FILES.items():
        (tmp_path / "ui/abc" / path).write_bytes(body)
    built = words(version="abc", entry=f"/ui/abc/{ENTRY}", styles=[f"/ui/abc/{STYLE}"])
    (tmp_path / "release.json").write_bytes(msgspec.json.encode(built))
    moment = "2014-09-30T12:00:00Z"
    packed = bundle.pack_folder(tmp_path, KEY, version="3.0", models=(("001A2B", "demo-box"),), made_at=moment)
    told = Bundle(io.BytesIO(packed)).told
    assert (told.version, told.entry, told.models) == ("3.0", ENTRY, (("001A2B", "demo-box"),))
    assert read(packed) == FILES
    (tmp_path / "ui/abc/assets/link.js").symlink_to("/etc/hostname")
    with pytest.raises(BundleRefused, match="link"):
        bundle.pack_folder(tmp_path, KEY, version="3.0", models="all", made_at=moment)
    with pytest.raises(BundleRefused, match="no built screens"):
        bundle.pack_folder(tmp_path / "ui", KEY, version="3.0", models="all", made_at=moment)


def test_a_name_that_no_archive_can_hold_is_refused_when_it_is_packed() -> None:
    with pytest.raises(BundleRefused, match="does not fit"):
        made(KEY, {**FILES, "a" * 150 + ".js": b""})
    deep = "a" * 90 + "/" + "b" * 90 + ".js"
    assert deep in read(made(KEY, {**FILES, deep: b"x"}))


def typed(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


def told(holds: dict[str, bytes] | None = None, **changes: Any) -> bytes:
    """The good files under another release.json, whose signature holds."""
    return signed(KEY, words(**changes), list((FILES if holds is None else holds).items()))


def beside(name: tarfile.TarInfo | str, body: bytes = b"x") -> bytes:
    """The good archive with one member more."""
    return signed(KEY, words(), [*FILES.items(), (name, body)])


def of(path: str, body: bytes = b"x") -> bytes:
    """A release that lists this path and holds it."""
    files = {**FILES, path: body}
    return signed(KEY, words(files), list(files.items()))


def both(one: str, other: str) -> bytes:
    files = {**FILES, one: b"x", other: b"y"}
    return signed(KEY, words(files), list(files.items()))


def header(at: int, body: bytes) -> bytes:
    """The good archive with bytes of its first header changed, and that header's sum put right."""
    raw = bytearray(GOOD)
    raw[at : at + len(body)] = body
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw[:512])
    return bytes(raw)


HOSTILE: list[tuple[str, Callable[[], bytes], str]] = [
    ("nothing", lambda: b"", "cut off"),
    ("zeros alone", lambda: bytes(10_240), "not in its place"),
    ("a zip", lambda: b"PK\x03\x04" + bytes(1_020), "no plain ustar"),
    ("packed", lambda: __import__("gzip").compress(GOOD), "no plain ustar|cut off"),
    ("cut off in a file", lambda: GOOD[:1_200], "cut off"),
    ("cut off before its end", lambda: GOOD[: len(GOOD) // 512 // 2 * 512], "cut off|not there|follows"),
    ("something behind its end", lambda: GOOD + b"x", "follows its end"),
    ("zeros without end", lambda: GOOD + bytes(100_000), "follows its end"),
    ("a second archive behind it", lambda: GOOD + GOOD, "follows its end"),
    ("no release.json first", lambda: archive(list(FILES.items())), "not in its place"),
    ("no signature", lambda: archive([("release.json", b"{}"), *FILES.items()]), "release.sig is not"),
    ("a signature that is none", lambda: archive([("release.json", b"{}"), ("release.sig", b"***")]), "base64"),
    ("a short one", lambda: archive([("release.json", b"{}"), ("release.sig", base64.b64encode(b"x"))]), "64 bytes"),
    ("a release.json without end", lambda: signed(KEY, b" " * (bundle.MAX_TOLD_BYTES + 1), []), "not in its place"),
    ("a release.json that is none", lambda: signed(KEY, b"{", []), "cannot be read"),
    ("one that is too deep", lambda: signed(KEY, b"[" * 100_000, []), "cannot be read"),
    ("one that says more", lambda: told(more=1), "cannot be read"),
    ("one that says less", lambda: signed(KEY, {"product": "x"}, []), "cannot be read"),
    ("a file that was changed", lambda: told({**FILES, STYLE: b"body{}"}), "changed after it was signed"),
    ("a file that is not listed", lambda: beside("assets/extra.js"), "not listed"),
    ("a file that is not there", lambda: told({ENTRY: FILES[ENTRY], STYLE: FILES[STYLE]}), "is not there"),
    ("a file twice", lambda: beside(STYLE, FILES[STYLE]), "there twice"),
    ("release.json twice", lambda: beside("release.json", b"{}"), "there twice"),
    ("a name upwards", lambda: of("../etc/cron.d/x.js"), "cannot be"),
    ("a name upwards in the middle", lambda: of("assets/../../x.js"), "cannot be"),
    ("an absolute name", lambda: of("/etc/x.js"), "cannot be"),
    ("a name with a backslash", lambda: of("assets\\x.js"), "cannot be"),
    ("a name with a drive", lambda: of("C:x.js"), "cannot be"),
    ("a name with an empty part", lambda: of("assets//x.js"), "cannot be"),
    ("a hidden name", lambda: of(".htaccess.js"), "cannot be"),
    ("a name with a line's end", lambda: of("assets/x\n.js"), "cannot be"),
    ("a name in other letters", lambda: told(files={**words()["files"], "é.js": "0" * 64}), "cannot be"),
    ("a name without end", lambda: told(files={**words()["files"], "a" * 300 + ".js": "0" * 64}), "cannot be"),
    ("a page", lambda: of("assets/page.html"), "no kind"),
    ("a name without a kind", lambda: of("assets/js"), "no kind"),
    ("its own release.json", lambda: told(files={**words()["files"], "release.json": "0" * 64}), "as one of its files"),
    ("names that differ in case alone", lambda: both("assets/A.js", "assets/a.js"), "in case alone"),
    ("a file that is a folder too", lambda: both("x.js", "x.js/y.js"), "a file and a folder"),
    ("a symbolic link", lambda: beside(typed("assets/x.js", tarfile.SYMTYPE, "/etc/passwd")), "no plain file"),
    ("a hard link", lambda: beside(typed("assets/x.js", tarfile.LNKTYPE, ENTRY)), "no plain file"),
    ("a device", lambda: beside(typed("assets/x.js", tarfile.CHRTYPE)), "no plain file"),
    ("a pipe", lambda: beside(typed("assets/x.js", tarfile.FIFOTYPE)), "no plain file"),
    ("a folder", lambda: beside(typed("assets", tarfile.DIRTYPE)), "no plain file"),
    ("a plain file with a link's target", lambda: header(157, b"/etc/passwd"), "no plain file"),
    ("a file with holes", lambda: header(156, b"S"), "no plain file"),
    ("another form of long names", lambda: signed(KEY, words(), [("a" * 150, b"")], form=tarfile.GNU_FORMAT), "no plain ustar"),
    ("words of pax", lambda: signed(KEY, words(), [("é" * 80, b"")], form=tarfile.PAX_FORMAT), "no plain file"),
    ("a size of many", lambda: header(124, b"77777777777\0"), "too large"),
    ("a size under nothing", lambda: header(124, b"-0000000001\0"), "damaged|cannot be read"),
    ("a size as binary", lambda: header(124, b"\x80" + bytes(10) + b"\x10"), "cannot be read"),
    ("no size", lambda: header(124, bytes(12)), "cannot be read"),
    ("a name that is no text", lambda: header(0, b"\xff\xfe"), "cannot be read"),
    ("a damaged header", lambda: GOOD[:100] + b"x" + GOOD[101:], "damaged"),
    ("one file too large", lambda: of("assets/x.js", bytes(bundle.MAX_FILE_BYTES + 1)), "too large"),
    ("too many files", lambda: signed(KEY, words(), [(f"x{n}.js", b"") for n in range(bundle.MAX_FILES + 9)]), "not listed"),
    ("too many listed", lambda: told(files={f"x{n}.js": "0" * 64 for n in range(bundle.MAX_FILES + 1)}), "lists 401"),
    ("none listed", lambda: told(files={}), "lists 0"),
    ("a hash that is none", lambda: told(files={**words()["files"], STYLE: "abc"}), "no SHA-256"),
    ("an entry that is not there", lambda: told(entry="assets/none.js"), "the entry"),
    ("an entry that is no script", lambda: told(entry=STYLE), "the entry"),
    ("an entry with another integrity", lambda: told(integrity=bundle.sri(b"x")), "as the integrity"),
    ("an integrity that is none", lambda: told(integrity="md5-x"), "sha384"),
    ("a style that is not there", lambda: told(styles=["assets/none.css"]), "the style"),
    ("a style that is a script", lambda: told(styles=[ENTRY]), "the style"),
    ("a style twice", lambda: told(styles=[STYLE, STYLE]), "twice"),
    ("a product that is a way", lambda: told(product="../x"), "product"),
    ("a version upwards", lambda: told(version=".."), "version"),
    ("a version that is a way", lambda: told(version="a/b"), "version"),
    ("a version in capitals", lambda: told(version="2.1-RC"), "version"),
    ("no version", lambda: told(version=""), "version"),
    ("a version without end", lambda: told(version="1" * 65), "version"),
    ("no models", lambda: told(models=[]), "models"),
    ("a model twice", lambda: told(models=[["001A2B", "x"], ["001A2B", "x"]]), "named twice"),
    ("a model that is none", lambda: told(models=[["xyz", "x"]]), "the model"),
    ("some word for models", lambda: told(models="some"), "cannot be read"),
    ("a moment without a zone", lambda: told(made_at="2014-09-30T12:00:00"), "made_at"),
]


@pytest.mark.parametrize(("shows", "make", "says"), HOSTILE, ids=[row[0] for row in HOSTILE])
def test_a_hostile_bundle_is_refused(shows: str, make: Callable[[], bytes], says: str) -> None:
    with pytest.raises(BundleRefused, match=says) as caught:
        read(make())
    assert caught.value.remedy, shows


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_any_change_of_bytes_is_refused_or_changes_nothing_that_is_read(data: st.DataObject) -> None:
    raw = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        opened = Bundle(io.BytesIO(bytes(raw)))
        if not signing.is_signed_by(signing.public_key_of(KEY), opened.signature, opened.raw):
            return
        assert dict(opened.files()) == FILES
    except BundleRefused:
        pass


@given(st.binary(max_size=3_000))
def test_any_bytes_at_all_are_refused(raw: bytes) -> None:
    with pytest.raises(BundleRefused):
        read(raw)


@pytest.mark.parametrize(
    "text",
    ["", "ed25519:AA", "*" * 43, signing.public_key_of(KEY)[8:], signing.public_key_of(KEY) + "AAAA", "ed25519:é"],
    ids=["nothing", "short", "no base64url", "no prefix", "long", "no ASCII"],
)
def test_a_public_key_that_is_none(text: str) -> None:
    with pytest.raises(FleetError):
        signing.read_public_key(text)


@pytest.mark.parametrize(
    "pem", [b"", b"x", KEY[:40], KEY.replace(b"PRIVATE", b"PUBLIC")], ids=["nothing", "no PEM", "cut off", "a public one"]
)
def test_a_private_key_that_is_none(pem: bytes) -> None:
    with pytest.raises(FleetError):
        signing.public_key_of(pem)
