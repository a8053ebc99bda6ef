"""Counters for Prometheus. Labels are of small closed sets; no id, title, operator or address ever is one."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter

from matinee.telemetry.model import Kind


class Counters:
    """The counters of player reports, on a registry that app exposes."""

    def __init__(self, registry: CollectorRegistry) -> None:
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
