"""What the commands of money do: vouchers, credit, rates of tax, charges and what is due."""

import csv
import sys
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from matinee.app.billing import run_bills
from matinee.app.carrying import service_named
from matinee.app.commands import DONE, FAILED, opened
from matinee.app.installation import read_clock
from matinee.app.money_names import day_told, end_of, household_named, money_told, publisher_named
from matinee.app.reconciling import import_charges
from matinee.app.terminal import Terminal
from matinee.base.clock import to_rfc3339
from matinee.base.ids import new_id
from matinee.catalogue.store import all_services
from matinee.fleet import store as fleet
from matinee.members import charge_store, invoice_store, ledger, plan_store, tax_store, voucher_store
from matinee.members.charges import Charge
from matinee.members.credit import PrepaidCredit
from matinee.members.refunds import refund as give_back
from matinee.members.store import references_of
from matinee.members.tax import parse_country, parse_percent
from matinee.members.voucher_store import Batch
from matinee.parties.store import all_publishers

ACTOR = "command line"

# --- vouchers and credit


def make_vouchers(service: str, amount: tuple[str, str], count: int, until: str, *, by: str, data: Path | None) -> int:
    """Make a batch and write its codes to standard output as CSV, this once."""
    value, day = money_told("--amount", *amount), day_told("--until", until)
    with opened(data) as installation, installation.database.write() as conn:
        found = service_named(list(all_services(conn)), service)
        batch, codes = voucher_store.make(conn, found, value, count, end_of(day), read_clock(), actor=by or ACTOR)
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["code", "amount", "currency", "until", "service", "batch"])
    table.writerows([code, value.decimal, value.currency, day.isoformat(), found.name, batch.id] for code in codes)
    Terminal().err.print(f"{count} vouchers of {value}. Their codes are kept nowhere else: put this away.", style="note")
    return DONE


def list_vouchers(*, data: Path | None, as_json: bool) -> int:
    """Every batch, and how many of it were redeemed; never a code."""
    with opened(data) as installation, installation.database.read() as conn:
        services = {one.id: one.name for one in all_services(conn)}
        batches = voucher_store.batches_of(conn, list(services))
    rows = [_batch(one, services[one.service]) for one in batches]
    if as_json:
        Terminal().json({"batches": rows})
        return DONE
    names = ("batch", "service", "amount", "currency", "count", "redeemed", "ends_at")
    Terminal().table(names, [[str(row[name]) for name in names] for row in rows])
    return DONE


def credit(household: str, *, data: Path | None, as_json: bool) -> int:
    """What a household has to spend, how it came and went, and what it was charged."""
    with opened(data) as installation, installation.database.read() as conn:
        home = household_named(conn, household)
        publishers = {one.id: one.name for one in all_publishers(conn)}
        balances, entries = ledger.balances(conn, home), ledger.entries_of(conn, home)
        charges = [_charge(conn, one) for one in charge_store.charges_of(conn, home)]
    terminal = Terminal()
    if as_json:
        terminal.json(
            {
                "credit": [
                    {"publisher": publishers[publisher], "amount": money.decimal, "currency": money.currency}
                    for (publisher, _), money in balances.items()
                ],
                "movements": [
                    {
                        "at": to_rfc3339(one.at),
                        "publisher": publishers[one.publisher],
                        "kind": one.kind.value,
                        "amount": one.amount.decimal,
                        "currency": one.amount.currency,
                        "entry": one.id,
                    }
                    for one in entries
                ],
                "charges": charges,
            }
        )
        return DONE
    for (publisher, _), money in balances.items():
        terminal.line(f"{household} has {money} at {publishers[publisher]}.", "name")
    if not balances:
        terminal.line(f"{household} has no credit.")
    terminal.table(
        ["at", "movement", "amount", "publisher"],
        [[to_rfc3339(one.at), one.kind.value, str(one.amount), publishers[one.publisher]] for one in entries],
    )
    names = ("event_id", "plan", "sold_by", "first_day", "until_day", "amount", "currency", "tax")
    terminal.table(names, [[str(row[name] or "") for name in names] for row in charges])
    return DONE


def check_ledger(*, data: Path | None, as_json: bool) -> int:
    """Does every movement balance, every currency, and is no credit below zero? 1 where not."""
    with opened(data) as installation, installation.database.read() as conn:
        faults = ledger.faults(conn)
    terminal = Terminal()
    if as_json:
        terminal.json({"faults": list(faults)})
    else:
        for fault in faults:
            terminal.err.print(f"✗ {fault}", style="bad", markup=False)
        terminal.line("Every movement balances." if not faults else f"{len(faults)} faults.", "" if faults else "good")
    return FAILED if faults else DONE


# --- rates of tax, and what stands on invoices


def set_tax(country: str, percent: str, since: str, publisher: str | None, *, by: str, data: Path | None) -> int:
    """Record the rate at which a publisher's sales to a country are taxed from a day on."""
    rate, day = parse_percent(percent), day_told("--from", since)
    with opened(data) as installation, installation.database.write() as conn:
        of = publisher_named(conn, publisher)
        tax_store.record_rate(conn, of.id, parse_country(country), rate, day, read_clock(), actor=by or ACTOR)
    Terminal().line(f"{of.name}: {rate} % in {country} from {day} on, as a part of every price.", "good")
    return DONE


