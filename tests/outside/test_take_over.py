"""Two workers that both saw a dead one: the second leaves alone what the first has taken over since it looked."""

from types import SimpleNamespace
from typing import Any

import pytest

from matinee.outside import work


def test_work_that_another_has_taken_over_meanwhile_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [
        [SimpleNamespace(workflow_id="film", executor_id="dead", queue_name="line")],
        [SimpleNamespace(workflow_id="film", executor_id="another", queue_name="line")],
    ]
    resumed: list[str] = []

    class Engine:
        @staticmethod
        def list_workflows(**_: Any) -> list[SimpleNamespace]:
            return looks.pop(0)

        @staticmethod
        def resume_workflow(workflow_id: str, **_: Any) -> None:
            resumed.append(workflow_id)

    monkeypatch.setattr(work, "DBOS", Engine)
    database = work.Database("sqlite://")
    work.workers.create(database.engine)
    engine = work.WorkEngine.__new__(work.WorkEngine)
    engine.executor, engine._database, engine._clock = "second", database, lambda: work.Instant(0)
    engine._take_over()
    assert resumed == []
