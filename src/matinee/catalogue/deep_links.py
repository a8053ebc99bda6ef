"""Links into a partner's own application or site: what of a template is checked when a feed is read, and how it is filled.

A template comes from a stranger and ends in a box's launcher. So where it leads is known before anything is filled in: an https
host that the operator of this installation allowed, or an application's own scheme that was allowed by name.
"""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

from matinee.catalogue.model import CatalogueError

MAX_LINK_CHARS: Final = 2_000
PLACEHOLDERS: Final = ("id", "language", "source")
"""{id}: the partner's own name for the title. {language}: the screen's. {source}: where the viewer came from."""

NEVER: Final = frozenset({
    "about", "blob", "chrome", "content", "data", "file", "filesystem", "ftp", "http", "intent", "javascript", "mailto",
    "resource", "sms", "tel", "vbscript", "view-source", "ws", "wss",
})  # fmt: skip
"""Schemes that nobody can allow: they run code, read what is local, or speak to others than a partner."""

_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%{}]+")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,40}")
_HOST = re.compile(r"(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?::\d{1,5})?")
_BRACES = re.compile(r"\{([^{}]*)\}")


class LinkRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a service's links may lead: hosts for https ("tv.example", "*.tv.example", "tv.example:8443"), and applications'
    schemes."""

    hosts: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()


def link_rules(told: Sequence[str]) -> LinkRules:
    """Read what may be linked to as it is typed: hosts, and schemes that end in a colon. Raises CatalogueError."""
    hosts, schemes = [], []
    for one in (part.strip().lower() for part in told):
        if one.endswith(":"):
            if not _SCHEME.fullmatch(one[:-1]) or one[:-1] in NEVER or one == "https:":
                raise CatalogueError(
                    f"The scheme {one!r} cannot be allowed.", remedy="Name an application's own scheme, or hosts for https."
                )
            schemes.append(one[:-1])
        elif _HOST.fullmatch(one) and len(one) <= 253:
            hosts.append(one)
        else:
            raise CatalogueError(f"{one!r} is no host and no scheme.", remedy="Write tv.example, *.tv.example or an-app:")
    return LinkRules(hosts=tuple(dict.fromkeys(hosts)), schemes=tuple(dict.fromkeys(schemes)))


def check_link(template: str, rules: LinkRules) -> str:
    """The template, where it leads only to where it may. Raises CatalogueError, saying what is wrong with it."""
    if len(template) > MAX_LINK_CHARS:
        raise CatalogueError(f"has {len(template):,} characters; a link has {MAX_LINK_CHARS:,} at most")
    if not _PLAIN.fullmatch(template):
        raise CatalogueError("holds a sign that a link cannot: all but plain ASCII is percent-encoded")
    unknown = [name for name in _BRACES.findall(template) if name not in PLACEHOLDERS]
    if unknown or "{" in (rest := _BRACES.sub("", template)) or "}" in rest:
        raise CatalogueError(f"has a placeholder that is not known; known are {', '.join(f'{{{one}}}' for one in PLACEHOLDERS)}")
    try:
        parts = urlsplit(template)
        named = f"{parts.hostname or ''}{f':{parts.port}' if parts.port is not None else ''}"
    except ValueError as error:
        raise CatalogueError("is no link") from error
    scheme, _, after = template.partition(":")
    if "{" in scheme or "{" in parts.netloc:
        raise CatalogueError("has a placeholder before its path: where it leads must be known")
    if "@" in parts.netloc:
        raise CatalogueError("holds a user or a password")
    if scheme.lower() == "https":
        if not after.startswith("//") or not any(_matches(named, host) for host in rules.hosts):
            raise CatalogueError(f"leads to the host {named[:100]!r}, which is not allowed for this service")
    elif scheme.lower() in NEVER or scheme.lower() not in rules.schemes:
        raise CatalogueError(f"has the scheme {scheme[:40]!r}, which is not allowed for this service")
    return template


def may_lead(template: str, rules: LinkRules) -> bool:
    """Whether a template that was checked by other rules leads to where it may by these."""
    try:
        check_link(template, rules)
    except CatalogueError:
        return False
    return True


def filled(template: str, *, ref: str, language: str, source: str) -> str:
    """The link of a checked template. What is filled in is encoded whole, so that it adds no path and no parameter."""
    values = {"id": ref, "language": language, "source": source}
    return _BRACES.sub(lambda found: quote(values[found.group(1)], safe=""), template)


def _matches(named: str, host: str) -> bool:
    return named.endswith(host[1:]) and len(named) > len(host) - 1 if host.startswith("*.") else named == host
