"""The keys that sign stream tokens and the control file: one file of mode 0600, several live keys, one of which signs.

Rotation never breaks a running film: the new key signs at once, the old ones verify until they are pushed out. An edge reads the
same file again when it has changed.
"""

import base64
import contextlib
import os
import secrets
import stat
from pathlib import Path

import msgspec

from matinee.delivery.mac0 import MAX_LIVE_KEYS
from matinee.delivery.model import KeyFileInvalid

KEY_BYTES = 32
_KID_BYTES = 4


class _KeyFile(msgspec.Struct, forbid_unknown_fields=True):
    signs: str
    keys: dict[str, str]


class KeyRing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Live keys by key id, and which of them signs. Never printed: the repr names ids alone."""

    signs: bytes
    keys: dict[bytes, bytes]

    def __repr__(self) -> str:
        return f"KeyRing(signs={self.signs.hex()}, live={sorted(kid.hex() for kid in self.keys)})"

    @property
    def signing_key(self) -> bytes:
        return self.keys[self.signs]


def fresh_ring() -> KeyRing:
    """A ring of one random key."""
    kid = secrets.token_bytes(_KID_BYTES)
    return KeyRing(signs=kid, keys={kid: secrets.token_bytes(KEY_BYTES)})


def open_ring(path: Path) -> KeyRing:
    """The ring of this file, made at the first run. Raises KeyFileInvalid. Two processes that start at once agree on one key."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = _write_draft(path, fresh_ring())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return read_ring(path)


def read_ring(path: Path) -> KeyRing:
    """The ring of a file that is there. Raises KeyFileInvalid where others may read it or it is damaged."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise KeyFileInvalid(
                f"{path} may be read by others (mode {mode:04o}).", remedy=f"Run: chmod 600 {path}, then rotate the key."
            )
        held = msgspec.json.decode(path.read_bytes(), type=_KeyFile)
        keys = {bytes.fromhex(kid): base64.b64decode(key, validate=True) for kid, key in held.keys.items()}
        ring = KeyRing(signs=bytes.fromhex(held.signs), keys=keys)
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise KeyFileInvalid(
            f"{path} is no file of token keys ({type(error).__name__}).", remedy="Restore it, or remove it to make a new one."
        ) from error
    if ring.signs not in keys or len(keys) > MAX_LIVE_KEYS or any(len(key) != KEY_BYTES for key in keys.values()):
        raise KeyFileInvalid(f"{path} is damaged.", remedy="Restore it, or remove it: films that play then stop once.")
    return ring


def rotate(path: Path) -> KeyRing:
    """Put a new signing key in; the old ones verify on, the oldest beyond four goes. Written whole or not at all."""
    old = read_ring(path)
    new = fresh_ring()
    kept = dict(list(old.keys.items())[-(MAX_LIVE_KEYS - 1) :])
    ring = KeyRing(signs=new.signs, keys={**kept, **new.keys})
    _write_draft(path, ring).replace(path)
    return ring


def _write_draft(path: Path, ring: KeyRing) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    held = _KeyFile(
        signs=ring.signs.hex(), keys={kid.hex(): base64.b64encode(key).decode() for kid, key in ring.keys.items()}
    )
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(held))
        file.flush()
        os.fsync(file.fileno())
    return draft
