"""An operator's bill over a world: Cinéma sold by two operators and by itself, and who tells of it."""

from typing import Any

import httpx
from hypothesis import HealthCheck, settings

from matinee.base.clock import Instant, to_rfc3339
from matinee.base.ids import HouseholdId, OperatorId
from matinee.carriage.model import Billing
from matinee.members import plan_store, store
from matinee.members.payers import edges, pays
from tests.world import NOW, Home, Screens, World

EVENTS, ACCOUNTS, OFFERS = "/api/v1/billing/events", "/api/v1/partner-accounts", "/api/v1/offers"
few = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)


class Bills:
    """Orange and Free sell two plans of Cinéma on their bills, each under offers of its own."""

    def __init__(self, world: World, who: Screens) -> None:
        self.world, self.who = world, who
        self.studio, self.rival = who.studio, who.rival
        self.orange = who.as_(world.key("operator", operator=world.orange))
        self.free = who.as_(world.key("operator", operator=world.free))
        for operator in (world.orange, world.free):
            world.sign(operator, world.cinema, valid_from=NOW, billing=Billing.OPERATOR)
        self.plans = {}
        for name in ("Basic", "Plus"):
            asked = {"service_id": world.cinema.id, "name": name}
            self.plans[name] = self.studio.send("POST", "/api/v1/plans", asked).raise_for_status().json()["id"]
        world.feed.poll()
        for seller in (self.orange, self.free):
            for name, plan in self.plans.items():
                for environment in ("production", "sandbox"):
                    asked = {"plan_id": plan, "offer_id": f"{name}-{environment}", "environment": environment}
                    assert seller.send("POST", OFFERS, asked).status_code == 201
        self._count = 0

    def tell(self, act: str, at: int = 0, *, who: Any = None, **words: Any) -> httpx.Response:
        """One event of Orange's, so many milliseconds after the beginning, of the home `one` where nothing else is said."""
        self._count += 1
        body = {"eventId": f"event {self._count}", "eventTime": self.moment(at), "eventType": act, **words}
        if act in ("activate", "change"):
            body.setdefault("offer_id", "Basic-production")
        if "partner_account_id" not in body:
            body.setdefault("household", "one")
            body.setdefault("service_id", self.world.cinema.id)
        if act == "cancel":
            body.setdefault("until", self.moment(at))
        answer = (who or self.orange).send("POST", EVENTS, body)
        self.world.feed.poll()
        return answer

    @staticmethod
    def moment(at: int) -> str:
        return to_rfc3339(Instant(NOW + at))

    def states(self, operator: OperatorId | None, home: Home | None = None) -> list[tuple[str, str, int]]:
        """How what was sold stands from moment to moment: state, plan, since when; what plays no more is left out."""
        rows = [one for one in self.rows(home) if one.operator == operator]
        names = {plan: name for name, plan in self.plans.items()}
        found: list[tuple[str, str, int]] = []
        for moment in edges(rows):
            for plan in sorted(names, key=lambda plan: names[plan]):
                of_plan = [one for one in rows if one.plan == plan]
                held = plan_store.in_force(of_plan, moment)
                if held is None or held.state.value == "ended":
                    continue
                if not found or found[-1][:2] != (held.state.value, names[plan]):
                    found.append((held.state.value, names[plan], moment - NOW))
        return found

    def rows(self, home: Home | None = None) -> list[Any]:
        with self.world.database.read() as conn:
            return list(plan_store.subscriptions_of(conn, [(home or self.world.one).household]))

    def payers_at_most(self, home: Home | None = None) -> int:
        """How many bill the home at once, at any moment and as it was known at any."""
        rows = self.rows(home)
        most = 0
        for known_at in sorted({one.recorded_at for one in rows}):
            known = [one for one in rows if one.recorded_at <= known_at]
            for moment in edges(known):
                sellers = {one.operator for one in known}
                most = max(most, sum(pays([one for one in known if one.operator == seller], moment) for seller in sellers))
        return most

    def plays(self, home: Home | None = None, at: int | None = None) -> bool:
        household = (home or self.world.one).household
        moment = self.world.now if at is None else Instant(NOW + at)
        return self.world.entitlements.of_household(household, self.world.cinema.id, moment).may_play

    def settle(self, operator: OperatorId | None = None) -> tuple[Home, str]:
        """Another home, at Orange where nothing else is said, and its reference."""
        self._count += 1
        name = f"home {self._count}"
        return self.world.settle(operator or self.world.orange, name), name

    def also_at(self, line: Home, home: Home) -> None:
        """A home's line is another's too: that one has two."""
        with self.world.database.write() as conn:
            store.assign_household(conn, line.line.id, home.household, Instant(NOW + 1), self.world.now)
        self.world.feed.poll()

    def move(self, home: Home, at: int, to: HouseholdId | None = None, line: Home | None = None) -> None:
        """From a moment on the home's line is nobody's, and another's, where one is named, its own."""
        with self.world.database.write() as conn:
            store.assign_household(conn, home.line.id, to, Instant(NOW + at), self.world.now)
            if line is not None:
                store.assign_household(conn, line.line.id, home.household, Instant(NOW + at), self.world.now)
        self.world.feed.poll()
