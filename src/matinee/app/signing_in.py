"""The commands on how households sign in: their accounts, the programs that ask us who they are, and the keys that sign."""

from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from matinee.app.commands import DONE, opened
from matinee.app.installation import read_clock
from matinee.app.people import operator_named, password_for, secret_for, tell_password
from matinee.app.terminal import Terminal
from matinee.base.clock import to_rfc3339
from matinee.base.errors import InvalidRequest, NotFound
from matinee.base.ids import ClientId, HouseholdId
from matinee.fleet import store as fleet
from matinee.members import store
from matinee.members.sign_in import accounts, clients, issuers, keys
from matinee.members.sign_in.api import sign_out_everywhere
from matinee.members.sign_in.issuers import WebClient
from matinee.members.sign_in.model import Account
from matinee.members.sign_in.operator_login import purpose_of, redirect_uri_of
from matinee.parties import passwords
from matinee.parties.rules import check_name

ACTOR = "command line"


def add_account(household: str, name: str, *, generate: bool, data: Path | None, as_json: bool) -> int:
    """A new account of a household, with a password that is typed, read or made."""
    check_name(name)
    with opened(data) as installation:
        with installation.database.read() as conn:
            home = _household(conn, household)
        password = password_for(name, generate=generate)
        kept = passwords.hashed(password)
        with installation.database.write() as conn:
            account = accounts.add_account(conn, home, name, kept, read_clock(), actor=ACTOR)
    row = _row(account, household)
    tell_password(row, f"{name} may sign in to {household}.", password if generate else None, as_json=as_json)
    return DONE


def list_accounts(household: str | None, *, data: Path | None, as_json: bool) -> int:
    """Every account, of one household or all; ended ones too."""
    with opened(data) as installation, installation.database.read() as conn:
        home = None if household is None else _household(conn, household)
        found = accounts.accounts_of(conn, home)
        names = store.references_of(conn, {one.household for one in found})
    rows = [_row(one, names.get(one.household, "")) for one in found]
    terminal = Terminal()
    if as_json:
        terminal.json({"accounts": rows})
        return DONE
    cells = [[one["name"], one["household"], one["created_at"], one["ended_at"] or ""] for one in rows]
    terminal.table(["name", "household", "since", "ended"], cells)
    return DONE


def change_password(name: str, *, generate: bool, data: Path | None, as_json: bool) -> int:
    """Another password for an account; what is signed in with it ends."""
    with opened(data) as installation:
        with installation.database.read() as conn:
            if accounts.account_to_sign_in(conn, name) is None:
                raise NotFound(f"There is no account {name!r}.", remedy="`matinee account list` lists them.")
        password = password_for(name, generate=generate)
        kept = passwords.hashed(password)
        with installation.database.write() as conn:
            account = accounts.change_password(conn, name, kept, read_clock(), actor=ACTOR)
            row = _row(account, store.references_of(conn, [account.household])[account.household])
    said = f"{name} has another password; what was signed in with the old one is so no more, within a second."
    tell_password(row, said, password if generate else None, as_json=as_json)
    return DONE


def end_account(name: str, *, data: Path | None) -> int:
    """End an account, and whatever is signed in with it."""
    with opened(data) as installation, installation.database.write() as conn:
        accounts.end_account(conn, name, read_clock(), actor=ACTOR)
    Terminal().line(f"{name} has ended, and what was signed in with it is so no more, within a second.", "good")
    return DONE


def sign_out(household: str, *, data: Path | None) -> int:
    """Sign a household out everywhere."""
    with opened(data) as installation, installation.database.write() as conn:
        ended = sign_out_everywhere(conn, _household(conn, household), read_clock())
    Terminal().line(f"{ended} signed out, within a second. Boxes at the household's line stay.", "good")
    return DONE


def add_client(name: str, redirect: list[str], *, public: bool, data: Path | None, as_json: bool) -> int:
    """A program that may ask us who signs in. Its secret is shown this once."""
    with opened(data) as installation, installation.database.write() as conn:
        made, secret = clients.add_client(conn, name, redirect, read_clock(), has_secret=not public, actor=ACTOR)
    terminal = Terminal()
    if as_json:
        terminal.json({"id": made.id, "name": made.name, "redirect_uris": list(made.redirect_uris), "secret": secret})
        return DONE
    terminal.line(f"client_id {made.id}")
    if secret is not None:
        terminal.line(f"client_secret {secret}")
        terminal.err.print("The secret is shown this once.", style="note")
    return DONE


