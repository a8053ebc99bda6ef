"""`matinee boxes import` as a person and a script meet it."""

import json
from pathlib import Path

import pytest

from matinee.app import cli
from matinee.app.commands import opened
from matinee.fleet import store
from tests.world import NOW

HEADING = "ManufacturerOUI,ProductClass,SerialNumber,operator,line"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    with opened(folder) as installation, installation.database.write() as conn:
        store.ensure_operator(conn, "Orange", "FR", "Europe/Paris", NOW)
        store.ensure_operator(conn, "Free", "FR", "Europe/Paris", NOW)
        store.ensure_box_model(conn, "00AFFF", "LBP", "Livebox Play", {}, NOW)
    return folder


def bring(
    data: Path, rows: list[str], capsys: pytest.CaptureFixture[str], *options: str, heading: str = HEADING
) -> tuple[int, str, str]:
    file = data.parent / "boxes.csv"
    file.write_text("\n".join((heading, *rows, "")))
    capsys.readouterr()
    code = cli.run(["boxes", "import", str(file), "--data", str(data), *options])
    return code, *capsys.readouterr()


def test_boxes_come_once_and_the_summary_says_so(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"00AFFF,LBP,A{number},Orange,{number}" for number in range(3)]
    code, out, err = bring(data, rows, capsys)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "boxes.csv: checking",
        "boxes.csv: recording",
        "boxes.csv: 3 rows",
        "3 boxes added, 0 changed, 0 as they were.",
    ]
    code, out, _ = bring(data, rows, capsys, "--json")
    told = json.loads(out)
    assert (code, told.pop("file").endswith("boxes.csv")) == (0, True)
    counted = {"rows": 3, "added": 0, "changed": 0, "unchanged": 3, "quarantined": 0, "held": 0, "keys_unknown": 0}
    assert told == {**counted, "faults": [], "more_faults": 0}


def test_a_serial_at_another_operator_is_told_of(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bring(data, ["00AFFF,LBP,A1,Orange,1"], capsys)
    code, out, _ = bring(data, ["00AFFF,LBP,A1,Free,1"], capsys)
    assert code == 0
    assert "1 put in quarantine, 0 there already: their serials stand at another operator's line." in out
    code, out, _ = bring(data, ["00AFFF,LBP,A1,Free,1"], capsys)
    assert "0 put in quarantine, 1 there already" in out


def test_wrong_rows_are_told_by_file_line_and_remedy(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"00AFFF,LBP,A{number},Nobody,{number}" for number in range(25)]
    code, out, err = bring(data, rows, capsys)
    assert (code, out.splitlines()) == (1, ["boxes.csv: checking"])
    lines = err.splitlines()
    where = data.parent / "boxes.csv"
    assert lines[0] == (
        f"✗ {where}:2: there is no operator 'Nobody'. Tell of it in a scenario and apply that; there are: Free, Orange."
    )
    assert len(lines) == 23
    assert lines[20:] == [
        "  and 5 more",
        f"✗ {where}: 25 rows cannot be read as boxes; nothing was recorded.",
        "  Mend the file, then import it again.",
    ]
    code, out, err = bring(data, rows, capsys, "--json")
    told = json.loads(out)
    assert (code, err, len(told["faults"]), told["more_faults"]) == (1, "", 20, 5)
    assert told["faults"][0]["place"] == 2


def test_wrong_columns_are_told_with_those_there_are(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = bring(data, [], capsys, heading="SerialNumber,operator,line")
    assert code == 1
    assert "has no column ManufacturerOUI, ProductClass." in err
    assert "there may be label, interface_product, interface_version, key" in err
