"""Workers that look after the work of dead ones: each piece is taken over by one of them, whatever else goes wrong."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from matinee.outside import work
from matinee.outside.database import Database


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


def engine_of(database: work.Database, executor: str) -> work.WorkEngine:
    engine = work.WorkEngine.__new__(work.WorkEngine)
    engine.executor, engine._database, engine._clock = executor, database, lambda: work.Instant(1_000)
    engine._stop = threading.Event()
    return engine


def test_of_two_workers_one_claims_a_dead_one_that_has_no_row(any_database: Database) -> None:
    first, second = (engine_of(any_database, name) for name in ("first", "second"))
    assert [first._claim("dead"), second._claim("dead")] == [True, False]


def test_a_heart_beats_on_whatever_the_work_engine_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Exception):
        pass

    class Engine:
        looks = 0

        @classmethod
        def list_workflows(cls, **_: Any) -> list[SimpleNamespace]:
            cls.looks += 1
            if cls.looks == 3:
                engine._stop.set()
            raise Broken

    monkeypatch.setattr(work, "DBOS", Engine)
    monkeypatch.setattr(work, "BEAT_SECONDS", 0.0)
    database = work.Database("sqlite://")
    work.workers.create(database.engine)
    engine = engine_of(database, "worker")
    engine._keep_beating()
    assert Engine.looks == 3
    with database.read() as conn:
        assert conn.execute(sa.select(work.workers.c.seen_at)).scalar_one() == 1_000