def list_clients(*, data: Path | None, as_json: bool) -> int:
    """Every program that may ask."""
    with opened(data) as installation, installation.database.read() as conn:
        found = list(clients.living_clients(conn).values())
    terminal = Terminal()
    if as_json:
        rows = [{"id": one.id, "name": one.name, "redirect_uris": list(one.redirect_uris)} for one in found]
        terminal.json({"clients": rows})
        return DONE
    terminal.table(["id", "name", "redirects"], [[one.id, one.name, " ".join(one.redirect_uris)] for one in found])
    return DONE


def end_client(client: str, *, data: Path | None) -> int:
    """End a program."""
    with opened(data) as installation, installation.database.write() as conn:
        clients.end_client(conn, ClientId(client), read_clock(), actor=ACTOR)
    Terminal().line(f"{client} is told of nobody any more, within a second.", "good")
    return DONE


class IssuerTold(NamedTuple):
    """An operator's issuer as the command line names it. `web_client` "" signs no browser in."""

    address: str
    audience: str
    claim: str
    web_client: str
    is_public: bool


def set_issuer(operator: str, told: IssuerTold, *, data: Path | None) -> int:
    """Record where an operator signs its customers in."""
    if told.is_public and not told.web_client:
        raise InvalidRequest("--public says nothing without --web-client.", remedy="Name the client, or leave --public out.")
    with opened(data) as installation:
        with installation.database.read() as conn:
            found = operator_named(conn, operator)
            before = [one.web for one in issuers.all_issuers(conn) if one.operator == found]
        issuers.check_issuer(told.address, told.audience, told.claim)
        web = None
        if told.web_client:
            secret = None if told.is_public else secret_for("The client's secret").encode()
            sealed = None if secret is None else installation.master.seal(purpose_of(found), secret)
            web = WebClient(id=told.web_client, sealed=sealed)
        with installation.database.write() as conn:
            issuers.set_issuer(conn, found, told.address, told.audience, told.claim, read_clock(), actor=ACTOR, web=web)
        back = redirect_uri_of(installation.settings.web_origin, found)
    terminal = Terminal()
    terminal.line(f"{operator} signs its homes in, once a worker has read its keys.", "good")
    if web is None and any(before):
        terminal.line("Browsers sign in there no more: --web-client was not named again.")
    if web is not None:
        terminal.line(f"Its redirect URI, to be registered there: {back}")
    return DONE


def forget_issuer(operator: str, *, data: Path | None) -> int:
    """Take an operator's issuer away."""
    with opened(data) as installation, installation.database.write() as conn:
        issuers.forget_issuer(conn, operator_named(conn, operator), read_clock(), actor=ACTOR)
    Terminal().line(f"{operator} signs nobody in any more.", "good")
    return DONE


def list_issuers(*, data: Path | None, as_json: bool) -> int:
    """Every operator's issuer."""
    with opened(data) as installation, installation.database.read() as conn:
        names = {one.id: one.name for one in fleet.all_operators(conn)}
        rows = [
            {
                "operator": names.get(one.operator, one.operator),
                "issuer": one.issuer,
                "audience": one.audience,
                "claim": one.line_claim,
                "web_client": None if one.web is None else one.web.id,
                "keys": 0 if one.jwks is None else len(one.jwks["keys"]),
                "read_at": None if one.asked_at is None else to_rfc3339(one.asked_at),
                "fault": one.fault,
            }
            for one in issuers.all_issuers(conn)
        ]
    terminal = Terminal()
    if as_json:
        terminal.json({"issuers": rows})
        return DONE
    cells = [[str(one[key] or "") for key in ("operator", "issuer", "web_client", "keys", "read_at", "fault")] for one in rows]
    terminal.table(["operator", "issuer", "in browsers", "keys", "read", "fault"], cells)
    return DONE


def rotate_key(*, data: Path | None) -> int:
    """Put a new key in that signs from now on."""
    with opened(data) as installation:
        ring = keys.rotate(installation.sign_in_key_file)
    Terminal().line(f"{ring.signs} signs from now on; {len(ring.keys) - 1} older verify what they signed.", "good")
    return DONE


def _household(conn: Connection, reference: str) -> HouseholdId:
    found = store.household_named(conn, reference)
    if found is None:
        raise NotFound(
            f"There is no household {reference!r}.", remedy="Name one by its reference, as the operator's line has it."
        )
    return found


def _row(one: Account, household: str) -> dict[str, Any]:
    ended = None if one.ended_at is None else to_rfc3339(one.ended_at)
    return {"name": one.name, "household": household, "created_at": to_rfc3339(one.created_at), "ended_at": ended}
