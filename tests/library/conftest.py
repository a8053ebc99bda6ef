"""One small film, packaged once for all tests that only read it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from matinee.base.ids import PackageId, new_id
from matinee.base.units import FrameRate
from matinee.encoding.model import EncodedFilm
from matinee.library.keys import new_content_keys
from matinee.library.model import ContentKeys, DrmSystem, PackageFiles
from matinee.library.work import package
from matinee.outside.tools import find_tools
from tests.library.films import Shape, make_film

SOUNDS = (("fr", "Français", "main"), ("en", 'English "director\'s"', "commentary"), ("fr", "Français", "description"))
TEXTS = (("fr", "Français", "subtitle"), ("en", "English <CC>", "caption"), ("und", "Forced", "forced"))


@dataclass(frozen=True)
class Packaged:
    film: EncodedFilm
    work: Path
    out: Path
    id: PackageId
    keys: ContentKeys
    files: PackageFiles


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Packaged:
    """A film of 5.5 s at 23.976 frames a second, with every kind of track and every DRM system."""
    folder = tmp_path_factory.mktemp("packaged")
    film = make_film(folder / "work", Shape(rate=FrameRate(24000, 1001), sounds=SOUNDS, texts=TEXTS))
    keys, id_ = new_content_keys(), PackageId(new_id())
    files = package(film, folder / "work", id_, keys, tuple(DrmSystem), folder / "out", find_tools())
    return Packaged(film, folder / "work", folder / "out", id_, keys, files)
