"""COSE_Mac0 (RFC 9052) with HMAC 256/256: the one envelope of stream tokens and of the control file.

Sealing is written out by hand, since a play mints a token on the hot path: the header is a constant per key, and one call of
`hmac.digest` does the rest (a seventh of the reference library's time; a test holds the two equal byte for byte). What the
bytes are for is bound in by the external data, so that a control file can never be passed off as a token.
"""

import hmac
from collections.abc import Callable, Mapping

import cbor2

from matinee.delivery.cbor import Key, Tagged, Value, read_cbor
from matinee.delivery.model import TokenRefused

HS256 = 5
TAG_MAC0 = 17
TAG_CWT = 61
MAX_LIVE_KEYS = 4

_ALG, _CRIT, _KID = 1, 2, 4
_PROTECTED = cbor2.dumps({_ALG: HS256})


def sealer(kid: bytes, key: bytes, aad: bytes = b"") -> Callable[[bytes], bytes]:
    """A function that seals a payload as a tagged CWT under this key; all that is constant is worked out before."""
    head = b"\xd8\x3d\xd1\x84" + cbor2.dumps(_PROTECTED) + cbor2.dumps({_KID: kid})
    mac_head = b"\x84\x64MAC0" + cbor2.dumps(_PROTECTED) + cbor2.dumps(aad)
    digest = hmac.digest

    def seal(payload: bytes) -> bytes:
        size = len(payload)
        if size < 24:
            text = bytes((0x40 | size,)) + payload
        elif size < 256:
            text = bytes((0x58, size)) + payload
        else:
            text = cbor2.dumps(payload)
        return head + text + b"\x58\x20" + digest(key, mac_head + text, "sha256")

    return seal


def open_mac0(data: bytes, keys: Mapping[bytes, bytes], aad: bytes = b"", *, any_key: bool = False) -> bytes:
    """The payload, once its MAC holds under a live key. Raises TokenRefused for anything else; the caller caps the size first.

    What stands in the unprotected header is covered by no MAC, so only a key id may, and must: else one token could be spelled in
    many ways. `any_key` reads other makers' tokens, some of which name no key; every live key (a handful) is then tried.
    """
    try:
        protected, unprotected, payload, mac = _parts(read_cbor(data))
        header = read_cbor(protected)
    except ValueError as error:
        raise TokenRefused(f"The token is no COSE_Mac0: {error}.") from error
    if not isinstance(header, dict) or header.get(_ALG) != HS256 or _ALG in unprotected:
        raise TokenRefused("The token is not MACed with HMAC 256/256.")
    if _CRIT in header or _CRIT in unprotected:
        raise TokenRefused("The token lists critical headers, and none is known here.")
    if not any_key and (unprotected.keys() | header.keys()) - {_ALG, _KID}:
        raise TokenRefused("The token has headers that are not known here.")
    text = cbor2.dumps(["MAC0", protected, aad, payload])
    good = False
    for key in _candidates(header, unprotected, keys, any_key):
        good |= hmac.compare_digest(hmac.digest(key, text, "sha256"), mac)
    if not good:
        raise TokenRefused("The token's MAC does not hold under a live key.")
    return payload


def _parts(value: Value) -> tuple[bytes, dict[Key, Value], bytes, bytes]:
    if isinstance(value, Tagged) and value.tag == TAG_CWT:
        value = value.value
    if not isinstance(value, Tagged) or value.tag != TAG_MAC0:
        raise ValueError("it has not the tag 17")
    match value.value:
        case [bytes() as protected, dict() as unprotected, bytes() as payload, bytes() as mac] if len(mac) == 32:
            return protected, unprotected, payload, mac
        case _:
            raise ValueError("it has not the four parts")


def _candidates(
    header: Mapping[Key, Value], unprotected: Mapping[Key, Value], keys: Mapping[bytes, bytes], any_key: bool
) -> list[bytes]:
    if _KID in header and _KID in unprotected:
        raise TokenRefused("The token names its key twice.")
    kid = header.get(_KID, unprotected.get(_KID))
    if kid is None and any_key:
        return list(keys.values())[:MAX_LIVE_KEYS]
    if not isinstance(kid, bytes) or kid not in keys:
        raise TokenRefused("The token names a key that is not live.")
    return [keys[kid]]
