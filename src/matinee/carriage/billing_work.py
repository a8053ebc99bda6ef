"""What operators tell of their bill, and what a home's activation link does: each in one transaction.

An operator names its own accounts and the homes at its own lines; every other home, account and offer reads as one that does not
exist. That a home pays elsewhere is all that it is told of another seller: neither whom, nor for what.
"""

from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.engine import Connection

from matinee.base.clock import DAY, Clock, Instant, to_rfc3339
from matinee.base.errors import ErrorCode, NotFound
from matinee.base.ids import HouseholdId, OperatorId, PartnerAccountId, ServiceId, is_id, new_id
from matinee.base.party import Party
from matinee.carriage.billing_wire import (
    AccountAsked,
    Activated,
    EventAsked,
    WireAccount,
    WireLink,
    WireStanding,
    account_told,
    read_event,
    standing_told,
)
from matinee.carriage.explanations import moment_of
from matinee.carriage.subscription_api import Counter, household_called
from matinee.fleet.snapshot import Fleet
from matinee.members import account_store, billing_store, plan_store, store, terms_store
from matinee.members.account_store import PartnerAccount
from matinee.members.contracts import ALLOWED, Act, BillingEvent, Life, live, waits_for_link
from matinee.members.model import LIVE, MemberError
from matinee.members.selling import NotWaiting, Selling, Taken
from matinee.members.terms_store import Environment
from matinee.outside.database import Database
from matinee.parties import outbox
from matinee.parties.hooks import actor_of

LINK_MS: Final = 14 * DAY
_CODE: Final = 10


class NotInThisState(MemberError):
    """An event met a state in which it is not allowed."""

    code = ErrorCode.NOT_IN_THIS_STATE


class _TakeBack(Exception):
    """Raised at the end of what was tried in the sandbox."""

    def __init__(self, taken: Taken) -> None:
        super().__init__()
        self.taken = taken


