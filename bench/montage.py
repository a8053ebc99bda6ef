"""A film cut together from the shared ones: short shots, no two alike, easy and hard ones in turn."""

import subprocess
from pathlib import Path

from bench.film import SHARED_FILMS
from matinee.outside.tools import find_tools

SHOT_SECONDS = 4
RATE = 25
FILMS = (
    ("sintel_trailer_720p24.mp4", 50),
    ("highway_540p60_noaudio.mp4", 12),
    ("bbb_720p24_30s_vp8.webm", 28),
    ("gotland_race_360p24_ad.mp4", 8),
    ("bbb_540p25_48s.mp4", 48),
    ("mdn_crystal_480p30.mp4", 8),
    ("bbb_480p24_30s_5.1.mp4", 28),
    ("chaplin_grain_bw_360p.mp4", 8),
    ("bbb_216p25_full_9m56.mp4", 592),
)
"""Films and how many seconds of each are taken at the most, in turn: the last, a whole film of 216 lines, fills what is left."""


def montage(folder: Path, seconds: int, size: str = "1280x720") -> Path:
    """Make it in a folder, as near to lossless as it need be. Raises SystemExit where the films are not here."""
    if not SHARED_FILMS.is_dir():
        raise SystemExit(f"the films of {SHARED_FILMS} are not here")
    width, height = size.split("x")
    shots = [
        (film, start)
        for start in range(0, max(most for _, most in FILMS), SHOT_SECONDS)
        for film, most in FILMS
        if start + SHOT_SECONDS <= most
    ][: max(1, seconds // SHOT_SECONDS)]
    fit = f"scale={width}:{height}:force_original_aspect_ratio=increase:flags=bicubic,crop={width}:{height},setsar=1"
    for number, (film, start) in enumerate(shots):
        argv = [find_tools().ffmpeg, "-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-ss", str(start)]
        argv += ["-i", str(SHARED_FILMS / film), "-an", "-sn", "-vf", f"fps={RATE},{fit},format=yuv420p"]
        argv += ["-frames:v", str(SHOT_SECONDS * RATE), "-c:v", "libx264", "-preset", "ultrafast", "-crf", "10", f"{number}.mp4"]
        subprocess.run(argv, cwd=folder, check=True, stdin=subprocess.DEVNULL)
    (folder / "shots.txt").write_text("".join(f"file {number}.mp4\n" for number in range(len(shots))))
    argv = [find_tools().ffmpeg, "-nostdin", "-y", "-loglevel", "error", "-f", "concat", "-i", "shots.txt", "-c", "copy"]
    subprocess.run([*argv, "montage.mp4"], cwd=folder, check=True, stdin=subprocess.DEVNULL)
    for number in range(len(shots)):
        (folder / f"{number}.mp4").unlink()
    return folder / "montage.mp4"
