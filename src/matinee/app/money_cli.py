"""How the commands of money are typed; charging.py, invoicing.py and reconciling.py have what they do."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import cyclopts
from cyclopts import Group, Parameter

from matinee.app.later import later
from matinee.app.parameters import By, Data, Json

if TYPE_CHECKING:
    from matinee.app import charging, invoicing, reconciling
else:
    charging, invoicing, reconciling = later("charging"), later("invoicing"), later("reconciling")

_MONEY = Group("Money", sort_key=2)

Amount = Annotated[tuple[str, str], Parameter(name="--amount", negative="", help="An amount and its currency: 10.00 EUR.")]
PublisherName = Annotated[
    str | None, Parameter(name="--publisher", help="The publisher's name or id. Needed where there are several.")
]
HouseholdName = Annotated[str, Parameter(help="The household's reference.")]
OperatorName = Annotated[str, Parameter(help="The operator's name or id.")]
BilledFile = Annotated[Path, Parameter(help="A CSV file in UTF-8 of what the operator billed: docs/money.md has its columns.")]


def _app(name: str, says: str) -> cyclopts.App:
    return cyclopts.App(name=name, help=says, help_format="plaintext", version_flags=[], group=_MONEY)


voucher = _app("voucher", "Vouchers: made in batches, redeemed by households into credit.")


@voucher.command(name="make")
def make_vouchers(
    service: Annotated[str, Parameter(help="The service's name or id: its publisher owes what they are worth.")],
    /,
    *,
    amount: Amount,
    count: Annotated[int, Parameter(name="--count", help="How many, at most 100,000.")],
    until: Annotated[str, Parameter(name="--until", help="The last day on which they can be redeemed: 2027-12-31.")],
    by: By = "",
    data: Data = None,
) -> int:
    """Make vouchers and print their codes as CSV, this once: what is kept of them are hashes.

    A household that sees the service redeems a code on any of its screens, once.
    """
    return charging.make_vouchers(service, amount, count, until, by=by, data=data)


@voucher.command(name="list")
def list_vouchers(*, data: Data = None, json: Json = False) -> int:
    """List the batches, and how many of each were redeemed. Codes are kept nowhere."""
    return charging.list_vouchers(data=data, as_json=json)


credit = _app("credit", "Prepaid credit: what a household has, how it came and went, and whether all of it balances.")


@credit.command(name="show")
def show_credit(household: HouseholdName, /, *, data: Data = None, json: Json = False) -> int:
    """Tell a household's credit, its movements, and all that it was charged, by us and by operators."""
    return charging.credit(household, data=data, as_json=json)


@credit.command(name="check")
def check_credit(*, data: Data = None, json: Json = False) -> int:
    """Check that every movement sums to zero, that every currency does, and that no credit is below zero. 1 where not."""
    return charging.check_ledger(data=data, as_json=json)


tax = _app("tax", "Rates of tax, which every price holds, and what stands on invoices.")


@tax.command(name="set")
def set_tax(
    country: Annotated[str, Parameter(help="ISO 3166: FR.")],
    percent: Annotated[str, Parameter(help="The rate in percent: 20, 5.5, 0.")],
    /,
    *,
    since: Annotated[str, Parameter(name="--from", help="The first day on which it holds: 2014-01-01.")],
    publisher: PublisherName = None,
    by: By = "",
    data: Data = None,
) -> int:
    """Record the rate at which a publisher's sales to a country are taxed from a day on. What was charged stays as it was."""
    return charging.set_tax(country, percent, since, publisher, by=by, data=data)


@tax.command(name="list")
def list_tax(*, data: Data = None, json: Json = False) -> int:
    """List every rate that was recorded, by country and day."""
    return charging.list_tax(data=data, as_json=json)


@tax.command(name="seller")
def set_seller(
    details: Annotated[list[str], Parameter(help="Address and tax number, a line each.")],
    /,
    *,
    publisher: PublisherName = None,
    by: By = "",
    data: Data = None,
) -> int:
    """Record what stands under a publisher's name on invoices from now on."""
    return charging.set_seller(details, publisher, by=by, data=data)


bills = _app("bills", "Direct plans, paid month by month from prepaid credit.")


@bills.command(name="run")
def run_bills(*, data: Data = None, json: Json = False) -> int:
    """Charge every month of a direct plan that has begun, once; a worker does the same every five minutes.

    1 where a home could not be charged for a reason that you can mend, such as a rate of tax that is missing.
    """
    return charging.run(data=data, as_json=json)


@bills.command(name="due")
def list_due(*, data: Data = None, json: Json = False) -> int:
    """List what is due and not paid, and until when those homes play on."""
    return charging.list_dues(data=data, as_json=json)


charges = _app("charges", "Charges: what households were charged, by us and by operators.")


@charges.command(name="import")
def import_charges(operator: OperatorName, file: BilledFile, /, *, by: By = "", data: Data = None, json: Json = False) -> int:
    """Record the charges of an operator's file. A file with a wrong value is refused whole, with its line and its column.

    An event that is recorded already is no second charge: a file may be brought in again.
    """
    return charging.bring_in(operator, file, by=by, data=data, as_json=json)


@charges.command(name="refund")
def refund_charge(
    event: Annotated[str, Parameter(help="The charge's event id: `matinee credit show HOUSEHOLD` tells it.")],
    /,
    *,
    amount: Annotated[
        tuple[str, str] | None, Parameter(name="--amount", negative="", help="How much of it: 3.00 EUR. Else all that is left.")
    ] = None,
    reference: Annotated[
        str, Parameter(name="--reference", help="Your own name for it: said again, it gives nothing more.")
    ] = "",
    publisher: PublisherName = None,
    by: By = "",
    data: Data = None,
    json: Json = False,
) -> int:
    """Give a charge of ours back into the household's credit: a new entry, and a credit note where it had an invoice."""
    return charging.refund(event, amount, reference, publisher, by=by, data=data, as_json=json)


def invoice(
    household: HouseholdName,
    month: Annotated[str, Parameter(help="A month that is over: 2026-11.")],
    /,
    *,
    page: Annotated[Path | None, Parameter(name="--page", help="Write it to this file as an HTML page.")] = None,
    language: Annotated[
        Literal["en", "fr"] | None, Parameter(name="--language", help="Else that of the household's first profile.")
    ] = None,
    publisher: PublisherName = None,
    by: By = "",
    data: Data = None,
    json: Json = False,
) -> int:
    """Tell a household's invoice of a month, issued now where it was not yet, and the credit notes of that month.

    Numbers follow one another without a gap. What was issued never changes.
    """
    return invoicing.invoice(household, month, publisher=publisher, language=language, page=page, by=by, data=data, as_json=json)


def reconcile(
    operator: OperatorName,
    file: BilledFile,
    /,
    *,
    day: Annotated[str | None, Parameter(name="--day", help="A day of the operator's: 2026-11-30. Else yesterday.")] = None,
    data: Data = None,
    json: Json = False,
) -> int:
    """Compare what the operator billed for a day with our charges and subscriptions, and with what may be played.

    The file tells every charge whose days hold that day. Each discrepancy is told with both sides and with the event that would
    mend it; nothing is changed. 1 where there is one.
    """
    return reconciling.compare(operator, file, day, data=data, as_json=json)


def add_to(app: cyclopts.App) -> None:
    """Put the commands of money among the others."""
    for one in (voucher, credit, tax, bills, charges):
        app.command(one)
    app.command(invoice, group=_MONEY)
    app.command(reconcile, group=_MONEY)
