"""A running service with titles that nobody encoded, a household with an account, and a box at a line where no household is.

It is up within seconds: for journeys through screens that play no film.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx

from matinee.app.billing import run_bills
from matinee.app.household import ensure_household
from matinee.app.ingests import default_service
from matinee.app.installation import Installation, open_installation, read_clock
from matinee.app.money_names import household_named
from matinee.app.settings import load_settings
from matinee.base.clock import DAY, Instant
from matinee.base.money import Money
from matinee.carriage.model import AgreementStatus, Billing
from matinee.carriage.store import record_agreement
from matinee.catalogue import store as titles
from matinee.catalogue.model import Genre
from matinee.catalogue.store import all_services
from matinee.fleet import store as fleet
from matinee.members import invoice_store, plan_store, tax_store, terms_store, voucher_store
from matinee.members.bills import Outcome
from matinee.members.model import SubscriptionState
from matinee.members.sign_in import accounts
from tests.catalogue.factories import film
from tests.journeys.screens import Screen
from tests.journeys.service import environment_for, free_ports, serving
from tests.world import PASSWORD, PASSWORD_HASH

NAME, BY = "ada@example.com", "test"
PARIS = ZoneInfo("Europe/Paris")


@dataclass(frozen=True)
class House:
    """`box_token`: the box at the household's line; `lone_token`: the one that signs in by a code."""

    web: str
    folder: Path
    box_token: str
    web_token: str
    lone_token: str

    @property
    def box(self) -> str:
        return f"{self.web}/box/#token={self.box_token}"

    @property
    def watch(self) -> str:
        return f"{self.web}/watch/#token={self.web_token}"

    @property
    def lone_box(self) -> str:
        return f"{self.web}/box/#token={self.lone_token}"

    @contextmanager
    def opened(self) -> Iterator[Installation]:
        """The installation that is served, as a command opens it."""
        with open_installation(load_settings(self.folder / "data", {})) as installation:
            yield installation

    def bills_directly(self) -> None:
        """From now on the household needs a plan, which the service sells at 7.99 a month, and owes the first one."""
        with self.opened() as installation, installation.database.write() as conn:
            service, now = all_services(conn)[0], Instant(read_clock() + 1)
            home, operator = household_named(conn, "demo"), fleet.all_operators(conn)[0].id
            signed, billing = AgreementStatus.SIGNED, Billing.DIRECT
            record_agreement(conn, operator, service.id, signed, now, now, actor=BY, reason="", billing=billing)
            plan = plan_store.ensure_plan(conn, service, "Everything", now, actor=BY)[0]
            plan_store.record_subscription(conn, home, plan, None, SubscriptionState.ACTIVE, now, actor=BY)
            terms_store.set_price(conn, plan, "FR", Money(799, "EUR"), "2014-01-01", now, actor=BY)
            tax_store.record_rate(conn, service.publisher, "FR", Decimal(20), date(2014, 1, 1), now, actor=BY)

    def bill(self) -> Outcome:
        """Charge what is due, as the worker does every five minutes."""
        with self.opened() as installation:
            return run_bills(installation)

    def voucher(self) -> str:
        """The code of a new voucher of ten euro."""
        with self.opened() as installation, installation.database.write() as conn:
            service, now, value = all_services(conn)[0], read_clock(), Money(1_000, "EUR")
            return voucher_store.make(conn, service, value, 1, Instant(now + DAY), now, actor=BY)[1][0]

    def issue_invoice(self) -> None:
        """What was charged this month, on paper: as `matinee invoice` issues it when the month is over."""
        with self.opened() as installation, installation.database.write() as conn:
            service, home, now = all_services(conn)[0], household_named(conn, "demo"), read_clock()
            names = {plan.id: (service.name, plan.name) for plan in plan_store.all_plans(conn)}
            month = datetime.fromtimestamp(now / 1000, PARIS).isoformat()[:7]
            later = Instant(now + 32 * DAY)
            invoice_store.record_details(conn, service.publisher, "1 rue du Test\nTVA FR00", now, actor=BY)
            invoice_store.issue(conn, service.publisher, "Matinee", home, month, names, later, actor=BY)

    def approve(self, code: str) -> None:
        """Say yes to a television's code, as a browser does in which the household has signed in."""
        with httpx.Client(base_url=self.web, timeout=60, headers={"Origin": self.web}) as browser:
            said = {"step": "sign_in", "name": NAME, "password": PASSWORD}
            assert browser.post("/activate", data=said).status_code == 303
            browser.post("/activate", data={"step": "approve", "user_code": code}).raise_for_status()


@contextmanager
def a_house(folder: Path) -> Iterator[House]:
    """Up and answering when the block begins."""
    data = folder / "data"
    with open_installation(load_settings(data, {})) as installation:
        service, now = default_service(installation), read_clock()
        ensure_household(installation, service, now)
        of = {"publisher": service.publisher, "service": service.id, "genres": (Genre("drama"),)}
        made = [film(f"Small tale {n}", published_at=Instant(now - n), **of) for n in range(12)]
        with installation.database.write() as conn:
            titles.insert_many(conn, made, now)
            accounts.add_account(conn, household_named(conn, "demo"), NAME, PASSWORD_HASH, now, actor=BY)
            line = fleet.ensure_line(conn, fleet.all_operators(conn)[0].id, "a-line-of-nobody", now)
            model = fleet.ensure_box_model(conn, "001A2B", "attic-box", "Attic box", {"codecs": ["avc1", "mp4a"]}, now)
            lone_box = fleet.ensure_box(conn, model.id, "LONE-0001", "Attic", now)
            fleet.assign_box(conn, lone_box.id, line.id, now, now)
            lone = fleet.mint_box_token(conn, lone_box.id, now)
    port, edge_port = free_ports(2)
    environment = environment_for(data, port=str(port), edge_port=str(edge_port))
    with serving(environment, folder / "serve.log", port=port, edge_port=edge_port):
        tokens = json.loads((data / "keys" / "screens.json").read_text())
        yield House(f"http://127.0.0.1:{port}", folder, tokens["box"], tokens["web"], lone)


def sign_in_on_our_page(on: Screen) -> None:
    """Name and password, as a person types them on the server's own page."""
    on.page.get_by_label("Name or e-mail address").fill(NAME)
    on.page.get_by_label("Password").fill(PASSWORD)
    on.page.get_by_role("button", name="Sign in").click()


def to_settings(on: Screen) -> None:
    """From Home by the remote's keys."""
    on.step("ArrowUp")
    on.move_to("Settings", "ArrowRight", 4)
    on.press("Enter")
    on.until("the settings", lambda: on.layer() == "settings")
