"""Whoever takes the outbox's lock and the audit's takes them in this order: two in different orders could wait for each other."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.ids import DisputeId, OperatorId, PublisherId
from matinee.base.party import Role
from matinee.fleet import store as fleet
from matinee.interconnect import store as interconnect
from matinee.interconnect.model import Dispute, DisputeState
from matinee.outside.database import Database, metadata
from matinee.parties import audit, outbox, staff_store, store
from matinee.parties.model import Seat
from tests.databases import PostgresServer

NOW = Instant(1_412_244_000_000)
OUTBOX, AUDIT = outbox._LOCK, audit._LOCK


def _seat(conn: Connection) -> Seat:
    return Seat(role=Role.PUBLISHER, publisher=PublisherId(store.all_publishers(conn)[0].id))


def _end_key(conn: Connection) -> None:
    (key,) = store.all_api_keys(conn)
    store.end_api_key(conn, key.id, NOW, actor="test")


def _dispute(conn: Connection) -> None:
    (operator,) = fleet.all_operators(conn)
    network = interconnect.ensure_network(conn, "Giant")
    dispute = Dispute(
        id=DisputeId(""),
        operator=OperatorId(operator.id),
        network=network.id,
        state=DisputeState.OPEN,
        valid_from=NOW,
        recorded_at=NOW,
    )
    interconnect.record_dispute(conn, dispute, NOW, actor="test")
    fleet.ensure_operator(conn, "Another", "FR", "Europe/Paris", NOW)  # a scenario goes on in the same transaction


ACTS: list[tuple[str, Callable[[Connection], object]]] = [
    ("a key is minted", lambda conn: store.add_api_key(conn, _seat(conn), "", NOW, actor="test")),
    ("a key is ended", _end_key),
    ("an account is made", lambda conn: staff_store.add_account(conn, "some.one", _seat(conn), "", NOW, actor="test")),
    ("a dispute is recorded", _dispute),
]


@pytest.mark.parametrize(("shows", "act"), ACTS, ids=[row[0] for row in ACTS])
def test_the_outbox_is_locked_before_the_audit(
    postgres_server: PostgresServer, shows: str, act: Callable[[Connection], object]
) -> None:
    database = Database(postgres_server.new_database_url())
    taken: list[int] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "pg_advisory_xact_lock" in statement:
            taken.extend(one for one in parameters.values() if one not in taken)

    try:
        metadata.create_all(database.engine)
        with database.write() as conn:
            publisher = store.ensure_publisher(conn, "Studio", "EUR", NOW)
            store.mint_api_key(conn, publisher.id, "", NOW)
            fleet.ensure_operator(conn, "Fibre", "FR", "Europe/Paris", NOW)
        sa.event.listen(database.engine, "before_cursor_execute", note)
        with database.write() as conn:
            act(conn)
    finally:
        database.close()
    assert taken == [OUTBOX, AUDIT], shows