class Bills:
    """What the routes do, each in one transaction."""

    def __init__(self, counter: Counter, fleet: Fleet, database: Database, origin: str, clock: Clock) -> None:
        self._counter = counter
        self._fleet = fleet
        self._database = database
        self._origin = origin
        self._clock = clock

    def take(self, party: Party, told: EventAsked) -> tuple[WireStanding, bool]:
        """Take an event; how the subscription stands, and whether it was new. Raises MatineeError."""
        now, operator = self._clock(), _operator(party)
        event, words = read_event(told), msgspec.to_builtins(told)
        link, is_new = None, True
        try:
            with self._database.write() as conn:
                selling = Selling(conn, self._counter.lines, now, actor_of(party))
                before = billing_store.told_as(conn, operator, told.event_id)
                if before is None:
                    account, event = self._resolved(conn, party, operator, told, event, now)
                    taken = selling.take(account, event, words, self._zone(operator))
                    link = self._waiting_link(conn, taken, event, now)
                else:
                    taken, is_new = _again(conn, before, told.event_id, words), False
                if told.environment is Environment.SANDBOX:
                    raise _TakeBack(taken)
        except _TakeBack as tried:
            taken = tried.taken
        if not taken.fits:
            raise _not_allowed(event, taken.life)
        return standing_told(told, taken, link, now), is_new

    def add_account(self, party: Party, asked: AccountAsked) -> tuple[WireAccount, bool]:
        """The account by which an operator and a service name a home, and whether it is new. Raises NotFound."""
        now, operator = self._clock(), _operator(party)
        with self._database.write() as conn:
            outbox.hold(conn)  # two who ask for one home at once must not both find it without an account
            service = self._service(party, asked.service_id)
            if service is None or not self._counter.sells(operator, service, now):
                raise NotFound("There is no such service of yours.", remedy="Send the id of one that you sell on your bill.")
            if asked.household is None:
                made, is_new = account_store.add_account(conn, operator, service, None, now), True
            else:
                made, is_new = self._account_of_home(conn, operator, service, asked.household, now)
            return account_told(made, asked.household, live(billing_store.events_of(conn, made.id)), now), is_new

    def account(self, party: Party, text: str) -> WireAccount:
        """An account of the operator's own, or of the publisher's services, which is not told whose it is. Raises NotFound."""
        with self._database.read() as conn:
            found = self._own_account(conn, party, text)
            named = [] if found.household is None or not party.side.has_operator(found.operator) else [found.household]
            home = next(iter(store.references_of(conn, named).values()), None)
            return account_told(found, home, live(billing_store.events_of(conn, found.id)), self._clock())

    def new_link(self, party: Party, text: str) -> WireLink:
        """A new link of what waits for one; those before it open nothing any more. Raises NotFound, NotWaiting."""
        now = self._clock()
        with self._database.write() as conn:
            found = self._own_account(conn, party, text)
            events = billing_store.events_of(conn, found.id)
            if not waits_for_link(events, Instant(max([now, *(one.at for one in events)]))):
                raise NotWaiting
            return self._link(conn, found.id, now)

    def open(self, party: Party, code: str) -> Activated:
        """Activate by a link's code, as the screen's home. Raises NotFound for every code that is not this home's to open."""
        now, nothing = self._clock(), NotFound("There is no such code.", remedy="Type it as it was sent, or ask for another.")
        household = party.household
        with self._database.write() as conn:
            found = account_store.account_to_open(conn, code, now) if household is not None else None
            if found is None or household is None or found[0].household not in (None, household):
                raise nothing
            account, opens = found
            if self._counter.lines.left(household, account.operator, now) is not None:
                raise nothing
            if not opens and (account.household is None or waits_for_link(billing_store.events_of(conn, account.id), now)):
                raise nothing
            if opens:
                if not self._counter.sells(account.operator, account.service, now):
                    raise nothing
                selling = Selling(conn, self._counter.lines, now, f"household {household}")
                life = selling.open(account, household, self._zone(account.operator)).life
                account_store.use_code(conn, code, now)
            else:
                life = live(billing_store.events_of(conn, account.id))
            span = life.at(now)
            if span is None or span.state not in LIVE:
                raise nothing
        return Activated(
            service_id=account.service,
            service_name=self._counter.sides.name_of(account.service),
            state=span.state.value,
            valid_from=to_rfc3339(span.valid_from),
            valid_to=moment_of(span.valid_to),
        )

    def _resolved(
        self, conn: Connection, party: Party, operator: OperatorId, told: EventAsked, event: BillingEvent, now: Instant
    ) -> tuple[PartnerAccount, BillingEvent]:
        """Whose event it is, and of which plan. Raises NotFound, InvalidRequest."""
        plan = None
        if told.offer_id is not None:
            offer = terms_store.offer_named(conn, operator, told.environment, told.offer_id)
            plan = None if offer is None else plan_store.plan_of(conn, offer.plan)
            if plan is None or not self._counter.sells(operator, plan.service, now):
                raise _no_offer()
        if told.partner_account_id is not None:
            account = self._own_account(conn, party, told.partner_account_id)
        else:
            service = plan.service if plan is not None else self._service(party, told.service_id or "")
            if service is None:
                raise _no_home()
            account, _ = self._account_of_home(conn, operator, service, told.household or "", now, event.at)
        if event.act is Act.ACTIVATE and not self._is_home_of(operator, account.household, now, event.at):
            raise _no_account() if told.household is None else _no_home()
        if plan is not None and plan.service != account.service:
            raise _no_offer()
        by_link = event.by_link or (event.act is Act.ACTIVATE and account.household is None)
        return account, msgspec.structs.replace(event, plan=None if plan is None else plan.id, by_link=by_link)

    def _account_of_home(
        self,
        conn: Connection,
        operator: OperatorId,
        service: ServiceId,
        reference: str,
        *moments: Instant,
    ) -> tuple[PartnerAccount, bool]:
        """That of a home which has one, or of one that is at the operator's lines at one of these moments. Raises NotFound."""
        household: HouseholdId | None = household_called(conn, reference)
        if household is None:
            raise _no_home()
        found = account_store.account_of(conn, operator, service, household)
        if found is not None:
            return found, False
        now = moments[0]
        if not (self._counter.sells(operator, service, now) and self._is_home_of(operator, household, *moments)):
            raise _no_home()
        return account_store.add_account(conn, operator, service, household, now), True

    def _is_home_of(self, operator: OperatorId, household: HouseholdId | None, *moments: Instant) -> bool:
        """Whether the home has a line at the operator at one of these moments; also true of one that is not known yet."""
        return household is None or any(self._counter.lines.left(household, operator, one) is None for one in moments)

    def _own_account(self, conn: Connection, party: Party, text: str) -> PartnerAccount:
        found = account_store.account(conn, PartnerAccountId(text)) if is_id(text) else None
        if found is None:
            raise _no_account()
        if not party.side.has_operator(found.operator) and self._service(party, found.service) is None:
            raise _no_account()
        if party.side.operator not in (None, found.operator):
            raise _no_account()
        if found.household is not None and store.is_erased(conn, found.household):
            raise _no_account()
        return found

    def _service(self, party: Party, text: str) -> ServiceId | None:
        found = self._counter.sides.service(party, text)
        return None if found is None else found.id

    def _waiting_link(self, conn: Connection, taken: Taken, event: BillingEvent, now: Instant) -> WireLink | None:
        return self._link(conn, taken.account.id, now) if event.by_link and taken.fits else None

    def _link(self, conn: Connection, account: PartnerAccountId, now: Instant) -> WireLink:
        code, expires_at = new_id()[-_CODE:], Instant(now + LINK_MS)
        account_store.add_code(conn, account, code, now, expires_at)
        shown = f"{code[:5]}-{code[5:]}".upper()
        return WireLink(code=shown, url=f"{self._origin}/watch/#/activate/{shown}", expires_at=to_rfc3339(expires_at))

    def _zone(self, operator: OperatorId) -> ZoneInfo:
        found = self._fleet.operator(operator)
        return ZoneInfo("UTC" if found is None else found.timezone)


