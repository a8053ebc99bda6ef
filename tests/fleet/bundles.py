"""Bundles for tests: a small release as it should be, and the same archive with one thing changed."""

import base64
import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from matinee.fleet import bundle, signing
from matinee.fleet.bundle import Told

ENTRY, STYLE = "assets/main.js", "assets/style.css"
FILES: Mapping[str, bytes] = {
    ENTRY: b"window.matineeShell.started();\n",
    STYLE: b"body{margin:0}\n",
    "assets/more.js": b"export {};\n",
}


def hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    return {path: hashlib.sha256(body).hexdigest() for path, body in files.items()}


def words(files: Mapping[str, bytes] = FILES, /, **changes: Any) -> dict[str, Any]:
    """release.json of these files."""
    told = {
        "product": "matinee-ui",
        "version": "2.1",
        "entry": ENTRY,
        "integrity": bundle.sri(files[ENTRY]),
        "styles": [STYLE],
        "models": "all",
        "files": hashes(files),
        "made_at": "2014-09-30T12:00:00Z",
    }
    return told | changes


def made(private: bytes, files: Mapping[str, bytes] = FILES, /, **changes: Any) -> bytes:
    """A bundle that can be taken."""
    return bundle.pack(msgspec.convert(words(files, **changes), Told), files, private)


def archive(members: Sequence[tuple[tarfile.TarInfo | str, bytes]], form: int = tarfile.USTAR_FORMAT) -> bytes:
    """An archive of any members at all."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as made_of:
        for one, body in members:
            member = tarfile.TarInfo(one) if isinstance(one, str) else one
            if member.isreg():
                member.size = len(body)
            made_of.addfile(member, io.BytesIO(body))
    return out.getvalue()


def signed(private: bytes, told: Any, files: Sequence[tuple[tarfile.TarInfo | str, bytes]], **how: Any) -> bytes:
    """An archive whose signature holds, whatever it says and holds."""
    raw = told if isinstance(told, bytes) else msgspec.json.encode(told)
    head: list[tuple[tarfile.TarInfo | str, bytes]] = [
        (bundle.TOLD, raw),
        (bundle.SIGNATURE, base64.b64encode(signing.sign(private, raw))),
    ]
    return archive([*head, *files], **how)
