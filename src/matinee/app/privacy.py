"""All that is held of a household, as one document for whoever lives there; and what it leaves out, with the reason.

It goes by tables: each that names a household or a profile is told here, or listed among those that are not. A test walks all
tables, so that a new one is not forgotten.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from matinee.app.tables import metadata
from matinee.base.clock import Instant, to_rfc3339
from matinee.base.ids import HouseholdId
from matinee.members import store
from matinee.outside.database import InstantColumn


@dataclass(frozen=True, slots=True)
class Held:
    """By which column a table's rows are the household's, and which columns are no data of its people.

    With `of` that column names a row of another table, whose household it is.
    """

    by: str = "household_id"
    secrets: Collection[str] = ()
    of: str = ""


HELD: Final[Mapping[str, Held]] = {
    "households": Held("id"),
    "household_assignments": Held(),
    "profiles": Held(secrets=("request",)),
    "viewer_tokens": Held(secrets=("digest",)),
    "household_pins": Held(secrets=("version", "kept")),
    "pin_tries": Held(),
    "kids_screens": Held(),
    "profile_titles": Held(),
    "consents": Held(),
    "subscriptions": Held(),
    "charges": Held(),
    "dues": Held(),
    "invoices": Held(),
    "ledger_entries": Held(),
    "ledger_lines": Held(),
    "partner_accounts": Held(),
    "billing_events": Held("account_id", of="partner_accounts"),
    "activation_codes": Held("account_id", secrets=("digest",), of="partner_accounts"),
    "play_sessions": Held("household"),
    "places": Held("household"),
    "opened_titles": Held(),
    "stream_leases": Held("household"),
    "household_accounts": Held(secrets=("password",)),
    "screen_sessions": Held(secrets=("refresh_digest", "previous_digest", "salt")),
    "device_codes": Held(secrets=("digest", "user_code")),
    "authorization_codes": Held(secrets=("digest", "nonce", "challenge")),
}

LEFT_OUT: Final[Mapping[str, str]] = {}
"""A table that names a household or a profile and is not told, with the reason."""

NOT_BY_TABLE: Final = {
    "audit": "acts by ids alone, sealed in a chain: they tell who changed which right, and of no person what they watched",
    "outbox": "that something changed, by ids alone",
    "telemetry": "players' reports by the random id of a play and by the box: whose line a box stood at leads to a household, "
    "and no report is deleted yet",
}
"""What holds a household's id in another way."""


def export(conn: Connection, household: HouseholdId, now: Instant) -> dict[str, Any]:
    """Every row of the household, table by table, moments as RFC 3339."""
    held = {name: _rows(conn, name, one, household) for name, one in HELD.items()}
    return {"format": "matinee-household-1", "made_at": to_rfc3339(now), "held": held, "not_told": NOT_BY_TABLE}


def _rows(conn: Connection, name: str, held: Held, household: HouseholdId) -> list[dict[str, Any]]:
    table = metadata.tables[name]
    columns = [one for one in table.columns if one.name not in held.secrets]
    moments = {one.name for one in columns if isinstance(one.type, InstantColumn)}
    query = sa.select(*columns).where(whose(held, table, household)).order_by(*table.primary_key.columns)
    return [
        {key: to_rfc3339(value) if key in moments and value is not None else value for key, value in row.items()}
        for row in conn.execute(query).mappings()
    ]


def whose(held: Held, table: sa.Table, household: HouseholdId) -> "sa.ColumnElement[bool]":
    """Which rows of a table are the household's."""
    if not held.of:
        return table.c[held.by] == household
    other = metadata.tables[held.of]
    return table.c[held.by].in_(sa.select(other.c.id).where(other.c.household_id == household))


def tables_of_people() -> set[str]:
    """Every table that names a household or a profile: by a column's name, or by what it refers to, however far."""
    named = {
        table.name
        for table in metadata.tables.values()
        if any(column.name.removesuffix("_id") in ("household", "profile") for column in table.columns)
    }
    people = {store.households.name, store.profiles.name, *named}
    while more := {one.name for one in metadata.tables.values() if _refers(one, people)} - people:
        people |= more
    return people


def _refers(table: sa.Table, others: Collection[str]) -> bool:
    return any(key.column.table.name in others for key in table.foreign_keys)
