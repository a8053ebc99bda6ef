"""What counts as watching, by table and by property."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.clock import HOUR, Instant
from matinee.base.ids import HouseholdId, PackageId, ProfileId, SessionId, TitleId
from matinee.base.units import DurationMs, PositionMs
from matinee.catalogue.model import Language
from matinee.playback.model import Place, PlayState, Report, Session
from matinee.playback.rules import (
    STILL_MS,
    choose_audio,
    choose_subtitle,
    continue_watching,
    hear,
    is_finished,
    newer,
    renews,
    resume_position,
    token_expiry,
)

NOW = Instant(1_795_500_000_000)
LENGTH = 600_000


def session(name: str = "a", **changes: Any) -> Session:
    fields: dict[str, Any] = {
        "id": SessionId(name),
        "household": HouseholdId("h"),
        "profile": ProfileId("p"),
        "title": TitleId("t"),
        "package": PackageId("k"),
        "duration_ms": DurationMs(LENGTH),
        "started_at": NOW,
        "token_expires_at": Instant(NOW + HOUR),
    }
    return Session(**{**fields, **changes})


def report(sequence: int, position: int, state: PlayState = PlayState.PLAYING) -> Report:
    return Report(sequence=sequence, position_ms=PositionMs(position), state=state)


def place(position: int = 1000, at: int = 0, **changes: Any) -> Place:
    fields: dict[str, Any] = {
        "household": HouseholdId("h"),
        "profile": ProfileId("p"),
        "title": TitleId("t"),
        "position_ms": PositionMs(position),
        "duration_ms": DurationMs(LENGTH),
        "completed": False,
        "session": SessionId("a"),
        "sequence": 1,
        "counted_at": Instant(NOW + at),
    }
    return Place(**{**fields, **changes})


class Living:
    """Two screens on one film, as the book runs them: the sessions, and the one place."""

    def __init__(self, resume: int = 0) -> None:
        self.sessions = {name: session(name, position_ms=PositionMs(resume)) for name in "ab"}
        self.place: Place | None = None
        self.now = NOW

    def say(self, name: str, said: Report, after_ms: int = 0) -> bool:
        self.now = Instant(self.now + after_ms)
        heard = hear(self.sessions[name], self.place, said, self.now)
        self.sessions[name] = heard.session
        self.place = heard.place or self.place
        return heard.place is not None


events = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.integers(0, LENGTH + 5000),
        st.sampled_from([PlayState.PLAYING, PlayState.PAUSED]),
        st.integers(0, 20_000),
    ),
    max_size=30,
)


@given(events, st.data())
def test_an_idle_screen_never_overwrites_a_newer_place(said: list[tuple[str, int, PlayState, int]], data: Any) -> None:
    """Any reports of two screens, and the same with idle reports of either strewn in, end at the same place."""
    plain, strewn = Living(), Living()
    sequences = {"a": 0, "b": 0}
    strewn_sequences = {"a": 0, "b": 0}
    for name, position, state, pause in said:
        for idler in data.draw(st.lists(st.sampled_from("ab"), max_size=3)):
            strewn_sequences[idler] += 1
            still = strewn.sessions[idler].position_ms + data.draw(st.integers(-STILL_MS, STILL_MS))
            idle_state = data.draw(st.sampled_from([PlayState.PAUSED, PlayState.PLAYING]))
            assert not strewn.say(idler, report(strewn_sequences[idler], max(0, still), idle_state))
        sequences[name] += 1
        strewn_sequences[name] += 1
        plain.say(name, report(sequences[name], position, state), pause)
        strewn.say(name, report(strewn_sequences[name], position, state), pause)
    kept = [None if it is None else (it.position_ms, it.session, it.counted_at) for it in (plain.place, strewn.place)]
    assert kept[0] == kept[1]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, LENGTH)), max_size=20))
def test_a_late_or_repeated_report_changes_nothing(said: list[tuple[int, int]]) -> None:
    living = Living()
    highest = -1
    for sequence, position in said:
        before = (living.sessions["a"], living.place)
        living.say("a", report(sequence, position), 1000)
        if sequence <= highest:
            assert (living.sessions["a"], living.place) == before
        highest = max(highest, sequence)
        assert living.sessions["a"].sequence == highest


@given(events)
def test_the_place_is_where_the_last_one_that_moved_was(said: list[tuple[str, int, PlayState, int]]) -> None:
    living = Living()
    last: dict[str, int] = {"a": 0, "b": 0}
    expected: int | None = None
    for sequence, (name, position, state, pause) in enumerate(said, 1):
        held = min(position, LENGTH)
        if abs(held - last[name]) > STILL_MS:
            last[name] = expected = held
        living.say(name, report(sequence, position, state), pause)
    assert (None if living.place is None else living.place.position_ms) == expected


def test_a_slow_creep_counts_in_the_end() -> None:
    living = Living()
    assert [living.say("a", report(n, n * 100)) for n in range(1, 7)] == [False, False, True, False, False, True]


def test_a_clock_that_goes_back_does_not_freeze_the_place() -> None:
    living = Living()
    living.say("a", report(1, 5_000))
    living.say("b", report(1, 9_000), -60_000)
    assert living.place is not None
    assert (living.place.position_ms, living.place.counted_at) == (9_000, NOW)


OF_B = {"session": SessionId("b")}


@given(st.permutations([place(1, 0), place(2, 5, **OF_B), place(3, 9, sequence=2), place(4, 12, sequence=2, **OF_B)]))
def test_batches_that_come_in_any_order_end_alike(order: list[Place]) -> None:
    kept = order[0]
    for candidate in order[1:]:
        kept = newer(candidate, kept)
    assert kept.position_ms == 4


@pytest.mark.parametrize(
    ("position", "credits_ms", "finished"),
    [
        (0, None, False),
        (569_999, None, False),
        (570_000, None, True),
        (LENGTH, None, True),
        (500_000, 500_000, True),
        (499_999, 500_000, False),
        (570_000, 590_000, False),
        (570_000, 0, True),
        (20_000, 10_000, False),
        (570_000, 10_000, True),
    ],
)
def test_finished(position: int, credits_ms: int | None, finished: bool) -> None:
    marker = None if credits_ms is None else PositionMs(credits_ms)
    assert is_finished(PositionMs(position), DurationMs(LENGTH), marker) is finished


def test_resume() -> None:
    assert resume_position(None) == 0
    assert resume_position(place(4_200)) == 4_200
    assert resume_position(place(599_000, completed=True)) == 0


def test_a_finished_episode_makes_room_for_the_next() -> None:
    one = place(590_000, 1, title=TitleId("e1"), completed=True, next_title=TitleId("e2"), next_duration_ms=DurationMs(7))
    film = place(5_000, 2, title=TitleId("film"))
    untouched = place(0, 3, title=TitleId("zero"))
    rows = continue_watching([one, film, untouched], 10)
    assert [(row.title, row.position_ms) for row in rows] == [("film", 5_000), ("e2", 0)]
    # Begun: its own place counts, and it stands once. Finished, with nothing after it: the series leaves.
    begun = place(3_000, 4, title=TitleId("e2"))
    assert [(row.title, row.position_ms) for row in continue_watching([one, begun], 10)] == [("e2", 3_000)]
    assert continue_watching([one, msgspec.structs.replace(begun, completed=True)], 10) == []
    # Both its neighbours lead to it: once is enough. And a limit is a limit.
    other = msgspec.structs.replace(one, title=TitleId("e0"), counted_at=Instant(NOW + 9))
    assert [row.title for row in continue_watching([one, other], 10)] == ["e2"]
    assert len(continue_watching([place(5, n, title=TitleId(str(n))) for n in range(9)], 4)) == 4


def test_a_film_begun_again_comes_back() -> None:
    living = Living()
    living.say("a", report(1, 590_000))
    assert living.place is not None
    assert living.place.completed
    living.say("b", report(1, 3_000), 1000)
    assert not living.place.completed
    assert resume_position(living.place) == 3_000


FR, EN, CA = Language("fr"), Language("en"), Language("fr-CA")


@pytest.mark.parametrize(
    ("wished", "there", "audio", "subtitle"),
    [
        (None, (FR, EN), FR, None),
        (EN, (FR, EN), EN, EN),
        (FR, (EN,), EN, None),
        (FR, (EN, CA), CA, CA),
        (CA, (EN, FR), FR, FR),
        (FR, (CA, FR), FR, FR),
        (FR, (), "und", None),
    ],
)
def test_languages(wished: Language | None, there: tuple[Language, ...], audio: str, subtitle: str | None) -> None:
    assert choose_audio(wished, there) == audio
    assert choose_subtitle(wished, there) == subtitle


def test_a_token_lives_for_the_film_and_a_pause() -> None:
    assert token_expiry(NOW, DurationMs(LENGTH), DurationMs(4 * HOUR)) == NOW + 4 * HOUR
    assert token_expiry(NOW, DurationMs(6 * HOUR), DurationMs(4 * HOUR)) == NOW + 7 * HOUR
    assert not renews(Instant(NOW + 2 * HOUR - 1), NOW, Instant(NOW + 4 * HOUR))
    assert renews(Instant(NOW + 2 * HOUR), NOW, Instant(NOW + 4 * HOUR))
