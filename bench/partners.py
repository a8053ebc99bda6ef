"""What it costs to read a partner's feed of 20,000 items, in processor time: of this process and of the child that parses.

    python -m bench partners

The feed comes from a server on this machine; the database is SQLite. Baseline: json.loads of the same bytes, run in turns.
"""

import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.feed_server import HOST, Partner, access, partner_server, work

from bench.rows import Row, compared, table
from matinee.base.clock import MINUTE, Instant
from matinee.base.units import DurationMs
from matinee.catalogue import store as titles
from matinee.catalogue.model import ServiceKind
from matinee.catalogue.partner_store import Outcome
from matinee.catalogue.partner_work import FeedReader, set_feed
from matinee.outside.database import Database, metadata
from matinee.parties import store as parties

ITEMS = 20_000
ROUNDS = 3
NOW = Instant(1_412_244_000_000)


def run() -> list[Row]:
    taken: dict[str, list[float]] = {"first": [], "one changed": [], "unchanged": []}
    plain: list[float] = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="matinee-bench-") as folder, partner_server() as partner:
            database = Database(f"sqlite:///{Path(folder) / 'feed.db'}")
            metadata.create_all(database.engine)
            read = _reader(database, partner)
            items = [_item(number) for number in range(ITEMS)]
            partner.tell(*items)
            taken["first"].append(_cost(lambda: read(Outcome.APPLIED)))  # noqa: B023 -- called at once
            taken["unchanged"].append(_cost(lambda: read(Outcome.UNCHANGED)))  # noqa: B023
            partner.tell(_item(0, description="x"), *items[1:])
            taken["one changed"].append(_cost(lambda: read(Outcome.APPLIED)))  # noqa: B023
            body = partner.pages["/feed"]
            plain.append(_cost(lambda: json.loads(body)))  # noqa: B023
            database.close()
    return [
        compared(f"a feed of {ITEMS:,} items, {name}", cost, plain, "s", "json.loads of it", None) for name, cost in taken.items()
    ]


def _reader(database: Database, partner: Partner) -> Callable[[Outcome], None]:
    with database.write() as conn:
        publisher = parties.ensure_publisher(conn, "Partner", "EUR", NOW)
        service = titles.ensure_service(conn, publisher.id, "Partner", NOW, ServiceKind.CATCHUP)
        set_feed(conn, service, partner.url, DurationMs(60 * MINUTE), [HOST], 18, lambda: NOW, actor="bench")
    reader = FeedReader(database, lambda: NOW, allow_private=True)

    def read(expected: Outcome) -> None:
        assert reader.read(service.id).outcome is expected

    return read


def _item(number: int, description: str = "Une île, une lampe, et la mer qui monte. " * 4) -> dict[str, object]:
    opens = access("subscription", availabilityStarts="2014-10-02T08:00:00Z", eligibleRegion="FR")
    return work(f"Film {number}", description=description, genre=["drama"], duration="PT1H30M", potentialAction=opens)


def _cost(act: Callable[[], object]) -> float:
    """Seconds of processor time, of this process and of the children that ended meanwhile."""
    began = time.process_time() + _children()
    act()
    return time.process_time() + _children() - began


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    print(table(run()))
