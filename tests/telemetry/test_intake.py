"""Reports from the URL to the figures: (what it shows, request, expectation), and what a killed process leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from litestar.testing import TestClient

from matinee.app.web import create_web
from matinee.base.clock import HOUR, Instant
from matinee.base.ids import OperatorId, PackageId, ProfileId, PublisherId, SessionId, new_id
from matinee.delivery.keyring import fresh_ring
from matinee.delivery.model import StreamGrant
from matinee.delivery.tokens import TokenMinter, TokenVerifier
from matinee.telemetry import store as store_module
from matinee.telemetry.api import routes
from matinee.telemetry.metrics import CountersByPublisher
from matinee.telemetry.model import Event, Kind
from matinee.telemetry.query import hour_counts
from matinee.telemetry.store import EventFiles, event_files
from matinee.telemetry.work import Intake, without_token
from tests.shared import DATA

NOW = Instant(1_795_500_000_000)


class Post:
    """The route over a folder; `report` sends lines as one session's player."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.ring = fresh_ring()
        self.counters = CountersByPublisher()
        self.publisher = PublisherId(new_id())
        self.owners: dict[PackageId, PublisherId] = {}
        self.files = EventFiles(folder)
        intake = Intake(TokenVerifier(self.ring), self.files, self.counters, self, lambda: self.now)
        self.app = create_web(
            routes(intake), authenticate=lambda token, _now: None, clock=lambda: self.now, page_policy="default-src 'self'"
        )
        self.operator = OperatorId(new_id())
        self.client = TestClient(self.app)

    def owner_of(self, package: PackageId) -> PublisherId | None:
        return self.owners.get(package)

    def token(
        self, session: str | None = None, operator: OperatorId | None = None, publisher: PublisherId | None = None
    ) -> str:
        package = PackageId(new_id())
        self.owners[package] = publisher or self.publisher
        grant = StreamGrant(
            session=SessionId(session or new_id()),
            profile=ProfileId(new_id()),
            package=package,
            operator=operator or self.operator,
            expires_at=Instant(self.now + HOUR),
        )
        return TokenMinter(self.ring).mint(grant, self.now)

    def send(self, token: str, body: str | bytes, kind: str | None = "application/cmcd") -> Any:
        content = body if isinstance(body, bytes) else body.encode()
        return self.client.post(f"/cmcd/{token}", content=content, headers={"content-type": kind} if kind else {})

    def count(self, name: str, publisher: PublisherId | None = None) -> float:
        for line in self.counters.told_to(publisher or self.publisher).decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
        raise AssertionError(f"{name} is not there")


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    made = Post(tmp_path / "telemetry")
    with made.client:
        yield made


def test_a_play_from_start_to_end_is_kept_and_counted(post: Post) -> None:
    session = new_id()
    token = post.token(session)
    body = "\n".join(
        [
            f'e=ps,sid="{session}",sn=0,sta=s,ts=1700000000000,v=2',
            f'bl=(8000),br=(2350),e=ps,msd=83,pt=4200,sid="{session}",sn=1,sta=p,ts=1700000000083,v=2',
            f'e=ps,sid="{session}",sn=2,sta=r,ts=1700000009000,v=2',
            f'bs,bsd=(1250),e=ps,sid="{session}",sn=3,sta=p,ts=1700000010250,v=2',
            f'e=e,ec=("network" "1001"),sid="{session}",sn=4,sta=p,ts=1700000020000,v=2',
            f'e=ps,sid="{session}",sn=5,sta=f,ts=1700000020001,v=2',
            f'e=ps,sid="{session}",sn=6,sta=q,ts=1700000021000,v=2',
        ]
    )
    assert post.send(token, body).status_code == 204
    assert post.send(token, body).status_code == 204  # sent again: a bad network
    assert post.files.flush() == 7
    (count,) = hour_counts(post.folder)
    assert (count.operator, count.hour) == (post.operator, "2026-11-24T06")
    assert (count.starts, count.failures, count.rebuffers, count.ends, count.start_ms_median) == (1, 1, 1, 1, 83.0)
    for kind, expected in (("start", 1), ("failure", 1), ("rebuffer", 1), ("end", 1), ("other", 3)):
        assert post.count(f'matinee_player_events_total{{kind="{kind}"}}') == expected
    assert post.count('matinee_player_report_lines_total{verdict="repeated"}') == 7
    rows = pq.read_table(event_files(post.folder)[0]).to_pylist()
    assert {key: rows[1][key] for key in ("session", "e", "sta", "bl", "br", "msd", "pt", "received_at")} == {
        "session": session, "e": "ps", "sta": "p", "bl": 8000, "br": 2350.0, "msd": 83, "pt": 4200, "received_at": NOW
    }
    assert (rows[3]["bsd"], rows[4]["ec"]) == (1250, "network 1001")


