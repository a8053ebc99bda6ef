"""`matinee feed` and `matinee ranking` as a person and a script meet them; and two processes that read one feed at once."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from matinee.app import cli
from matinee.app.commands import opened
from matinee.app.installation import read_clock
from matinee.carriage import store as carriage
from matinee.carriage.model import AgreementStatus
from matinee.carriage.snapshot import Carriage
from matinee.catalogue import store as titles
from matinee.catalogue.model import ServiceKind
from matinee.catalogue.snapshot import Catalogue
from matinee.fleet import store as fleet
from matinee.fleet.snapshot import Fleet
from matinee.home.ranking_log import RankingLog
from matinee.home.ranking_store import rankings
from matinee.parties import store as parties
from tests.feed_server import HOST, Partner, partner_server, work
from tests.journeys.service import environment_for

FILMS = [work(f"Film {n}") for n in range(12)]


@pytest.fixture
def partner() -> Iterator[Partner]:
    with partner_server() as one:
        one.tell(*FILMS)
        yield one


@pytest.fixture
def data(tmp_path: Path, any_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with a partner service at an operator, that may call this machine."""
    monkeypatch.setenv("MATINEE_DATABASE_URL", any_database_url)
    monkeypatch.setenv("MATINEE_CALL_PRIVATE_ADDRESSES", "true")
    folder = tmp_path / "data"
    with opened(folder) as installation, installation.database.write() as conn:
        now = read_clock()
        publisher = parties.ensure_publisher(conn, "Chaîne 1", "EUR", now)
        service = titles.ensure_service(conn, publisher.id, "Chaîne 1", now, ServiceKind.CATCHUP)
        operator = fleet.ensure_operator(conn, "Orange", "FR", "Europe/Paris", now)
        carriage.record_agreement(conn, operator.id, service.id, AgreementStatus.SIGNED, now, now, actor="test", prominence=20)
        carriage.ensure_open_launch(conn, operator.id, service.id, now, actor="test")
    return folder


