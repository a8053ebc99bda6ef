"""The films that the bench takes: a real one where the shared media lie beside the checkout, else one of test pictures."""

import os
import subprocess
from pathlib import Path

from matinee.encoding.command import encode_command
from matinee.encoding.model import EncodePlan
from matinee.outside.tools import Tools, find_tools

_SHARED = Path(os.environ.get("MATINEE_SHARED") or Path(__file__).resolve().parents[2] / "shared")
SHARED_FILMS = _SHARED / "media" / "films"
_REAL = SHARED_FILMS / "sintel_trailer_720p24.mp4"
SECONDS = 40
"""Of the film that is made where there is no real one."""


def whole_film(folder: Path) -> Path:
    """A film of 40 to 52 s in 1280x720 at 24 frames a second, with sound: a trailer with cuts, dark and fast scenes."""
    if _REAL.is_file():
        return _REAL
    path = folder / "bench.mp4"
    pictures = f"testsrc2=size=1280x720:rate=24:duration={SECONDS},noise=alls=12:allf=t"
    sound = f"sine=frequency=330:sample_rate=48000:duration={SECONDS}"
    _ffmpeg("-f", "lavfi", "-i", pictures, "-f", "lavfi", "-i", sound, *_LIGHT, str(path))
    return path


def short_film(folder: Path, seconds: int) -> Path:
    """So many seconds out of the middle of the whole film, in the same size."""
    path = folder / f"short-{seconds}.mp4"
    _ffmpeg("-ss", "12", "-i", str(whole_film(folder)), "-t", str(seconds), *_LIGHT, str(path))
    return path


def plain_command(plan: EncodePlan, source: Path, tools: Tools) -> list[str]:
    """The one plain run of ffmpeg that makes a plan's rungs and sounds and nothing else: what anybody would type.

    The encoders' settings are taken from the command that an ingest runs, so that both make the same work for them. Left
    out is all that an ingest adds: evening out frames, thumbnails, stills, cuts, loudness, colour tags on the frames.
    """
    labels = [f"[{rung.name}]" for rung in plan.video]
    split = "".join(f"[in{number}]" for number in range(len(labels)))
    graph = [f"[0:{plan.source.index}]split={len(labels)}{split}"]
    graph += [f"[in{n}]scale={rung.width}:{rung.height}{labels[n]}" for n, rung in enumerate(plan.video)]
    argv = [tools.ffmpeg, "-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-i", str(source)]
    argv += ["-filter_complex", ";".join(graph)]
    ours = encode_command(plan, source, tools)
    for rung in plan.video:
        argv += _output(ours, f"[{rung.name}]", rung.path)
    for sound in plan.audio:
        if sound.source_index is None:  # the silence that a film without sound is given
            continue
        output = _output(ours, f"[{sound.name}]", sound.path)
        output[output.index("-map") + 1] = f"0:{sound.source_index}"
        argv += ["-ac", "2", "-ar", "48000", *output]
    return argv


def _output(argv: list[str], label: str, path: str) -> list[str]:
    """The part of a command from `-map LABEL` to the file that it writes."""
    begin = next(at for at, word in enumerate(argv) if word == "-map" and argv[at + 1] == label)
    return argv[begin : argv.index(path, begin) + 1]


_LIGHT = ("-c:v", "libx264", "-preset", "superfast", "-crf", "18", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "128k")


def _ffmpeg(*arguments: str) -> None:
    subprocess.run([find_tools().ffmpeg, "-nostdin", "-v", "error", "-y", *arguments], check=True, timeout=300)
