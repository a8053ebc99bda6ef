"""What operators tell of the subscriptions on their bill, over HTTP, and the link by which a home activates one."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody

from matinee.base.clock import MINUTE, SECOND, Clock
from matinee.base.party import OPERATORS, OWNERS, SCREENS
from matinee.carriage.billing_wire import (
    AccountAsked,
    Activated,
    CodeAsked,
    EventAsked,
    WireAccount,
    WireLink,
    WireStanding,
)
from matinee.carriage.billing_work import Bills
from matinee.carriage.subscription_api import PRIVATE, Counter, PartyRequest, there_already
from matinee.fleet.snapshot import Fleet
from matinee.members.terms_store import Environment
from matinee.outside.database import Database
from matinee.parties.attempts import Attempts, Budget

PER_HOME: Final = Budget(burst=5, refill_ms=MINUTE)
IN_ALL: Final = Budget(burst=100, refill_ms=SECOND)
"""A code has 50 random bits: at one try a second, one of a million that are open is guessed in some 35 years."""
_READ_AS: Final = str.maketrans("oil", "011")


def routes(counter: Counter, fleet: Fleet, database: Database, web_origin: str, clock: Clock) -> Sequence[Router]:
    bills = Bills(counter, fleet, database, web_origin, clock)
    attempts = Attempts(PER_HOME, IN_ALL, "Codes were tried too often.")

    @post("/billing/events", opt={"policy": OPERATORS}, sync_to_thread=True, responses=there_already(WireStanding))
    def take_event(request: PartyRequest, data: JSONBody[EventAsked]) -> Response[WireStanding]:
        """Tell what happened to a subscription on one's own bill, in whatever order. The same again: 200."""
        standing, is_new = bills.take(request.user, data)
        created = is_new and data.environment is Environment.PRODUCTION
        return Response(standing, status_code=201 if created else 200, headers=PRIVATE)

    @post("/partner-accounts", opt={"policy": OPERATORS}, sync_to_thread=True, responses=there_already(WireAccount))
    def make_account(request: PartyRequest, data: JSONBody[AccountAsked]) -> Response[WireAccount]:
        """The id by which one's own customer is named to a service, and to no other. One that is there: 200."""
        made, is_new = bills.add_account(request.user, data)
        return Response(made, status_code=201 if is_new else 200, headers=PRIVATE)

    @get("/partner-accounts/{account_id:str}", opt={"policy": OWNERS}, sync_to_thread=True)
    def get_account(request: PartyRequest, account_id: FromPath[str]) -> Response[WireAccount]:
        """How an account stands: to its service's publisher, and to its operator, which also reads which home it is."""
        return Response(bills.account(request.user, account_id), headers=PRIVATE)

    @post("/partner-accounts/{account_id:str}/activation", opt={"policy": OPERATORS}, sync_to_thread=True)
    def new_link(request: PartyRequest, account_id: FromPath[str]) -> Response[WireLink]:
        """Another link for what waits to be activated: the one before opens nothing any more."""
        return Response(bills.new_link(request.user, account_id), status_code=201, headers=PRIVATE)

    @post("/activations", opt={"policy": SCREENS}, status_code=200)
    async def activate(request: PartyRequest, data: JSONBody[CodeAsked]) -> Response[Activated]:
        """Open an activation link as this screen's home. 403 on a screen where a kids' profile is open: somebody will pay."""
        counter.check_grown_ups(request.user)
        name = str(request.user.household)
        attempts.take(name, clock())
        code = "".join(sign for sign in data.code.lower() if sign.isalnum()).translate(_READ_AS)
        found = await asyncio.to_thread(bills.open, request.user, code)
        attempts.forgive(name)
        return Response(found, headers=PRIVATE)

    handlers: list[Any] = [take_event, make_account, get_account, new_link, activate]
    return [Router(path="/api/v1", route_handlers=handlers)]
