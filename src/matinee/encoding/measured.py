"""What the analysis of a film looks at and finds: frozen values. `matinee plan --analyse` prints them."""

import msgspec

from matinee.base.units import BitsPerSecond, FrameRate, Pixels
from matinee.encoding.model import Choice, Coding


class Survey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How hard the film is to encode: the bytes of each group of pictures in the first, small pass. The last may be shorter."""

    frames: int
    groups: tuple[int, ...]


class Stretch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Consecutive frames of the film that are encoded to learn from. `weight` is the share of the film, 0 to 1, for which it
    speaks; `scale` how much harder (in bits) the film is there than the stretch itself."""

    start_frame: int
    frames: int
    weight: float
    scale: float


class Point(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One encode of all stretches that is to be made: a frame size and a quality, and the peak where it is held to one.

    Names are files of the analysis's folder.
    """

    name: str
    path: str
    width: Pixels
    height: Pixels
    crf: float
    coding: Coding = Coding.H264
    peak: BitsPerSecond | None = None


class Sample(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one encode of the reel took and gave: the bytes of each group of pictures, and the mean VMAF of each stretch.

    `older` has the scores of the older model, where that was asked too.
    """

    groups: tuple[int, ...]
    scores: tuple[float, ...]
    older: tuple[float, ...] = ()


class Measured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One encode of all stretches, as the whole film is thought to be: bits a second, and mean VMAF at 1080 lines.

    `peak` is what it was held to; `older_score` is the older model's.
    """

    width: Pixels
    height: Pixels
    crf: float
    bitrate: BitsPerSecond
    score: float
    coding: Coding = Coding.H264
    peak: BitsPerSecond | None = None
    older_score: float | None = None


class Analysis(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that was measured of a film, and the choices that follow, H.264 before AV1, best first.

    `model` and `older_model` are names of VMAF models; `presets` has the encoder's preset of each coding.
    """

    presets: dict[Coding, str]
    model: str
    older_model: str
    rate: FrameRate
    segment_frames: int
    survey: Survey
    stretches: tuple[Stretch, ...]
    points: tuple[Measured, ...]
    choices: tuple[Choice, ...]

    def points_of(self, coding: Coding) -> tuple[Measured, ...]:
        return tuple(one for one in self.points if one.coding is coding)

    def choices_of(self, coding: Coding) -> tuple[Choice, ...]:
        return tuple(one for one in self.choices if one.coding is coding)
