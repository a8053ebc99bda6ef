"""Vouchers and credit, as a household's screens see them. A code that gives nothing never tells why; to try many is slow.
A kids' screen is told nothing of money."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Annotated, Final

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from matinee.base.clock import Clock, Instant
from matinee.base.ids import HouseholdId, PublisherId, ServiceId
from matinee.base.money import Money
from matinee.base.party import SCREENS
from matinee.catalogue.answers import AnyRequest
from matinee.catalogue.model import Service
from matinee.members import ledger, voucher_store
from matinee.members.model import CarriedServices
from matinee.members.snapshot import Members
from matinee.members.voucher_codes import MAX_TYPED
from matinee.members.voucher_store import Redeemed
from matinee.outside.database import Database
from matinee.parties.attempts import Attempts, Budget

PER_HOUSEHOLD: Final = Budget(burst=6, refill_ms=60_000)
"""Somebody who mistypes a code with a remote control gets it right within six tries, or within a minute more."""
IN_ALL: Final = Budget(burst=300, refill_ms=200)
"""What many households together may try: five a second."""

PRIVATE = {"Cache-Control": "private, no-store"}


class RedeemBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A code as it was typed: small letters, blanks and dashes make no difference."""

    code: Annotated[str, msgspec.Meta(max_length=MAX_TYPED)]


class WireMoney(msgspec.Struct, frozen=True, kw_only=True):
    """Whole minor units: 799 in EUR is 7.99 euro."""

    minor: int
    currency: str


class WireRedeemed(msgspec.Struct, frozen=True, kw_only=True):
    """What the voucher was worth, and the credit that the household has with it."""

    value: WireMoney
    credit: WireMoney


class WireCredit(msgspec.Struct, frozen=True, kw_only=True):
    """What a household has to spend, and for which services that it sees: those of one publisher."""

    services: list[str]
    credit: WireMoney


class CreditList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[WireCredit]


def routes(carried: CarriedServices, members: Members, database: Database, clock: Clock) -> Sequence[HTTPRouteHandler]:
    attempts = Attempts(PER_HOUSEHOLD, IN_ALL, "Codes were tried too often.")

    @post("/api/v1/vouchers/redeem", opt={"policy": SCREENS}, status_code=200)
    async def redeem_voucher(request: AnyRequest, data: JSONBody[RedeemBody]) -> Response[WireRedeemed]:
        """Put a voucher's value into the household's credit, once. The same code again is answered as the first time."""
        household, now = members.grown_ups(request.user), clock()
        seen = {service.id for service in carried.services_of(request.user, now)}
        attempts.take(household, now)  # on the event loop, where no two are taken at once
        told = await asyncio.to_thread(_redeem, database, data.code, household, seen, now)
        if told.is_new:
            attempts.forgive(household)
        answer = WireRedeemed(value=_wire(told.value), credit=_wire(told.credit))
        return Response(answer, headers=PRIVATE)

    @get("/api/v1/credit", opt={"policy": SCREENS}, sync_to_thread=True)
    def get_credit(request: AnyRequest) -> Response[CreditList]:
        """What the household has to spend, by the publishers of the services that it sees."""
        household = members.grown_ups(request.user)
        seen = _by_publisher(carried.services_of(request.user, clock()))
        with database.read() as conn:
            found = ledger.balances(conn, household)
        items = [
            WireCredit(services=seen[publisher], credit=_wire(credit))
            for (publisher, _), credit in found.items()
            if publisher in seen
        ]
        return Response(CreditList(items=sorted(items, key=lambda one: one.services)), headers=PRIVATE)

    return [redeem_voucher, get_credit]


def _redeem(database: Database, code: str, household: HouseholdId, seen: Collection[ServiceId], now: Instant) -> Redeemed:
    return voucher_store.redeem(database, code, household, seen, now, actor=household)


def _by_publisher(services: Sequence[Service]) -> dict[PublisherId, list[str]]:
    found: dict[PublisherId, list[str]] = {}
    for service in services:
        found.setdefault(service.publisher, []).append(service.name)
    return found


def _wire(money: Money) -> WireMoney:
    return WireMoney(minor=money.minor, currency=money.currency)
