"""The claims of a Common Access Token (CTA-5007): what is checked, and that what cannot be checked refuses.

A claim narrows what a token allows. An edge that skips one it does not know would allow more than the token's maker did, so every
unknown label, component and kind of match is a refusal. `catreplay` 1 and 2 forbid or watch reuse, which needs memory shared by
all edges: refused. Times are seconds since 1970 as RFC 8392 has them.
"""

import hashlib
from urllib.parse import parse_qsl, urlsplit

from matinee.base.errors import ErrorCode
from matinee.delivery.cbor import Key, Tagged, Value, read_cbor
from matinee.delivery.model import TokenRefused

ISS, SUB, AUD, EXP, NBF, IAT, CTI = 1, 2, 3, 4, 5, 6, 7
CATREPLAY, CATV, CATU, CATM = 308, 310, 312, 313
CAT_VERSION = 1

_KNOWN = frozenset({ISS, SUB, AUD, EXP, NBF, IAT, CTI, CATREPLAY, CATV, CATU, CATM})
_TAG_MAP = 259  # some makers tag every map so; it changes nothing
_DEFAULT_PORTS = {"http": "80", "https": "443"}

SCHEME, HOST, PORT, PATH, QUERY, PARENT_PATH, FILENAME, STEM, EXTENSION = range(9)
EXACT, PREFIX, SUFFIX, CONTAINS, SHA256 = 0, 1, 2, 3, -1

Claims = dict[Key, Value]


def read_claims(payload: bytes) -> Claims:
    """The claims of a payload whose MAC held. Raises TokenRefused where it is no map."""
    try:
        claims = plain(read_cbor(payload))
    except ValueError as error:
        raise TokenRefused(f"The token's claims cannot be read: {error}.") from error
    if not isinstance(claims, dict):
        raise TokenRefused("The token's claims are no map.")
    return claims


def check_claims(
    claims: Claims,
    *,
    now_s: float,
    issuer: str | None = None,
    audience: frozenset[str] = frozenset(),
    private: frozenset[int] = frozenset(),
    require_expiry: bool = True,
) -> None:
    """Check all but where and how the token is used. `private` are the labels that the caller checks. Raises TokenRefused."""
    for label in claims:
        if label not in _KNOWN and label not in private:
            raise TokenRefused(f"The token has a claim that cannot be checked here: {str(label)[:40]}.")
    _check_times(claims, now_s, require_expiry)
    if issuer is not None and claims.get(ISS) != issuer:
        raise TokenRefused("The token is from another issuer.")
    if audience:
        named = claims.get(AUD)
        if not audience & {entry for entry in (named if isinstance(named, list) else [named]) if isinstance(entry, str)}:
            raise TokenRefused("The token is for another audience.")
    if type(claims.get(CATV, CAT_VERSION)) is not int or claims.get(CATV, CAT_VERSION) != CAT_VERSION:
        raise TokenRefused("The token has a version that is not known here.")
    if type(claims.get(CATREPLAY, 0)) is not int or claims.get(CATREPLAY, 0) != 0:
        raise TokenRefused("The token forbids to be used again, which an edge alone cannot see to.")


def check_use(claims: Claims, *, url: str, method: str) -> None:
    """Check that the token is for this URL and method. Raises TokenRefused."""
    methods = claims.get(CATM)
    if methods is not None and (not isinstance(methods, list) or method not in methods):
        raise TokenRefused("The token is not for this method.")
    if CATU in claims and not catu_matches(claims[CATU], url):
        raise TokenRefused("The token is not for this address.")


def catu_matches(catu: Value, url: str) -> bool:
    """Whether every component that the claim names matches. Raises TokenRefused for what it names and nobody here knows."""
    if not isinstance(catu, dict):
        raise TokenRefused("The token's catu is no map.")
    parts = _components(url)
    if parts is None:
        return False
    matched = True
    for component, tests in catu.items():
        if type(component) is not int or component not in range(9) or not isinstance(tests, dict):
            raise TokenRefused("The token's catu names a component that cannot be checked here.")
        found = parts[component]
        matched &= all(_matches(component, kind, wanted, found) for kind, wanted in tests.items())
    return matched


def plain(value: Value) -> Value:
    """The value without the map tags that some makers write."""
    if isinstance(value, Tagged):
        if value.tag != _TAG_MAP:
            raise ValueError(f"the tag {value.tag}")
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return value


def _check_times(claims: Claims, now_s: float, require_expiry: bool) -> None:
    for label in (EXP, NBF, IAT):
        if label in claims and (isinstance(claims[label], bool) or not isinstance(claims[label], int | float)):
            raise TokenRefused("The token's times are no numbers.")
    expires, not_before = claims.get(EXP), claims.get(NBF)
    if expires is None and require_expiry:
        raise TokenRefused("The token never expires, and none such is taken.")
    if isinstance(expires, int | float) and now_s >= expires:
        raise TokenRefused("The token has expired.", code=ErrorCode.TOKEN_EXPIRED)
    if isinstance(not_before, int | float) and now_s < not_before:
        raise TokenRefused("The token is not valid yet.")


def _components(url: str) -> tuple[str, ...] | None:
    """The nine components by label; None for an address that could be read in two ways (dot segments, encodings)."""
    try:
        split = urlsplit(url)
        port = str(split.port) if split.port else _DEFAULT_PORTS.get(split.scheme, "")
    except ValueError:
        return None
    path = split.path or "/"
    if "%" in path or "\\" in path or "//" in path or any(part in (".", "..") for part in path.split("/")):
        return None
    parent, _, filename = path.rpartition("/")
    stem, dot, _rest = filename.partition(".")
    _, last_dot, last = filename.rpartition(".")
    return (
        split.scheme,
        split.hostname or "",
        port,
        path,
        split.query,
        parent,
        filename,
        stem if dot else filename,
        last_dot + last if last_dot else "",
    )


def _matches(component: int, kind: object, wanted: Value, found: str) -> bool:
    if kind == SHA256 and type(kind) is int and isinstance(wanted, bytes):
        return hashlib.sha256(found.encode()).digest() == wanted
    if type(kind) is not int or not isinstance(wanted, str) or kind not in (EXACT, PREFIX, SUFFIX, CONTAINS):
        raise TokenRefused("The token's catu asks for a match that is not known here.")
    if kind == EXACT:
        if component == QUERY:
            return sorted(parse_qsl(wanted.lstrip("?"), True)) == sorted(parse_qsl(found, True))
        if component == PORT and wanted == "":
            return found in _DEFAULT_PORTS.values()
        return wanted == found
    if kind == PREFIX:
        return found.startswith(wanted)
    return found.endswith(wanted) if kind == SUFFIX else wanted in found
