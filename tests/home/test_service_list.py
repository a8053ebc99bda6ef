"""An operator's DVB-I list: valid whatever things are called, equal bytes for equal facts, and silent where silence is due."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xmlschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matinee.base.clock import DAY, HOUR, Instant, to_rfc3339
from matinee.base.ids import BoxModelId, OperatorId, ServiceId
from matinee.carriage.model import Blackout, Discoverability
from matinee.catalogue.model import Service
from matinee.fleet.model import Interface, Operator
from matinee.home.service_list import MEDIA_TYPE, ListedService, service_list
from tests.home.dvb_i import NEEDED, dvb, read_list, schema, tva
from tests.world import NOW, ORIGIN, Screens, World, screens, world_on_sqlite

FRENCH = Operator(id=OperatorId("0" * 26), name="Fibre & <Co>", country="FR", timezone="Europe/Paris")
PARIS_NOON = "2014-10-02T10:00:00.000Z"  # NOW, on a clock of UTC
TWENTIETH = "2014-11-19T23:00:00.000Z"  # of November, as it begins in Paris


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_on_sqlite(tmp_path) as made:
        yield made


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


@pytest.fixture(scope="module")
def by_schema(tmp_path_factory: pytest.TempPathFactory) -> xmlschema.XMLSchema | None:
    return schema(tmp_path_factory.mktemp("dvb-i"))


def address(operator: OperatorId) -> str:
    return f"/api/v1/operators/{operator}/service-list.xml"


def bytes_of(ask: Screens, operator: OperatorId) -> bytes:
    answer = ask.nobody.get(address(operator))
    assert (answer.status_code, answer.headers["content-type"]) == (200, MEDIA_TYPE)
    return bytes(answer.content)


def listed(ask: Screens, operator: OperatorId) -> dict[str, tuple[str, str | None]]:
    """Name -> (from, to) of each service in the list, whose structure is checked."""
    found = {}
    for service in read_list(bytes_of(ask, operator))[2:]:
        period = service.find(f"{dvb('ServiceInstance')}/{dvb('Availability')}/{dvb('Period')}")
        assert period is not None
        found[service.findtext(dvb("ServiceName")) or ""] = (period.attrib["validFrom"], period.attrib.get("validTo"))
    return found


def day(number: float) -> Instant:
    return Instant(NOW + int(number * DAY))


# --- the document ---------------------------------------------------------------------------------------------------------

_NASTY = [
    "A & B <c> \"d\" 'e' ]]>",
    "👩‍👩‍👧 🇫🇷",
    "שלום مرحبا",
    "\u202eright to left\u202c",
    "x" * 5_000,
    "\x00\x08\ud800\ufffe",
    "é\r\nè\tç",
]
_names = st.one_of(st.sampled_from(_NASTY), st.text(max_size=60))
_moments = st.integers(-2_000_000_000_000, 250_000_000_000_000).map(Instant)


@st.composite
def _services(draw: st.DrawFn) -> list[ListedService]:
    ids = draw(st.lists(st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=26, max_size=26), max_size=5, unique=True))
    made = []
    for one in ids:
        since, longer = draw(_moments), draw(st.one_of(st.none(), st.integers(1, 10**12)))
        until = None if longer is None else Instant(since + longer)
        made.append(ListedService(id=ServiceId(one), name=draw(_names), provider=draw(_names), since=since, until=until))
    return made


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_names, _services(), st.sampled_from([ORIGIN, "http://127.0.0.1:8400", "http://[::1]:8400", "https://TV_box.example"]))
def test_the_list_is_well_made_whatever_things_are_called(name: str, services: list[ListedService], origin: str) -> None:
    operator = Operator(id=FRENCH.id, name=name, country="FR", timezone="Europe/Paris")
    document = service_list(operator, services, origin)
    root = read_list(document)
    assert len(root[2:]) == len(services)
    assert all(element.text for element in root.iter() if element.tag in (dvb("Name"), dvb("ServiceName")))
    assert document == service_list(operator, services[::-1], origin), "the order in which facts are given is no fact"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_names, _services())
def test_the_list_is_valid_by_the_standards_own_schema(
    by_schema: xmlschema.XMLSchema | None, name: str, services: list[ListedService]
) -> None:
    document = service_list(Operator(id=FRENCH.id, name=name, country="FR", timezone="Europe/Paris"), services, ORIGIN)
    if by_schema is None:
        print(f"not checked by the schema, by our own reading alone; the schema needs {NEEDED}")
        read_list(document)
        return
    by_schema.validate(document.decode())


@pytest.mark.parametrize(
    ("shows", "old", "new"),
    [
        ("an element out of its place", "<Name>", "<ProviderName>x</ProviderName><Name>"),
        ("no version", '<Service version="', '<Service edition="'),
        ("a moment that is none", "validFrom=", 'validTo="soon" validFrom='),
        ("a related material without an address", "tva:MediaLocator", "tva:Locator"),
    ],
)
def test_the_schema_and_our_reading_refuse_what_is_wrong(
    by_schema: xmlschema.XMLSchema | None, shows: str, old: str, new: str
) -> None:
    one = ListedService(id=ServiceId("1" * 26), name="One", provider="Studio", since=NOW)
    text = service_list(FRENCH, [one], ORIGIN).decode()
    assert old in text
    with pytest.raises((AssertionError, ET.ParseError, KeyError, ValueError)):
        read_list(text.replace(old, new).encode())
    if by_schema is not None:
        assert not by_schema.is_valid(text.replace(old, new)), shows


def test_one_list_whole() -> None:
    one = ListedService(id=ServiceId("1" * 26), name="Ciné & <Moi>", provider="Studio", since=NOW, until=day(1))
    document = service_list(FRENCH, [one], "https://TV.example:8443").decode()
    assert document.replace(read_list(document.encode()).attrib["version"], "V").replace(
        read_list(document.encode())[2].attrib["version"], "W"
    ) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ServiceList xmlns="urn:dvb:metadata:servicediscovery:2026" xmlns:tva="urn:tva:metadata:2026"'
        f' id="tag:tv.example,2026:operator:{FRENCH.id}" xml:lang="und" version="V">\n'
        "  <Name>Fibre &amp; &lt;Co&gt;</Name>\n"
        "  <ProviderName>Fibre &amp; &lt;Co&gt;</ProviderName>\n"
        '  <Service version="W">\n'
        f"    <UniqueIdentifier>tag:tv.example,2026:service:{one.id}</UniqueIdentifier>\n"
        "    <ServiceInstance>\n"
        "      <RelatedMaterial>\n"
        '        <tva:HowRelated href="urn:dvb:metadata:cs:LinkedApplicationCS:2019:1.2" />\n'
        "        <tva:MediaLocator>\n"
        '          <tva:MediaUri contentType="text/html">https://TV.example:8443/watch/</tva:MediaUri>\n'
        "        </tva:MediaLocator>\n"
        "      </RelatedMaterial>\n"
        "      <Availability>\n"
        '        <Period validFrom="2014-10-02T10:00:00.000Z" validTo="2014-10-03T10:00:00.000Z" />\n'
        "      </Availability>\n"
        "    </ServiceInstance>\n"
        "    <ServiceName>Ciné &amp; &lt;Moi&gt;</ServiceName>\n"
        "    <ProviderName>Studio</ProviderName>\n"
        "  </Service>\n"
        "</ServiceList>\n"
    )


# --- what it tells ----------------------------------------------------------------------------------------------------------


def test_everybody_reads_the_same_list_and_an_unchanged_one_costs_304(world: World, ask: Screens) -> None:
    first = ask.nobody.get(address(world.orange))
    assert listed(ask, world.orange) == {"Cinéma": (PARIS_NOON, None)}
    for who in (ask.box, ask.other_box, ask.rival, ask.stranger):
        assert who.get(address(world.orange)).content == first.content
    assert "private" not in first.headers["cache-control"]
    again = ask.nobody.get(address(world.orange), headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    world.switch(world.orange, world.cinema, "paused")
    assert ask.nobody.get(address(world.orange), headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_an_operator_that_does_not_exist_has_no_list(world: World, ask: Screens) -> None:
    for name in ("0" * 26, "orange", "%00", "%F0%9F%8E%AC"):
        answer = ask.nobody.get(address(OperatorId(name)))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert listed(ask, world.free) == {}  # an operator that carries nothing has an empty one


def theatre(world: World) -> Service:
    """The rival's service, signed at Orange, and planned there as yet."""
    world.sign(world.orange, world.theatre)
    world.switch(world.orange, world.theatre, "planned")
    return world.theatre