@pytest.mark.parametrize(
    ("what", "body", "kind", "status"),
    [
        ("no type", "e=t,ts=1,v=2", None, 415),
        ("another type", "e=t,ts=1,v=2", "text/plain", 415),
        ("a type with its letters", "e=t,ts=1,v=2", "application/cmcd; charset=utf-8", 204),
        ("empty", "", "application/cmcd", 400),
        ("no CMCD at all", "<html>", "application/cmcd", 400),
        ("version 1", "br=3000,sf=d", "application/cmcd", 400),
        ("another session", 'e=t,sid="other",ts=1,v=2', "application/cmcd", 400),
        ("one good line among bad ones", 'e=t,ts=1,v=2\n<html>\ne=t,sid="other",ts=1,v=2', "application/cmcd", 204),
        ("too long", "a" * 65_537, "application/cmcd", 413),
        ("too many lines", "e=t,ts=1,v=2\n" * 251, "application/cmcd", 400),
        ("not ASCII", b"\xff\xfe", "application/cmcd", 400),
    ],
)
def test_reports(post: Post, what: str, body: str | bytes, kind: str | None, status: int) -> None:
    answer = post.send(post.token(), body, kind)
    assert answer.status_code == status
    assert post.files.flush() == (1 if status == 204 else 0)


def test_only_who_holds_a_token_reports(post: Post) -> None:
    token = post.token()
    for bad in ("x", token[:-2] + ("AA" if token[-2:] != "AA" else "BB")):
        assert post.send(bad, "e=t,ts=1,v=2").status_code == 403
    post.now = Instant(post.now + HOUR)
    answer = post.send(token, "e=t,ts=1,v=2")
    assert (answer.status_code, answer.json()["code"]) == (403, "token_expired")
    assert post.client.get(f"/cmcd/{token}").status_code == 405
    assert post.files.flush() == 0


def test_the_library_s_verdicts_through_the_url(post: Post) -> None:
    if DATA is None:
        assert post.send(post.token(), "e=t,ts=1,v=2").status_code == 204
        return
    for case in json.loads((DATA / "vectors" / "cmcd_v2_events.json").read_text())["batches"]:
        # Their lines name sessions of their own, where they name one; ours must be the token's.
        body = case["body"]
        for theirs in ("session-1", "session-id", "abc", "s1"):
            body = body.replace(f'sid="{theirs}"', 'sid="s"')
        token = post.token("s")
        if case["method"] != "POST":
            continue
        answer = post.send(token, body, case["content_type"])
        good_line_beside = case["why"].startswith("second line")
        assert (answer.status_code == 204) is (case["valid"] or good_line_beside), case


def test_nothing_that_a_player_says_puts_a_token_or_an_id_where_it_may_not_be(post: Post) -> None:
    token = post.token()
    line = f'e=rr,rc=200,ts=1,ttlb=90,url="https://edge/s/{token}/p/x/v720/1.m4s?q=1",ec=("/s/{token}/"),v=2'
    assert post.send(token, line).status_code == 204
    post.files.flush()
    (row,) = pq.read_table(event_files(post.folder)[0]).to_pylist()
    assert row["url"] == "https://edge/s/-/p/x/v720/1.m4s"
    assert token not in json.dumps(row)
    shown = post.counters.told_to(post.publisher).decode()
    assert row["session"] not in shown
    assert post.operator not in shown
    assert without_token(None) is None


def test_a_publisher_s_counters_are_of_its_own_titles_alone(post: Post) -> None:
    rival = PublisherId(new_id())
    assert post.send(post.token(), "e=ps,sta=p,ts=1,v=2\n<html>").status_code == 204
    stray = post.token()
    post.owners.clear()
    assert post.send(stray, "e=ps,sta=p,ts=1,v=2").status_code == 204, "a title that is gone: kept, and counted for nobody"
    assert post.files.flush() == 2
    for publisher, expected in ((post.publisher, 1), (rival, 0)):
        assert post.count('matinee_player_events_total{kind="start"}', publisher) == expected
        assert post.count('matinee_player_report_lines_total{verdict="taken"}', publisher) == expected
        assert post.count('matinee_player_report_lines_total{verdict="refused"}', publisher) == expected


