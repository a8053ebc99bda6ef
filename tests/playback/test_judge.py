"""Who has a place: whatever a home's screens do, in whatever order, no more play than may."""

from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.base.clock import Instant
from matinee.base.ids import BoxId, HouseholdId, ProfileId, ServiceId, SessionId, TitleId
from matinee.base.units import DurationMs
from matinee.playback.streams import Lease, Verdict, judge, lasts_until

BEAT = DurationMs(10_000)
TOKEN_MS = 120_000

screens = st.integers(0, 4)
acts = st.one_of(
    st.tuples(st.just("begin"), screens),
    st.tuples(st.just("beat"), screens),
    st.tuples(st.just("end"), screens),
    st.tuples(st.just("wait"), st.sampled_from([1, 9_000, 20_000, 40_000, 130_000])),
    st.tuples(st.just("limit"), st.integers(1, 3)),
)


class Living:
    """A home's leases as the store would keep them. Screen 0 is the web, where each play is a screen of its own."""

    def __init__(self) -> None:
        self.now, self.limit, self.count = Instant(1_000_000), 2, 0
        self.leases: dict[SessionId, Lease] = {}
        self.at: dict[int, SessionId] = {}

    def _asks(self, session: SessionId, screen: int) -> Lease:
        known = self.leases.get(session)
        return Lease(
            session=session,
            household=HouseholdId("h"),
            service=ServiceId("s"),
            title=TitleId("t"),
            profile=ProfileId("p"),
            since=self.now if known is None else known.since,
            until=lasts_until(self.now, BEAT),
            token_until=Instant(self.now + TOKEN_MS) if known is None else known.token_until,
            box=BoxId(f"b{screen}") if screen else None,
        )

    def ask(self, session: SessionId, screen: int) -> Verdict:
        judged = judge(self._asks(session, screen), self.leases.values(), self.limit, self.now)
        if judged.lease is not None:
            for one in (judged.lease, *judged.superseded):
                self.leases[one.session] = one
        for one in judged.displaced:
            del self.leases[one.session]
        return judged.verdict

    def living(self) -> list[Lease]:
        return [one for one in self.leases.values() if one.until > self.now]

    def good_tokens(self) -> int:
        return sum(one.token_until > self.now for one in self.leases.values())


@given(st.lists(acts, max_size=40))
@settings(deadline=None, max_examples=300)
def test_no_more_play_than_may_whatever_screens_do(story: list[tuple[str, int]]) -> None:
    home = Living()
    for act, number in story:
        if act == "wait":
            home.now = Instant(home.now + number)
        elif act == "limit":
            home.limit = number
        elif act == "end" and number in home.at:
            home.leases.pop(home.at.pop(number), None)
        elif act in ("begin", "beat"):
            _ask(home, act, number)


def _ask(home: Living, act: str, screen: int) -> None:
    before = {one.session for one in home.living()}
    own_box = {one.session for one in home.living() if screen and one.box == f"b{screen}"}
    if act == "begin":
        home.count += 1
        home.at[screen] = SessionId(f"{home.count}")
    session = home.at.get(screen)
    if session is None or (act == "beat" and session not in home.leases):
        return
    verdict = home.ask(session, screen)
    after = {one.session for one in home.living()}
    if verdict is Verdict.REFUSED:
        assert len(before - own_box - {session}) >= home.limit, "refused only where others hold every place"
        assert after == before
    elif session not in before:
        assert len(after) <= home.limit, "nobody begins beyond the limit"
        assert home.good_tokens() <= home.limit, "and no more tokens open edges than there are places"
    elif verdict is Verdict.OVER:
        assert len(after) > home.limit
    first = sorted(home.living(), key=lambda one: (one.since, one.session))[: home.limit]
    assert verdict is not Verdict.OVER or session not in {one.session for one in first}, "those that began first keep theirs"


def test_of_three_that_run_under_a_limit_of_one_the_first_keeps_its_place() -> None:
    home = Living()
    home.limit = 3
    for screen in (1, 2, 3):
        home.at[screen] = SessionId(f"{screen}")
        assert home.ask(home.at[screen], screen) is Verdict.HELD
        home.now = Instant(home.now + 1)
    home.limit = 1
    assert [home.ask(home.at[screen], screen) for screen in (1, 2, 3)] == [Verdict.HELD, Verdict.OVER, Verdict.OVER]
