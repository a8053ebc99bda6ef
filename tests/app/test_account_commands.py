"""`matinee account`, `client` and `sign-in`: from the command line to a household that is signed in, and out again."""

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
from matinee.members.sign_in import issuers
from matinee.members.sign_in.operator_login import purpose_of
from matinee.parties import passwords

PASSWORD = "four words of a test"
ORIGIN = "http://127.0.0.1:8400"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command on an installation with a household, "demo": (exit code, standard output, standard error)."""
    monkeypatch.setattr(passwords, "COST", passwords.Cost(passes=1, lanes=1, memory_kib=32))

    def run_it(*arguments: str, said: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(said))
        code = cli.run([*arguments, "--data", str(tmp_path / "data")])
        out, err = capsys.readouterr()
        return code, out, err

    assert run_it("token", "web")[0] == 0
    return run_it


def test_from_an_account_to_a_signed_in_browser_and_its_end(run: Any, tmp_path: Path) -> None:
    code, out, err = run("account", "add", "demo", "ada@example.com", "--json", said=f"{PASSWORD}\n")
    assert code == 0, err
    assert json.loads(out)["password"] is None
    assert run("account", "add", "demo", "ada@example.com", said=f"{PASSWORD}\n")[0] == 1
    assert run("account", "add", "nobody", "eve@example.com", said=f"{PASSWORD}\n")[0] == 1
    assert run("account", "add", "demo", "eve@example.com", said="short\n")[0] == 1
    with open_installation(load_settings(tmp_path / "data", {})) as installation:
        app = build_web(installation, landing=lambda: "")
        with TestClient(app, base_url=ORIGIN) as client:

            def sign_in(password: str) -> int:
                said = {"step": "sign_in", "name": "ada@example.com", "password": password}
                return int(client.post("/activate", data=said, headers={"Origin": ORIGIN}, follow_redirects=False).status_code)

            assert sign_in(PASSWORD) == 303
            another = json.loads(run("account", "password", "ada@example.com", "--generate", "--json")[1])["password"]
            assert sign_in(PASSWORD) == 401
            assert sign_in(another) == 303
            code, out, _ = run("account", "sign-out", "demo")
            assert (code, out.split()[0]) == (0, "3"), "this browser, and the two tokens of the household"
            assert run("account", "end", "ada@example.com")[0] == 0
            assert sign_in(another) == 401
    (listed,) = json.loads(run("account", "list", "--household", "demo", "--json")[1])["accounts"]
    assert (listed["name"], listed["household"]) == ("ada@example.com", "demo")
    assert listed["ended_at"] is not None


def test_a_program_is_registered_and_ended(run: Any) -> None:
    code, out, _ = run(
        "client", "add", "Ciné", "--redirect", "https://a.example/cb", "--redirect", "https://a.example/2", "--json"
    )
    assert code == 0
    made = json.loads(out)
    assert made["redirect_uris"] == ["https://a.example/cb", "https://a.example/2"]
    assert made["secret"].startswith("mtx_")
    for bad in ("http://a.example/", "https://a.example/#x", "javascript:x", "https://u@a.example/", "http://127.0.0.1/ x", "a"):
        assert run("client", "add", "Bad", "--redirect", bad)[0] == 1, bad
    (listed,) = json.loads(run("client", "list", "--json")[1])["clients"]
    assert listed["id"] == made["id"]
    assert "secret" not in listed
    assert run("client", "end", made["id"])[0] == 0
    assert run("client", "end", made["id"])[0] == 1


def test_an_issuer_is_recorded_and_taken_away(run: Any) -> None:
    assert run("sign-in", "issuer", "Home fibre", "https://id.example", "--audience", "films")[0] == 0
    (listed,) = json.loads(run("sign-in", "issuers", "--json")[1])["issuers"]
    assert (listed["operator"], listed["issuer"], listed["claim"], listed["keys"]) == (
        "Home fibre",
        "https://id.example",
        "sub",
        0,
    )
    assert run("sign-in", "issuer", "Home fibre", "id.example", "--audience", "films")[0] == 1
    assert run("sign-in", "issuer", "Home fibre", "--end")[0] == 0
    assert json.loads(run("sign-in", "issuers", "--json")[1])["issuers"] == []


def test_an_issuer_may_sign_browsers_in_with_a_sealed_secret(run: Any, tmp_path: Path) -> None:
    named = ("sign-in", "issuer", "Home fibre", "https://id.example", "--audience", "films")
    code, out, err = run(*named, "--web-client", "pages", said="hush hush\n")
    assert code == 0, err
    assert "/done" in out
    assert "hush" not in out + err
    with open_installation(load_settings(tmp_path / "data", {})) as installation:
        with installation.database.read() as conn:
            (issuer,) = issuers.all_issuers(conn)
        assert issuer.web is not None
        assert issuer.web.sealed is not None
        assert installation.master.unseal(purpose_of(issuer.operator), issuer.web.sealed) == b"hush hush"
    assert json.loads(run("sign-in", "issuers", "--json")[1])["issuers"][0]["web_client"] == "pages"
    assert run(*named, "--web-client", "pages", said="")[0] == 1, "a secret is needed"
    assert run(*named, "--public")[0] == 1, "of which client?"
    assert run(*named, "--web-client", "pages", "--public")[0] == 0
    assert "no more" in run(*named)[1]
    assert json.loads(run("sign-in", "issuers", "--json")[1])["issuers"][0]["web_client"] is None


def test_the_key_file_is_private_and_three_keys_live(run: Any, tmp_path: Path) -> None:
    for _ in range(3):
        assert run("sign-in", "rotate-key")[0] == 0
    file = tmp_path / "data" / "keys" / "sign-in.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(json.loads(file.read_text())["keys"]) == 3
