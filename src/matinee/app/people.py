"""The commands on who may ask: accounts of people, and keys of programs. A password or a key is shown once, or never."""

import getpass
import sys
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy.engine import Connection

from matinee.app.commands import DONE, opened
from matinee.app.installation import read_clock
from matinee.app.terminal import Terminal
from matinee.base.clock import Instant, to_rfc3339
from matinee.base.errors import InvalidRequest, NotFound
from matinee.base.ids import OperatorId, PublisherId
from matinee.base.party import Role
from matinee.fleet import store as fleet
from matinee.parties import passwords, staff_store, store, tokens
from matinee.parties.model import ApiKey, Seat, StaffAccount
from matinee.parties.rules import check_name, check_password

ACTOR = "command line"
_MAX_LINE = 1_000


class SeatTold(msgspec.Struct, frozen=True, kw_only=True):
    """Whose side was named on the command line, by names or ids."""

    publisher: str | None
    operator: str | None
    auditor: bool
    all_sides: bool


def add_staff(name: str, told: SeatTold, *, generate: bool, data: Path | None, as_json: bool) -> int:
    """A new account, with a password that is typed, read or made."""
    check_name(name)
    with opened(data) as installation:
        with installation.database.read() as conn:
            seat = _seat(conn, told)
        password = password_for(name, generate=generate)
        kept = passwords.hashed(password)
        with installation.database.write() as conn:
            account = staff_store.add_account(conn, name, seat, kept, read_clock(), actor=ACTOR)
            row = _account_row(account, _names(conn))
    tell_password(row, f"{name} may sign in.", password if generate else None, as_json=as_json)
    return DONE


def list_staff(*, data: Path | None, as_json: bool) -> int:
    """Every account, ended ones too."""
    with opened(data) as installation, installation.database.read() as conn:
        names = _names(conn)
        rows = [_account_row(one, names) for one in staff_store.all_accounts(conn)]
    terminal = Terminal()
    if as_json:
        terminal.json({"staff": rows})
        return DONE
    cells = [[one["name"], one["role"], one["side"], one["created_at"], one["ended_at"] or ""] for one in rows]
    terminal.table(["name", "role", "side", "since", "ended"], cells)
    if not rows:
        terminal.err.print("No accounts yet. Add one: matinee staff add NAME --operator OPERATOR", style="note")
    return DONE


def end_staff(name: str, *, data: Path | None) -> int:
    """End an account, and whatever it is signed in with."""
    with opened(data) as installation, installation.database.write() as conn:
        staff_store.end_account(conn, name, read_clock(), actor=ACTOR)
    Terminal().line(f"{name} has ended, and is signed out everywhere within a second.", "good")
    return DONE


def change_password(name: str, *, generate: bool, data: Path | None, as_json: bool) -> int:
    """Another password for an account; what it is signed in with ends."""
    with opened(data) as installation:
        with installation.database.read() as conn:
            if staff_store.account_to_sign_in(conn, name) is None:
                raise NotFound(f"There is no account {name!r}, or it has ended.", remedy="`matinee staff list` lists them.")
        password = password_for(name, generate=generate)
        kept = passwords.hashed(password)
        with installation.database.write() as conn:
            account = staff_store.change_password(conn, name, kept, read_clock(), actor=ACTOR)
            row = _account_row(account, _names(conn))
    said = f"{name} has another password, and is signed out everywhere within a second."
    tell_password(row, said, password if generate else None, as_json=as_json)
    return DONE


def add_key(told: SeatTold, label: str, *, data: Path | None, as_json: bool) -> int:
    """A new key, shown once."""
    with opened(data) as installation, installation.database.write() as conn:
        key = store.add_api_key(conn, _seat(conn, told), label, read_clock(), actor=ACTOR)
        made = next(one for one in store.all_api_keys(conn) if one.digest == tokens.digest(key))
        row = _key_row(made, _names(conn))
    terminal = Terminal()
    if as_json:
        terminal.json({**row, "key": key})
    else:
        terminal.line(key)
        terminal.err.print("It is shown this once.", style="note")
    return DONE


def list_keys(*, data: Path | None, as_json: bool) -> int:
    """Every key by its id, ended ones too."""
    with opened(data) as installation, installation.database.read() as conn:
        names = _names(conn)
        rows = [_key_row(one, names) for one in store.all_api_keys(conn)]
    terminal = Terminal()
    if as_json:
        terminal.json({"keys": rows})
        return DONE
    cells = [[one["id"], one["role"], one["side"], one["label"], one["created_at"], one["ended_at"] or ""] for one in rows]
    terminal.table(["id", "role", "side", "label", "since", "ended"], cells)
    return DONE


