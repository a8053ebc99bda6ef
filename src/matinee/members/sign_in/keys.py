"""The keys that sign what screens and relying parties are given: one file of mode 0600, a few live RSA keys, one of which signs.

A new key signs at once, and the old ones verify until they are pushed out: what was signed lives a quarter of an hour, so that
two keys are enough for any rotation. A process reads the file again when it has changed: each second, where a token names a key
that it does not know, and when the public keys are asked for.
"""

import base64
import contextlib
import os
import secrets
import stat
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from matinee.base.errors import ErrorCode, MatineeError

KEY_BITS: Final = 2048
MAX_LIVE: Final = 3
ALGORITHM: Final = "RS256"
"""The one that every relying party must know (OpenID Connect Discovery 1.0, 3), and the fastest to verify."""


class SigningKeysInvalid(MatineeError):
    """The file of keys is damaged, or others may read it."""

    code = ErrorCode.SETTING_INVALID


class _KeyFile(msgspec.Struct, forbid_unknown_fields=True):
    signs: str
    keys: dict[str, str]
    pairwise: str


class SigningRing(msgspec.Struct, frozen=True, kw_only=True):
    """Live keys, which of them signs, and the secret by which a household has another name at each relying party."""

    signs: str
    keys: tuple[RSAKey, ...]
    pairwise: bytes

    def __repr__(self) -> str:
        return f"SigningRing(signs={self.signs}, live={[key.kid for key in self.keys]})"

    @property
    def key(self) -> RSAKey:
        return next(one for one in self.keys if one.kid == self.signs)

    def public(self) -> dict[str, Any]:
        """The JSON Web Key Set that anyone may read (RFC 7517)."""
        return {"keys": [{**one.as_dict(private=False), "use": "sig", "alg": ALGORITHM} for one in self.keys]}


def fresh_ring() -> SigningRing:
    """A ring of one new key. Takes its time."""
    key = _fresh_key()
    return SigningRing(signs=str(key.kid), keys=(key,), pairwise=secrets.token_bytes(32))


@dataclass(frozen=True, slots=True)
class _Held:
    ring: SigningRing
    verifies: KeySet
    kids: frozenset[str]
    stamp: tuple[int, int]


class SigningKeys:
    """The ring of a file, which is read, or made, when it is first needed: to make one takes its time. Safe from threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._held: _Held | None = None

    @property
    def ring(self) -> SigningRing:
        """Raises SigningKeysInvalid."""
        return self._now().ring

    @property
    def verifies(self) -> KeySet:
        return self._now().verifies

    @property
    def kids(self) -> frozenset[str]:
        return self._now().kids

    def refresh(self) -> bool:
        """Read the file again where it has changed. Whether it had. What is damaged now leaves the ring as it was."""
        with self._lock:
            if self._held is None:
                return False
            with contextlib.suppress(OSError, SigningKeysInvalid):
                stamp = _stamp(self._path)
                if stamp != self._held.stamp:
                    self._held = _read(self._path)
                    return True
        return False

    def _now(self) -> _Held:
        held = self._held
        if held is not None:
            return held
        with self._lock:
            if self._held is None:
                make_ring(self._path)
                self._held = _read(self._path)
            return self._held


def make_ring(path: Path) -> None:
    """Make the file where there is none. Two processes that start at once agree on one."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = _write_draft(path, fresh_ring())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def _read(path: Path) -> _Held:
    stamp, ring = _stamp(path), read_ring(path)
    return _Held(ring, KeySet(list(ring.keys)), frozenset(str(key.kid) for key in ring.keys), stamp)


def read_ring(path: Path) -> SigningRing:
    """The ring of a file that is there. Raises SigningKeysInvalid where others may read it or it is damaged."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise SigningKeysInvalid(
                f"{path} may be read by others (mode {mode:04o}).",
                remedy=f"Run: chmod 600 {path}, then `matinee sign-in rotate-key` three times.",
            )
        held = msgspec.json.decode(path.read_bytes(), type=_KeyFile)
        keys = tuple(_named(RSAKey.import_key(pem), kid) for kid, pem in held.keys.items())
        pairwise = base64.b64decode(held.pairwise, validate=True)
    except (OSError, ValueError, TypeError, msgspec.MsgspecError, JoseError) as error:
        raise SigningKeysInvalid(
            f"{path} is no file of sign-in keys ({type(error).__name__}).", remedy="Restore it, or remove it to make a new one."
        ) from error
    if held.signs not in held.keys or len(keys) > MAX_LIVE or len(pairwise) != 32 or not all(key.is_private for key in keys):
        raise SigningKeysInvalid(f"{path} is damaged.", remedy="Restore it, or remove it: screens then ask for new tokens once.")
    return SigningRing(signs=held.signs, keys=keys, pairwise=pairwise)


def rotate(path: Path) -> SigningRing:
    """Put a new signing key in; the old ones verify on, the oldest beyond three goes. Written whole or not at all."""
    make_ring(path)
    old, key = read_ring(path), _fresh_key()
    ring = SigningRing(signs=str(key.kid), keys=(*old.keys[-(MAX_LIVE - 1) :], key), pairwise=old.pairwise)
    write_ring(path, ring)
    return ring


def write_ring(path: Path, ring: SigningRing) -> None:
    """Put a ring in the place of what is there."""
    _write_draft(path, ring).replace(path)


def _fresh_key() -> RSAKey:
    made = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return _named(RSAKey.import_key(pem), secrets.token_hex(8))


def _named(key: RSAKey, kid: str) -> RSAKey:
    return RSAKey.import_key(key.as_dict(private=True), {"kid": kid})


def _stamp(path: Path) -> tuple[int, int]:
    told = path.stat()
    return told.st_mtime_ns, told.st_ino


def _write_draft(path: Path, ring: SigningRing) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    held = _KeyFile(
        signs=ring.signs,
        keys={str(key.kid): key.as_pem(private=True).decode() for key in ring.keys},
        pairwise=base64.b64encode(ring.pairwise).decode(),
    )
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(held))
        file.flush()
        os.fsync(file.fileno())
    return draft