def _operator(party: Party) -> OperatorId:
    if party.side.operator is None:
        raise _no_account()
    return party.side.operator


def _again(conn: Connection, before: tuple[PartnerAccountId, Any], event_id: str, words: Any) -> Taken:
    """What came of an event that was told before. Raises MemberError where it was told otherwise.

    Also of a home that is erased by now: its sender may not have heard the first answer, and learns what came of it: it is over.
    """
    account, told = before
    if not billing_store.is_said_again(told, words):
        raise MemberError(
            f"The eventId {event_id!r} names another event already.",
            remedy="Give each event an id of its own; to say one again, say all of it as before.",
            code=ErrorCode.CONFLICT,
        )
    found = account_store.account(conn, account)
    if found is None:
        raise _no_account()
    life = live(billing_store.events_of(conn, account))
    return Taken(account=found, life=life, fits=event_id not in life.unfit)


def _not_allowed(event: BillingEvent, life: Life) -> NotInThisState:
    met = life.unfit[event.id]
    states = sorted("nothing" if one is None else one.value for one in ALLOWED[event.act])
    return NotInThisState(
        f"{event.act.value} is not allowed where the subscription is {'nothing yet' if met is None else met.value}.",
        remedy=f"It is from {', '.join(states)}. It is kept, and counts once an earlier event makes it fit: send that one.",
    )


def _no_offer() -> NotFound:
    return NotFound("There is no such offer of yours.", remedy="GET /api/v1/offers lists them.")


def _no_account() -> NotFound:
    return NotFound("There is no such account of yours.", remedy="POST /api/v1/partner-accounts makes one.")


def _no_home() -> NotFound:
    return NotFound("There is no such household of yours.", remedy="Send the reference of one at your lines.")
