"""Migrations make exactly the tables that the stores declare, on both databases, from nothing, twice, and from two at once."""

import threading
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from matinee.app.migrate import alembic_config, migrate
from matinee.app.tables import metadata
from matinee.base.clock import Instant
from matinee.base.ids import OperatorId
from matinee.carriage.snapshot import Carriage
from matinee.fleet.snapshot import Fleet
from matinee.outside.database import Database


@pytest.fixture
def fresh(any_database_url: str) -> Any:
    database = Database(any_database_url)
    yield database
    database.close()


def _differences(database: Database) -> list[Any]:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))


def test_what_migrations_make_is_what_the_stores_declare(fresh: Database) -> None:
    migrate(fresh)
    assert _differences(fresh) == []
    assert len(metadata.tables) > 15


def test_a_second_run_changes_nothing(fresh: Database) -> None:
    migrate(fresh)
    with fresh.write() as connection:
        version = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()
    migrate(fresh)
    assert _differences(fresh) == []
    with fresh.read() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars().all() == [version]


def test_a_missing_column_would_be_seen(fresh: Database) -> None:
    migrate(fresh)
    with fresh.write() as connection:
        connection.execute(sa.text("ALTER TABLE titles ADD COLUMN stray INTEGER"))
    assert _differences(fresh)


def test_two_processes_may_migrate_at_once(any_database_url: str) -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(3)

    def run() -> None:
        database = Database(any_database_url)
        try:
            start.wait(10)
            migrate(database)
        except BaseException as error:  # noqa: BLE001 -- handed to the test
            failures.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


def test_what_was_carried_by_an_agreement_alone_goes_on_being_carried(fresh: Database) -> None:
    """Before launches a signed agreement was enough: those who upgrade must not find their homes dark."""
    config = alembic_config()
    with fresh.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(sa.text("INSERT INTO publishers VALUES ('p', 'Studio', 'EUR', 0)"))
        connection.execute(
            sa.text(
                "INSERT INTO services (id, publisher_id, name, kind, created_at) VALUES"
                " ('s', 'p', 'Cinema', 'svod', 0), ('t', 'p', 'Theatre', 'svod', 0)"
            )
        )
        connection.execute(
            sa.text(
                "INSERT INTO operators (id, name, country, timezone, created_at) VALUES ('o', 'Fibre', 'FR', 'Europe/Paris', 0)"
            )
        )
        for row in ("('1', 'o', 's', 'signed', '', 5, NULL, 7)", "('2', 'o', 't', 'refused', 'no peering', 5, NULL, 7)"):
            connection.execute(
                sa.text(
                    "INSERT INTO agreements (id, operator_id, service_id, status, reason, valid_from, valid_to, recorded_at)"
                    f" VALUES {row}"
                )
            )
    migrate(fresh)
    fleet = Fleet()
    carriage = Carriage(fleet)
    with fresh.read() as connection:
        fleet.load(connection)
        carriage.load(connection)
    assert carriage.seen(OperatorId("o"), [], Instant(4)).row == frozenset()
    assert carriage.seen(OperatorId("o"), [], Instant(8)).row == {"s"}
