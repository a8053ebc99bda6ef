"""What ffmpeg says is read whatever order its threads come to speak in."""

from matinee.encoding.model import Loudness
from matinee.encoding.report import read_loudness

WHOLE = """[ebur128@a_en @ 0x7fe49401d580] [info] Summary:

  Integrated loudness:
    I:         -18.8 LUFS
    Threshold: -28.8 LUFS

  Loudness range:
    LRA:         0.0 LU
    Threshold: -38.8 LUFS
    LRA low:   -18.8 LUFS
    LRA high:  -18.8 LUFS

  True peak:
    Peak:      -16.1 dBFS
[out#0/null @ 0x565575d17d00] [info] video:22KiB audio:0KiB
"""
BROKEN = WHOLE.replace(
    "LRA high:  -18.8 LUFS\n",
    "LRA high:  -18.8 LUFSx1:0 x2:639 limit:0.094118 crop=640:360:0:0\n[ebur128@a_en @ 0x7fe49401d580] [info] \n",
)
OTHER = WHOLE.replace("a_en", "a_fr").replace("-18.8", "-30.0").replace("-16.1", "-2.0")


def test_a_summary_is_whole_whatever_is_said_in_its_midst() -> None:
    wanted = Loudness(name="a_en", integrated=-18.8, range_lu=0.0, true_peak_dbtp=-16.1)  # type: ignore[arg-type]
    for said in (WHOLE, BROKEN, OTHER + BROKEN, BROKEN + OTHER, WHOLE.replace("-18.8", "-40.0") + BROKEN):
        assert read_loudness(said, "a_en") == wanted
    assert read_loudness(OTHER, "a_en").integrated is None
