"""How a seat lies in a table: the same four columns for keys and for accounts."""

from typing import Any

import sqlalchemy as sa

from matinee.base.party import Role, SideKey, operator_side, publisher_side
from matinee.parties.model import Seat


def seat_columns() -> tuple["sa.Column[Any]", ...]:
    """The columns, made anew for each table. Operators come later in the flow than this folder: no foreign key names theirs."""
    return (
        sa.Column("role", sa.Text, nullable=False, server_default=Role.PUBLISHER.value),
        sa.Column("publisher_id", sa.Text, sa.ForeignKey("publishers.id"), index=True),
        sa.Column("operator_id", sa.Text),
        sa.Column("reads_all", sa.Boolean, nullable=False, server_default=sa.false()),
    )


def values_of(seat: Seat) -> dict[str, Any]:
    """A seat as a row has it."""
    return {
        "role": seat.role.value,
        "publisher_id": seat.publisher,
        "operator_id": seat.operator,
        "reads_all": seat.reads_all,
    }


def seat_of(row: Any) -> Seat:
    """The seat that a row holds."""
    return Seat(role=Role(row.role), publisher=row.publisher_id, operator=row.operator_id, reads_all=row.reads_all)


def sides_of(seat: Seat) -> tuple[SideKey, ...]:
    """Whose audit tells of a seat. That of an auditor of all is told to such auditors alone."""
    if seat.publisher is not None:
        return (publisher_side(seat.publisher),)
    return () if seat.operator is None else (operator_side(seat.operator),)
