"""Which stretches of a film are encoded to learn what the whole will cost. Pure.

How hard a film is to encode changes from shot to shot by a factor of ten, so a few stretches drawn blindly say little. A first
pass over the whole film, small and fast, tells how many bits each part takes there; parts are put in order of that, cut into as
many groups as may be looked at, and each group is spoken for by the part nearest to its mean (stratified sampling, with the
small pass as the variable that is known everywhere).
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from matinee.encoding.measured import Stretch, Survey

GROUPS_OF_PICTURES = 2
"""Long: the first group of pictures of an encode is not like those that follow, and scores of one alone miss by points."""


def surveyed(sizes: Iterable[int], segment_frames: int) -> Survey:
    """The first pass, whose frames took `sizes` bytes, by groups of pictures."""
    groups: list[int] = []
    frames = 0
    for size in sizes:
        if frames % segment_frames == 0:
            groups.append(0)
        groups[-1] += size
        frames += 1
    return Survey(frames=frames, groups=tuple(groups))


def choose_stretches(survey: Survey, segment_frames: int, most: int) -> tuple[Stretch, ...]:
    """The stretches to encode: of a short film all of it, in stretches of four seconds, the last with what is left.

    A film shorter than one stretch is one.
    """
    if not survey.frames:
        return ()
    parts = _parts(survey, segment_frames)
    hardness = [part.size / part.frames for part in parts]
    groups = _groups(sorted(range(len(parts)), key=lambda place: (hardness[place], place)), min(most, len(parts)))
    chosen = []
    for group in groups:
        frames = sum(parts[place].frames for place in group)
        mean = sum(parts[place].size for place in group) / frames
        place = min(group, key=lambda one: (abs(hardness[one] - mean), one))
        scale = mean / hardness[place] if hardness[place] else 1.0
        part = parts[place]
        weight = frames / survey.frames
        chosen.append(Stretch(start_frame=part.start_frame, frames=part.frames, weight=weight, scale=scale))
    return tuple(sorted(chosen, key=lambda one: one.start_frame))


class _Part(NamedTuple):
    start_frame: int
    frames: int
    size: int


def _parts(survey: Survey, segment_frames: int) -> list[_Part]:
    """The film in stretches, none shorter than the others: what is left at its end belongs to the last."""
    length = segment_frames * GROUPS_OF_PICTURES
    ends = [*range(length, survey.frames - length + 1, length), survey.frames]
    parts = []
    for begin, end in zip([0, *ends], ends, strict=False):
        groups = survey.groups[begin // segment_frames : -(-end // segment_frames)]
        parts.append(_Part(begin, end - begin, sum(groups)))
    return parts


def _groups(ordered: Sequence[int], count: int) -> list[Sequence[int]]:
    """As many groups of neighbours, as equal as can be."""
    ends = [len(ordered) * (number + 1) // count for number in range(count)]
    return [ordered[begin:end] for begin, end in zip([0, *ends[:-1]], ends, strict=True)]