SILENCE: list[tuple[str, str, dict[str, Any]]] = [
    ("planned", "planned", {}),
    ("silent", "silent", {}),
    ("silent, with a day on record", "silent", {"announced_for": "2014-11-20"}),
    ("announced under embargo", "announced", {"embargo_until": day(9)}),
    ("open under embargo", "open", {"embargo_until": day(9)}),
    ("announced for a month", "announced", {"technical_at": None, "announced_for": "2014-11"}),
    ("announced with no date", "announced", {"technical_at": None}),
    ("announced for a day that has passed", "announced", {"technical_at": None, "announced_for": "2014-10-01"}),
    ("a technical date that nobody was told", "open", {"technical_at": day(9)}),
    (
        "announced for a month, and on already on some boxes",
        "announced",
        {"models": (BoxModelId("m"),), "announced_for": "2014-11"},
    ),
    ("for some interfaces, announced with no date", "announced", {"interface": Interface(product="p", version="2")}),
    ("for a share of the boxes", "open", {"share": 5_000}),
    ("for no box", "open", {"share": 0}),
    ("by a rule", "open", {"rule": "box.memory_mb > 512"}),
    ("hidden", "open", {"discoverability": Discoverability.HIDDEN}),
    ("by its address alone", "open", {"discoverability": Discoverability.DIRECT}),
    ("by search alone", "open", {"discoverability": Discoverability.SEARCH}),
    ("in a blackout", "open", {"blackouts": (Blackout(start=day(-1), end=day(1)),)}),
    ("from tomorrow on", "open", {"valid_from": day(1)}),
    ("until yesterday", "open", {"valid_from": day(-2), "valid_to": day(-1)}),
    ("paused", "paused", {}),
    ("killed", "killed", {}),
    ("ended", "ended", {}),
]


