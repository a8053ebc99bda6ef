"""Three accounts of the same homes laid side by side: what we recorded of an operator's charges and subscriptions, what the
operator says that it billed, and what a play would be allowed by. Pure; days are the operator's, and every stretch of them is
half open.

First the charges are compared, event by event; then, of each home and day that those said nothing of, whether it was billed,
whether it subscribed and whether it could play. One cause gives one discrepancy: what follows from it is not told beside it, and
shows at the next run where it is still so. The same told twice on any side changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec

from matinee.base.money import Money

Home = tuple[str, str, str]
"""A household by its reference, a service and a plan by their names."""


class Told(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A charge, as one side tells it. `corrects`, ours alone: the event that this takes back of, or adds to.

    `where` is the place in the operator's file; `is_known` False: it names a home or a plan of which we know nothing.
    """

    event_id: str
    household: str
    service: str
    plan: str
    first: date
    until: date
    amount: Money
    corrects: str | None = None
    where: str = ""
    is_known: bool = True

    @property
    def home(self) -> Home:
        return self.household, self.service, self.plan


class Stands(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The days on which a household subscribed to what the operator sold, by our records."""

    household: str
    service: str
    plan: str
    first: date
    until: date


class AllowedBy(StrEnum):
    """By what a play is allowed. `nobody`: the agreement asks for no plan, and so nobody owes anything."""

    OPERATOR = "operator"
    US = "us"
    NOBODY = "nobody"


class Plays(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The days on which a household may play a service, and by what."""

    household: str
    service: str
    first: date
    until: date
    by: AllowedBy


class Kind(StrEnum):
    """What is wrong. Part of what programs read: a name never changes its meaning."""

    UNKNOWN_NAME = "unknown_name"
    EVENT_CONFLICTS = "event_conflicts"
    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    HOME_DIFFERS = "home_differs"
    PLAN_DIFFERS = "plan_differs"
    PERIOD_DIFFERS = "period_differs"
    CURRENCY_DIFFERS = "currency_differs"
    AMOUNT_DIFFERS = "amount_differs"
    BILLED_TWICE = "billed_twice"
    BILLED_NOT_SUBSCRIBED = "billed_not_subscribed"
    SUBSCRIBED_NOT_BILLED = "subscribed_not_billed"
    BILLED_CANNOT_PLAY = "billed_cannot_play"
    BILLED_FOR_NOTHING = "billed_for_nothing"
    PLAYS_UNPAID = "plays_unpaid"


class MendEvent(StrEnum):
    CHARGE = "charge"
    SUBSCRIBE = "subscribe"
    END = "end"
    RESEND = "resend"


class Mend(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An event that would set it right, recorded by us or by the operator. Nothing is ever edited: what is taken back is a charge
    below zero that names what it corrects. `amount` None: the plan's own price."""

    at: str
    event: MendEvent
    household: str
    service: str
    plan: str
    first: date
    until: date | None = None
    event_id: str | None = None
    amount: Money | None = None
    corrects: str | None = None


class Discrepancy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that is wrong, both sides of it in words, and the events that would mend it."""

    kind: Kind
    household: str
    service: str
    plan: str
    first: date
    until: date
    ours: str
    theirs: str
    mends: tuple[Mend, ...]
    event_id: str | None = None


US: Final = "us"
OPERATOR: Final = "operator"
_ORDER: Final = list(Kind)
_DAY: Final = timedelta(days=1)


def reconcile(
    ours: Iterable[Told],
    theirs: Iterable[Told],
    stands: Iterable[Stands],
    plays: Iterable[Plays],
    since: date,
    until: date,
) -> list[Discrepancy]:
    """What does not agree on the days from `since` up to, not including, `until`: by household, day and kind.

    Each side is given whole where it touches those days; charges of an event that only one side puts there are looked for in all
    that is given.
    """
    return _Comparison(ours, theirs, stands, plays, since, until).found()


class _Comparison:
    """One reconciliation: what is gathered on the way. `_told` are the homes' days of which something was said already."""

    def __init__(
        self,
        ours: Iterable[Told],
        theirs: Iterable[Told],
        stands: Iterable[Stands],
        plays: Iterable[Plays],
        since: date,
        until: date,
    ) -> None:
        self._since, self._until = since, until
        self._ours, self._corrections = _effective(ours)
        self._versions = _versions(theirs)
        self._stands: dict[Home, set[date]] = {}
        for one in stands:
            self._stands.setdefault((one.household, one.service, one.plan), set()).update(self._days(one.first, one.until))
        self._plays: dict[tuple[str, str], dict[date, AllowedBy]] = {}
        for play in sorted(set(plays), key=lambda one: (one.by is not AllowedBy.US, one.by is not AllowedBy.OPERATOR)):
            days = dict.fromkeys(self._days(play.first, play.until), play.by)
            self._plays.setdefault((play.household, play.service), {}).update(days)
        self._told: dict[Home, set[date]] = {}
        self._billed: dict[Home, list[Told]] = {}
        self._found: list[Discrepancy] = []

    def found(self) -> list[Discrepancy]:
        for event_id in sorted(self._ours.keys() | self._versions.keys()):
            self._compare(event_id, self._ours.get(event_id, []), self._versions.get(event_id, []))
        for home in sorted(self._billed):
            self._find_twice(home)
        for home in sorted(self._billed.keys() | self._stands.keys()):
            self._compare_days(home)
        plans: dict[tuple[str, str], list[Home]] = {}
        for home in self._billed.keys() | self._stands.keys() | self._told.keys():
            plans.setdefault(home[:2], []).append(home)
        for household, service in sorted(self._plays):
            self._find_unpaid(household, service, plans.get((household, service), []))
        return sorted(self._found, key=_place_of)

    # --- charges, event by event

    def _compare(self, event_id: str, ours: Sequence[Told], theirs: Sequence[Told]) -> None:
        if not any(self._touches(one) for one in (*ours, *theirs)):
            return
        unknown = [one for one in theirs if not one.is_known]
        if unknown:
            back = Mend(**_words(unknown[0]), at=OPERATOR, event=MendEvent.CHARGE, amount=-unknown[0].amount, corrects=event_id)
            self._tell(Kind.UNKNOWN_NAME, unknown[0], "no home or no plan of these names", _says(unknown[0]), back)
        elif len(theirs) > 1:
            said = "; and ".join(_says(one) for one in theirs)
            again = Mend(**_words(theirs[0]), at=OPERATOR, event=MendEvent.RESEND, event_id=event_id)
            self._tell(Kind.EVENT_CONFLICTS, theirs[0], _says_all(ours), said, again)
            self._pass_over([*ours, *theirs])
        elif not ours:
            (one,) = theirs
            before = self._corrections.get(event_id)  # told of one that was taken back whole: its own id is spent
            named = (event_id, None) if before is None else (f"{event_id}.c{before + 1}", event_id)
            record = Mend(**_words(one), at=US, event=MendEvent.CHARGE, event_id=named[0], corrects=named[1], amount=one.amount)
            self._tell(Kind.MISSING_HERE, one, "no such charge", _says(one), record)
        elif not theirs:
            self._tell(Kind.MISSING_THERE, ours[0], _says_all(ours), "no such charge", *self._without_theirs(ours))
            self._pass_over(ours)
        else:
            (one,) = theirs
            kind = _difference(ours, one)
            if kind is None:
                self._billed.setdefault(one.home, []).append(one)
            else:
                self._tell(kind, one, _says_all(ours), _says(one), *self._as_billed(ours, one))
                self._pass_over(ours)

    def _without_theirs(self, ours: Sequence[Told]) -> list[Mend]:
        """Of a charge that the operator does not tell: it bills what was subscribed to; what was not is taken back here."""
        if any(self._stands.get(one.home, set()) & self._days(one.first, one.until) for one in ours):
            return [
                Mend(**_words(one), at=OPERATOR, event=MendEvent.CHARGE, event_id=one.event_id, amount=one.amount) for one in ours
            ]
        return self._taken_back(ours)

    def _as_billed(self, ours: Sequence[Told], theirs: Told) -> list[Mend]:
        """Take back what we have of an event, and record it as it was billed."""
        back = self._taken_back(ours)
        new_id = f"{theirs.event_id}.c{self._corrections.get(theirs.event_id, 0) + len(back) + 1}"
        words = _words(theirs)
        return [
            *back,
            Mend(
                **words,
                at=US,
                event=MendEvent.CHARGE,
                event_id=new_id,
                amount=theirs.amount,
                corrects=theirs.event_id,
            ),
        ]

    def _taken_back(self, ours: Sequence[Told]) -> list[Mend]:
        before = self._corrections.get(ours[0].event_id, 0)
        return [
            Mend(
                **_words(one),
                at=US,
                event=MendEvent.CHARGE,
                event_id=f"{one.event_id}.c{before + number}",
                amount=-one.amount,
                corrects=one.event_id,
            )
            for number, one in enumerate(ours, 1)
        ]

    def _find_twice(self, home: Home) -> None:
        """Of charges whose days overlap the one that begins last, then the one whose id comes last, is one too many."""
        kept: Told | None = None
        for one in sorted(self._billed[home], key=lambda one: (one.first, one.event_id)):
            if kept is not None and one.first < kept.until:
                back = Mend(**_words(one), at=OPERATOR, event=MendEvent.CHARGE, amount=-one.amount, corrects=one.event_id)
                self._tell(Kind.BILLED_TWICE, one, "both recorded", f"{_says(one)}, and {_says(kept)}", back)
            if kept is None or one.until > kept.until:
                kept = one

    # --- homes, day by day

    def _compare_days(self, home: Home) -> None:
        billed = {day for one in self._billed.get(home, ()) for day in self._days(one.first, one.until)}
        subscribed = self._stands.get(home, set())
        plays = self._plays.get(home[:2], {})
        wrong: dict[date, Kind] = {}
        for day in (billed | subscribed) - self._told.get(home, set()):
            kind = _of_a_day(day in billed, day in subscribed, plays.get(day))
            if kind is not None:
                wrong[day] = kind
        for kind, first, until in _stretches(wrong):
            self._tell_days(home, kind, first, until)

    def _tell_days(self, home: Home, kind: Kind, first: date, until: date) -> None:
        words: dict[str, Any] = dict(zip(("household", "service", "plan"), home, strict=True))
        events = [one for one in self._billed.get(home, ()) if one.first < until and first < one.until]
        back = [
            Mend(**_words(one), at=OPERATOR, event=MendEvent.CHARGE, amount=-one.amount, corrects=one.event_id) for one in events
        ]
        mends = {
            Kind.BILLED_NOT_SUBSCRIBED: [Mend(**words, at=US, event=MendEvent.SUBSCRIBE, first=first, until=until)],
            Kind.SUBSCRIBED_NOT_BILLED: [Mend(**words, at=OPERATOR, event=MendEvent.CHARGE, first=first, until=until)],
            Kind.BILLED_CANNOT_PLAY: [*back, *self._ended([home], Mend(**words, at=US, event=MendEvent.END, first=first), until)],
            Kind.BILLED_FOR_NOTHING: back,
        }[kind]
        ours, theirs = _SAYS[kind]
        self._found.append(
            Discrepancy(
                kind=kind,
                **words,
                first=first,
                until=until,
                ours=ours,
                theirs=theirs or "; and ".join(_says(one) for one in events),
                mends=tuple(mends),
                event_id=events[0].event_id if events else None,
            )
        )

    def _find_unpaid(self, household: str, service: str, homes: Sequence[Home]) -> None:
        """Days on which a play is allowed by what the operator sold, though it sold nothing there by anybody's account."""
        paid: set[date] = set()
        for home in homes:
            paid |= self._stands.get(home, set()) | self._told.get(home, set())
            paid |= {day for one in self._billed.get(home, ()) for day in self._days(one.first, one.until)}
        days = self._plays[household, service]
        wrong = {day: Kind.PLAYS_UNPAID for day, by in days.items() if by is AllowedBy.OPERATOR and day not in paid}
        for kind, first, until in _stretches(wrong):
            ours, theirs = _SAYS[kind]
            end = Mend(at=US, event=MendEvent.END, household=household, service=service, plan="", first=first)
            self._found.append(
                Discrepancy(
                    kind=kind,
                    household=household,
                    service=service,
                    plan="",
                    first=first,
                    until=until,
                    ours=ours,
                    theirs=theirs,
                    mends=tuple(self._ended(homes, end, until)),
                )
            )

    def _ended(self, homes: Iterable[Home], end: Mend, until: date) -> list[Mend]:
        """The end of what does not hold; and what does hold again afterwards begins anew, since an end has no end."""
        found = [end]
        for home in sorted(homes):
            days = self._stands.get(home, set())
            again = until
            while again in days:
                again += _DAY
            if again != until:
                words: dict[str, Any] = dict(zip(("household", "service", "plan"), home, strict=True))
                found.append(Mend(**words, at=US, event=MendEvent.SUBSCRIBE, first=until, until=again))
        return found

    # --- what both use

    def _tell(self, kind: Kind, one: Told, ours: str, theirs: str, *mends: Mend) -> None:
        self._found.append(
            Discrepancy(
                kind=kind,
                household=one.household,
                service=one.service,
                plan=one.plan,
                first=one.first,
                until=one.until,
                ours=ours,
                theirs=theirs,
                mends=mends,
                event_id=one.event_id,
            )
        )
        self._pass_over([one])

    def _pass_over(self, charges: Iterable[Told]) -> None:
        for one in charges:
            self._told.setdefault(one.home, set()).update(self._days(one.first, one.until))

    def _touches(self, one: Told) -> bool:
        return one.first < self._until and self._since < one.until

    def _days(self, first: date, until: date) -> set[date]:
        begins, ends = max(first, self._since), min(until, self._until)
        return {begins + number * _DAY for number in range((ends - begins).days)}


_SAYS: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.BILLED_NOT_SUBSCRIBED: ("no subscription", ""),
    Kind.SUBSCRIBED_NOT_BILLED: ("a subscription that this operator sold", "no charge"),
    Kind.BILLED_CANNOT_PLAY: ("a subscription, by which nothing may be played", ""),
    Kind.BILLED_FOR_NOTHING: ("the agreement asks for no plan", ""),
    Kind.PLAYS_UNPAID: ("no subscription, and yet a play would be allowed", "no charge"),
}


def _place_of(one: Discrepancy) -> tuple[str, date, int, str, str]:
    return one.household, one.first, _ORDER.index(one.kind), one.event_id or "", one.plan


def _of_a_day(is_billed: bool, is_subscribed: bool, by: AllowedBy | None) -> Kind | None:
    if by is AllowedBy.NOBODY:
        return Kind.BILLED_FOR_NOTHING if is_billed else None
    if not is_subscribed:
        return Kind.BILLED_NOT_SUBSCRIBED
    if not is_billed:
        return Kind.SUBSCRIBED_NOT_BILLED
    return None if by is AllowedBy.OPERATOR else Kind.BILLED_CANNOT_PLAY


def _difference(ours: Sequence[Told], theirs: Told) -> Kind | None:
    """What is first wrong of a charge that both sides have: where we have it in several pieces, what the first of them has
    wrong.
    """
    for one in ours:
        for kind, mine, other in (
            (Kind.HOME_DIFFERS, one.household, theirs.household),
            (Kind.PLAN_DIFFERS, (one.service, one.plan), (theirs.service, theirs.plan)),
            (Kind.PERIOD_DIFFERS, (one.first, one.until), (theirs.first, theirs.until)),
            (Kind.CURRENCY_DIFFERS, one.amount.currency, theirs.amount.currency),
            (Kind.AMOUNT_DIFFERS, one.amount, theirs.amount),
        ):
            if mine != other:
                return kind
    return None


def _effective(ours: Iterable[Told]) -> tuple[dict[str, list[Told]], dict[str, int]]:
    """By event what is left of it after its corrections, in pieces that differ in home, days or currency; and how many those
    were.
    """
    rows = {one.event_id: one for one in ours}
    pieces: dict[str, dict[tuple[Home, date, date, str], Money]] = {}
    corrections: dict[str, int] = {}
    for _, one in sorted(rows.items()):
        root = one.corrects or one.event_id
        key = (one.home, one.first, one.until, one.amount.currency)
        of = pieces.setdefault(root, {})
        of[key] = of.get(key, Money(0, one.amount.currency)) + one.amount
        corrections[root] = corrections.get(root, 0) + (one.corrects is not None)
    found: dict[str, list[Told]] = {}
    for root, of in pieces.items():
        left = [
            Told(event_id=root, household=home[0], service=home[1], plan=home[2], first=first, until=until, amount=amount)
            for (home, first, until, _), amount in of.items()
            if amount.minor
        ]
        if left:
            found[root] = left
    return found, corrections


def _versions(theirs: Iterable[Told]) -> dict[str, list[Told]]:
    """By event what the file says of it: one thing, or several that are not the same."""
    found: dict[str, dict[Told, Told]] = {}
    for one in theirs:
        found.setdefault(one.event_id, {}).setdefault(msgspec.structs.replace(one, where=""), one)
    return {event_id: list(of.values()) for event_id, of in found.items()}


def _stretches(wrong: Mapping[date, Kind]) -> list[tuple[Kind, date, date]]:
    """Days that follow one another and have the same fault, as one."""
    found: list[tuple[Kind, date, date]] = []
    for day in sorted(wrong):
        kind = wrong[day]
        if found and found[-1][0] is kind and found[-1][2] == day:
            found[-1] = (kind, found[-1][1], day + _DAY)
        else:
            found.append((kind, day, day + _DAY))
    return found


def _words(one: Told) -> dict[str, Any]:
    return {"household": one.household, "service": one.service, "plan": one.plan, "first": one.first, "until": one.until}


def _says_all(charges: Iterable[Told]) -> str:
    return "; and ".join(_says(one) for one in charges) or "no such charge"


def _says(one: Told) -> str:
    place = f" ({one.where})" if one.where else ""
    return f"{one.amount} for {one.household}, {one.service} {one.plan}, {one.first} to {one.until - _DAY}{place}"
