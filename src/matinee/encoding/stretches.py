"""Which stretches of a film are encoded to learn what the whole will cost. Pure.

How hard a film is to encode changes from shot to shot by a factor of ten, so a few stretches drawn blindly say little. A first
pass over the whole film, small and fast, tells how many bits each part takes there; parts are put in order of that, cut into as
many groups as may be looked at, and each group is spoken for by the part nearest to its mean (stratified sampling, with the
small pass as the variable that is known everywhere).
"""

from collections.abc import Iterable, Sequence

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
    """The stretches to encode: of a short film, every whole one.

    What is left at its end is shorter than a stretch and not looked at. A film shorter than one stretch is one stretch.
    """
    length = segment_frames * GROUPS_OF_PICTURES
    count = survey.frames // length
    if count == 0:
        return (Stretch(start_frame=0, frames=survey.frames, weight=1.0, scale=1.0),) if survey.frames else ()
    hardness = [sum(survey.groups[place * GROUPS_OF_PICTURES : (place + 1) * GROUPS_OF_PICTURES]) for place in range(count)]
    groups = _groups(sorted(range(count), key=lambda place: (hardness[place], place)), min(most, count))
    chosen = []
    for group in groups:
        mean = sum(hardness[place] for place in group) / len(group)
        place = min(group, key=lambda one: (abs(hardness[one] - mean), one))
        scale = mean / hardness[place] if hardness[place] else 1.0
        chosen.append(Stretch(start_frame=place * length, frames=length, weight=len(group) / count, scale=scale))
    return tuple(sorted(chosen, key=lambda one: one.start_frame))


def _groups(ordered: Sequence[int], count: int) -> list[Sequence[int]]:
    """As many groups of neighbours, as equal as can be."""
    ends = [len(ordered) * (number + 1) // count for number in range(count)]
    return [ordered[begin:end] for begin, end in zip([0, *ends[:-1]], ends, strict=True)]
