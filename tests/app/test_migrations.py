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
from matinee.base.ids import BoxId, OperatorId
from matinee.base.party import Role, SideKey
from matinee.carriage.snapshot import Carriage
from matinee.catalogue.store import ensure_service
from matinee.fleet import store as fleet_store
from matinee.fleet.snapshot import Fleet
from matinee.members import account_store, billing_store
from matinee.members import store as members
from matinee.members.contracts import Act, BillingEvent
from matinee.outside.database import Database
from matinee.parties import audit
from matinee.parties import store as parties
from matinee.parties.model import Seat

BEFORE_IDENTITIES = "0007"
BEFORE_NAMES = "0027"


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


def test_rows_of_the_audit_before_there_were_sides_come_to_their_sides_and_keep_their_seals(fresh: Database) -> None:
    """They were written by what stood before: the seals over all are as they were, and each side's chain follows on from them."""
    config = alembic_config()
    rows = [
        ("launch.record", "l", {"operator": "o", "service": "s"}),
        ("boxes.import", "file.csv", {"rows": 3}),
        ("agreement.record", "a", {"operator": "o2", "service": "t"}),
        ("rollout.approved", "r", {"wave": 0, "says": ""}),
        ("service.switch", "w", {"service_id": "s", "operator_id": None}),
        ("dispute.record", "d", {"operator": "o2", "network": "n"}),
        ("service.switch", "x", {"service_id": "gone", "operator_id": "o2"}),
    ]
    with fresh.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        for table, columns, values in (
            ("publishers", "id, name, currency, created_at", "('p', 'Studio', 'EUR', 0), ('q', 'Rival', 'EUR', 0)"),
            ("services", "id, publisher_id, name, kind, created_at", "('s', 'p', 'A', 'svod', 0), ('t', 'q', 'B', 'svod', 0)"),
            ("operators", "id, name, country, timezone, created_at", "('o', 'A', 'FR', 'UTC', 0), ('o2', 'B', 'FR', 'UTC', 0)"),
            (
                "agreements",
                "id, operator_id, service_id, status, reason, valid_from, recorded_at",
                "('1', 'o', 's', 'signed', '', 5, 7)",
            ),
            ("rollouts", "id, operator_id, service_id, recorded_at, plan", "('r', 'o', 's', 7, '{}')"),
            ("api_keys", "digest, publisher_id, label, created_at", "('d', 'p', '', 0)"),
        ):
            connection.execute(sa.text(f"INSERT INTO {table} ({columns}) VALUES {values}"))
        for action, subject, detail in rows:
            audit.record(connection, "test", action, subject, detail, Instant(7))
        seals = connection.execute(sa.select(audit.audit.c.seal).order_by(audit.audit.c.seq)).scalars().all()
    migrate(fresh)
    told = {"operator:o": "lrw", "operator:o2": "adx", "publisher:p": "lrw", "publisher:q": "a"}
    with fresh.write() as connection:
        assert connection.execute(sa.select(audit.audit.c.seal).order_by(audit.audit.c.seq)).scalars().all() == seals
        assert audit.first_broken(connection) is None
        assert audit.broken_sides(connection) == []
        for side, subjects in told.items():
            page = audit.page_of(connection, SideKey(side), None, 10)
            assert "".join(row.subject for row in reversed(page)) == subjects
            assert all(row.stands for row in page)
        audit.record(connection, "test", "launch.record", "m", {}, Instant(8), sides=[SideKey("operator:o")])
        assert audit.broken_sides(connection) == []
        (key,) = parties.all_api_keys(connection)
        assert (key.seat.role, key.seat.publisher, key.seat.reads_all) == (Role.PUBLISHER, "p", False)


def test_a_box_is_taken_for_what_it_was_taken_for_before_identities_had_dates(fresh: Database) -> None:
    config = alembic_config()
    with fresh.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE_IDENTITIES)
        connection.execute(sa.text("INSERT INTO box_models VALUES ('m', '00AFFF', 'LBP', 'Livebox Play', '{}')"))
        for box, identity in (("v", "verified"), ("q", "quarantined"), ("u", "unverified")):
            connection.execute(
                sa.text("INSERT INTO boxes (id, model_id, serial, label, identity) VALUES (:box, 'm', :box, '', :identity)"),
                {"box": box, "identity": identity},
            )
        for row, since in (("1", 5), ("2", 8)):
            connection.execute(
                sa.text("INSERT INTO box_keys (id, box_id, public_key, valid_from, recorded_at) VALUES (:r, 'v', '{}', :t, :t)"),
                {"r": row, "t": since},
            )
    migrate(fresh)
    fleet = Fleet()
    with fresh.read() as connection:
        fleet.load(connection)
    told = {(box, at): fleet.kind_of(BoxId(box), Instant(at)) for box in "vqu" for at in (1, 6)}
    assert {place: kind.identity.value for place, kind in told.items() if kind} == {
        ("v", 1): "unverified",
        ("v", 6): "verified",
        ("q", 1): "quarantined",
        ("q", 6): "quarantined",
        ("u", 1): "unverified",
        ("u", 6): "unverified",
    }


def test_what_was_told_of_homes_that_were_erased_loses_their_names(fresh: Database) -> None:
    config = alembic_config()
    told = {"eventId": "a", "household": "ORANGE-1", "correlationId": "order of ORANGE-1", "domain": "ORANGE-1", "offer_id": "o"}
    with fresh.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE_NAMES)
        publisher = parties.ensure_publisher(connection, "Studio", "EUR", Instant(1))
        service = ensure_service(connection, publisher.id, "Cinéma", Instant(1))
        operator = fleet_store.ensure_operator(connection, "Orange", "FR", "Europe/Paris", Instant(1))
        for home in ("erased", "living"):
            household = members.ensure_household(connection, home, Instant(1)).id
            account = account_store.add_account(connection, operator.id, service.id, household, Instant(1))
            event = BillingEvent(id=home, act=Act.ACTIVATE, at=Instant(1))
            billing_store.add_event(connection, account, event, told, Instant(1))
        connection.execute(
            sa.update(members.households).values(reference="erased x").where(members.households.c.reference == "erased")
        )
    migrate(fresh)
    with fresh.read() as connection:
        rows = connection.execute(sa.select(billing_store.billing_events.c.event_id, billing_store.billing_events.c.words))
        words = {row.event_id: row.words for row in rows}
    assert words == {"erased": {"eventId": "a", "offer_id": "o"}, "living": told}


def test_whoever_goes_back_before_there_were_roles_leaves_no_auditor_with_a_publishers_key(fresh: Database) -> None:
    migrate(fresh)
    with fresh.write() as connection:
        publisher = parties.ensure_publisher(connection, "Studio", "EUR", Instant(0)).id
        for label, seat in (
            ("its own", Seat(role=Role.PUBLISHER, publisher=publisher)),
            ("its auditor's", Seat(role=Role.AUDITOR, publisher=publisher)),
            ("an operator's", Seat(role=Role.OPERATOR, operator=OperatorId("o"))),
            ("an auditor's of all", Seat(role=Role.AUDITOR, reads_all=True)),
        ):
            parties.add_api_key(connection, seat, label, Instant(0), actor="test")
    config = alembic_config()
    with fresh.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
        assert connection.execute(sa.text("SELECT label FROM api_keys")).scalars().all() == ["its own"]
