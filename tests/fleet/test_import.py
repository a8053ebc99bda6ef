"""A file of boxes brought in: what is refused and in which words, what a second time changes, and whose box is held."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from matinee.app import cli
from matinee.base.clock import DAY, Instant
from matinee.fleet import key_store, store
from matinee.fleet.boxlist import MAX_CELL
from matinee.fleet.model import BoxIdentity, FleetError, IdentityCause, Interface
from matinee.fleet.work import BoxesRefused, ImportReport, import_boxes
from matinee.outside.database import Database
from matinee.parties import audit
from tests.world import NOW, World

HEADING = "ManufacturerOUI,ProductClass,SerialNumber,operator,line,label,interface_product,interface_version"
LATER = Instant(NOW + DAY)
MUCH_LATER = Instant(LATER + DAY)


@pytest.fixture
def world(any_database: Database) -> World:
    return World(any_database)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> World:
    """One world for all that is refused: nothing in it changes."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('quiet') / 'world.db'}")
    store.metadata.create_all(database.engine)
    return World(database)


def written(folder: Path, *rows: str, heading: str = HEADING) -> Path:
    file = folder / "boxes.csv"
    file.write_text("\n".join((heading, *rows)) + "\n", encoding="utf-8")
    return file


def brought(world: World, file: Path, now: Instant = LATER) -> ImportReport:
    report = import_boxes(world.database, file, now, actor="test", progress=lambda stage, fraction: None)
    world.feed.poll()
    return report


def counts(world: World) -> dict[str, int]:
    tables = (store.boxes, store.lines, store.box_assignments, store.box_interfaces, audit.audit)
    with world.database.read() as conn:
        return {one.name: conn.execute(sa.select(sa.func.count()).select_from(one)).scalar_one() for one in tables}


def test_boxes_come_with_their_lines_and_interfaces(world: World, tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "00AFFF,LBP,A1,Orange,line 1,Chambre,polaris,2.1",
        f'00AFFF, LBP ,"A,2",{world.free},line 1,,,',
        "00AFFF,LBP,A3,Orange,line 1,,,",
    )
    assert brought(world, file) == ImportReport(rows=3, added=3)
    (one,), (two,), (three,) = (world.fleet.boxes_named(serial) for serial in ("A1", "A,2", "A3"))
    assert (one.label, two.label, one.identity) == ("Chambre", "Livebox Play", BoxIdentity.UNVERIFIED)
    assert world.fleet.interface_of(one.id, LATER) == Interface(product="polaris", version="2.1")
    assert world.fleet.interface_of(two.id, LATER) is None
    line = world.fleet.line_of(one.id, LATER)
    assert list(world.fleet.boxes_at(line, LATER)) in ([one.id, three.id], [three.id, one.id])
    assert world.fleet.operator_of_line(line) == world.orange
    assert world.fleet.operator_of_line(world.fleet.line_of(two.id, LATER)) == world.free


def test_a_second_time_changes_nothing_and_changed_rows_change(world: World, tmp_path: Path) -> None:
    rows = [f"00AFFF,LBP,B{number},Orange,line {number},Salon,polaris,1" for number in range(5)]
    brought(world, written(tmp_path, *rows))
    before = counts(world)
    assert brought(world, written(tmp_path, *rows), Instant(LATER + 1)) == ImportReport(rows=5, unchanged=5)
    assert counts(world) == before
    rows[0] = "00AFFF,LBP,B0,Orange,line 0,Cuisine,polaris,1"
    rows[1] = "00AFFF,LBP,B1,Orange,line 7,Salon,polaris,1"
    rows[2] = "00AFFF,LBP,B2,Orange,line 2,Salon,polaris,2"
    rows[3] = "00AFFF,LBP,B3,Orange,line 3,,,"  # nothing told of them, so they stay
    assert brought(world, written(tmp_path, *rows), Instant(LATER + 2)) == ImportReport(rows=5, changed=3, unchanged=2)
    boxes = [world.fleet.boxes_named(f"B{number}")[0] for number in range(5)]
    assert [box.label for box in boxes] == ["Cuisine", "Salon", "Salon", "Salon", "Salon"]
    assert world.fleet.interface_of(boxes[2].id, Instant(LATER + 2)) == Interface(product="polaris", version="2")
    assert world.fleet.line_of(boxes[1].id, Instant(LATER + 1)) != world.fleet.line_of(boxes[1].id, Instant(LATER + 2))


