"""`matinee hooks` as a person and a script meet it, and the worker that brings what it lists."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from matinee.app import cli
from matinee.app.commands import opened
from matinee.app.installation import Installation
from matinee.app.worker import postman
from matinee.base.clock import Instant
from matinee.base.ids import OperatorId, PublisherId, ServiceId, new_id
from matinee.base.party import operator_side, publisher_side
from matinee.carriage import store as carriage
from matinee.carriage.model import AgreementStatus
from matinee.catalogue import store as catalogue
from matinee.fleet import store as fleet
from matinee.outside.processes import dies_with_parent
from matinee.parties import audit, hook_queue, hook_store, signing
from matinee.parties import store as parties
from matinee.parties.hook_work import purpose_of
from matinee.parties.hooks import HookId
from tests.app.hubs import Heard, answering, listening
from tests.world import NOW


class Told:
    """An installation with a publisher's and an operator's callback."""

    def __init__(self, data: Path) -> None:
        self.data = data
        with opened(data) as installation, installation.database.write() as conn:
            self.publisher = PublisherId(parties.ensure_publisher(conn, "Studio", "EUR", NOW).id)
            self.service = ServiceId(catalogue.ensure_service(conn, self.publisher, "Cinéma", NOW).id)
            self.operator = OperatorId(fleet.ensure_operator(conn, "Orange", "FR", "Europe/Paris", NOW).id)

    def register(self, installation: Installation, callback: str, *, for_operator: bool = False) -> tuple[HookId, str]:
        hook, secret = HookId(new_id()), signing.new_secret()
        owner = operator_side(self.operator) if for_operator else publisher_side(self.publisher)
        with installation.database.write() as conn:
            sealed = installation.master.seal(purpose_of(hook), secret)
            hook_store.register(conn, owner, hook, callback, (), sealed, Instant(NOW + for_operator), actor="test")
        return hook, signing.written(secret)

    def agree(self, installation: Installation) -> None:
        with installation.database.write() as conn:
            carriage.record_agreement(conn, self.operator, self.service, AgreementStatus.SIGNED, NOW, NOW, actor="test")


@pytest.fixture
def there(tmp_path: Path) -> Told:
    return Told(tmp_path / "data")


def run(there: Told, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = cli.run(["hooks", *words, "--data", str(there.data)])
    return code, *capsys.readouterr()


def told(there: Told, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    code, out, _ = run(there, capsys, *words, "--json")
    assert code == 0
    return json.loads(out)


def test_callbacks_are_listed_with_whose_they_are(there: Told, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(there, capsys)[:2] == (0, "Nobody has registered a callback: see docs/webhooks.md.\n")
    with opened(there.data) as installation:
        there.register(installation, "https://studio.example/")
        hook, secret = there.register(installation, "https://orange.example/", for_operator=True)
        there.agree(installation)
        with installation.database.read() as conn:
            assert hook_queue.is_behind(conn)
    rows = told(there, capsys)["hooks"]
    assert [(row["whose"], row["callback"], row["waiting"], row["dead"]) for row in rows] == [
        ("Studio", "https://studio.example/", 0, 0),
        ("Orange", "https://orange.example/", 0, 0),
    ]
    code, out, _ = run(there, capsys, "list")
    assert (code, out.splitlines()[1].split("\t")[:3]) == (0, [hook, "Orange", "https://orange.example/"])
    assert secret not in out


def test_a_dead_letter_is_listed_and_given_back_by_somebody_with_a_name(
    there: Told, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATINEE_CALL_PRIVATE_ADDRESSES", "true")
    with listening(answering(410, b"gone\x1b[2J")) as listener, opened(there.data) as installation:
        hook, _ = there.register(installation, listener.url)
        there.agree(installation)
        bringing = postman(installation)
        bringing.step()
        bringing.close()
    (letter,) = told(there, capsys, "dead")["dead"]
    assert (letter["hook"], letter["event_type"], letter["status"]) == (hook, "AgreementStateChangeEvent", 410)
    assert told(there, capsys, "dead", hook)["dead"] == [letter]
    code, out, _ = run(there, capsys, "dead")
    assert (code, "\x1b" in out, letter["id"] in out) == (0, False, True)
    assert run(there, capsys, "dead", new_id())[0] == 1
    code, _, err = run(there, capsys, "retry", letter["id"])
    assert (code, "--by" in err) == (1, True)
    code, _, err = run(there, capsys, "retry", new_id(), "--by", "Somebody")
    assert (code, "no dead letter" in err) == (1, True)
    code, _, err = run(there, capsys, "retry", letter["id"], "--by", "Somebody")
    assert (code, "has ended" in err) == (1, True), "it answered 410"


def test_a_retry_is_sealed_into_the_audit(there: Told, capsys: pytest.CaptureFixture[str]) -> None:
    with opened(there.data) as installation:
        hook, _ = there.register(installation, "https://studio.example/")
        there.agree(installation)
        bringing = postman(installation)
        bringing._spread()
        bringing.close()
        with installation.database.write() as conn:
            hook_queue.prune(conn, Instant(NOW * 2))
    (letter,) = told(there, capsys, "dead")["dead"]
    assert letter["why"].startswith("It waited for days")
    code, out, _ = run(there, capsys, "retry", letter["id"], "--by", "Somebody")
    assert (code, "tried again" in out) == (0, True)
    assert told(there, capsys, "dead")["dead"] == []
    assert told(there, capsys)["hooks"][0]["waiting"] == 1
    with opened(there.data) as installation, installation.database.read() as conn:
        assert audit.first_broken(conn) is None
        row = audit.row_at(conn, audit.newest(conn)[0])
        assert row is not None
        assert f"Somebody hub.retry {hook}" in row


def test_the_worker_brings_what_is_committed(there: Told) -> None:
    with listening() as listener, opened(there.data) as installation:
        _, secret = there.register(installation, listener.url)
        environment = {**os.environ, "MATINEE_DATA": str(there.data), "MATINEE_CALL_PRIVATE_ADDRESSES": "true"}
        worker = subprocess.Popen(
            [sys.executable, "-m", "matinee.app.worker"], env=environment, stderr=subprocess.DEVNULL, preexec_fn=dies_with_parent
        )
        try:
            there.agree(installation)
            for _ in range(2_000):
                if listener.heard:
                    break
                time.sleep(0.02)
        finally:
            worker.terminate()
            assert worker.wait(20) == 0
    (heard,) = listener.heard
    assert isinstance(heard, Heard)
    assert heard.is_signed_by(secret)
    assert heard.event["event"]["agreement"]["operator"]["name"] == "Orange"