def list_tax(*, data: Path | None, as_json: bool) -> int:
    """Every rate that was recorded, by country and day."""
    with opened(data) as installation, installation.database.read() as conn:
        names = {one.id: one.name for one in all_publishers(conn)}
        rows = [
            {
                "publisher": names[one.publisher],
                "country": one.country,
                "percent": str(one.percent),
                "since": one.since.isoformat(),
                "recorded_at": to_rfc3339(one.recorded_at),
            }
            for one in tax_store.rates_of(conn)
        ]
    if as_json:
        Terminal().json({"rates": rows})
        return DONE
    Terminal().table(["publisher", "country", "percent", "since", "recorded at"], [list(row.values()) for row in rows])
    return DONE


def set_seller(details: list[str], publisher: str | None, *, by: str, data: Path | None) -> int:
    """Record what stands under a publisher's name on invoices, line by line."""
    with opened(data) as installation, installation.database.write() as conn:
        of = publisher_named(conn, publisher)
        invoice_store.record_details(conn, of.id, "\n".join(details), read_clock(), actor=by or ACTOR)
    Terminal().line(f"Invoices of {of.name} tell it from now on.", "good")
    return DONE


# --- charges


def run(*, data: Path | None, as_json: bool) -> int:
    """Charge all direct plans' months that have begun. 1 where a home could not be charged for a reason of ours."""
    with opened(data) as installation:
        outcome = run_bills(installation, ACTOR)
    terminal = Terminal()
    told = {"charged": outcome.charged, "in_grace": outcome.in_grace, "given_up": outcome.given_up}
    if as_json:
        terminal.json({**told, "problems": outcome.problems})
    else:
        terminal.line(f"{outcome.charged} months charged, {outcome.in_grace} homes in grace, {outcome.given_up} given up.")
        for problem in outcome.problems:
            terminal.err.print(f"✗ {problem}", style="bad", markup=False)
    return FAILED if outcome.problems else DONE


def list_dues(*, data: Path | None, as_json: bool) -> int:
    """What is due and not paid, the oldest first."""
    with opened(data) as installation, installation.database.read() as conn:
        plans = {plan.id: plan.name for plan in plan_store.all_plans(conn)}
        dues = charge_store.open_dues(conn)
        homes = references_of(conn, {one.household for one in dues})
    rows = [
        {
            "household": homes[one.household],
            "plan": plans[one.plan],
            "first_day": one.first.isoformat(),
            "amount": one.amount.decimal,
            "currency": one.amount.currency,
            "grace_until": None if one.grace_until is None else to_rfc3339(one.grace_until),
            "event_id": one.event_id,
        }
        for one in dues
    ]
    if as_json:
        Terminal().json({"dues": rows})
        return DONE
    names = ("household", "plan", "first_day", "amount", "currency", "grace_until")
    Terminal().table(names, [[str(row[name] or "") for name in names] for row in rows])
    return DONE


def refund(
    event_id: str,
    amount: tuple[str, str] | None,
    reference: str,
    publisher: str | None,
    *,
    by: str,
    data: Path | None,
    as_json: bool,
) -> int:
    """Give a direct charge back into the household's credit, in whole or in part."""
    money, actor = None if amount is None else money_told("--amount", *amount), by or ACTOR
    with opened(data) as installation:
        database = installation.database
        with database.read() as conn:
            of = publisher_named(conn, publisher)
        port = PrepaidCredit(database, read_clock, actor=actor)
        named = reference or new_id()[:12]
        made, is_new = give_back(database, port, of.id, event_id, money, named, read_clock(), actor=actor)
        with database.read() as conn:
            told = {**_charge(conn, made), "is_new": is_new}
    if as_json:
        Terminal().json(told)
        return DONE
    known = "" if is_new else " It was given back before under that reference."
    tax = "" if made.tax is None else f", {-made.tax} of it tax"
    Terminal().line(f"{-made.amount} given back{tax}.{known}", "good")
    return DONE


def bring_in(operator: str, file: Path, *, by: str, data: Path | None, as_json: bool) -> int:
    """Record the charges of an operator's file, all of it or nothing."""
    with opened(data) as installation:
        new, known = import_charges(installation, operator, file, by or ACTOR)
    if as_json:
        Terminal().json({"new": new, "known": known})
    else:
        Terminal().line(f"{new} charges recorded, {known} were recorded before.", "good")
    return DONE


def _charge(conn: Connection, one: Charge) -> dict[str, Any]:
    plan = plan_store.plan_of(conn, one.plan)
    operators = {operator.id: operator.name for operator in fleet.all_operators(conn)}
    return {
        "event_id": one.event_id,
        "plan": "" if plan is None else plan.name,
        "sold_by": "us" if one.operator is None else operators[one.operator],
        "first_day": _day(one.first),
        "until_day": _day(one.until),
        "amount": one.amount.decimal,
        "currency": one.amount.currency,
        "tax": None if one.tax is None else one.tax.decimal,
        "corrects": one.corrects,
        "at": to_rfc3339(one.at),
    }


def _batch(one: Batch, service: str) -> dict[str, Any]:
    return {
        "batch": one.id,
        "service": service,
        "amount": one.value.decimal,
        "currency": one.value.currency,
        "count": one.count,
        "redeemed": one.redeemed,
        "ends_at": to_rfc3339(one.ends_at),
    }


def _day(day: date) -> str:
    return day.isoformat()