def test_a_serial_that_stands_at_another_operators_line_is_held_and_not_moved(world: World, tmp_path: Path) -> None:
    file = written(tmp_path, "00AFFF,LBP,serial-one,Free,mine,Salle,polaris,9", "00AFFF,LBP,C1,Free,other line,,,")
    assert brought(world, file) == ImportReport(rows=2, added=1, quarantined=1)
    box = world.fleet.box(world.one.box.id)
    assert box is not None
    assert (box.identity, box.label) == (BoxIdentity.QUARANTINED, "Salon")
    assert world.fleet.line_of(box.id, LATER) == world.one.line.id
    decision = world.carriage.explain(box.id, world.cinema.id, LATER)
    assert not decision.visible
    before = counts(world)
    assert brought(world, file) == ImportReport(rows=2, unchanged=1, held=1)
    assert counts(world) == before
    with world.database.read() as conn:
        actions = conn.execute(sa.select(audit.audit.c.action).where(audit.audit.c.actor == "test").order_by(audit.audit.c.seq))
        assert [one for (one,) in actions if one.startswith("boxes.")] == ["boxes.quarantine", "boxes.import"]
        assert audit.first_broken(conn) is None


def test_a_box_that_left_its_line_first_is_its_new_operators(world: World, tmp_path: Path) -> None:
    with world.database.write() as conn:
        store.assign_box(conn, world.one.box.id, None, LATER, LATER)
    report = brought(world, written(tmp_path, "00AFFF,LBP,serial-one,Free,mine,,,"), Instant(LATER + 1))
    assert report == ImportReport(rows=1, changed=1)
    line = world.fleet.line_of(world.one.box.id, Instant(LATER + 1))
    assert world.fleet.operator_of_line(line) == world.free


def test_of_two_boxes_of_one_serial_the_operators_own_is_meant(world: World, tmp_path: Path) -> None:
    with world.database.write() as conn:
        twin = store.add_box(conn, world.model.id, "serial-one", "", NOW).id
        store.assign_box(conn, twin, world.other.line.id, NOW, NOW)
    assert brought(world, written(tmp_path, "00AFFF,LBP,serial-one,Free,other,Twin,,")) == ImportReport(rows=1, changed=1)
    assert [(box.id, box.label) for box in world.fleet.boxes_named("serial-one") if box.id == twin] == [(twin, "Twin")]
    with world.database.read() as conn:
        changes = list(store.identities_of(conn))
    assert {(one.box, one.why) for one in changes} == {
        (box, IdentityCause.SERIAL_REPEATED) for box in (twin, world.one.box.id)
    }, "both were held when the twin was given a line, and the import held nothing"


GOOD = "00AFFF,LBP,D1,Orange,line,,,"
BAD_ROWS = [
    ("another model", "00AFFF,XYZ,D2,Orange,line,,,", "there is no box model 00AFFF XYZ", "00AFFF LBP"),
    ("another maker", "00B000,LBP,D2,Orange,line,,,", "there is no box model 00B000 LBP", "00AFFF LBP"),
    ("another operator", "00AFFF,LBP,D2,Nobody,line,,,", "there is no operator 'Nobody'", "Free, Orange"),
    ("a repeated serial", "00AFFF,LBP,D1,Free,line,,,", "the serial D1 of LBP stands at 2 already", "Leave one"),
    ("no serial", "00AFFF,LBP, ,Orange,line,,,", "SerialNumber is empty", "Write it"),
    ("no line", "00AFFF,LBP,D2,Orange,,,,", "line is empty", "Write it"),
    ("half an interface", "00AFFF,LBP,D2,Orange,line,,polaris,", "one is empty", "both"),
    ("a cell too few", "00AFFF,LBP,D2,Orange,line,,", "7 cells, and the heading 8", "empty one too"),
    ("a cell too many", GOOD + ",", "9 cells, and the heading 8", "empty one too"),
    ("a long serial", f"00AFFF,LBP,{'x' * (MAX_CELL + 1)},Orange,line,,,", "SerialNumber has 257 characters", "256"),
    ("a bell", "00AFFF,LBP,D\a2,Orange,line,,,", r"'D\x072'", "anew"),
]


