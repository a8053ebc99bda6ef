"""Which frames may stand for a film: none of its lettering, where its markers tell where that is."""

import pytest

from matinee.base.units import PositionMs
from matinee.catalogue.model import Marker, MarkerKind
from matinee.catalogue.work import outside_markers
from matinee.encoding.model import Still, Stills


def _stills(*positions: int, poster: int) -> Stills:
    made = tuple(Still(path=f"{at}.jpg", position_ms=PositionMs(at), score=1.0) for at in positions)
    return Stills(candidates=made, poster=f"{poster}.jpg")


INTRO = Marker(kind=MarkerKind.INTRO, start_ms=PositionMs(0), end_ms=PositionMs(4_000))
CREDITS = Marker(kind=MarkerKind.CREDITS, start_ms=PositionMs(20_000), end_ms=PositionMs(24_000))


@pytest.mark.parametrize(
    ("shows", "stills", "markers", "kept", "poster"),
    [
        ("no markers change nothing", _stills(1, 9_000, poster=1), (), ["1.jpg", "9000.jpg"], "1.jpg"),
        ("lettering is left out", _stills(1_000, 9_000, 21_000, poster=9_000), (INTRO, CREDITS), ["9000.jpg"], "9000.jpg"),
        ("the poster too", _stills(1_000, 9_000, poster=1_000), (INTRO,), ["9000.jpg"], "9000.jpg"),
        ("a marker's end is the film again", _stills(4_000, poster=4_000), (INTRO,), ["4000.jpg"], "4000.jpg"),
        ("a film that is all credits keeps them", _stills(1_000, poster=1_000), (INTRO,), ["1000.jpg"], "1000.jpg"),
    ],
)
def test_which_frames_are_kept(
    shows: str, stills: Stills, markers: tuple[Marker, ...], kept: list[str], poster: str
) -> None:
    chosen = outside_markers(stills, markers)
    assert [still.path for still in chosen.candidates] == kept, shows
    assert chosen.poster == poster, shows
