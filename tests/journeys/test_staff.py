"""An account from the command line, signed in at one running process, known to another, and signed out of both by its end."""

import json
import time
from pathlib import Path

import httpx

from tests.journeys.service import environment_for, free_ports, run_matinee, serving

PATIENCE_SECONDS = 20
NAME = "first.last"


def status_of(web: str, token: str) -> int:
    return httpx.get(f"{web}/api/v1/staff/me", headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code


def until(web: str, token: str, status: int) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while (found := status_of(web, token)) != status:
        assert time.monotonic() < end, f"{web} answers {found}"
        time.sleep(0.05)


def test_an_account_comes_to_every_process_and_goes_from_every_process(tmp_path: Path) -> None:
    environment = environment_for(tmp_path / "data")
    assert run_matinee(["token", "box"], environment).returncode == 0, "which makes the household's operator"
    made = run_matinee(["staff", "add", NAME, "--operator", "Home fibre", "--generate", "--json"], environment)
    assert made.returncode == 0, made.stderr
    ports = free_ports(4)
    with (
        serving(environment, tmp_path / "one.log", port=ports[0], edge_port=ports[1]),
        serving(environment, tmp_path / "two.log", port=ports[2], edge_port=ports[3]),
    ):
        one, two = f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[2]}"
        body = {"name": NAME, "password": json.loads(made.stdout)["password"]}
        answer = httpx.post(f"{one}/api/v1/staff/session", json=body, timeout=20)
        assert answer.status_code == 200, answer.text
        token = answer.json()["token"]
        assert status_of(one, token) == 200, "at once where it was begun"
        until(two, token, 200)
        told = httpx.get(f"{two}/api/v1/carriage", headers={"Authorization": f"Bearer {token}"}, timeout=10).json()
        assert [pair["operator"]["name"] for pair in told["items"]] == ["Home fibre"]
        assert run_matinee(["staff", "end", NAME], environment).returncode == 0
        until(one, token, 401)
        until(two, token, 401)
        assert httpx.post(f"{two}/api/v1/staff/session", json=body, timeout=20).status_code == 401
    assert json.loads(run_matinee(["audit", "check", "--json"], environment).stdout)["broken_sides"] == []
    for log in ("one.log", "two.log"):
        assert body["password"] not in (tmp_path / log).read_text()
        assert token not in (tmp_path / log).read_text()