def end_key(begins: str, *, data: Path | None) -> int:
    """End a key by its id."""
    with opened(data) as installation, installation.database.write() as conn:
        ended = store.end_api_key(conn, begins, read_clock(), actor=ACTOR)
    Terminal().line(f"The key {ended.id} opens nothing any more, within a second.", "good")
    return DONE


def _seat(conn: Connection, told: SeatTold) -> Seat:
    """Raises InvalidRequest, NotFound."""
    publisher = None if told.publisher is None else _publisher(conn, told.publisher)
    operator = None if told.operator is None else operator_named(conn, told.operator)
    if sum((publisher is not None, operator is not None, told.all_sides)) != 1 or (told.all_sides and not told.auditor):
        raise InvalidRequest(
            "It is not plain whose side this is.",
            remedy="Write one of --publisher NAME, --operator NAME, --auditor --publisher NAME, --auditor --operator NAME, "
            "or --auditor --all for one who reads every side.",
        )
    role = Role.AUDITOR if told.auditor else Role.PUBLISHER if publisher is not None else Role.OPERATOR
    return Seat(role=role, publisher=publisher, operator=operator, reads_all=told.all_sides)


def _publisher(conn: Connection, name: str) -> PublisherId:
    return PublisherId(_one("publisher", name, [(str(one.id), one.name) for one in store.all_publishers(conn)]))


def operator_named(conn: Connection, name: str) -> OperatorId:
    return OperatorId(_one("operator", name, [(str(one.id), one.name) for one in fleet.all_operators(conn)]))


def _one(kind: str, name: str, known: list[tuple[str, str]]) -> str:
    found = [one for one, called in known if name in (one, called)]
    if len(found) != 1:
        there = ", ".join(f"{called} ({one})" for one, called in known) or "none"
        raise NotFound(f"{len(found) or 'No'} {kind} is called {name!r}.", remedy=f"Use its name or id. There are: {there}.")
    return found[0]


def password_for(name: str, *, generate: bool) -> str:
    """A password: made here, typed twice where somebody sits at a terminal, else the first line of standard input.

    Raises PartyError for a weak one, InvalidRequest where there is none.
    """
    if generate:
        return passwords.generated()
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        check_password(name, password)
        if getpass.getpass("Once more: ") != password:
            raise InvalidRequest("The two are not the same.", remedy="Begin again.")
        return password
    password = _line()
    if not password:
        raise InvalidRequest(
            "No password came in.", remedy="Type it on a terminal, or write it to standard input, or say --generate."
        )
    check_password(name, password)
    return password


def secret_for(what: str) -> str:
    """A secret that somebody else made: typed where somebody sits at a terminal, else the first line of standard input.

    Raises InvalidRequest where there is none.
    """
    secret = getpass.getpass(f"{what}: ") if sys.stdin.isatty() else _line()
    if not secret:
        raise InvalidRequest("No secret came in.", remedy="Type it on a terminal, or write it to standard input.")
    return secret


def _line() -> str:
    return sys.stdin.readline(_MAX_LINE).rstrip("\r\n")


def tell_password(row: dict[str, Any], said: str, made: str | None, *, as_json: bool) -> None:
    terminal = Terminal()
    if as_json:
        terminal.json({**row, "password": made})
        return
    terminal.line(said, "good")
    if made is not None:
        terminal.line(made)
        terminal.err.print("The password is shown this once.", style="note")


def _names(conn: Connection) -> dict[str, str]:
    """Publishers' and operators' names by their ids."""
    return {str(one.id): one.name for one in store.all_publishers(conn)} | {
        str(one.id): one.name for one in fleet.all_operators(conn)
    }


def _account_row(one: StaffAccount, names: dict[str, str]) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, **_seat_row(one.seat, names), **_times(one.created_at, one.ended_at)}


def _key_row(one: ApiKey, names: dict[str, str]) -> dict[str, Any]:
    return {"id": one.id, "label": one.label, **_seat_row(one.seat, names), **_times(one.created_at, one.revoked_at)}


def _seat_row(seat: Seat, names: dict[str, str]) -> dict[str, Any]:
    side = "every one" if seat.reads_all else names.get(str(seat.publisher or seat.operator), "")
    return {
        "role": seat.role.value,
        "side": side,
        "publisher": seat.publisher,
        "operator": seat.operator,
        "reads_all": seat.reads_all,
    }


def _times(begun: Instant, ended: Instant | None) -> dict[str, str | None]:
    return {"created_at": to_rfc3339(begun), "ended_at": None if ended is None else to_rfc3339(ended)}
