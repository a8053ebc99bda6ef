"""Stream tokens: minted once per play, verified once per token and edge, the first path element of every manifest and segment.

The token is a CTA-5007 CWT in COSE_Mac0. Who plays (session, profile, box, operator, service) stands in one private claim as raw
16-byte ids, so that the whole token stays near 290 characters in each URL. Verified tokens are remembered in a bounded map;
refused ones are not, since a stranger may send as many as he likes.
"""

import base64
import binascii
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache

import cbor2

from matinee.base.clock import Instant
from matinee.base.errors import ErrorCode
from matinee.base.ids import BoxId, OperatorId, PackageId, ProfileId, ServiceId, SessionId, encode_id, is_id
from matinee.base.units import Pixels
from matinee.delivery import cat
from matinee.delivery.keyring import KeyRing
from matinee.delivery.mac0 import open_mac0, sealer
from matinee.delivery.model import StreamGrant, TokenRefused

MAX_TOKEN_CHARS = 1024
WHO = -65537
"""Private claim (RFC 8392 leaves labels below -65536 to private use): [session, profile, box or null, operator or null, service].
A service that is not known is left out, as it was in tokens of before."""
HEIGHT = -65538
"""Private claim: lines of the tallest picture that the token opens. A token that opens every one has none, as all of before."""

_FROM_CROCKFORD = str.maketrans("0123456789abcdefghjkmnpqrstvwxyz", "0123456789abcdefghijklmnopqrstuv")


class TokenMinter:
    """Makes tokens under the ring's signing key."""

    def __init__(self, ring: KeyRing, issuer: str = "matinee") -> None:
        self._seal: Callable[[bytes], bytes] = sealer(ring.signs, ring.signing_key)
        self._issuer = issuer

    def mint(self, grant: StreamGrant, now: Instant) -> str:
        """The token as it stands in a URL: base64url without padding."""
        payload = cbor2.dumps(claims_of(grant, self._issuer, now))
        return base64.urlsafe_b64encode(self._seal(payload)).rstrip(b"=").decode("ascii")


def claims_of(grant: StreamGrant, issuer: str, now: Instant) -> dict[int, object]:
    """The claims by label. Times are whole seconds; an expiry is rounded down, never up."""
    tallest: dict[int, object] = {} if grant.max_height is None else {HEIGHT: int(grant.max_height)}
    return {
        **tallest,
        cat.ISS: issuer,
        cat.EXP: grant.expires_at // 1000,
        cat.IAT: now // 1000,
        cat.CATREPLAY: 0,
        cat.CATV: cat.CAT_VERSION,
        cat.CATU: {cat.PATH: {cat.PREFIX: grant.path_prefix}},
        WHO: [
            *(_pack(one) for one in (grant.session, grant.profile, grant.box, grant.operator)),
            *([] if grant.service is None else [_pack(grant.service)]),
        ],
    }


class TokenVerifier:
    """Turns a token into the grant that it is, or refuses it."""

    def __init__(self, ring: KeyRing, issuer: str = "matinee", capacity: int = 8192) -> None:
        self._ring = ring
        self._issuer = issuer
        self._capacity = capacity
        self._known: OrderedDict[str, StreamGrant] = OrderedDict()

    def use(self, ring: KeyRing) -> None:
        """Go over to another ring: what an older one verified is verified again."""
        self._ring = ring
        self._known.clear()

    def verify(self, token: str, now: Instant) -> StreamGrant:
        """The grant, if it holds at `now`. Raises TokenRefused (token_invalid, or token_expired for one that was good)."""
        grant = self._known.get(token)
        if grant is None:
            grant = self._read(token, now)
            self._known[token] = grant
            if len(self._known) > self._capacity:
                self._known.popitem(last=False)
        elif now >= grant.expires_at:
            self._known.pop(token, None)
            raise TokenRefused("The token has expired.", code=ErrorCode.TOKEN_EXPIRED)
        else:
            self._known.move_to_end(token)
        return grant

    def _read(self, token: str, now: Instant) -> StreamGrant:
        if len(token) > MAX_TOKEN_CHARS:
            raise TokenRefused("The token is too long.")
        claims = cat.read_claims(open_mac0(decode_base64url(token), self._ring.keys))
        cat.check_claims(claims, now_s=now / 1000, issuer=self._issuer, private=frozenset({WHO, HEIGHT}))
        return _grant(claims)


def decode_base64url(text: str) -> bytes:
    """Bytes of base64url without padding; exactly one spelling is taken. Raises TokenRefused."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise TokenRefused("The token is not base64url.") from error
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != text.encode():
        raise TokenRefused("The token is spelled in a second way.")
    return raw


def _grant(claims: cat.Claims) -> StreamGrant:
    match claims.get(cat.CATU), claims.get(WHO), claims.get(cat.EXP):
        case {cat.PATH: {cat.PREFIX: str() as prefix}}, [session, profile, box, operator, *more], int() as expires:
            if len(more) > 1:
                raise TokenRefused("The token says more of who plays than is known.")
            package = prefix.removeprefix("/p/").removesuffix("/")
            # A mapping pattern takes a map that holds more: this prefix must be the whole rule.
            if claims[cat.CATU] != {cat.PATH: {cat.PREFIX: f"/p/{package}/"}} or not is_id(package):
                raise TokenRefused("The token's prefix is not that of a package.")
            names = [_unpack(session), _unpack(profile)]
            if None in names:
                raise TokenRefused("The token does not say who plays.")
            boxed, operated = _unpack(box), _unpack(operator)
            served = _unpack(more[0]) if more else None
            tallest = claims.get(HEIGHT)
            if tallest is not None and (type(tallest) is not int or tallest <= 0):
                raise TokenRefused("The token's tallest picture is no height.")
            return StreamGrant(
                session=SessionId(str(names[0])),
                profile=ProfileId(str(names[1])),
                package=PackageId(package),
                box=None if boxed is None else BoxId(boxed),
                operator=None if operated is None else OperatorId(operated),
                service=None if served is None else ServiceId(served),
                expires_at=Instant(expires * 1000),
                max_height=None if tallest is None else Pixels(tallest),
            )
        case _:
            raise TokenRefused("The token is a good one, and no stream token.")


@lru_cache(maxsize=65_536)  # profiles, boxes and operators come again and again
def _pack(identifier: str | None) -> bytes | str | None:
    """An id as its 16 bytes; a name that is no random id (a test's, an operator's own) as text."""
    if identifier is None or not is_id(identifier):
        return identifier
    return int(identifier.translate(_FROM_CROCKFORD), 32).to_bytes(16, "big")


def _unpack(value: object) -> str | None:
    if value is None or (isinstance(value, str) and 0 < len(value) <= 64):
        return value
    if isinstance(value, bytes) and len(value) == 16:
        return encode_id(value)
    raise TokenRefused("The token names an id of another shape.")
