"""What a scenario's file may have wrong: each names the file or the part, says what, and what to do; nothing is applied."""

from pathlib import Path

import pytest

from matinee.app import cli

_HEAD = 'name = "x"\ntoday = 2014-10-02\n'
_ORANGE = '[[operators]]\nname = "O"\ncountry = "FR"\ntimezone = "Europe/Paris"\n'
_SERVICE = '[[services]]\nname = "S"\n'
_MODEL = '[[box_models]]\nname = "M"\noui = "1"\nproduct_class = "m"\n'
_BOTH = _HEAD + _ORANGE + _SERVICE + _MODEL


def _launch(**fields: str) -> str:
    words = {"operator": '"O"', "service": '"S"', "state": '"open"', "since": "2014-10-02", "technical_at": "2014-10-02"} | fields
    return _BOTH + "[[launches]]\n" + "".join(f"{name} = {value}\n" for name, value in words.items() if value)


_MOVED = _BOTH + "[[homes]]\noperator='O'\nmodel='M'\nserial='S1'\nsince=2014-01-01\n[[moves]]\noperator='O'\nmodel='M'\n"

TABLE = [
    ("a move of no box", _MOVED + "serial='S9'\nsince=2014-02-01\nline='x'", "moves[0]: There is no box 'S9'"),
    ("a move backward", _MOVED + "serial='S1'\nsince=2013-02-01\nline='x'", "moves[0]: S1 stands at O/line-S1 from"),
    ("a return that lies ahead", _MOVED + "serial='S1'\nsince=2999-02-01", "lies ahead"),
    ("no TOML", "name = ", "is no TOML"),
    ("not UTF-8", b"\xff\xfe", "is no TOML"),
    ("nested without end", "a = " + "[" * 5000, "is no TOML"),
    ("a required field is missing", 'name = "x"', "missing required field `today`"),
    ("an unknown field", _HEAD + "colour = 1", "unknown field `colour`"),
    (
        "an unknown field of a part",
        _BOTH + "[[operators]]\nname='P'\ncountry='FR'\ntimezone='Europe/Paris'\nx=1",
        "$.operators[1]",
    ),
    ("today is no day", 'name = "x"\ntoday = "soon"', "today is no day"),
    ("a country of no form", _HEAD + _ORANGE.replace("FR", "France"), "operators[0]"),
    ("a zone that is none", _HEAD + _ORANGE.replace("Europe/Paris", "Mars/Base"), "time zone 'Mars/Base'"),
    ("an operator that is not told", _launch(operator='"X"'), "launches[0]: There is no operator 'X'"),
    ("a service that is not told", _launch(service='"X"'), "There is no service 'X'"),
    ("a model that does not exist", _launch(models='["X"]'), "There is no box model 'X'"),
    ("a state that is none", _launch(state='"on"'), "$.launches[0].state"),
    ("a moment with a zone", _launch(since='"2014-10-02T00:00:00Z"'), "since is no day or time"),
    ("a moment beyond time", _launch(since='"9999-12-31T23:59:59"', until="9999-12-31"), "launches[0]"),
    ("a moment before all calendars", _launch(since="0001-01-01"), "launches[0]"),
    ("a technical date that no calendar tells", _launch(technical_at='"9999-12-31T23:59:59"'), "after 9000"),
    ("the same moment told twice", _launch() + _launch().removeprefix(_BOTH), "from the same moment on twice"),
    ("a rule that cannot hold", _launch(rule="'box.colour == 1'"), "launches[0]: The rule is wrong: it names box.colour"),
    (
        "a rule against its example",
        _launch(rule="'box.memory_mb > 1'", examples="[{box={}, holds=true}]"),
        "does not hold for example 1",
    ),
    ("live without a technical date", _launch(technical_at=""), "has no technical date"),
    ("it ends before it begins", _launch(until="2014-10-01"), "ends before it begins"),
    ("a blackout backwards", _launch(blackouts="[{start=2014-10-03, end=2014-10-02}]"), "A blackout ends before it begins"),
    ("an announcement of no form", _launch(announced_for='"November"'), "launches[0]"),
    ("an announcement for a month that is none", _launch(announced_for='"2014-13"'), "announced for '2014-13'"),
    ("more than all boxes", _launch(percent="120"), "percent is 120"),
    ("a percentage of no number", _launch(percent="nan"), "percent is nan"),
    ("an interface without a version", _launch(interface='{product="p", version=""}'), "no product or no version"),
    (
        "a refusal without a reason",
        _BOTH + "[[agreements]]\noperator='O'\nservice='S'\nstatus='refused'\nsince=2014-01-01",
        "reason",
    ),
    (
        "a territory of no form",
        _BOTH + "[[agreements]]\noperator='O'\nservice='S'\nstatus='signed'\nsince=2014-01-01\nterritories=['world']",
        "territory 'world'",
    ),
    ("no home at all", _BOTH + "[[homes]]\noperator='O'\nmodel='M'\nserial='s'\nsince=2014-01-01\ncount=0", "count is 0"),
    ("too many homes", _BOTH + "[[homes]]\noperator='O'\nmodel='M'\nserial='s'\nsince=2014-01-01\ncount=10000000", "count is"),
]


@pytest.mark.parametrize(("shows", "text", "says"), TABLE, ids=[row[0] for row in TABLE])
def test_it_is_refused_with_its_place(
    shows: str, text: str | bytes, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "story.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    for command in ("apply", "diff"):
        assert cli.run([command, str(file), "--data", str(tmp_path / "data")]) == 1
        complaint = " ".join(capsys.readouterr().err.split())
        assert says in complaint, shows
        assert "Traceback" not in complaint


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["apply", str(tmp_path / "none.toml"), "--data", str(tmp_path / "data")]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_a_file_without_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "long.toml"
    file.write_text(_HEAD + "# \n" * 400_000)
    assert cli.run(["apply", str(file), "--data", str(tmp_path / "data")]) == 1
    assert "1,000,000" in capsys.readouterr().err
