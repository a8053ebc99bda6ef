"""Whether a document is a DVB-I service list: by the schema where the shared data lie, and by our own reading of it anywhere.

The schema leans on two others, of TV-Anytime and MPEG-7. Where those do not lie beside it, what it names of them is said here
in our own words: as strict as they are where our lists have elements of theirs, and empty where they have none.
"""

import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Final

import xmlschema

from matinee.home.service_list import CONTROLLING_APPLICATION, NAMESPACE, TVA_NAMESPACE
from tests.shared import DATA

SCHEMA: Final = "dvbi_v8.0.xsd"
NEEDED: Final = f"the folder data/standards/dvb-i of the shared data, with {SCHEMA}: set MATINEE_SHARED"

_HEAD: Final = """<schema xmlns="http://www.w3.org/2001/XMLSchema" xmlns:tva="urn:tva:metadata:2026"
  xmlns:mpeg7="urn:tva:mpeg7:2008" elementFormDefault="qualified" targetNamespace="{namespace}">
<import namespace="http://www.w3.org/XML/1998/namespace"/>
"""
_STAND_INS: Final = {
    "tva_mpeg7.xsd": _HEAD.format(namespace="urn:tva:mpeg7:2008")
    + """
<simpleType name="mimeType"><restriction base="string"><pattern value="[!-~]+/[!-~]+"/></restriction></simpleType>
<simpleType name="termReferenceType"><restriction base="anyURI"/></simpleType>
<complexType name="TextualType"><simpleContent><extension base="string"><attribute ref="xml:lang"/></extension></simpleContent>
</complexType>
</schema>""",
    "tva_metadata_3-1_v1141.xsd": _HEAD.format(namespace="urn:tva:metadata:2026")
    + """<import namespace="urn:tva:mpeg7:2008" schemaLocation="tva_mpeg7.xsd"/>
<complexType name="ControlledTermType"><attribute name="href" type="mpeg7:termReferenceType" use="required"/></complexType>
<complexType name="LocatorType"><sequence><element name="MediaUri"><complexType><simpleContent><extension base="anyURI">
  <attribute name="contentType" type="mpeg7:mimeType"/></extension></simpleContent></complexType></element></sequence>
</complexType>
<complexType name="RelatedMaterialType"><sequence>
  <element name="HowRelated" type="tva:ControlledTermType" minOccurs="0"/>
  <element name="MediaLocator" type="tva:LocatorType" maxOccurs="unbounded"/>
</sequence><attribute ref="xml:lang"/></complexType>
<simpleType name="ISO-3166-Code"><restriction base="string"><pattern value="[A-Z]{3}"/></restriction></simpleType>
<simpleType name="ISO-3166-List"><restriction base="string"><pattern value="[A-Z]{3}(,[A-Z]{3})*"/></restriction></simpleType>
<complexType name="AccessibilityAttributesType"/>
<complexType name="AudioAttributesType"/>
<complexType name="VideoAttributesType"/>
<complexType name="AudioLanguageType"><simpleContent><extension base="language"/></simpleContent></complexType>
<complexType name="GenreType"><complexContent><extension base="tva:ControlledTermType"/></complexContent></complexType>
<complexType name="SynopsisType"><simpleContent><extension base="mpeg7:TextualType"/></simpleContent></complexType>
</schema>""",
}

_TAG = re.compile(r"tag:[a-z0-9.-]+,\d{4}:(operator|service):[0-9a-z]+")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_IN_ORDER: Final = ["UniqueIdentifier", "ServiceInstance", "ServiceName", "ProviderName"]


def schema(folder: Path) -> xmlschema.XMLSchema | None:
    """The schema, put together in an empty folder; None where the shared data are absent."""
    if DATA is None:
        return None
    there = DATA / "standards" / "dvb-i"
    for file in there.glob("*.xsd"):
        shutil.copyfile(file, folder / file.name)
    for name, text in _STAND_INS.items():
        if not (folder / name).exists():
            (folder / name).write_text(text)
    return xmlschema.XMLSchema(folder / SCHEMA, allow="local")


def read_list(document: bytes) -> ET.Element:
    """The list, its structure checked against what the standard asks of the elements that we write."""
    root = ET.fromstring(document)
    assert root.tag == dvb("ServiceList")
    assert [child.tag for child in root[:2]] == [dvb("Name"), dvb("ProviderName")]
    assert {child.tag for child in root[2:]} <= {dvb("Service")}
    assert set(root.attrib) == {"id", "version", "{http://www.w3.org/XML/1998/namespace}lang"}
    assert _TAG.fullmatch(root.attrib["id"])
    for element in (root, *root[2:]):
        assert 0 < int(element.attrib["version"]) < 2**31
    ids = [service.findtext(dvb("UniqueIdentifier")) or "" for service in root[2:]]
    assert len(set(ids)) == len(ids)
    assert all(_TAG.fullmatch(one) for one in ids)
    for service in root[2:]:
        _check_service(service)
    return root


def _check_service(service: ET.Element) -> None:
    assert [child.tag for child in service] == [dvb(name) for name in _IN_ORDER]
    assert set(service.attrib) == {"version"}
    material, availability = list(service[1])
    assert [material.tag, availability.tag] == [dvb("RelatedMaterial"), dvb("Availability")]
    how, locator = list(material)
    assert (how.tag, how.attrib) == (tva("HowRelated"), {"href": CONTROLLING_APPLICATION})
    (uri,) = list(locator)
    assert (locator.tag, uri.tag, uri.attrib) == (tva("MediaLocator"), tva("MediaUri"), {"contentType": "text/html"})
    (period,) = list(availability)
    assert period.tag == dvb("Period")
    assert set(period.attrib) in ({"validFrom"}, {"validFrom", "validTo"})
    assert all(_MOMENT.fullmatch(moment) for moment in period.attrib.values())
    assert period.attrib["validFrom"] < period.attrib.get("validTo", "A")


def dvb(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def tva(name: str) -> str:
    return f"{{{TVA_NAMESPACE}}}{name}"
