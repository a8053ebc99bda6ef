"""`matinee staff` and `matinee key`: accounts and keys of every side, from the command line to a signed-in answer."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from matinee.app import cli
from matinee.app.installation import open_installation
from matinee.app.settings import load_settings
from matinee.app.wiring import build_web
from matinee.parties import passwords

PASSWORD = "four words of a test"


class Terminal(io.StringIO):
    """Standard input where somebody sits."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def data(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with a publisher, "Matinee", and an operator, "Home fibre"."""
    monkeypatch.setattr(passwords, "COST", passwords.Cost(passes=1, lanes=1, memory_kib=32))
    assert cli.run(["token", "box", "--data", str(tmp_path / "data")]) == 0
    capsys.readouterr()
    return tmp_path / "data"


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command with these words on its standard input: (exit code, standard output, standard error)."""

    def run_it(*arguments: str, said: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(said))
        code = cli.run([*arguments, "--data", str(data)])
        out, err = capsys.readouterr()
        return code, out, err

    return run_it


def test_from_an_account_to_a_signed_in_answer_and_its_end(run: Any, data: Path) -> None:
    code, out, err = run("staff", "add", "first.last", "--operator", "Home fibre", "--json", said=f"{PASSWORD}\n")
    assert code == 0, err
    made = json.loads(out)
    assert (made["name"], made["role"], made["side"], made["password"]) == ("first.last", "operator", "Home fibre", None)
    with open_installation(load_settings(data, {})) as installation:
        app = build_web(installation, landing=lambda: "")
        with TestClient(app) as client:
            body = {"name": "first.last", "password": PASSWORD}
            token = client.post("/api/v1/staff/session", json=body).json()["token"]
            me = client.get("/api/v1/staff/me", headers={"Authorization": f"Bearer {token}"})
            assert (me.status_code, me.json()["id"]) == (200, made["id"])
            code, out, _ = run("staff", "password", "first.last", "--generate", "--json")
            another = json.loads(out)["password"]
            assert client.post("/api/v1/staff/session", json=body).status_code == 401
            assert client.post("/api/v1/staff/session", json={**body, "password": another}).status_code == 200
            assert run("staff", "end", "first.last")[0] == 0
            assert client.post("/api/v1/staff/session", json={**body, "password": another}).status_code == 401
    (listed,) = json.loads(run("staff", "list", "--json")[1])["staff"]
    assert listed["ended_at"] is not None
    assert PASSWORD not in run("audit", "check", "--json")[1]


def test_a_made_password_is_shown_once(run: Any) -> None:
    code, out, err = run("staff", "add", "first.last", "--publisher", "Matinee", "--generate")
    assert code == 0
    password = out.splitlines()[-1]
    assert len(password) >= 25
    assert "shown this once" in err
    assert password not in run("staff", "list", "--json")[1]


REFUSED = [
    ("a weak password", ["first.last", "--publisher", "Matinee"], "short\n", "fewer than 12"),
    ("no password", ["first.last", "--publisher", "Matinee"], "", "No password came in"),
    ("its own name", ["first.last.1976", "--publisher", "Matinee"], "first.last.1976\n", "own name"),
    ("no side", ["first.last"], PASSWORD, "not plain whose side"),
    ("two sides", ["first.last", "--publisher", "Matinee", "--operator", "Home fibre"], PASSWORD, "not plain whose side"),
    ("an auditor of what", ["first.last", "--auditor"], PASSWORD, "--auditor --all"),
    ("all, and no auditor", ["first.last", "--all"], PASSWORD, "not plain whose side"),
    ("all, and one", ["first.last", "--auditor", "--all", "--publisher", "Matinee"], PASSWORD, "not plain whose side"),
    ("an unknown publisher", ["first.last", "--publisher", "Nobody"], PASSWORD, "There are: Matinee"),
    ("an unknown operator", ["first.last", "--operator", "Nobody"], PASSWORD, "There are: Home fibre"),
    ("an odd name", ["First Last", "--publisher", "Matinee"], PASSWORD, "first.last"),
]


@pytest.mark.parametrize(("shows", "arguments", "said", "says"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_refused_says_what_to_do(run: Any, shows: str, arguments: list[str], said: str, says: str) -> None:
    code, _, err = run("staff", "add", *arguments, said=said)
    assert code == 1, shows
    assert says in " ".join(err.split())
    assert json.loads(run("staff", "list", "--json")[1]) == {"staff": []}


def test_a_password_is_typed_twice_where_somebody_sits(
    run: Any, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for typed, code in (([PASSWORD, "another"], 1), ([PASSWORD, PASSWORD], 0)):
        answers = iter(typed)
        monkeypatch.setattr("sys.stdin", Terminal())
        monkeypatch.setattr("getpass.getpass", lambda _prompt, answers=answers: next(answers))
        assert cli.run(["staff", "add", "first.last", "--auditor", "--all", "--data", str(data)]) == code
        assert PASSWORD not in "".join(capsys.readouterr())


@pytest.mark.parametrize("command", [["end"], ["password", "--generate"]])
def test_an_account_that_is_not_there(run: Any, command: list[str]) -> None:
    code, _, err = run("staff", command[0], "nobody.here", *command[1:])
    assert code == 1
    assert "staff list" in err


def test_keys_of_every_side(run: Any) -> None:
    sides = {
        ("publisher", "Matinee"): ["--publisher", "Matinee"],
        ("operator", "Home fibre"): ["--operator", "Home fibre"],
        ("auditor", "Home fibre"): ["--auditor", "--operator", "Home fibre"],
        ("auditor", "every one"): ["--auditor", "--all"],
    }
    made = []
    for (role, side), words in sides.items():
        code, out, err = run("key", "add", *words, "--label", "pipeline", "--json")
        assert code == 0, err
        told = json.loads(out)
        assert (told["role"], told["side"], told["label"]) == (role, side, "pipeline")
        assert told["key"].startswith("mtk_")
        made.append(told)
    assert run("token", "api")[1].startswith("mtk_"), "as before"
    listed = json.loads(run("key", "list", "--json")[1])["keys"]
    assert {one["id"] for one in made} < {one["id"] for one in listed}
    assert all(one["key"] not in json.dumps(listed) for one in made)
    assert run("key", "end", made[0]["id"])[0] == 0
    code, _, err = run("key", "end", made[0]["id"])
    assert code == 1
    assert "key list" in err
    ended = [one["id"] for one in json.loads(run("key", "list", "--json")[1])["keys"] if one["ended_at"]]
    assert ended == [made[0]["id"]]
    assert run("key", "add", "--label", "x")[0] == 1
    assert run("audit", "check")[0] == 0


def test_a_pipe_gets_plain_lines(run: Any) -> None:
    run("staff", "add", "first.last", "--operator", "Home fibre", said=PASSWORD)
    assert run("key", "add", "--operator", "Home fibre", "--label", "two\twords")[0] == 1, "a label is one line of plain words"
    assert run("key", "add", "--operator", "Home fibre", "--label", "two words")[0] == 0
    (account,) = run("staff", "list")[1].splitlines()
    assert account.split("\t")[:3] == ["first.last", "operator", "Home fibre"]
    (key,) = run("key", "list")[1].splitlines()
    assert key.split("\t")[1:4] == ["operator", "Home fibre", "two words"]
