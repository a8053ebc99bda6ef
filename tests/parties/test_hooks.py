"""The rules of callbacks, without a database: addresses, queries, the schedule, what answers mean; and signatures."""

import base64
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from matinee.base.clock import HOUR, SECOND, Instant
from matinee.base.errors import NotAllowed
from matinee.base.ids import OperatorId, PublisherId
from matinee.base.party import Party, PartyKind
from matinee.parties import signing
from matinee.parties.hooks import (
    ANSWER_SHOWN,
    JITTER,
    MAX_TRIES,
    MOST_ASKED_MS,
    RETRY_MS,
    EventType,
    HookError,
    asked_wait,
    check_callback,
    judged,
    next_try,
    read_query,
    shown,
    side_of,
    written_query,
)

NOW = Instant(1_412_244_000_000)


def test_a_signature_is_the_one_that_the_specification_shows() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signing.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_is_of_32_bytes_and_no_two_are_alike() -> None:
    made = [signing.new_secret() for _ in range(20)]
    assert len(set(made)) == 20
    assert all(len(base64.b64decode(signing.written(one).removeprefix("whsec_"))) == 32 for one in made)


def test_the_schedule_ends_after_about_a_day() -> None:
    assert [next_try(tries, NOW) for tries in range(1, MAX_TRIES + 1)] == [*[NOW + wait for wait in RETRY_MS], None]
    soonest = NOW
    for tries in range(1, MAX_TRIES):
        soonest = next_try(tries, soonest, dice=0.0) or NOW
    assert soonest - NOW > 24 * HOUR, "a receiver that is away for a day gets what was told when it went"
    assert sum(RETRY_MS) < 36 * HOUR
    assert list(RETRY_MS) == sorted(RETRY_MS)


@given(st.integers(1, MAX_TRIES - 1), st.integers(0, 10**12), st.floats(0, 1))
def test_a_wait_is_never_shorter_than_its_jitter_and_never_longer_than_asked_in_bounds(
    tries: int, asked: int, dice: float
) -> None:
    at = next_try(tries, NOW, asked_ms=asked, dice=dice)
    assert at is not None
    least, most = RETRY_MS[tries - 1] * (1 - JITTER), RETRY_MS[tries - 1] * (1 + JITTER)
    assert max(least, min(asked, MOST_ASKED_MS)) - 1 <= at - NOW <= max(most, MOST_ASKED_MS) + 1


@given(st.text(max_size=60))
@example("9" * 39)
@example("-5")
@example("Thu, 02 Oct 9999 10:02:00 GMT")
@example("Thu, 02 Oct 2014 10:02:00")
@example("²")
def test_whatever_a_receiver_asks_for_is_a_bounded_wait(text: str) -> None:
    assert 0 <= asked_wait(text, NOW) <= MOST_ASKED_MS


MEANS: list[tuple[int, dict[str, Any]]] = [
    (200, {"is_delivered": True, "is_gone": False}),
    (202, {"is_delivered": True, "is_gone": False}),
    (299, {"is_delivered": True, "is_gone": False}),
    (301, {"is_delivered": False, "is_gone": False}),
    (400, {"is_delivered": False, "is_gone": False}),
    (404, {"is_delivered": False, "is_gone": False}),
    (410, {"is_delivered": False, "is_gone": True}),
    (429, {"is_delivered": False, "wait_ms": 30 * SECOND}),
    (500, {"is_delivered": False, "is_gone": False}),
]


@pytest.mark.parametrize(("status", "means"), MEANS)
def test_what_an_answer_means(status: int, means: dict[str, Any]) -> None:
    outcome = judged(status, "30", b"said", NOW)
    assert {name: getattr(outcome, name) for name in means} == means
    assert (outcome.answer == "said") is not outcome.is_delivered
    assert (str(status) in outcome.why) is not outcome.is_delivered


@given(st.binary(max_size=2_000))
@example("\u202e\x1b[2J\x00\r\n".encode())
def test_what_a_stranger_answered_is_shown_as_printable_text(answer: bytes) -> None:
    text = shown(answer)
    assert len(text) <= ANSWER_SHOWN
    assert text.isprintable()


@given(st.lists(st.sampled_from(EventType), unique=True))
def test_a_query_reads_as_it_was_written(types: list[EventType]) -> None:
    assert read_query(written_query(types)) == tuple(types)


@given(st.text(max_size=600) | st.builds("eventType={}".format, st.text(max_size=60)))
@example("eventType=")
@example("eventType=LaunchStateChangeEvent,")
@example("eventtype=LaunchStateChangeEvent")
@example("eventType=" + ",".join(["LaunchStateChangeEvent"] * 100))
def test_any_other_query_is_refused_with_the_remedy(query: str) -> None:
    if not query.strip():
        assert read_query(query) == ()
        return
    with pytest.raises(HookError) as refused:
        read_query(query)
    assert EventType.LAUNCH in refused.value.remedy


@given(st.text(max_size=80) | st.builds("https://{}".format, st.text(max_size=40)), st.booleans())
def test_any_address_is_taken_or_refused_in_words(callback: str, allow_private: bool) -> None:
    remedy = ""
    try:
        check_callback(callback, allow_private=allow_private)
    except HookError as refused:
        remedy = refused.remedy
    assert remedy or callback.lower().startswith("https://") or allow_private


ADDRESSES = [
    ("https://partner.example/events?tenant=7", False, True),
    ("https://partner.example:8443/", False, True),
    ("https://93.184.216.34/", False, True),
    ("http://partner.example/", True, False),
    ("http://93.184.216.34/", True, False),
    ("http://10.0.0.7/", True, True),
    ("http://crm.internal/", True, True),
    ("http://crm.internal/", False, False),
    ("https://10.0.0.7/", False, False),
    ("https://LOCALHOST/", False, False),
    ("https://localhost./", False, False),
    ("https://[fd00::1]/", False, False),
    ("https://[fe80::1%25eth0]/", False, False),
]


@pytest.mark.parametrize(("callback", "allow_private", "taken"), ADDRESSES)
def test_which_addresses_are_taken(callback: str, allow_private: bool, taken: bool) -> None:
    if taken:
        check_callback(callback, allow_private=allow_private)
        return
    with pytest.raises(HookError):
        check_callback(callback, allow_private=allow_private)


def test_whose_side_a_party_is() -> None:
    publisher, operator = PublisherId("p"), OperatorId("o")
    assert side_of(Party(kind=PartyKind.API_KEY, publisher=publisher)) == "publisher:p"
    assert side_of(Party(kind=PartyKind.API_KEY, operator=operator)) == "operator:o"
    with pytest.raises(NotAllowed):
        side_of(Party(kind=PartyKind.API_KEY))
