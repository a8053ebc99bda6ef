"""How often a password may be tried: for each name, and in all. Pure but for what it remembers; `now` is passed in.

Each name has a small budget that fills up again by the minute, whether there is such an account or not, so that a refusal tells
nothing; all names together have one more, so that trying many names is slow too. What is remembered is bounded: the total
budget lets so few names in that one is forgotten only long after its own is full again.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from matinee.base.clock import MINUTE, SECOND, Instant
from matinee.base.errors import TooManyRequests

NAMES_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Budget:
    """So many at once, and one more each `refill_ms`."""

    burst: int
    refill_ms: int


PER_NAME: Final = Budget(burst=5, refill_ms=MINUTE)
IN_ALL: Final = Budget(burst=30, refill_ms=2 * SECOND)


@dataclass(slots=True)
class _Spent:
    """How much of a budget is spent, at a moment."""

    count: float = 0.0
    at: int = 0

    def wait_ms(self, budget: Budget, now: Instant) -> int:
        """How long until one more may be tried; 0 for now. A clock that went back fills nothing up."""
        self.count = max(0.0, self.count - max(0, now - self.at) / budget.refill_ms)
        self.at = now
        return max(0, round((self.count + 1 - budget.burst) * budget.refill_ms))


class Attempts:
    """Not safe from threads: it is asked on the web's event loop alone."""

    def __init__(self, per_name: Budget = PER_NAME, in_all: Budget = IN_ALL, says: str = "Sign-in was tried too often.") -> None:
        self._says = says
        self._per_name = per_name
        self._in_all = in_all
        self._names: OrderedDict[str, _Spent] = OrderedDict()
        self._all = _Spent()

    def take(self, name: str, now: Instant) -> None:
        """Spend one try of a name. Raises TooManyRequests, which spends none."""
        one = self._names.get(name) or _Spent()
        wait = max(one.wait_ms(self._per_name, now), self._all.wait_ms(self._in_all, now))
        if wait:
            raise TooManyRequests(self._says, retry_after=-(-wait // SECOND))
        one.count += 1
        self._all.count += 1
        self._names[name] = one
        self._names.move_to_end(name)
        while len(self._names) > NAMES_KEPT:
            self._names.popitem(last=False)

    def forgive(self, name: str) -> None:
        """The password was right: the name has its whole budget again."""
        self._names.pop(name, None)
