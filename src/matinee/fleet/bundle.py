"""A release of the interface as one file, `NAME.matinee-ui`: what it says of itself, who signed that, and its files.

It is a plain ustar archive (POSIX.1-1988): release.json, release.sig, then the files in any order. We read it ourselves, because
whoever sends one may be anybody until the signature is checked: only plain files have a place in it, it is not compressed, so
that it can unpack to no more than it weighs, and no name in it ever becomes the name of a file here that release.json does not
list. release.json is signed and lists the SHA-256 of every file, so that nothing is read before the signature but these two.
"""

import base64
import binascii
import hashlib
import io
import re
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final, Literal

import msgspec

from matinee.base.clock import from_rfc3339
from matinee.fleet import signing
from matinee.fleet.model import FleetError

SUFFIX: Final = ".matinee-ui"
MAX_FILES: Final = 400
MAX_FILE_BYTES: Final = 16 * 1024 * 1024
MAX_BYTES: Final = 64 * 1024 * 1024
MAX_TOLD_BYTES: Final = 256 * 1024
TOLD, SIGNATURE = "release.json", "release.sig"

_BLOCK: Final = 512
_SIGNATURE_BYTES: Final = 64
_PRODUCT: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VERSION: Final = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
_PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_OUI: Final = re.compile(r"[0-9A-F]{6}")
_KINDS: Final = frozenset({"js", "mjs", "css", "json", "woff2", "svg", "png", "jpg", "webp", "avif", "txt"})
"""No pages: what is shown to anybody is always a page of our own."""


Models = Literal["all"] | tuple[tuple[str, str], ...]
"""Box models by OUI and product class."""


class BundleRefused(FleetError):
    """A file that is no bundle that can be taken."""