@pytest.mark.parametrize(("shows", "state", "changes"), SILENCE, ids=[row[0] for row in SILENCE])
def test_what_is_not_carried_in_the_open_changes_no_byte(
    world: World, ask: Screens, shows: str, state: str, changes: dict[str, Any]
) -> None:
    before = bytes_of(ask, world.orange)
    world.switch(world.orange, theatre(world), state, **changes)
    assert bytes_of(ask, world.orange) == before, shows
    assert world.theatre.id.encode() not in before


@pytest.mark.parametrize("status", ["refused", "negotiating", "suspended", "ended"])
def test_without_a_signed_agreement_no_byte_tells_of_it(world: World, ask: Screens, status: str) -> None:
    before = bytes_of(ask, world.orange)
    world.sign(world.orange, world.theatre, status)
    world.switch(world.orange, world.theatre, "open")
    assert bytes_of(ask, world.orange) == before


def test_an_agreement_for_other_countries_is_none(world: World, ask: Screens) -> None:
    world.sign(world.orange, world.theatre, territories=["BE"])
    assert listed(ask, world.orange).keys() == {"Cinéma"}


TOLD: list[tuple[str, str, dict[str, Any], str]] = [
    ("open to every box", "open", {}, "since it was recorded"),
    ("open to some models: the others are told so", "open", {"models": (BoxModelId("m"),)}, "since it was recorded"),
    ("announced, and on every box already", "announced", {}, "since it was recorded"),
    ("its embargo is over", "open", {"embargo_until": day(-1)}, "since it was recorded"),
    ("a day ahead, in the operator's zone", "announced", {"technical_at": None, "announced_for": "2014-11-20"}, TWENTIETH),
    ("a day ahead, and open from then on", "open", {"technical_at": day(49), "announced_for": "2014-11-20"}, TWENTIETH),
    (
        "a day ahead, and on already on some boxes: not a word of those",
        "announced",
        {"models": (BoxModelId("m"),), "announced_for": "2014-11-20"},
        TWENTIETH,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("shows", "state", "changes", "since"), TOLD, ids=[row[0] for row in TOLD])
def test_what_is_carried_in_the_open_is_there_with_its_day(
    world: World, ask: Screens, shows: str, state: str, changes: dict[str, Any], since: str
) -> None:
    world.switch(world.orange, theatre(world), state, **changes)
    expected = to_rfc3339(world.now) if since == "since it was recorded" else since
    assert listed(ask, world.orange)["Théâtre"] == (expected, None), shows


def test_a_silent_beginning_is_told_by_no_date(world: World, ask: Screens) -> None:
    world.switch(world.orange, theatre(world), "silent")
    world.now = day(30)
    world.switch(world.orange, world.theatre, "open", technical_at=NOW)
    told = world.now
    assert listed(ask, world.orange)["Théâtre"][0] == to_rfc3339(told)
    world.now = day(40)
    world.switch(world.orange, world.theatre, "open", technical_at=NOW, reason="another word for staff")
    assert listed(ask, world.orange)["Théâtre"][0] == to_rfc3339(told), "a record that changes nothing for a viewer"


def test_a_pause_begins_it_anew_and_a_blackout_does_not(world: World, ask: Screens) -> None:
    first = listed(ask, world.orange)["Cinéma"][0]
    world.switch(world.orange, world.cinema, "open", blackouts=(Blackout(start=day(1), end=day(2)),))
    world.now = day(1.5)
    assert listed(ask, world.orange) == {}
    world.now = day(2)
    assert listed(ask, world.orange)["Cinéma"][0] == first
    world.switch(world.orange, world.cinema, "paused")
    world.switch(world.orange, world.cinema, "open")
    assert listed(ask, world.orange)["Cinéma"][0] == to_rfc3339(world.now)


def test_the_day_that_was_told_comes_and_a_day_that_slipped_goes(world: World, ask: Screens) -> None:
    world.switch(world.orange, theatre(world), "announced", technical_at=None, announced_for="2014-10-03")
    midnight = "2014-10-02T22:00:00.000Z"
    assert listed(ask, world.orange)["Théâtre"][0] == midnight
    world.now = Instant(NOW + 13 * HOUR)
    assert "Théâtre" not in listed(ask, world.orange)
    world.switch(
        world.orange, world.theatre, "announced", technical_at=NOW, models=(BoxModelId("m"),), announced_for="2014-10-03"
    )
    assert listed(ask, world.orange)["Théâtre"][0] == midnight


def test_the_agreements_own_end_is_told_unless_another_follows_it(world: World, ask: Screens) -> None:
    world.sign(world.orange, world.theatre, valid_to=day(10))
    assert listed(ask, world.orange)["Théâtre"] == (PARIS_NOON, to_rfc3339(day(10)))
    world.now = Instant(NOW + HOUR)
    world.sign(world.orange, world.theatre, valid_from=day(10), valid_to=day(20))
    assert listed(ask, world.orange)["Théâtre"] == (PARIS_NOON, to_rfc3339(day(20)))
    world.now = Instant(NOW + 2 * HOUR)
    world.sign(world.orange, world.theatre, "suspended", valid_from=day(5))
    assert listed(ask, world.orange)["Théâtre"][1] == to_rfc3339(day(10)), "a suspension to come is nobody's business"
    world.now = day(5)
    assert "Théâtre" not in listed(ask, world.orange)


def test_a_list_names_its_own_operator_alone(world: World, ask: Screens) -> None:
    world.sign(world.free, world.theatre)
    assert listed(ask, world.free).keys() == {"Théâtre"}
    assert listed(ask, world.orange).keys() == {"Cinéma"}
    root = read_list(bytes_of(ask, world.free))
    assert root.findtext(dvb("Name")) == "Free"
    assert root[2].findtext(dvb("ProviderName")) == "Rival"
    assert root[2].findtext(f".//{tva('MediaUri')}") == f"{ORIGIN}/watch/"
