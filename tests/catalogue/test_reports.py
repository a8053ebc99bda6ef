"""What was measured of a title's film, as its publisher and others ask for it."""

from collections.abc import Iterator

import msgspec
import pytest

from matinee.base.ids import PackageId, ServiceId, TitleId, new_id
from matinee.base.units import BitsPerSecond, Bytes, DurationMs
from matinee.catalogue.model import Title
from matinee.encoding.measured import Analysis
from matinee.library import store as library
from matinee.library.keys import MasterKey
from matinee.library.model import DrmSystem, PackageFiles, Track, TrackKind
from matinee.outside.database import Database
from tests.catalogue.factories import film
from tests.encoding.test_analysis_report import ANALYSIS
from tests.world import NOW, Screens, World, screens

MASTER = MasterKey(b"m" * 32)


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


@pytest.fixture
def ask(world: World) -> Iterator[Screens]:
    with screens(world) as everybody:
        yield everybody


def analysed(world: World) -> Title:
    """A title of the studio's with a package of one rung, and what was measured of its film."""
    made = film("Sita <i>", publisher=world.studio.id, service=ServiceId(world.cinema.id))
    assert made.playable is not None
    package = made.playable.package
    with world.database.write() as conn:
        keys = library.ensure_keys(conn, MASTER, package, made.id, NOW)
        library.keep_analysis(conn, package, ANALYSIS, NOW)
        track = Track(name="v720", kind=TrackKind.VIDEO, average=BitsPerSecond(2_205_000), peak=BitsPerSecond(3_969_000))
        files = PackageFiles(
            package_id=package,
            kid=keys.kid.hex(),
            drm=(DrmSystem.CLEARKEY,),
            duration_ms=DurationMs(200_000),
            tracks=(track, Track(name="a1", kind=TrackKind.AUDIO, average=BitsPerSecond(128_000))),
            file_count=3,
            total_bytes=Bytes(9),
            contents_sha256="cd",
        )
        library.mark_published(conn, files, NOW)
    world.put(made)
    return made


def test_its_publisher_is_told_what_was_measured_and_delivered(world: World, ask: Screens) -> None:
    made = analysed(world)
    answer = ask.studio.get(f"/api/v1/titles/{made.id}/analysis")
    assert answer.status_code == 200
    told = answer.json()
    assert [(rung["name"], rung["bitrate"], rung["delivered"] and rung["delivered"]["average"]) for rung in told["rungs"]] == [
        ("v720", 2_100_000, 2_205_000),
        ("v360", 200_000, None),
        ("av1_720", 900_000, None),
    ]
    assert msgspec.convert(told["analysis"], Analysis) == ANALYSIS
    page = ask.studio.get(f"/api/v1/titles/{made.id}/report")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "private, no-store"
    assert "<h1>Sita &lt;i&gt;</h1>" in page.text
    assert "2,205 (+5%)" in page.text


def test_to_others_it_reads_as_a_title_that_is_not_there(world: World, ask: Screens) -> None:
    made = analysed(world)
    for what in ("analysis", "report"):
        nothing = ask.rival.get(f"/api/v1/titles/{TitleId(new_id())}/{what}")
        theirs = ask.rival.get(f"/api/v1/titles/{made.id}/{what}")
        assert (theirs.status_code, theirs.content) == (nothing.status_code, nothing.content) == (404, nothing.content)
        assert ask.box.get(f"/api/v1/titles/{made.id}/{what}").status_code == 403
        assert ask.studio.get(f"/api/v1/titles/no-id/{what}").status_code == 404


def test_a_title_that_was_not_analysed_says_so_to_its_publisher(world: World, ask: Screens) -> None:
    plain = film("Plain", publisher=world.studio.id, service=ServiceId(world.cinema.id))
    world.put(plain)
    answer = ask.studio.get(f"/api/v1/titles/{plain.id}/analysis")
    assert answer.status_code == 404
    assert "was not analysed" in answer.text


def test_it_goes_with_the_package_and_is_replaced_by_a_later_one(world: World) -> None:
    made = analysed(world)
    assert made.playable is not None
    package = made.playable.package
    other = msgspec.structs.replace(ANALYSIS, points=())
    with world.database.write() as conn:
        library.keep_analysis(conn, package, other, NOW)
        assert library.analysis_of(conn, package) == other
        library.forget(conn, package)  # what was published stays
        assert library.analysis_of(conn, package) == other
        newer = PackageId(new_id())
        for _ in range(2):
            library.move_analysis(conn, package, newer)  # new keys make a new package of the same film
        assert (library.analysis_of(conn, package), library.analysis_of(conn, newer)) == (None, other)
        library.move_analysis(conn, newer, package)
        library.mark_removed(conn, package)
        assert library.analysis_of(conn, package) is None


def test_what_another_version_wrote_is_not_read(world: World) -> None:
    made = analysed(world)
    assert made.playable is not None
    with world.database.write() as conn:
        conn.execute(library.analyses.update().values(found={"older": True}))
        assert library.analysis_of(conn, made.playable.package) is None
