"""The outbox gives every change once, in the order of commits, on both databases; the feed never skips one."""

import threading
from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from sqlalchemy.engine import Connection

from matinee.base.clock import Instant
from matinee.outside.database import Database
from matinee.parties import outbox
from matinee.parties.feed import Feed
from matinee.parties.outbox import Event

NOW = Instant(1_412_244_000_000)


def test_events_come_in_order_and_carry_their_words(any_database: Database) -> None:
    with any_database.write() as conn:
        first = outbox.append(conn, "title", "a", {"été": [1, None]}, NOW)
        second = outbox.append(conn, "fleet", "b", {}, NOW)
    with any_database.read() as conn:
        assert [(e.seq, e.topic, e.key, e.payload, e.at) for e in outbox.after(conn, 0)] == [
            (first, "title", "a", {"été": [1, None]}, NOW),
            (second, "fleet", "b", {}, NOW),
        ]
        assert [e.seq for e in outbox.after(conn, first)] == [second]
        assert [e.seq for e in outbox.after(conn, 0, limit=1)] == [first]
        assert outbox.latest(conn) == second > first


def test_a_change_that_is_rolled_back_leaves_no_event(any_database: Database) -> None:
    def change() -> None:
        with any_database.write() as conn:
            outbox.append(conn, "title", "a", {}, NOW)
            raise RuntimeError("the change failed")

    with pytest.raises(RuntimeError, match="the change failed"):
        change()
    with any_database.read() as conn:
        assert outbox.after(conn, 0) == []
        assert outbox.latest(conn) == 0


def test_a_slow_writer_is_never_overtaken_by_a_later_number(any_database: Database) -> None:
    """The trap of plain sequences: number taken first, committed last. A reader in between must not move past it."""
    taken, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with any_database.write() as conn:
            outbox.append(conn, "title", "slow", {}, NOW)
            taken.set()
            go_on.wait(10)

    def quick() -> None:
        with any_database.write() as conn:
            outbox.append(conn, "title", "quick", {}, NOW)

    writers = [threading.Thread(target=slow), threading.Thread(target=quick)]
    writers[0].start()
    assert taken.wait(10)
    writers[1].start()
    writers[1].join(0.3)
    with any_database.read() as conn:
        assert outbox.latest(conn) == 0, "the quick writer committed a number above one that is still open"
    go_on.set()
    for writer in writers:
        writer.join(20)
    with any_database.read() as conn:
        assert [e.key for e in outbox.after(conn, 0)] == ["slow", "quick"]


class _Keeps:
    """A follower that remembers what it was handed."""

    def __init__(self, *topics: str, fail_once: bool = False) -> None:
        self.topics = frozenset(topics)
        self.loads = 0
        self.seen: list[str] = []
        self._fail = fail_once

    def load(self, conn: Connection) -> None:
        self.loads += 1

    def follow(self, conn: Connection, events: Sequence[Event]) -> None:
        if self._fail:
            self._fail = False
            raise RuntimeError("the database went away")
        self.seen += [event.key for event in events]


def test_the_feed_hands_each_follower_its_own_topics(any_database: Database) -> None:
    titles, both = _Keeps("title"), _Keeps("title", "fleet")
    feed = Feed(any_database, [titles, both])
    with any_database.write() as conn:
        outbox.append(conn, "title", "before", {}, NOW)
    assert feed.poll() == 0  # what was there before is in the load
    with any_database.write() as conn:
        for number in range(1_100):  # more than one batch
            outbox.append(conn, ("title", "fleet", "other")[number % 3], str(number), {}, NOW)
    assert feed.poll() == 1_100
    assert (titles.loads, both.loads) == (1, 1)
    assert titles.seen == [str(n) for n in range(0, 1_100, 3)]
    assert both.seen == [str(n) for n in range(1_100) if n % 3 != 2]
    assert feed.poll() == 0


def test_an_event_that_could_not_be_applied_comes_again(any_database: Database) -> None:
    follower = _Keeps("title", fail_once=True)
    feed = Feed(any_database, [follower])
    feed.poll()
    with any_database.write() as conn:
        outbox.append(conn, "title", "a", {}, NOW)
    with pytest.raises(RuntimeError):
        feed.poll()
    assert feed.poll() == 1
    assert follower.seen == ["a"]


def test_the_feed_says_for_how_long_it_could_not_read(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("matinee.parties.feed.time", SimpleNamespace(monotonic=lambda: now))
    follower = _Keeps("a", fail_once=True)
    feed = Feed(any_database, [follower])
    now = 101.0
    feed.poll()
    now = 103.5
    assert feed.unread_ms() == 2_500
    with any_database.write() as conn:
        outbox.append(conn, "a", "k", {"n": 1}, Instant(1))
    with pytest.raises(RuntimeError):
        feed.poll()
    assert feed.unread_ms() == 2_500, "what failed has read nothing"
    feed.poll()
    assert feed.unread_ms() == 0
