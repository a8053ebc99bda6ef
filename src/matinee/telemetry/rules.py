"""What an event means: a start, a failure, a rebuffering, an end, or none of these.

| kind | told by | how often it counts |
|---|---|---|
| start | `e=ps` with `sta=p`: pictures move for the first time | once a session |
| failure | `e=e` (an error with its codes), or `e=ps` with `sta=f` (fatal) | once a session: a fatal error sends both |
| rebuffer | `e=ps` with `sta=r`, after a start; or `bs` in any event of a player that never sends `sta=r` | each time |
| end | `e=ps` with `sta=e` (ended) or `sta=q` (quit) | once a session |

A line that comes twice (its `sn` is known) counts for nothing: players send again what a bad network may have swallowed.
"""

from collections import OrderedDict
from collections.abc import Mapping

from matinee.base.ids import SessionId
from matinee.telemetry.cmcd import Value
from matinee.telemetry.model import Kind

MAX_SESSIONS = 100_000
REMEMBERED_NUMBERS = 256


class Seen:
    """What one session has told so far."""

    __slots__ = ("ended", "events", "failed", "numbers", "stalls_by_state", "started")

    def __init__(self) -> None:
        self.events = 0
        self.started = False
        self.failed = False
        self.ended = False
        self.stalls_by_state = False
        self.numbers: OrderedDict[int, None] = OrderedDict()

    def is_repeated(self, number: int | None) -> bool:
        """Whether this `sn` came before; it has now."""
        if number is None:
            return False
        if number in self.numbers:
            return True
        self.numbers[number] = None
        if len(self.numbers) > REMEMBERED_NUMBERS:
            self.numbers.popitem(last=False)
        return False

    def judge(self, values: Mapping[str, Value]) -> Kind:
        """What this event, which comes after all judged before, means."""
        event, state = values.get("e"), values.get("sta")
        if event == "e" or (event == "ps" and state == "f"):
            return self._once("failed", Kind.FAILURE)
        if event == "ps" and state == "p" and not self.started:
            return self._once("started", Kind.START)
        if event == "ps" and state in ("e", "q"):
            return self._once("ended", Kind.END)
        if event == "ps" and state == "r":
            self.stalls_by_state = True
            return Kind.REBUFFER if self.started else Kind.OTHER
        if values.get("bs") is True and self.started and not self.stalls_by_state:
            return Kind.REBUFFER
        return Kind.OTHER

    def _once(self, what: str, kind: Kind) -> Kind:
        if getattr(self, what):
            return Kind.OTHER
        setattr(self, what, True)
        return kind


class Sessions:
    """What each session has told, bounded, because reports are made by clients: the ones heard of longest ago are forgotten."""

    def __init__(self, capacity: int = MAX_SESSIONS) -> None:
        self._capacity = capacity
        self._seen: OrderedDict[SessionId, Seen] = OrderedDict()

    def of(self, session: SessionId) -> Seen:
        seen = self._seen.get(session)
        if seen is None:
            seen = self._seen[session] = Seen()
            if len(self._seen) > self._capacity:
                self._seen.popitem(last=False)
        else:
            self._seen.move_to_end(session)
        return seen