def test_one_session_cannot_fill_the_disk(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matinee.telemetry.work.MAX_SESSION_EVENTS", 30)
    token = post.token()
    for _ in range(4):
        post.send(token, "e=t,ts=1,v=2\n" * 20)
    assert post.files.flush() == 30
    assert post.count('matinee_player_report_lines_total{verdict="dropped"}') == 50


def event(session: str = "s", kind: Kind = Kind.START, at: int = NOW, operator: str | None = "op") -> Event:
    return Event(
        received_at=Instant(at),
        session=SessionId(session),
        operator=None if operator is None else OperatorId(operator),
        package=PackageId("k"),
        kind=kind,
        e="ps",
        ts=1,
    )


def test_files_by_operator_and_hour(tmp_path: Path) -> None:
    files = EventFiles(tmp_path)
    files.add([event("a"), event("b", at=NOW + HOUR), event("c", operator="other"), event("d", operator=None)])
    files.add([event("e", operator="../../escape")])
    files.flush()
    folders = sorted(str(path.parent.relative_to(tmp_path)) for path in event_files(tmp_path))
    assert folders == [
        "operator=none/hour=2026-11-24T06",
        "operator=op/hour=2026-11-24T06",
        "operator=op/hour=2026-11-24T07",
        "operator=other/hour=2026-11-24T06",
    ]
    assert [(row.operator, row.starts) for row in hour_counts(tmp_path, until_hour="2026-11-24T07")] == [
        ("none", 2),
        ("op", 1),
        ("other", 1),
    ]
    assert hour_counts(tmp_path / "absent") == []


def test_many_flushes_leave_few_files_and_every_event_once(tmp_path: Path) -> None:
    files = EventFiles(tmp_path)
    for number in range(100):
        files.add([event(f"s{number}"), event(f"t{number}", operator="other")])
        files.flush()
    assert len(list(tmp_path.rglob("*.parquet"))) < 2 * store_module.MERGE_FILES
    assert {row.operator: row.starts for row in hour_counts(tmp_path)} == {"op": 100, "other": 100}
    files.add([event("next", at=NOW + HOUR)])
    files.flush()
    assert len(list((tmp_path / "operator=op" / "hour=2026-11-24T06").iterdir())) == 1
    assert sum(row.starts for row in hour_counts(tmp_path)) == 201


def test_large_files_are_left_and_cover_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MERGED_ROWS", 50)
    monkeypatch.setattr(store_module, "MERGE_FILES", 4)
    files = EventFiles(tmp_path)
    for number in range(60):
        files.add([event(f"s{number}-{n}") for n in range(60 if number % 7 == 0 else 3)])
        files.flush()
    (row,) = hour_counts(tmp_path)
    assert row.starts == 9 * 60 + 51 * 3


def test_a_merge_that_was_cut_short_counts_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = EventFiles(tmp_path)
    for number in range(store_module.MERGE_FILES - 1):
        files.add([event(f"s{number}")])
        files.flush()
    real = Path.unlink

    def killed(path: Path, missing_ok: bool = False) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "unlink", killed)
    files.add([event("last")])
    with pytest.raises(KeyboardInterrupt):
        files.flush()
    monkeypatch.setattr(Path, "unlink", real)
    assert len(list(tmp_path.rglob("*.parquet"))) == store_module.MERGE_FILES + 1
    assert hour_counts(tmp_path)[0].starts == store_module.MERGE_FILES
    files.add([event("after")])
    files.flush()
    assert len(list(tmp_path.rglob("*.parquet"))) == 2
    assert hour_counts(tmp_path)[0].starts == store_module.MERGE_FILES + 1


def test_a_full_disk_loses_nothing_while_there_is_room_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = EventFiles(tmp_path)
    files.add([event("a"), event("b", operator="other")])
    real = store_module._write

    def full(folder: Path, name: str, table: Any) -> None:
        if "other" in str(folder):
            raise OSError(28, "No space left on device")
        real(folder, name, table)

    monkeypatch.setattr(store_module, "_write", full)
    with pytest.raises(OSError, match="No space"):
        files.flush()
    monkeypatch.setattr(store_module, "_write", real)
    monkeypatch.setattr(store_module, "MAX_BUFFERED", 3)
    assert files.add([event("c"), event("d"), event("e")]) == 2
    assert files.dropped == 1
    files.flush()
    assert sum(row.starts for row in hour_counts(tmp_path)) == 4


_WRITER = """
import sys, time
from pathlib import Path
from matinee.telemetry import store
from matinee.telemetry.store import EventFiles
from tests.telemetry.test_intake import event
store.FLUSH_SECONDS = 0.05
files = EventFiles(Path(sys.argv[1]))
files.start()
for number in range(100000):
    files.add([event(f"s{number}")])
    print(number, flush=True)
    time.sleep(0.002)
"""


def test_what_a_killed_process_had_flushed_is_there_and_readable(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}
    )
    assert process.stdout is not None
    began, said = time.monotonic(), 0
    for line in process.stdout:
        said = int(line)
        if said > 300 and time.monotonic() - began > 1:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    (count,) = hour_counts(tmp_path)
    assert 0 < count.starts <= said + 10
    assert count.starts >= said - 400
    # And the next process goes on beside it.
    again = EventFiles(tmp_path)
    again.start()
    again.add([event("fresh")])
    again.close()
    assert hour_counts(tmp_path)[0].starts == count.starts + 1
    files = [str(path) for path in event_files(tmp_path)]
    with duckdb.connect(":memory:") as connection:
        rows = connection.execute("SELECT count(*), count(DISTINCT session) FROM read_parquet(?)", [files]).fetchone()
    assert rows is not None
    assert rows[0] == rows[1]
