"""docs/webhooks.md: its example verifies what is really sent, and it tells of every event and every word."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matinee.app.telling import STATUS
from matinee.base.clock import MINUTE, SECOND
from matinee.carriage.model import LaunchState
from matinee.outside.database import Database
from matinee.parties.hooks import EventType
from tests.app.hubs import hub, listening

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()


@pytest.fixture(scope="module")
def is_from_matinee() -> Callable[..., bool]:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    verify: Callable[..., bool] = names["is_from_matinee"]
    return verify


def test_the_example_verifies_what_is_sent_and_nothing_else(any_database: Database, is_from_matinee: Callable[..., bool]) -> None:
    with hub(any_database) as there, listening() as listener:
        there.agree(there.a)
        made = there.register("studio", listener.url)
        renewed = there.ask("studio", "POST", f"/api/v1/hub/{made['id']}/secret").json()
        there.states(LaunchState.SILENT)
        there.wait(SECOND)
        (heard,) = listener.heard
        now = there.now / 1000
        for secret in (made["secret"], renewed["secret"]):
            assert is_from_matinee(secret, heard.headers, heard.body, now)
            assert not is_from_matinee(secret, heard.headers, heard.body + b" ", now)
            assert not is_from_matinee(secret, {**heard.headers, "webhook-id": "another"}, heard.body, now)
            assert not is_from_matinee(secret, heard.headers, heard.body, now + 6 * MINUTE / 1000)
            assert not is_from_matinee(secret, heard.headers, heard.body), "2014 is long ago"
        assert not is_from_matinee("whsec_" + "A" * 44, heard.headers, heard.body, now)


def test_every_event_and_every_word_is_told() -> None:
    table = "\n".join(line for line in PAGE.splitlines() if line.startswith("|"))
    assert not {name for name in EventType if f"`{name}`" not in table}
    rows = {"agreement": "agreement", "launch": "launch", "rollout": "rollout", "switch": "switch", "identity": "box's identity"}
    rows["subscription"] = "subscription"
    for ours, theirs in STATUS.items():
        kind, word = ours.split(" ")
        row = next(line for line in table.splitlines() if line.startswith(f"| {rows[kind]} |"))
        assert any(f"`{word}`" in part and f"-> `{theirs}`" in part for part in row.split(";")), f"{ours} -> {theirs}"