@pytest.mark.parametrize(("_shows", "row", "says", "remedy"), BAD_ROWS, ids=[row[0] for row in BAD_ROWS])
def test_a_wrong_row_refuses_the_file(quiet: World, tmp_path: Path, _shows: str, row: str, says: str, remedy: str) -> None:
    before = counts(quiet)
    file = written(tmp_path, GOOD, row)
    with pytest.raises(BoxesRefused) as refused:
        brought(quiet, file)
    (line,) = refused.value.lines()
    assert line.startswith(f"{file}:3: ")
    assert says in line
    assert remedy in refused.value.faults[0].remedy
    assert "1 row cannot" in str(refused.value)
    assert counts(quiet) == before


BAD_FILES = [
    ("no columns", b"", "has no column ManufacturerOUI, ProductClass, SerialNumber, operator, line"),
    ("a missing column", b"ManufacturerOUI,ProductClass,operator,line\n", "has no column SerialNumber"),
    ("an unknown column", f"{HEADING},colour\n".encode(), "'colour'"),
    ("a column twice", f"{HEADING},DeviceInfo.SerialNumber\n".encode(), "SerialNumber twice"),
    ("an open quote", f'{HEADING}\n00AFFF,LBP,"D1,Orange,line,,,\n'.encode(), "no CSV"),
    ("Latin-1", f"{HEADING}\n00AFFF,LBP,D1,Orange,café,,,\n".encode("latin-1"), "UTF-8"),
    ("UTF-16", HEADING.encode("utf-16"), "UTF-8"),
    ("a zip", b"PK\x03\x04\xff\xfe", "UTF-8"),
    ("damaged Parquet", b"PAR1" + bytes(100), "damaged"),
]


@pytest.mark.parametrize(("_shows", "content", "says"), BAD_FILES, ids=[row[0] for row in BAD_FILES])
def test_what_is_no_list_of_boxes_is_refused(quiet: World, tmp_path: Path, _shows: str, content: bytes, says: str) -> None:
    file = tmp_path / "boxes.csv"
    file.write_bytes(content)
    with pytest.raises(FleetError, match=r"boxes\.csv") as refused:
        brought(quiet, file)
    assert says in refused.value.message
    assert refused.value.remedy


