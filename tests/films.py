"""Small films that tests make for themselves with ffmpeg's own sources: no fetched media is needed to run the tests."""

import subprocess
from pathlib import Path

from matinee.outside.tools import find_tools


def make_film(
    path: Path,
    *,
    seconds: float = 12,
    size: str = "640x360",
    rate: str = "24",
    languages: tuple[str, ...] = ("fra", "eng"),
    source: str = "testsrc2",
) -> Path:
    """A film of moving test pictures with one tone per language, H.264 and AAC in whatever container the name says."""
    pictures = f"{source}=size={size}:rate={rate}:duration={seconds}"
    argv = [find_tools().ffmpeg, "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", pictures]
    for number, _ in enumerate(languages):
        argv += ["-f", "lavfi", "-i", f"sine=frequency={330 + 110 * number}:sample_rate=48000:duration={seconds}"]
    argv += ["-map", "0:v"]
    for number, language in enumerate(languages):
        argv += ["-map", f"{number + 1}:a", f"-metadata:s:a:{number}", f"language={language}"]
    argv += ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "96k"]
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([*argv, f"file:{path}"], check=True, timeout=120)
    return path


def srt(*cues: tuple[float, float, str]) -> str:
    """Subtitles as SRT from (start, end, text) in seconds."""

    def stamp(seconds: float) -> str:
        ms = round(seconds * 1000)
        return f"{ms // 3600000:02d}:{ms // 60000 % 60:02d}:{ms // 1000 % 60:02d},{ms % 1000:03d}"

    return "\n".join(f"{n}\n{stamp(start)} --> {stamp(end)}\n{text}\n" for n, (start, end, text) in enumerate(cues, 1))