def run(data: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = cli.run([*arguments, "--data", str(data)])
    return code, *capsys.readouterr()


def test_a_feed_is_set_read_listed_and_shown(data: Path, partner: Partner, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(data, capsys, "feed", "list")[1] == "No service has a feed. `matinee feed set SERVICE URL` names one.\n"
    code, out, _ = run(data, capsys, "feed", "set", "Chaîne 1", partner.url, "--links", f"{HOST},an-app:", "--every", "30")
    assert (code, out.splitlines()[1:]) == (
        0,
        [f"  every 30 minutes; links may lead to {HOST}, an-app:", "  not read yet"],
    )
    partner.tell(*FILMS, work("Mal", name=5))
    code, out, _ = run(data, capsys, "feed", "read", "Chaîne 1")
    assert (code, out.splitlines()) == (
        0,
        [
            "Chaîne 1: applied.",
            "  12 good items: 12 new, 0 changed, 0 gone; 1 in quarantine, of which 0 stay as they were; 0 of other types",
            "  ✗ urn:partner:Mal  name: is a number; words are wanted, or an object with @language and @value",
        ],
    )
    (listed,) = json.loads(run(data, capsys, "feed", "list", "--json")[1])["feeds"]
    assert (listed["service"], listed["items"], listed["outcome"], listed["every_minutes"]) == ("Chaîne 1", 12, "applied", 30)
    assert listed["etag"] in partner.asked[0][1].get("if-none-match", listed["etag"])
    shown = json.loads(run(data, capsys, "feed", "show", "Chaîne 1", "--json")[1])
    assert [one["ref"] for one in shown["quarantine"]] == ["urn:partner:Mal"]
    assert "✗ urn:partner:Mal" in run(data, capsys, "feed", "show", "Chaîne 1")[1]
    assert run(data, capsys, "feed", "read", "Chaîne 1")[1] == "Chaîne 1: unchanged.\n"


def test_what_is_held_is_told_with_its_way_out(data: Path, partner: Partner, capsys: pytest.CaptureFixture[str]) -> None:
    run(data, capsys, "feed", "set", "Chaîne 1", partner.url, "--links", HOST)
    run(data, capsys, "feed", "read", "Chaîne 1")
    partner.tell(*FILMS[:2])
    code, out, _ = run(data, capsys, "feed", "read", "Chaîne 1")
    assert code == 1
    assert "held: 2 good items are left of 12." in out
    assert out.splitlines()[-1] == "  To apply it as it is: matinee feed read SERVICE --accept"
    assert run(data, capsys, "feed", "read", "Chaîne 1", "--accept", "--json")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("feed", "set", "Nobody", "https://tv.example/"), "There is no service 'Nobody'"),
        (("feed", "set", "Chaîne 1", "file:///etc/passwd"), "no http or https address"),
        (("feed", "set", "Chaîne 1", "https://a:b@tv.example/"), "holds a user or a password"),
        (("feed", "set", "Chaîne 1", "https://tv.example/", "--every", "1"), "every 5 minutes at most"),
        (("feed", "set", "Chaîne 1", "https://tv.example/", "--links", "javascript:"), "cannot be allowed"),
        (("feed", "set", "Chaîne 1", "https://tv.example/", "--unrated", "13"), "age class 13"),
        (("feed", "read", "Chaîne 1"), "has no feed"),
        (("feed", "show", "Chaîne 1"), "has no feed"),
        (("ranking",), "takes a service and an operator"),
        (("ranking", "Chaîne 1", "--operator", "Nobody"), "There is no operator 'Nobody'"),
        (("ranking", "Chaîne 1", "--operator", "Orange"), "Nothing was recorded"),
        (("ranking", "Chaîne 1", "--operator", "Orange", "--at", "noon"), "no moment with a time zone"),
    ],
)
def test_what_cannot_be_done_is_said(
    data: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    code, _, err = run(data, capsys, *arguments)
    assert code == 1
    assert says in err


def test_of_two_processes_that_read_at_once_one_does(
    data: Path, partner: Partner, any_database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(data, capsys, "feed", "set", "Chaîne 1", partner.url, "--links", HOST)
    go_on = threading.Event()

    def waits(request: BaseHTTPRequestHandler) -> None:
        partner.answer = None
        go_on.wait(60)
        partner.serve(request)

    partner.answer = waits
    environment = environment_for(data, database_url=any_database_url, call_private_addresses="true")
    command = [sys.executable, "-m", "matinee.app.cli", "feed", "read", "Chaîne 1", "--data", str(data)]
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(2)
    ]
    try:
        while all(one.poll() is None for one in both):
            go_on.wait(0.05)
        go_on.set()
        said = {one.wait(60): (one.stdout.read() if one.stdout else "") for one in both}
    finally:
        for one in both:
            one.kill()
    assert "12 new" in said[0]
    assert "This feed is being read already." in said[1]
    assert len(partner.asked) == 2, "one request, which waited and was then served"


def test_a_ranking_is_told_and_made_again(data: Path, partner: Partner, capsys: pytest.CaptureFixture[str]) -> None:
    run(data, capsys, "feed", "set", "Chaîne 1", partner.url, "--links", HOST)
    run(data, capsys, "feed", "read", "Chaîne 1")
    with opened(data) as installation:
        own_fleet, catalogue = Fleet(), Catalogue()
        own_carriage = Carriage(own_fleet)
        with installation.database.read() as conn:
            for part in (own_fleet, own_carriage, catalogue):
                part.load(conn)
        RankingLog(installation.database, catalogue, own_carriage, own_fleet, read_clock).step()
    code, out, _ = run(data, capsys, "ranking", "Chaîne 1", "--operator", "Orange")
    assert code == 0
    assert "rule rows-2, prominence 20" in out
    assert "  new: 12 titles, 12 of the first 12 places" in out
    assert run(data, capsys, "ranking", "verify")[:2] == (0, "1 records made again, 0 come out otherwise.\n")
    with opened(data) as installation, installation.database.write() as conn:
        conn.execute(rankings.update().values(shown={"new": []}))
    code, out, _ = run(data, capsys, "ranking", "verify", "--json")
    assert (code, len(json.loads(out)["otherwise"])) == (1, 1)
