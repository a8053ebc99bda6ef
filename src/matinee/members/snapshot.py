"""Households in memory, and the one place where a token becomes a party: box -> line -> household, for a moment."""

import dataclasses
import hmac
import secrets
from collections.abc import Collection, Sequence

from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.base.dated import in_force
from matinee.base.errors import NotFound
from matinee.base.ids import BoxId, HouseholdId, LineId
from matinee.base.party import Party, PartyKind
from matinee.fleet.snapshot import MAX_KEPT, Fleet
from matinee.members import pin_store, store
from matinee.members.guard import Guard
from matinee.members.model import HouseholdAssignment, NotForKids, Profile, ProfileNotFound
from matinee.members.pins import Marking
from matinee.members.sign_in.screen_tokens import ScreenTokens
from matinee.parties import tokens
from matinee.parties.outbox import Event
from matinee.parties.snapshot import ApiKeys, Staff
from matinee.parties.tokens import TokenDigest, TokenKind


class Members:
    """Follows the topics "members" and "pins". Readers take no lock: a refresh swaps each table whole, or one household's row.

    `mark` signs unlocks (`pins.Marking`); without, a key of this process does, whose unlocks no other process knows.
    """

    topics = frozenset({store.TOPIC, pin_store.TOPIC})

    def __init__(self, mark: Marking | None = None) -> None:
        self.guard = Guard(mark or _own_marking())
        self._by_line: dict[LineId, tuple[HouseholdAssignment, ...]] = {}
        self._lines_of: dict[HouseholdId, tuple[LineId, ...]] = {}
        self._profiles: dict[HouseholdId, tuple[Profile, ...]] = {}
        self._tokens: dict[TokenDigest, tuple[HouseholdId, Instant | None]] = {}

    def load(self, conn: Connection) -> None:
        by_line: dict[LineId, list[HouseholdAssignment]] = {}
        lines_of: dict[HouseholdId, dict[LineId, None]] = {}
        for assignment in store.each_assignment(conn):
            by_line.setdefault(assignment.line, []).append(assignment)
            if assignment.household is not None:
                lines_of.setdefault(assignment.household, {})[assignment.line] = None
        members: dict[HouseholdId, list[Profile]] = {}
        for profile in store.each_profile(conn):
            members.setdefault(profile.household, []).append(profile)
        self._by_line = {line: tuple(row) for line, row in by_line.items()}
        self._lines_of = {household: tuple(lines) for household, lines in lines_of.items()}
        self._profiles = {household: tuple(row) for household, row in members.items()}
        self._tokens = store.living_tokens(conn)
        self.guard.load(conn)

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        mine = [event for event in events if event.topic == store.TOPIC]
        if any(event.payload not in (store.PROFILES, store.HOME, store.LINE) for event in mine):
            self.load(conn)  # as they were written before there were words for what changed
            return
        homes = {HouseholdId(event.key) for event in mine if event.payload == store.HOME}
        lines = {LineId(event.key) for event in mine if event.payload == store.LINE}
        if homes or lines:
            self._renew_lines(conn, homes, lines)
        if homes:
            self._renew_tokens(conn, homes)
        self.renew(conn, {HouseholdId(event.key) for event in events if event.payload != store.LINE})

    def renew(self, conn: Connection, households: Collection[HouseholdId]) -> None:
        """Read again who lives in these households and where their PIN is asked: also right after a change, for who made it."""
        for household in households:
            self._profiles[household] = tuple(store.profiles_of(conn, household))
        self.guard.renew(conn, households)

    def _renew_lines(self, conn: Connection, homes: Collection[HouseholdId], lines: Collection[LineId]) -> None:
        """Read again whose these lines are, and those that were known to be these households'."""
        found: dict[LineId, list[HouseholdAssignment]] = {line: [] for line in lines}
        found.update((line, []) for household in homes for line in self._lines_of.get(household, ()))
        for one in store.assignments_of(conn, found):
            found[one.line].append(one)
        before = [one for line in found for one in self._by_line.get(line, ())]
        self._by_line.update((line, tuple(row)) for line, row in found.items())
        now = [one for row in found.values() for one in row]
        for household in {one.household for one in (*before, *now) if one.household is not None}:
            lines_now = {*self._lines_of.get(household, ()), *(one.line for one in now if one.household == household)}
            first = [min(times) for line in lines_now if (times := self._had(household, line))]
            self._lines_of[household] = tuple(line for _, _, line in sorted(first))

    def _had(self, household: HouseholdId, line: LineId) -> list[tuple[Instant, Instant, LineId]]:
        """When it was recorded that the line is the household's."""
        return [(one.recorded_at, one.valid_from, line) for one in self.assignments(line) if one.household == household]

    def _renew_tokens(self, conn: Connection, homes: Collection[HouseholdId]) -> None:
        """Read again what is signed in as these households. Looks at every token, for those that are gone."""
        living = store.living_tokens(conn, homes)
        self._tokens.update(living)
        for one in [token for token, (whose, _) in self._tokens.items() if whose in homes and token not in living]:
            del self._tokens[one]

    def household_at(self, line: LineId | None, now: Instant, known_at: Instant | None = None) -> HouseholdId | None:
        """Whose line this is at a moment."""
        assigned = in_force(self._by_line.get(line, ()), now, known_at) if line is not None else None
        return None if assigned is None else assigned.household

    def line_of(self, household: HouseholdId, now: Instant, known_at: Instant | None = None) -> LineId | None:
        """A line of the household's at a moment; of several the first that it had."""
        return next(iter(self.lines_of(household, now, known_at)), None)

    def lines_of(self, household: HouseholdId, now: Instant, known_at: Instant | None = None) -> Sequence[LineId]:
        """All lines of the household's at a moment, in the order in which it had them."""
        lines = self._lines_of.get(household, ())
        return [line for line in lines if self.household_at(line, now, known_at) == household]

    def lines_ever(self, household: HouseholdId) -> Sequence[LineId]:
        """All lines that the household ever had or is to have."""
        return self._lines_of.get(household, ())

    def assignments(self, line: LineId) -> Sequence[HouseholdAssignment]:
        """All that was recorded of whose line this is."""
        return self._by_line.get(line, ())

    def profiles(self, household: HouseholdId | None) -> tuple[Profile, ...]:
        """The household's profiles, in its own order."""
        return self._profiles.get(household, ()) if household is not None else ()

    def profile(self, household: HouseholdId | None, profile: str) -> Profile:
        """One profile of this household. Raises ProfileNotFound, also for another household's."""
        for one in self.profiles(household):
            if one.id == profile:
                return one
        raise ProfileNotFound

    def opened(self, party: Party, profile: str, now: Instant) -> Profile:
        """One of the party's profiles, which its screen may open now. Raises ProfileNotFound, PinNeeded."""
        one = self.profile(party.household, profile)
        self.guard.check_open(party, one, self.kids_here(party), now)
        return one

    def watching(self, party: Party, profile: str) -> Profile:
        """One of the party's profiles, of which something plays on its screen. Raises ProfileNotFound.

        An unlock may end while a film runs. Where a kids' profile was opened on the screen since, the film is not for it.
        """
        one = self.profile(party.household, profile)
        if self.guard.is_kept_from(party, one, self.kids_here(party)):
            raise ProfileNotFound
        return one

    def check_stop(self, party: Party, profile: str, now: Instant) -> None:
        """Check that a film which a profile sees may be stopped from another screen, the party's. Raises PinNeeded.

        A child does not end a film that its screen may not open: for that the household's PIN is asked, as for who lives here.
        """
        here = self.kids_here(party)
        one = next((one for one in self.profiles(party.household) if one.id == profile), None)
        if here is not None and (one is None or self.guard.is_kept_from(party, one, here)):
            self.guard.check_change(party, now)

    def grown_ups(self, party: Party) -> HouseholdId:
        """The household of a screen at which money may be spoken of. Raises NotFound, NotForKids."""
        if party.household is None:
            raise NotFound("This box stands at no household's line.", remedy="Have the operator assign it.")
        if self.kids_here(party) is not None:
            raise NotForKids
        return party.household

    def kids_here(self, party: Party) -> Profile | None:
        """The kids' profile that is open on the party's screen; None where none is, or where it is a kids' profile no more."""
        kept = self.guard.kept_on(party)
        return next((one for one in self.profiles(party.household) if one.id == kept and one.kids), None)

    def youngest(self, household: HouseholdId | None) -> Profile | None:
        return min(self.profiles(household), key=lambda one: (one.age_class, one.place), default=None)

    def has_token(self, digest: TokenDigest, now: Instant) -> bool:
        """Whether a web's or a phone's token is one still."""
        expires_at = self._tokens.get(digest, (None, Instant(0)))[1]
        return expires_at is None or now < expires_at

    def resolve(self, token: str, now: Instant) -> HouseholdId | None:
        """Whose web or phone this token is at a moment."""
        household, expires_at = self._tokens.get(tokens.digest(token), (None, None))
        return household if expires_at is None or now < expires_at else None


