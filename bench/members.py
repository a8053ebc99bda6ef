"""Homes that sign in: ten thousand televisions that ask for their tokens, tokens made anew, passwords.

    python -m bench.members

The service is the real web app over a database file, beside a bare ASGI answer on the same server program, in turns. Each
television has a code that nobody has approved, and asks in turn, as RFC 8628 has it each five seconds: so ten thousand are two
thousand requests a second. Each refresh is a transaction of its own, on the disk when it is answered.
"""

import json
import socket
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

from bench.asking import CONNECTIONS, SECONDS, Server, ask, ask_once, bare, in_turns, rows_of, serving
from bench.rows import Row, table
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.settings import load_settings
from matinee.base.clock import SECOND
from matinee.members import store
from matinee.members.sign_in import accounts, codes, rules
from matinee.members.sign_in.model import DEVICE_CODE_MS, DEVICE_GRANT, INTERVAL_MS, WATCH, Decision, DeviceCode
from matinee.parties import passwords, tokens
from matinee.parties.tokens import CodeKind, digest

NAME = "bench.members"
TELEVISIONS = 10_000
SCREENS = 40
"""A household has a hundred at the most: the oldest are signed out."""
CLIENT = "matinee-tv"
ACCOUNT, PASSWORD = "bench@example.org", "a password of this bench"
POLLS_A_SECOND = TELEVISIONS * SECOND // INTERVAL_MS


def run() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="matinee-bench-") as name:
        folder = Path(name)
        waiting, approved = _filled(folder)
        with serving(NAME, "bare", name) as plain, serving(NAME, "web", name) as real:
            origin = load_settings(folder, {}).web_origin
            return [*_polls(real, plain, waiting), _refreshes(real, approved), _passwords(real, origin)]


def _open(folder: Path) -> Installation:
    return open_installation(load_settings(folder, {}, log_level="error"))


def _filled(folder: Path) -> tuple[list[str], list[str]]:
    """Codes of televisions that wait, and of some that were approved."""
    with _open(folder) as installation, installation.database.write() as conn:
        now = read_clock()
        home = store.ensure_household(conn, "bench", now).id
        account = accounts.add_account(conn, home, ACCOUNT, passwords.hashed(PASSWORD), now, actor=NAME)
        made: list[tuple[str, DeviceCode]] = []
        while len(made) < TELEVISIONS + SCREENS:
            device = tokens.mint(CodeKind.DEVICE_CODE)
            code = DeviceCode(
                digest=digest(device),
                user_code=rules.new_user_code(),
                client=CLIENT,  # type: ignore[arg-type]
                scope=WATCH,
                label="Salon",
                expires_at=now + DEVICE_CODE_MS,  # type: ignore[arg-type]
            )
            if codes.add_device_code(conn, code, now):
                made.append((device, code))
        for _, code in made[TELEVISIONS:]:
            codes.decide(conn, code, Decision.APPROVED, home, account.id, now, now)
    return [device for device, _ in made[:TELEVISIONS]], [device for device, _ in made[TELEVISIONS:]]


def _token(**said: str) -> bytes:
    body = urlencode({"client_id": CLIENT, **said}).encode()
    return (
        b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    ) + body


def _polls(real: Server, plain: Server, waiting: Sequence[str]) -> list[Row]:
    asked = [_token(grant_type=DEVICE_GRANT, device_code=code) for code in waiting]
    for request in asked:  # each code is read from the database once, when it is first asked for
        answer = json.loads(ask_once(real[0], request, statuses=(400,)))
        assert answer["error"] == "authorization_pending", answer
    turn = iter(range(10**9))
    turns = in_turns(real, plain, lambda: asked[next(turn) % TELEVISIONS], statuses=(200, 400))
    rate, cpu = rows_of(f"a television's question, {TELEVISIONS:,} of them", turns, None)
    meets = "meets" if rate.value >= POLLS_A_SECOND else "misses"
    return [replace(rate, goal=f">= {POLLS_A_SECOND:,} req/s", verdict=meets), cpu]


def _refreshes(real: Server, approved: Sequence[str]) -> Row:
    """Screens on a few connections, each with its newest token."""
    held = [json.loads(ask_once(real[0], _token(grant_type=DEVICE_GRANT, device_code=code))) for code in approved]
    parts = [deque(one["refresh_token"] for one in held[part::CONNECTIONS]) for part in range(CONNECTIONS)]

    def refresh(sock: socket.socket, number: int) -> None:
        told = json.loads(ask(sock, _token(grant_type="refresh_token", refresh_token=parts[number].popleft())))
        parts[number].append(told["refresh_token"])

    return _shown("screens that refresh their tokens", _rate(real, CONNECTIONS, refresh), "one transaction each")


def _passwords(real: Server, origin: str) -> Row:
    form = urlencode({"step": "sign_in", "name": ACCOUNT, "password": PASSWORD}).encode()
    kind = "application/x-www-form-urlencoded"
    head = f"POST /activate HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\nContent-Type: {kind}\r\n"
    request = head.encode() + b"Content-Length: %d\r\n\r\n" % len(form) + form
    rate = _rate(real, 2, lambda sock, _: ask(sock, request, statuses=(200, 303)))
    return _shown("people who sign in by a password", rate, "Argon2id, 64 MiB, one after another")


def _rate(real: Server, connections: int, act: Callable[[socket.socket, int], object]) -> float:
    counts, stop = [0] * connections, time.monotonic() + SECONDS

    def client(number: int) -> None:
        with socket.create_connection(("127.0.0.1", real[0])) as sock:
            while time.monotonic() < stop:
                act(sock, number)
                counts[number] += 1

    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(client, range(connections)))
    return sum(counts) / SECONDS


def _shown(name: str, rate: float, what: str) -> Row:
    return Row(name=name, value=rate, unit="a second", baseline=what, ratio=None, goal="", verdict="shown")


def _serve(kind: str, folder: str, port: int) -> None:
    import uvicorn

    from matinee.app.wiring import build_web

    if kind == "bare":
        uvicorn.run(bare, port=port, log_level="error", access_log=False)
        return
    with _open(Path(folder)) as installation:
        uvicorn.run(build_web(installation, landing=lambda: ""), port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _serve(sys.argv[1], sys.argv[2], int(sys.argv[-1]))
    else:
        print(table(run()))
