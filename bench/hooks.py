"""Events brought to callbacks: from the outbox in the database to a listener that answers at once.

    python -m bench.hooks

Some hundreds of launches are recorded in one transaction; then a postman hands them on and brings them, as the worker does, to
one callback, and to four. Baseline: the same bodies posted by the same guarded client in a
bare loop, with no database and no signature, to the same listener, in turns.
"""

import sys
import tempfile
import time
from pathlib import Path

import uvicorn

from bench.asking import bare, serving
from bench.rows import Row, compared, table
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.logging import set_up_logging
from matinee.app.settings import load_settings
from matinee.app.telling import tell
from matinee.base.ids import LaunchId, OperatorId, ServiceId, new_id
from matinee.base.party import publisher_side
from matinee.carriage import store as carriage
from matinee.carriage.model import Launch, LaunchState
from matinee.catalogue import store as catalogue
from matinee.fleet import store as fleet
from matinee.parties import hook_queue, hook_store, signing
from matinee.parties import store as parties
from matinee.parties.hook_work import Postman, caller, purpose_of
from matinee.parties.hooks import HookId

NAME = "bench.hooks"
EVENTS = 300
ROUNDS = 5
HOOKS = 4
BODY = b'{"eventId":"' + b"x" * 1_000 + b'"}'


def run() -> list[Row]:
    set_up_logging("error")
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as name, serving(NAME, "listen") as (port, _):
        url = f"http://127.0.0.1:{port}/"
        settings = load_settings(Path(name) / "data", {}, call_private_addresses=True)
        with open_installation(settings) as installation:
            operator, service = _fill(installation)
            rows = []
            for hooks in (1, HOOKS):
                while _hooks(installation) < hooks:
                    _register(installation, service, url)
                ours, theirs = [], []
                for _ in range(ROUNDS):
                    ours.append(_bring(installation, operator, service, hooks))
                    theirs.append(_post(url))
                words = "one callback" if hooks == 1 else f"{hooks} callbacks"
                rows.append(compared(f"events brought to {words}", ours, theirs, "/s", "the same client in a bare loop", None))
            return rows


def _fill(installation: Installation) -> tuple[OperatorId, ServiceId]:
    now = read_clock()
    with installation.database.write() as conn:
        publisher = parties.ensure_publisher(conn, "Studio", "EUR", now)
        service = catalogue.ensure_service(conn, publisher.id, "Cinema", now)
        operator = fleet.ensure_operator(conn, "Operator", "FR", "Europe/Paris", now)
    return operator.id, service.id


def _hooks(installation: Installation) -> int:
    with installation.database.read() as conn:
        return len(hook_queue.living(conn))


def _register(installation: Installation, service: ServiceId, url: str) -> None:
    with installation.database.write() as conn:
        hook = HookId(new_id())
        owner = publisher_side(catalogue.service_of(conn, service).publisher)
        sealed = installation.master.seal(purpose_of(hook), signing.new_secret())
        hook_store.register(conn, owner, hook, url, (), sealed, read_clock(), actor="bench")


def _bring(installation: Installation, operator: OperatorId, service: ServiceId, hooks: int) -> float:
    """Events a second, from the outbox until the last is taken."""
    with installation.database.write() as conn:
        for _ in range(EVENTS):
            now = read_clock()
            launch = Launch(
                id=LaunchId(""),
                operator=operator,
                service=service,
                state=LaunchState.SILENT,
                technical_at=now,
                valid_from=now,
                recorded_at=now,
            )
            carriage.record_launch(conn, launch, now, actor="bench")
    postman = Postman(installation.database, tell, installation.master, caller(allow_private=True), read_clock)
    began = time.perf_counter()
    while True:
        postman.step()
        postman.settle()
        with installation.database.read() as conn:
            if not hook_queue.due(conn, read_clock(), is_slow=False, limit=1) and not hook_queue.is_behind(conn):
                break
    rate = EVENTS * hooks / (time.perf_counter() - began)
    postman.close()
    return rate


def _post(url: str) -> float:
    post = caller(allow_private=True)
    began = time.perf_counter()
    for _ in range(EVENTS):
        assert post(url, {"Content-Type": "application/json"}, BODY).status == 200
    return EVENTS / (time.perf_counter() - began)


if __name__ == "__main__":
    if sys.argv[1:2] == ["listen"]:
        uvicorn.run(bare, host="127.0.0.1", port=int(sys.argv[2]), access_log=False, log_level="error")
    else:
        print(table(run()))
