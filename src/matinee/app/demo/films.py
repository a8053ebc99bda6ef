"""The films of the demo: which there are, in which order, and how one becomes files in a folder.

The order is the order in which the demo adds them: a quick one first, so that something can be watched early; the large last.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from matinee.app.demo import (
    due_south,
    last_crossing,
    little_planets,
    low_orbit,
    mezzanine,
    paper_bird,
    sidecar,
    street_of_shadows,
)
from matinee.app.demo.model import LANGUAGES, DemoFilm, Language, Stereo
from matinee.app.demo.sound import mastered, reverb
from matinee.app.demo.voice import choir
from matinee.outside.tools import Tools

_VOICE = 0.8  # the choir's level before the whole is mastered: audible over the bed, never in front of it


def films() -> tuple[DemoFilm, ...]:
    """Every film, in the order to make and add them."""
    return (
        *little_planets.EPISODES[:1],
        paper_bird.FILM,
        last_crossing.FILM,
        *little_planets.EPISODES[1:],
        street_of_shadows.FILM,
        due_south.FILM,
        low_orbit.FILM,
    )


def render(film: DemoFilm, folder: Path, tools: Tools, progress: Callable[[float], None]) -> Path:
    """Make a film in a folder, with its sidecar and subtitles, and return its path; where it is there already, do nothing.

    `progress` is called with 0 to 1. The film is renamed into place last, after all that lies beside it: a film that is there
    is whole. Raises ToolFailed when ffmpeg fails.
    """
    target = folder / f"{film.slug}.{film.container}"
    if target.is_file():
        progress(1.0)
        return target
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{film.slug}.", dir=folder))
    try:
        made = mezzanine.write(film, sounds(film), work, tools, progress)
        (work / "film.toml").write_text(sidecar.toml(film), encoding="utf-8")
        (work / "film.toml").replace(target.with_suffix(".toml"))
        if film.subtitles == "beside":
            for language in LANGUAGES:
                (work / f"{language}.srt").replace(folder / f"{film.slug}.{language}.srt")
        made.replace(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def sounds(film: DemoFilm) -> dict[Language, Stereo]:
    """The finished sound of each language: one bed, another voice."""
    score = film.music(film.seconds)
    made: dict[Language, Stereo] = {}
    for language in LANGUAGES:
        voice = choir(film.cues, language, score.notes, film.seconds)
        made[language] = mastered(score.bed + reverb(voice, 2.6, 0.6, seed=23) * (score.voice_gain * _VOICE))
    return made
