"""ClearKey behind the `LicenceIssuer` port: the keys themselves, in the answer. What the demo and the tests run.

Unwrapped keys are held in memory for the packages played last, so that a play asks no database. They are bounded, never logged,
and gone with the process.
"""

import base64
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from matinee.base.errors import InvalidRequest
from matinee.base.ids import PackageId
from matinee.playback.model import ContentKeySource, Licence, LicenceRefused

CLEARKEY = "org.w3.clearkey"
MAX_HELD = 5_000
MAX_KIDS = 32
_KID = re.compile(r"[A-Za-z0-9_-]{22}")


class ClearKeyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A licence request as W3C EME 9.1.3 has it: key ids in base64url without padding. Members it does not name are ignored."""

    kids: list[str]
    type: str = "temporary"


class ClearKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a JSON Web Key set."""

    kid: str
    k: str
    kty: str = "oct"


class ClearKeyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A licence as W3C EME 9.1.4 has it."""

    keys: list[ClearKey]
    type: str = "temporary"


class ClearKeyIssuer:
    """Hands out content keys. Not for a service that must protect anything: that is what the other systems are for."""

    def __init__(self, source: ContentKeySource) -> None:
        self._source = source
        self._held: OrderedDict[PackageId, Licence] = OrderedDict()
        self._lock = threading.Lock()

    def held(self, package: PackageId) -> Licence | None:
        return self._held.get(package)

    def fetch(self, package: PackageId) -> Licence:
        """The licence of a package. Blocks. Raises what the library raises where there is none."""
        licence = self._held.get(package)
        if licence is None:
            licence = Licence(system=CLEARKEY, keys=dict(self._source.content_keys(package)))
            with self._lock:
                self._held[package] = licence
                if len(self._held) > MAX_HELD:
                    self._held.popitem(last=False)
        return licence

    def forget(self, package: PackageId) -> None:
        """Drop a removed package's keys."""
        with self._lock:
            self._held.pop(package, None)


def answer_clearkey(kids: Sequence[str], licence: Licence) -> ClearKeyAnswer:
    """The W3C answer. Raises LicenceRefused where a key id is not of this licence, InvalidRequest where it is none at all."""
    if not 0 < len(kids) <= MAX_KIDS or not all(_KID.fullmatch(kid) for kid in kids):
        raise InvalidRequest(
            "kids is a list of 1 to 32 key ids.", remedy="Write each as base64url of 16 bytes, without padding."
        )
    keys = []
    for kid in dict.fromkeys(kids):
        key = licence.keys.get(base64.urlsafe_b64decode(kid + "==").hex())
        if key is None:
            raise LicenceRefused("This session has no right to one of the keys.", remedy="Ask for the film's own keys.")
        keys.append(ClearKey(kid=kid, k=_base64url(bytes.fromhex(key))))
    return ClearKeyAnswer(keys=keys)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
