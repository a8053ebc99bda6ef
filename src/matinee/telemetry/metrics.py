"""Counters for Prometheus. Labels are of small closed sets; no id, title, operator or address ever is one.

Each publisher has counters of its own and reads those alone: a sum over all would tell one of them that another's service plays,
which may be what is kept silent.
"""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, disable_created_metrics, generate_latest

from matinee.base.ids import PublisherId
from matinee.telemetry.model import Kind

# When a counter was made is no metric of ours, and the library would read a clock for it.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Counters:
    """The counters of player reports of one publisher's titles."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._events = Counter(
            "matinee_player_events", "Player events taken, by what they mean.", ["kind"], registry=registry
        )
        self._lines = Counter(
            "matinee_player_report_lines", "Lines of player reports, by what became of them.", ["verdict"], registry=registry
        )
        self.by_kind: Mapping[Kind, Counter] = {kind: self._events.labels(kind=kind.value) for kind in Kind}
        self.taken = self._lines.labels(verdict="taken")
        self.refused = self._lines.labels(verdict="refused")
        self.repeated = self._lines.labels(verdict="repeated")
        self.dropped = self._lines.labels(verdict="dropped")


class CountersByPublisher:
    """Every publisher's counters, made when they are first asked for. None's are of titles that are gone, and nobody reads them.

    Bounded by the number of publishers: a reader has a publisher's key, and an event the publisher of a title that is there.
    """

    def __init__(self) -> None:
        self._own: dict[PublisherId | None, Counters] = {}

    def of(self, publisher: PublisherId | None) -> Counters:
        own = self._own.get(publisher)
        return self._own.setdefault(publisher, Counters()) if own is None else own

    def told_to(self, publisher: PublisherId) -> bytes:
        """What a publisher may read, in Prometheus' own form."""
        return generate_latest(self.of(publisher).registry)