def test_what_is_no_file_is_refused(quiet: World, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(FleetError, match="There is no file"):
            brought(quiet, path)


def test_of_many_wrong_rows_the_first_are_told_and_the_rest_counted(quiet: World, tmp_path: Path) -> None:
    file = written(tmp_path, *(f"00AFFF,LBP,E{number},Nobody,line,,," for number in range(30_000)))
    with pytest.raises(BoxesRefused) as refused:
        brought(quiet, file)
    assert [one.place for one in refused.value.faults] == list(range(2, 22))
    assert refused.value.more == 29_980
    assert "30,000 rows" in refused.value.message


@pytest.mark.parametrize("heading", [HEADING, "\ufeff" + ",".join(f"Device.DeviceInfo.{one}" for one in HEADING.split(","))])
def test_columns_have_long_names_or_short_ones(quiet: World, tmp_path: Path, heading: str) -> None:
    with pytest.raises(BoxesRefused, match="1 row cannot"):
        brought(quiet, written(tmp_path, "", "00AFFF,LBP,D1,Nobody,line,,,", heading=heading))


def test_semicolons_and_quoted_line_ends_count_as_an_editor_counts(quiet: World, tmp_path: Path) -> None:
    heading = "SerialNumber;ProductClass;ManufacturerOUI;line;operator"
    file = written(tmp_path, 'D1;LBP;00AFFF;"a', 'line";Orange', "D2;LBP;00AFFF;line;Nobody", heading=heading)
    with pytest.raises(BoxesRefused) as refused:
        brought(quiet, file)
    assert [one.place for one in refused.value.faults] == [3, 4]


def parquet(folder: Path, rows: Sequence[str], **types: pa.DataType) -> Path:
    names = HEADING.split(",")
    columns = {name: [row.split(",")[place] or None for row in rows] for place, name in enumerate(names)}
    arrays = {name: pa.array(cells, type=pa.string()).cast(types.get(name, pa.string())) for name, cells in columns.items()}
    file = folder / "boxes.parquet"
    pq.write_table(pa.table(arrays), file)
    return file


def test_parquet_says_the_same_as_text(world: World, tmp_path: Path) -> None:
    rows = ["00AFFF,LBP,F1,Orange,line 1,Chambre,polaris,2.1", "00AFFF,LBP,F2,Free,line 1,,,"]
    assert brought(world, written(tmp_path, *rows)) == ImportReport(rows=2, added=2)
    kinds = {"operator": pa.dictionary(pa.int32(), pa.string()), "line": pa.large_string()}
    assert brought(world, parquet(tmp_path, rows, **kinds)) == ImportReport(rows=2, unchanged=2)


def test_numbers_in_parquet_are_no_serials(quiet: World, tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="holds int64, not text"):
        brought(quiet, parquet(tmp_path, ["00AFFF,LBP,17,Orange,line,,,"], SerialNumber=pa.int64()))
    with pytest.raises(BoxesRefused) as refused:
        brought(quiet, parquet(tmp_path, [GOOD, "00AFFF,LBP,,Orange,line,,,"]))
    assert [(one.place, one.says) for one in refused.value.faults] == [(2, "SerialNumber is empty")]


def test_a_file_that_changes_meanwhile_is_told_of(world: World, tmp_path: Path) -> None:
    file = written(tmp_path, GOOD)

    def rewrite(stage: str, fraction: float) -> None:
        written(tmp_path, "00AFFF,LBP,D1,Nobody,line,,,")

    with pytest.raises(FleetError, match="changed while it was read"):
        import_boxes(world.database, file, LATER, actor="test", progress=rewrite)


def test_fifty_thousand_boxes_come_in_pieces_and_are_followed(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'world.db'}")
    store.metadata.create_all(database.engine)
    world = World(database)
    rows = [f"00AFFF,LBP,G{number:06d},{('Orange', 'Free')[number % 2]},{number},,polaris,1" for number in range(50_000)]
    stages: list[tuple[str, float]] = []
    file = written(tmp_path, *rows)
    report = import_boxes(database, file, LATER, actor="test", progress=lambda stage, done: stages.append((stage, done)))
    assert report == ImportReport(rows=50_000, added=50_000)
    assert [stage for stage, _ in stages] == ["checking"] * 5 + ["recording"] * 5
    assert all(0 < done <= 1 for _, done in stages)
    world.feed.poll()
    assert sum(1 for _ in world.fleet.boxes_by_operator(LATER)) == 50_002
    assert brought(world, file) == ImportReport(rows=50_000, unchanged=50_000)
    database.close()


def test_a_box_is_let_out_of_quarantine_by_name(world: World, tmp_path: Path) -> None:
    brought(world, written(tmp_path, "00AFFF,LBP,serial-one,Free,mine,,,"))
    box = world.one.box.id
    assert not world.carriage.explain(box, world.cinema.id, LATER).visible
    with world.database.write() as conn:
        assert [[one.id for one in store.boxes_named(conn, name)] for name in ("serial-one", box)] == [[box], [box]]
        assert key_store.release_box(conn, box, MUCH_LATER, actor="somebody").identity is BoxIdentity.UNVERIFIED
        with pytest.raises(FleetError, match="in no quarantine"):
            key_store.release_box(conn, box, MUCH_LATER, actor="somebody")
    world.feed.poll()
    assert world.carriage.explain(box, world.cinema.id, MUCH_LATER).visible
    with world.database.read() as conn:
        assert audit.first_broken(conn) is None


def test_a_box_that_staff_let_out_is_not_held_again_by_the_same_file(world: World, tmp_path: Path) -> None:
    file, box = written(tmp_path, "00AFFF,LBP,serial-one,Free,mine,,,"), world.one.box.id
    assert brought(world, file) == ImportReport(rows=1, quarantined=1)
    with world.database.write() as conn:
        key_store.release_box(conn, box, MUCH_LATER, actor="somebody")
    assert brought(world, file, Instant(MUCH_LATER + 1)) == ImportReport(rows=1, unchanged=1)
    decision = world.carriage.explain(box, world.cinema.id, Instant(MUCH_LATER + 2))
    assert decision.visible
    assert world.fleet.line_of(box, Instant(MUCH_LATER + 2)) == world.one.line.id


def test_the_command_that_lets_a_box_out_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ("--data", str(tmp_path / "data"))
    for arguments, says in ((["nothing", "--by", "me"], "No box has the serial"), (["nothing"], "--by")):
        assert cli.run(["boxes", "release", *arguments, *data]) == 1
        assert says in " ".join(capsys.readouterr().err.split())
