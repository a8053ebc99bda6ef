"""The commands of money, from a voucher to an invoice, and from an operator's file to what does not agree."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matinee.app import cli, installation
from matinee.app.commands import opened
from matinee.base.clock import Instant, from_rfc3339
from matinee.catalogue import store as catalogue
from matinee.members import store, voucher_store
from tests.app.stories import fibre_carries_films, homes_of_fibre

HOME, OTHER = "Fibre B-00001", "Fibre B-00002"
_PLAN = '[[plans]]\nservice = "Films"\nname = "Everything"\n'

Run = Callable[..., tuple[int, str, str]]


class Clock:
    """In the place of the module `time`, for the one function that reads the clock."""

    def __init__(self) -> None:
        self.now = from_rfc3339("2026-02-01T12:00:00Z")

    def time_ns(self) -> int:
        return self.now * 1_000_000

    def set(self, moment: str) -> None:
        self.now = from_rfc3339(moment)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(installation, "time", made)
    return made


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], clock: Clock) -> Run:
    """Run a command: (exit code, standard output, standard error)."""

    def run_it(*arguments: str) -> tuple[int, str, str]:
        code = cli.run([*arguments, "--data", str(tmp_path / "data")])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_it


def _told(run: Run, *arguments: str, code: int = 0) -> Any:
    got, out, err = run(*arguments, "--json")
    assert got == code, err or out
    return json.loads(out)


def _begin(run: Run, tmp_path: Path, billing: str) -> None:
    """Two homes at an operator that carries Films, with a plan at 7.99 EUR a month, 20 % of it tax."""
    file = tmp_path / "story.toml"
    file.write_text(fibre_carries_films("Two homes", billing=billing) + homes_of_fibre(2) + _PLAN)
    for command in (
        ("apply", str(file)),
        ("tax", "set", "FR", "20", "--from", "2014-01-01"),
        ("tax", "seller", "1 rue de la Paix, 75002 Paris", "TVA FR12345678901"),
        ("plans", "price", "Everything", "FR", "799", "EUR", "--service", "Films", "--from", "2026-01-01"),
    ):
        code, _, err = run(*command)
        assert code == 0, err


def _redeem(data: Path, code: str, household: str, now: Instant) -> None:
    with opened(data) as one:
        with one.database.read() as conn:
            home = store.household_named(conn, household)
            services = [service.id for service in catalogue.all_services(conn)]
        assert home is not None
        voucher_store.redeem(one.database, code, home, services, now, actor="test")


def test_from_a_voucher_to_an_invoice(
    run: Run, clock: Clock, tmp_path: Path, any_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATINEE_DATABASE_URL", any_database_url)
    _begin(run, tmp_path, "direct")
    code, out, err = run("voucher", "make", "Films", "--amount", "10.00", "EUR", "--count", "3", "--until", "2026-12-31")
    assert code == 0, err
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["amount"], row["currency"], row["until"], row["service"]) for row in rows] == [
        ("10.00", "EUR", "2026-12-31", "Films")
    ] * 3
    _redeem(tmp_path / "data", rows[0]["code"], HOME, clock.now)
    (batch,) = _told(run, "voucher", "list")["batches"]
    assert (batch["count"], batch["redeemed"], batch["amount"]) == (3, 1, "10.00")
    assert rows[0]["code"] not in str(batch)

    for home in (HOME, OTHER):
        assert run("subscription", "add", home, "--service", "Films", "--plan", "Everything")[0] == 0
    clock.set("2026-02-01T12:00:01Z")
    assert _told(run, "bills", "run") == {"charged": 1, "in_grace": 1, "given_up": 0, "problems": []}
    assert _told(run, "bills", "run") == {"charged": 0, "in_grace": 0, "given_up": 0, "problems": []}
    (due,) = _told(run, "bills", "due")["dues"]
    assert (due["household"], due["grace_until"]) == (OTHER, "2026-02-08T23:00:00.000Z")
    shown = _told(run, "credit", "show", HOME)
    assert shown["credit"] == [{"publisher": "Films", "amount": "2.01", "currency": "EUR"}]
    (charge,) = shown["charges"]
    assert (charge["amount"], charge["tax"], charge["first_day"], charge["until_day"]) == (
        "7.99",
        "1.33",
        "2026-02-01",
        "2026-03-01",
    )

    back = ("charges", "refund", charge["event_id"], "--amount", "3.00", "EUR", "--reference", "r-1")
    assert (_told(run, *back)["is_new"], _told(run, *back)["is_new"]) == (True, False)
    assert _told(run, "credit", "show", HOME)["credit"][0]["amount"] == "5.01"
    assert run("invoice", HOME, "2026-02")[0] == 1, "the month is not over"
    clock.set("2026-03-01T00:00:00+01:00")
    page = tmp_path / "invoice.html"
    assert run("invoice", HOME, "2026-02", "--page", str(page), "--language", "fr")[0] == 0
    assert "Facture 1" in page.read_text(encoding="utf-8")
    code, out, _ = run("invoice", HOME, "2026-02", "--language", "en")
    assert (code, "Invoice 1" in out, "TVA FR12345678901" in out, "€4.99" in out) == (0, True, True, True)
    (paper,) = _told(run, "invoice", HOME, "2026-02")["papers"]
    assert (paper["number"], paper["total"], paper["tax"]) == (1, "4.99", "0.83")
    assert run("credit", "check")[:2] == (0, "Every movement balances.\n")
    assert run("audit", "check")[0] == 0


def test_wrong_words_are_told(run: Run, tmp_path: Path) -> None:
    _begin(run, tmp_path, "direct")
    make = ("voucher", "make", "Films", "--count", "1", "--until", "2026-12-31", "--amount")
    for command, says in (
        ((*make, "10,00", "EUR"), "no amount"),
        ((*make, "10.00", "euro"), "no currency"),
        ((*make, "0", "EUR"), "more than nothing"),
        (("voucher", "make", "Films", "--count", "1", "--until", "31.12.2026", "--amount", "1", "EUR"), "--until is no day"),
        (("voucher", "make", "Films", "--count", "1", "--until", "2025-12-31", "--amount", "1", "EUR"), "is over"),
        (("tax", "set", "France", "20", "--from", "2014-01-01"), "no country"),
        (("tax", "set", "FR", "20%", "--from", "2014-01-01"), "no rate"),
        (("credit", "show", "nobody"), "no household"),
        (("charges", "refund", "nothing"), "no charge"),
        (("invoice", HOME, "02/2026"), "no month"),
        (("reconcile", "Nobody", "file.csv"), "no operator"),
        (("reconcile", "Fibre", str(tmp_path / "no.csv")), "no file"),
    ):
        code, _, err = run(*command)
        assert code == 1, command
        assert says in err, (command, err)


HEAD = "event_id,household,service,plan,first_day,last_day,amount,currency"


def _file(tmp_path: Path, *rows: str) -> str:
    file = tmp_path / "billed.csv"
    file.write_text("\n".join([HEAD, *rows]) + "\n")
    return str(file)


def _row(event: str, household: str, first: str = "2026-02-01", last: str = "2026-02-28", amount: str = "7.99") -> str:
    return f"{event},{household},Films,Everything,{first},{last},{amount},EUR"


def test_an_operators_file_is_brought_in_and_compared(run: Run, clock: Clock, tmp_path: Path) -> None:
    _begin(run, tmp_path, "operator")
    for home in (HOME, OTHER):
        since = ("--seller", "operator", "--since", "2026-01-31T23:00:00Z")
        assert run("subscription", "add", home, "--service", "Films", "--plan", "Everything", *since)[0] == 0
    clock.set("2026-02-11T12:00:00Z")
    both = _file(tmp_path, _row("e-1", HOME), _row("e-2", OTHER))
    told = _told(run, "reconcile", "Fibre", both, code=1)
    assert told["day"] == "2026-02-10", "yesterday, by the operator's days"
    assert [(one["kind"], one["event_id"]) for one in told["discrepancies"]] == [("missing_here", "e-1"), ("missing_here", "e-2")]
    assert told["discrepancies"][0]["mends"][0]["amount"] == {"minor": 799, "currency": "EUR"}

    assert _told(run, "charges", "import", "Fibre", both) == {"new": 2, "known": 0}
    assert _told(run, "charges", "import", "Fibre", both) == {"new": 0, "known": 2}
    code, out, _ = run("reconcile", "Fibre", both)
    assert (code, out) == (0, "Fibre on 2026-02-10: All three accounts agree.\n")
    twice = _file(tmp_path, *[_row("e-1", HOME), _row("e-2", OTHER)] * 2)
    assert _told(run, "reconcile", "Fibre", twice)["discrepancies"] == []

    wrong = _file(tmp_path, _row("e-1", HOME, amount="8.99"), _row("e-9", "nobody"))
    kinds = [(one["kind"], one["household"]) for one in _told(run, "reconcile", "Fibre", wrong, code=1)["discrepancies"]]
    assert kinds == [("amount_differs", HOME), ("missing_there", OTHER), ("unknown_name", "nobody")]
    code, _, err = run("charges", "import", "Fibre", wrong)
    assert (code, "line 3, column household" in err) == (1, True)
    code, _, err = run("charges", "import", "Fibre", _file(tmp_path, _row("e-1", HOME, amount="8.99")))
    assert (code, "line 2, column event_id" in err) == (1, True)
    code, _, err = run("charges", "import", "Fibre", _file(tmp_path, _row("e-3", HOME, amount="-1.00")))
    assert (code, "line 2, column amount" in err) == (1, True)
    assert _told(run, "credit", "show", OTHER)["charges"][0]["sold_by"] == "Fibre"

    assert run("subscription", "end", OTHER, "--service", "Films", "--plan", "Everything", "--seller", "operator")[0] == 0
    clock.set("2026-02-13T12:00:00Z")
    both = _file(tmp_path, _row("e-1", HOME), _row("e-2", OTHER))
    assert _told(run, "reconcile", "Fibre", both, "--day", "2026-02-11")["discrepancies"] == [], "it ended on that day"
    (one,) = _told(run, "reconcile", "Fibre", both, code=1)["discrepancies"]
    assert (one["kind"], one["household"], one["first"]) == ("billed_not_subscribed", OTHER, "2026-02-12")
    assert one["mends"][0]["event"] == "subscribe"


def test_a_home_that_moves_to_another_operator_pays_for_what_it_cannot_play(run: Run, clock: Clock, tmp_path: Path) -> None:
    _begin(run, tmp_path, "operator")
    since = ("--seller", "operator", "--since", "2026-01-31T23:00:00Z")
    assert run("subscription", "add", HOME, "--service", "Films", "--plan", "Everything", *since)[0] == 0
    file = _file(tmp_path, _row("e-1", HOME))
    assert _told(run, "charges", "import", "Fibre", file) == {"new": 1, "known": 0}
    assert _told(run, "reconcile", "Fibre", file, "--day", "2026-02-05")["discrepancies"] == []
    story = (tmp_path / "story.toml").read_text()
    ended = story.replace('status = "signed"\nsince = 2026-01-01', 'status = "ended"\nsince = 2026-02-04')
    assert ended != story
    (tmp_path / "story.toml").write_text(ended)
    assert run("apply", str(tmp_path / "story.toml"))[0] == 0
    (one,) = _told(run, "reconcile", "Fibre", file, "--day", "2026-02-05", code=1)["discrepancies"]
    assert one["kind"] == "billed_cannot_play"
