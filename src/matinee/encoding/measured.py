"""What the analysis of a film looks at and finds: frozen values. `matinee plan --analyse` prints them."""

import msgspec

from matinee.base.units import BitsPerSecond, FrameRate, Pixels
from matinee.encoding.model import Choice, Coding


class Stretch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Consecutive frames of the film that are encoded to learn from. `weight` is the share of the film, 0 to 1, for which it
    speaks; `scale` how much harder (in bits) the film is there than the stretch itself."""

    start_frame: int
    frames: int
    weight: float
    scale: float


class Point(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One encode of all stretches that is to be made: a frame size and a quality. Names are files of the analysis's folder."""

    name: str
    path: str
    width: Pixels
    height: Pixels
    crf: float
    coding: Coding = Coding.H264


class Measured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One encode of all stretches, as the whole film is thought to be: bits a second, and mean VMAF at 1080 lines."""

    width: Pixels
    height: Pixels
    crf: float
    bitrate: BitsPerSecond
    score: float
    coding: Coding = Coding.H264


class Analysis(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that was measured of a film for one coding, and the choices that follow. `model` is the VMAF model's name."""

    coding: Coding
    preset: str
    model: str
    rate: FrameRate
    frames: int
    stretches: tuple[Stretch, ...]
    points: tuple[Measured, ...]
    choices: tuple[Choice, ...]
