"""Routes that are answered ahead of the web framework: bytes in, bytes out (docs/decisions/0007).

A handler names the act that answers its route as `opt["ahead"]`; the handler itself stays for its policy and its description.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple, NoReturn

from matinee.base.party import Party

Headers = Sequence[tuple[bytes, bytes]]
"""Names in lower case."""
JSON_NOT_KEPT: Final[Headers] = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))


class Asked(NamedTuple):
    """A request. `party` is let in by the route's policy; `path` holds the address's parameters by name."""

    party: Party
    path: Mapping[str, str]
    headers: Headers
    body: bytes


class Answer(NamedTuple):
    """What is answered; its length is added."""

    body: bytes
    status: int = 200
    headers: Headers = JSON_NOT_KEPT


Act = Callable[[Asked], Awaitable[Answer]]
"""Raises MatineeError, which becomes a problem as it does anywhere else."""


def answered_ahead() -> NoReturn:
    """What a handler's own lines say whose route an act answers."""
    raise RuntimeError("a route that is answered ahead of the framework came to its handler")
