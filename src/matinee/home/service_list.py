"""A DVB-I service list (ETSI TS 103 770, the schema's version 8): what a television without any box of ours can find.

A service that is an application has an instance without delivery parameters, whose related material is the application
that controls the presentation (clause 5.2.3; LinkedApplicationCS:2019, term 1.2). The versions are drawn from the content,
as counters would move with changes that nobody is to hear of: they say that something is another, not that it is newer.
"""

import hashlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from matinee.base.clock import Instant, to_rfc3339
from matinee.base.ids import ServiceId
from matinee.fleet.model import Operator

MEDIA_TYPE: Final = "application/vnd.dvb.dvbisl+xml"  # IANA
NAMESPACE: Final = "urn:dvb:metadata:servicediscovery:2026"
TVA_NAMESPACE: Final = "urn:tva:metadata:2026"
CONTROLLING_APPLICATION: Final = "urn:dvb:metadata:cs:LinkedApplicationCS:2019:1.2"

_TAG_YEAR: Final = "2026"
"""RFC 4151: from this year on the installation's host names are its own. Part of every identifier: never to be changed."""

_UNKNOWN_LANGUAGE: Final = "und"
"""BCP 47 for names of operators and services: they belong to no language."""

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_IN_A_HOST = re.compile(r"[^a-z0-9.-]")


class ListedService(msgspec.Struct, frozen=True, kw_only=True):
    """A service as the list tells it: there from `since` up to, not including, `until` (None: no end known)."""

    id: ServiceId
    name: str
    provider: str
    since: Instant
    until: Instant | None = None


def service_list(operator: Operator, services: Sequence[ListedService], web_origin: str) -> bytes:
    """The operator's list as UTF-8. Equal facts are equal bytes, in whatever order they are given."""
    authority = _authority(web_origin)
    elements = [_service(one, authority, web_origin) for one in sorted(services, key=lambda one: (one.name, one.id))]
    root = ET.Element(
        "ServiceList",
        {
            "xmlns": NAMESPACE,  # written as it stands: readers are found that look for names without a prefix
            "xmlns:tva": TVA_NAMESPACE,
            "id": f"tag:{authority},{_TAG_YEAR}:operator:{operator.id}",
            "xml:lang": _UNKNOWN_LANGUAGE,
        },
    )
    _add(root, "Name", _text(operator.name, operator.id))
    _add(root, "ProviderName", _text(operator.name, operator.id))
    root.extend(elements)
    root.set("version", _version(root))
    ET.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode").encode() + b"\n"


def _service(one: ListedService, authority: str, web_origin: str) -> ET.Element:
    service = ET.Element("Service")
    _add(service, "UniqueIdentifier", f"tag:{authority},{_TAG_YEAR}:service:{one.id}")
    instance = ET.SubElement(service, "ServiceInstance")
    material = ET.SubElement(instance, "RelatedMaterial")
    ET.SubElement(material, "tva:HowRelated", {"href": CONTROLLING_APPLICATION})
    locator = ET.SubElement(material, "tva:MediaLocator")
    _add(locator, "tva:MediaUri", f"{web_origin}/watch/", contentType="text/html")
    period = {"validFrom": to_rfc3339(one.since)}
    if one.until is not None:
        period["validTo"] = to_rfc3339(one.until)
    ET.SubElement(ET.SubElement(instance, "Availability"), "Period", period)
    _add(service, "ServiceName", _text(one.name, one.id))
    _add(service, "ProviderName", _text(one.provider, one.name))
    service.set("version", _version(service))
    return service


def _add(parent: ET.Element, tag: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, tag, attributes).text = text


def _version(element: ET.Element) -> str:
    """A positive number of 31 bits, since readers keep it in an int: equal for equal content."""
    digest = hashlib.blake2b(ET.tostring(element, encoding="unicode").encode(), digest_size=4).digest()
    return str((int.from_bytes(digest, "big") >> 1) or 1)


def _text(text: str, otherwise: str) -> str:
    """One line of what XML 1.0 can hold; something else where nothing is left."""
    return " ".join(_NOT_IN_XML.sub(" ", text).split()) or " ".join(_NOT_IN_XML.sub(" ", otherwise).split())


def _authority(web_origin: str) -> str:
    """Who names things in a tag URI: the host of the web, in the characters that RFC 4151 allows."""
    return _NOT_IN_A_HOST.sub("-", (urlsplit(web_origin).hostname or "localhost").lower()).strip("-.") or "localhost"
