"""What viewing taught: for each title those that the same viewers watch, and how many homes of each operator watch what.

Everything in it is of two titles, or of a title and an operator, and depends on nothing else: how close two titles are follows
from who watched these two, never from who watched a third. So leaving a service out when rows are made leaves them as if nobody
had ever watched it (docs/decisions/0031). A series stands for its episodes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from matinee.base.clock import Instant
from matinee.base.ids import OperatorId, TitleId
from matinee.catalogue.view import Entry

FORM: Final = 1
"""The form of the packed value. One of another form is not read: it is learnt again within a day."""

NEVER: Final = Instant(-1)

Numbers = npt.NDArray[np.int32]
Shares = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Learnt:
    """One day's lesson, of all viewing before `as_of`.

    `titles` are in the order of their ids. Title number n has the neighbours `neighbours[starts[n]:starts[n + 1]]`, as numbers,
    the closest first within each service; `closeness` goes with them, above 0 and at most 1. `popular`: by operator, minus the
    homes that watched within a week, and the title; of those that enough homes watched, the most first.
    """

    as_of: Instant = NEVER
    titles: Sequence[TitleId] = ()
    starts: Numbers = field(default_factory=lambda: np.zeros(1, np.int32))
    neighbours: Numbers = field(default_factory=lambda: np.zeros(0, np.int32))
    closeness: Shares = field(default_factory=lambda: np.zeros(0, np.float32))
    popular: Mapping[OperatorId, Sequence[Entry]] = field(default_factory=dict)
    numbers: Mapping[TitleId, int] = field(default_factory=dict)

    def close_to(self, liked: Sequence[tuple[TitleId, float]]) -> Iterator[TitleId]:
        """The titles that are close to these, each of which counts for so much; the closest first. Lazy: take what you need."""
        scores = np.zeros(len(self.titles), np.float32)
        for title, weight in liked:
            number = self.numbers.get(title)
            if number is not None:
                row = slice(self.starts[number], self.starts[number + 1])
                scores[self.neighbours[row]] += np.float32(weight) * self.closeness[row]
        found = np.flatnonzero(scores)
        for number in found[np.argsort(-scores[found], kind="stable")].tolist():
            yield self.titles[number]


NOTHING_LEARNT: Final = Learnt()


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    form: int
    as_of: int
    titles: list[str]
    starts: bytes
    neighbours: bytes
    closeness: bytes
    popular: dict[str, list[tuple[int, str]]]


def packed(learnt: Learnt) -> bytes:
    """The value as it is kept. Closeness is kept to three digits: a half float."""
    return msgspec.msgpack.encode(
        _Packed(
            FORM,
            learnt.as_of,
            [str(one) for one in learnt.titles],
            learnt.starts.astype("<i4").tobytes(),
            learnt.neighbours.astype("<i4").tobytes(),
            learnt.closeness.astype("<f2").tobytes(),
            {operator: [(key, str(title)) for key, title in entries] for operator, entries in learnt.popular.items()},
        )
    )


def unpacked(data: bytes) -> Learnt:
    """The value again. Raises ValueError for what is no such value, or one of another form."""
    try:
        form = msgspec.msgpack.decode(data, type=list[Any])[:1]
        if form != [FORM]:
            raise ValueError(f"what was learnt is kept in the form {form}, and this program reads {FORM}")
        raw = msgspec.msgpack.decode(data, type=_Packed)
        titles = tuple(TitleId(one) for one in raw.titles)
        learnt = Learnt(
            as_of=Instant(raw.as_of),
            titles=titles,
            starts=np.frombuffer(raw.starts, "<i4"),
            neighbours=np.frombuffer(raw.neighbours, "<i4"),
            closeness=np.frombuffer(raw.closeness, "<f2").astype(np.float32),
            popular={OperatorId(one): tuple((key, TitleId(title)) for key, title in row) for one, row in raw.popular.items()},
            numbers={title: number for number, title in enumerate(titles)},
        )
    except msgspec.MsgspecError as error:
        raise ValueError("what was learnt cannot be read") from error
    counts = len(learnt.starts), len(learnt.neighbours)
    if counts != (len(titles) + 1, len(learnt.closeness)) or int(learnt.starts[-1]) != counts[1]:
        raise ValueError("what was learnt is cut off")
    if np.any(np.diff(learnt.starts) < 0) or np.any((learnt.neighbours < 0) | (learnt.neighbours >= len(titles))):
        raise ValueError("what was learnt points nowhere")
    return learnt