class Resolver:
    """From a bearer token to a party, from memory alone: what the web's middleware asks for each request."""

    def __init__(self, keys: ApiKeys, fleet: Fleet, members: Members, staff: Staff, screens: ScreenTokens | None = None) -> None:
        self._keys = keys
        self._staff = staff
        self._fleet = fleet
        self._members = members
        self._screens = screens
        self._joined: dict[BoxId | None, tuple[Party, Party]] = {}
        """By boxes: what the fleet says of one, and the same with its household. One look at a time."""

    def resolve(self, token: str, now: Instant) -> Party | None:
        """Who asks; None for what is no token of ours, or no longer one."""
        match tokens.kind_of(token):
            case TokenKind.API_KEY:
                return self._keys.resolve(token, now)
            case TokenKind.STAFF:
                return self._staff.resolve(token, now)
            case TokenKind.BOX:
                box = self._fleet.resolve(token, now)
                return None if box is None else self._at_home(box, self._members.household_at(box.line, now))
            case TokenKind.VIEWER:
                household = self._members.resolve(token, now)
                return None if household is None else self._viewer(household, tokens.digest(token), now)
            case None:
                return self._signed_in(token, now)

    def _at_home(self, box: Party, household: HouseholdId | None) -> Party:
        """The box as one of its household: the same as the last time where both are the same."""
        joined = self._joined.get(box.box)
        if joined is not None and joined[0] is box and joined[1].household == household:
            return joined[1]
        made = dataclasses.replace(box, household=household)
        if len(self._joined) >= MAX_KEPT:
            self._joined.clear()
        self._joined[box.box] = box, made
        return made

    def _signed_in(self, token: str, now: Instant) -> Party | None:
        """A screen by an access token: good by its signature, unless its session has ended. A relying party's opens nothing."""
        access = None if self._screens is None else self._screens.resolve(token, now)
        return None if access is None else self._viewer(access.household, access.session, now)

    def _viewer(self, household: HouseholdId, session: str, now: Instant) -> Party:
        line = self._members.line_of(household, now)
        return Party(
            kind=PartyKind.VIEWER,
            household=household,
            line=line,
            operator=self._fleet.operator_of_line(line),
            session=session,
        )


def _own_marking() -> Marking:
    key = secrets.token_bytes(32)
    return lambda words: hmac.digest(key, words.encode(), "sha256")[:16]
