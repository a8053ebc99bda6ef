"""The master key, and what it keeps at rest: content keys, and the secrets of callbacks.

One master key wraps every content key: whoever copies the database or a backup of it has no key, whoever copies the master key
file has no database. The file is made at the first run, for its owner alone; a file that others may read is refused, because what
they may have read can no longer be called secret.

A wrapped key is 1 byte of form, 12 of nonce, and AES-256-GCM over key and IV. The package's id and the key's id are the
additional data, so that a row moved to another package does not open. A sealed secret has the same form, and is bound to its
purpose in the same way.
"""

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from matinee.base.ids import PackageId
from matinee.library.model import ContentKeys, KeysUnusable

_PREFIX = "matinee-master-key-1:"
_FORM = b"\x01"
_NONCE_BYTES = 12


class MasterKey:
    """A key of 32 bytes that wraps keys. `name` tells two master keys apart and gives nothing of either away."""

    __slots__ = ("_aead", "_marking", "name")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != 32:
            raise ValueError(f"a master key is 32 bytes, not {len(secret)}")
        self._aead = AESGCM(secret)
        self._marking = hmac.digest(secret, b"matinee marks\n", "sha256")
        self.name = hashlib.sha256(b"matinee master key name\n" + secret).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"MasterKey({self.name})"

    def wrap(self, package: PackageId, keys: ContentKeys) -> bytes:
        """The key and IV for keeping. Two wraps of one key differ."""
        return self._sealed(keys.key + keys.iv, _bound_to(package, keys.kid))

    def unwrap(self, package: PackageId, kid: bytes, wrapped: bytes) -> ContentKeys:
        """The key again. Raises KeysUnusable where it was wrapped by another key, for another package, or is damaged."""
        try:
            clear = self._opened(wrapped, _bound_to(package, kid))
        except (InvalidTag, ValueError) as error:
            raise KeysUnusable(
                f"The content key of package {package} does not open with the master key {self.name}.",
                remedy="Put back the master key file that was in use when the title was added.",
            ) from error
        return ContentKeys(kid=kid, key=clear[:16], iv=clear[16:])

    def seal(self, purpose: str, clear: bytes) -> bytes:
        """A secret for keeping. It opens for this purpose alone, which names whose it is."""
        return self._sealed(clear, _for_purpose(purpose))

    def unseal(self, purpose: str, sealed: bytes) -> bytes:
        """The secret again. Raises KeysUnusable where it was sealed by another key, for another purpose, or is damaged."""
        try:
            return self._opened(sealed, _for_purpose(purpose))
        except (InvalidTag, ValueError) as error:
            raise KeysUnusable(
                f"The secret of {purpose} does not open with the master key {self.name}.",
                remedy="Put back the master key file that was in use when the secret was made, or make a new secret.",
            ) from error

    def mark(self, words: str) -> bytes:
        """16 bytes that are always the same for the same words, and from which nobody without the key learns or guesses them."""
        return hmac.digest(self._marking, words.encode(), "sha256")[:16]

    def _sealed(self, clear: bytes, bound_to: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _FORM + nonce + self._aead.encrypt(nonce, clear, bound_to)

    def _opened(self, sealed: bytes, bound_to: bytes) -> bytes:
        if sealed[:1] != _FORM:
            raise ValueError("form")
        return self._aead.decrypt(sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :], bound_to)


def _for_purpose(purpose: str) -> bytes:
    return b"matinee secret\n" + purpose.encode("ascii")


def _bound_to(package: PackageId, kid: bytes) -> bytes:
    return b"matinee content key\n" + package.encode("ascii") + b"\n" + kid


def new_content_keys() -> ContentKeys:
    """A fresh random key with its id and IV."""
    return ContentKeys(kid=secrets.token_bytes(16), key=secrets.token_bytes(16), iv=secrets.token_bytes(16))


def load_master_key(path: Path) -> MasterKey:
    """Read the master key file, and make it where there is none. Raises KeysUnusable.

    Two processes that start at once end with one key: the file is written under another name and linked into place, which fails
    where the place is taken.
    """
    with contextlib.suppress(FileExistsError):
        if not path.exists():
            _create(path)
    return MasterKey(_read(path))


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write((_PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode("ascii") + "\n").encode())
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
        _sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """A key that wrapped something must outlive a power cut: the name in the folder is written down, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(200).decode("ascii", "replace").strip()
    except OSError as error:
        raise KeysUnusable(
            f"The master key file {path} cannot be read: {error.strerror}.",
            remedy="Let the user who runs matinee own it.",
        ) from error
    if stat.S_IMODE(mode) & 0o077:
        raise KeysUnusable(
            f"The master key file {path} may be read by others (mode {stat.S_IMODE(mode):04o}).",
            remedy=f"Run chmod 600 '{path}'; if others use this machine, treat the keys of all titles as known to them.",
        )
    try:
        if not text.startswith(_PREFIX):
            raise ValueError("prefix")
        secret = base64.b64decode(text.removeprefix(_PREFIX), altchars=b"-_", validate=True)
        if len(secret) != 32:
            raise ValueError("length")
    except ValueError as error:
        raise KeysUnusable(
            f"{path} is not a master key file.",
            remedy="Put back the one from your backup: without it no title that was added can be opened.",
        ) from error
    return secret