class Told(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """release.json. `entry` and `styles` are paths among `files`, which has each file's SHA-256; `integrity` is the entry's, as
    SRI writes it (sha384). `models`: the box models that it is for, by OUI and product class.
    """

    product: str
    version: str
    entry: str
    integrity: str
    models: Models
    files: dict[str, str]
    made_at: str
    styles: tuple[str, ...] = ()


class Bundle:
    """An opened bundle: `told` says what it is, as `raw` has it and `signature` signed it. Nothing else has been read yet."""

    def __init__(self, file: BinaryIO) -> None:
        """Read release.json and release.sig. Raises BundleRefused."""
        self._members = _members(file)
        self.raw = self._first(TOLD, MAX_TOLD_BYTES)
        try:
            self.signature = base64.b64decode(self._first(SIGNATURE, _BLOCK).strip(), validate=True)
        except binascii.Error as error:
            raise _refused(f"{SIGNATURE} is no base64", "Pack it again.") from error
        if len(self.signature) != _SIGNATURE_BYTES:
            raise _refused(f"{SIGNATURE} is no signature of {_SIGNATURE_BYTES} bytes", "Pack it again.")
        try:
            self.told = msgspec.json.decode(self.raw, type=Told)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _refused(f"{TOLD} cannot be read: {error}", "Pack it again.") from error
        check(self.told)

    @property
    def digest(self) -> str:
        """The name of all that it holds: release.json has the hash of every file."""
        return hashlib.sha256(self.raw).hexdigest()

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Each file, once its hash was found to be as signed; all that are listed, and no other. Raises BundleRefused."""
        missing = dict(self.told.files)
        for path, body in self._members:
            expected = missing.pop(path, None)
            if expected is None:
                raise _refused(f"{path!r} is there twice, or is not listed in {TOLD}", "Pack it again.")
            if hashlib.sha256(body).hexdigest() != expected:
                raise _refused(f"{path} is not as {TOLD} has it", "Pack it again: it was changed after it was signed.")
            if path == self.told.entry and sri(body) != self.told.integrity:
                raise _refused(f"{path} is not as the integrity in {TOLD} has it", "Pack it again.")
            yield path, body
        if missing:
            raise _refused(f"{next(iter(missing))} is listed in {TOLD} and is not there", "Pack it again.")

    def _first(self, name: str, most: int) -> bytes:
        found, body = next(self._members, (None, b""))
        if found != name or len(body) > most:
            raise _refused(f"{name} is not in its place, or is over {most:,} bytes", "Pack it with `matinee release pack`.")
        return body


def check(told: Told) -> None:
    """Refuse what could not be a release: odd names, files that are listed twice, an entry that is not there. BundleRefused."""
    if not _PRODUCT.fullmatch(told.product) or len(told.product) > 64:
        raise _refused(f"the product {told.product!r} is no name", "Write letters in lower case, digits and dashes: matinee-ui.")
    check_version(told.version)
    if not 0 < len(told.files) <= MAX_FILES:
        raise _refused(f"it lists {len(told.files)} files", f"A release has 1 to {MAX_FILES} files.")
    for path, digest in told.files.items():
        _check_path(path)
        if not _SHA256.fullmatch(digest):
            raise _refused(f"the hash of {path} is no SHA-256 in hexadecimal", "Pack it again.")
    _check_apart(told.files)
    if told.entry not in told.files or not told.entry.endswith((".js", ".mjs")):
        raise _refused(f"the entry {told.entry!r} is no script among its files", "Name the script that starts it.")
    if not re.fullmatch(r"sha384-[A-Za-z0-9+/]{64}", told.integrity):
        raise _refused("integrity is no sha384 as SRI writes it", "Pack it again.")
    if len(set(told.styles)) != len(told.styles):
        raise _refused("a style is listed twice", "List each once.")
    for style in told.styles:
        if style not in told.files or not style.endswith(".css"):
            raise _refused(f"the style {style!r} is none among its files", "List styles that are in it.")
    if told.models != "all":
        _check_models(told.models)
    try:
        from_rfc3339(told.made_at)
    except (ValueError, OverflowError) as error:
        raise _refused(f"made_at is {told.made_at!r}", "Write a moment with its zone: 2014-10-02T08:00:00Z.") from error


def check_version(version: str) -> None:
    """Refuse what cannot be a part of an address, or would be another's on some disks. Raises BundleRefused."""
    if not _VERSION.fullmatch(version) or len(version) > 64:
        raise _refused(
            f"the version {version!r} is none",
            "Write lower-case letters and digits, with single dots, dashes or _ between: 2.1-rc1.",
        )


def sri(body: bytes) -> str:
    """A file's hash as Subresource Integrity writes it (W3C), by SHA-384."""
    return "sha384-" + base64.b64encode(hashlib.sha384(body).digest()).decode()


def pack(told: Told, files: Mapping[str, bytes], private: bytes) -> bytes:
    """The bundle of these files, signed. Equal in, equal out. Raises BundleRefused for what `Bundle` would refuse."""
    check(told)
    raw = msgspec.json.format(msgspec.json.encode(told), indent=1)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        _add(archive, TOLD, raw)
        _add(archive, SIGNATURE, base64.b64encode(signing.sign(private, raw)) + b"\n")
        for path in sorted(files):
            _add(archive, path, files[path])
    made = out.getvalue()
    for _ in Bundle(io.BytesIO(made)).files():
        pass  # what we make, we can take
    return made


def pack_folder(
    dist: Path, private: bytes, *, version: str, models: Literal["all"] | tuple[tuple[str, str], ...], made_at: str
) -> bytes:
    """The bundle of what was built into ui/dist, under another version. Raises BundleRefused.

    The files of a build name each other by relative addresses, so that they may stand under any version.
    """
    try:
        built = msgspec.json.decode((dist / TOLD).read_bytes(), type=_Built)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BundleRefused(f"{dist} holds no built screens: {error}.", remedy="Build them: make ui.") from error
    root = dist / "ui" / built.version
    paths = [path for path in sorted(root.rglob("*")) if path.is_symlink() or path.is_file()]
    if any(path.is_symlink() for path in paths):
        raise BundleRefused(f"{root} holds a link.", remedy="Put the file itself there.")
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
    prefix = f"/ui/{built.version}/"
    told = Told(
        product=built.product,
        version=version,
        entry=built.entry.removeprefix(prefix),
        integrity=built.integrity,
        styles=tuple(style.removeprefix(prefix) for style in built.styles),
        models=models,
        files={path: hashlib.sha256(body).hexdigest() for path, body in files.items()},
        made_at=made_at,
    )
    return pack(told, files, private)


class _Built(msgspec.Struct, frozen=True, kw_only=True):
    product: str
    version: str
    entry: str
    integrity: str
    styles: tuple[str, ...] = ()


def _check_path(path: str) -> None:
    parts = path.split("/")
    if len(path) > 200 or not all(_PART.fullmatch(part) for part in parts):
        raise _refused(
            f"the name {path[:200]!r} cannot be",
            "Write a relative name of letters, digits, _, . and -.",
        )
    if path in (TOLD, SIGNATURE):
        raise _refused(f"{path} is listed as one of its files", "Take it out of the list.")
    kind = parts[-1].rpartition(".")[2]
    if kind not in _KINDS or "." not in parts[-1]:
        raise _refused(f"{path} is of no kind that a release may hold", f"Those are: {', '.join(sorted(_KINDS))}.")


def _check_apart(files: Mapping[str, str]) -> None:
    """No two names that are one on some disk, and none that is a folder of another."""
    seen: dict[str, str] = {}
    for path in files:
        other = seen.setdefault(path.casefold(), path)
        if other != path:
            raise _refused(f"{other} and {path} differ in case alone", "Name them apart.")
    for path in files:
        folder = path.casefold()
        while folder := folder.rpartition("/")[0]:
            if folder in seen:
                raise _refused(f"{seen[folder]} is a file and a folder", "Name them apart.")


def _check_models(models: tuple[tuple[str, str], ...]) -> None:
    if not models or len(set(models)) != len(models):
        raise _refused("its models are none, or one is named twice", 'Write "all", or each model once.')
    for oui, product_class in models:
        if not _OUI.fullmatch(oui) or not 0 < len(product_class) <= 64 or not product_class.isprintable():
            raise _refused(f"the model {oui!r} {product_class!r} is none", "Write its OUI (001A2B) and product class.")


# --- the archive ------------------------------------------------------------------------------------------------------


def _members(file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """Each plain file of a ustar archive, in order, and nothing else: whatever is no such thing is refused."""
    total = 0
    for _ in range(MAX_FILES + 3):
        header = _read(file, _BLOCK)
        if not header.strip(b"\0"):
            _check_end(file)
            return
        name, size = _header(header)
        total += size
        if size > MAX_FILE_BYTES or total > MAX_BYTES:
            raise _refused(
                f"{name!r} makes it too large",
                f"A file has at most {MAX_FILE_BYTES >> 20} MB, and all together {MAX_BYTES >> 20} MB.",
            )
        body = _read(file, size)
        _read(file, -size % _BLOCK)
        yield name, body
    raise _refused(f"it holds more than {MAX_FILES} files", "Take out what the release does not need.")


def _header(header: bytes) -> tuple[str, int]:
    """Name and size of a plain file, by POSIX's ustar header. Raises BundleRefused."""
    if header[257:265] != b"ustar\x0000":
        raise _refused("it is no plain ustar archive", "Pack it with `matinee release pack`.")
    try:
        name = _text(header[0:100])
        prefix = _text(header[345:500])
        size, checksum = (int(field.rstrip(b"\0 "), 8) for field in (header[124:136], header[148:156]))
    except (UnicodeDecodeError, ValueError) as error:
        raise _refused("a header of the archive cannot be read", "Pack it again.") from error
    if checksum != sum(header[:148]) + 8 * ord(" ") + sum(header[156:]) or size < 0:
        raise _refused("a header of the archive is damaged", "Pack it again.")
    if header[156:157] != b"0" or header[157:257].strip(b"\0"):
        raise _refused(f"{name!r} is no plain file", "Put files alone into it: no links, no folders, no devices.")
    return (f"{prefix}/{name}" if prefix else name), size


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("ascii")


def _read(file: BinaryIO, count: int) -> bytes:
    body = file.read(count)
    if len(body) != count:
        raise _refused("it is cut off", "Copy it again, whole.")
    return body


def _check_end(file: BinaryIO) -> None:
    # Two empty blocks, then what fills a record: nothing may hide behind them.
    rest = file.read(2 * tarfile.RECORDSIZE)
    if len(rest) < _BLOCK or len(rest) > tarfile.RECORDSIZE or rest.strip(b"\0"):
        raise _refused("something follows its end", "Pack it again.")


def _add(archive: tarfile.TarFile, name: str, body: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(body), 0o644
    try:
        archive.addfile(member, io.BytesIO(body))
    except ValueError as error:
        raise _refused(f"the name {name!r} does not fit into an archive", "Give it and its folders under 100 letters.") from error


def _refused(what: str, remedy: str) -> BundleRefused:
    return BundleRefused(f"The bundle is refused: {what}.", remedy=remedy)
