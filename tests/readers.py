"""Readers of packages that we did not write."""

import subprocess
from pathlib import Path

from matinee.outside.tools import find_tools


def frames_by_ffprobe(package: Path, key: str) -> set[tuple[int, int]]:
    """What ffprobe finds from the HLS master on: (height, frames that it decoded) of each rung.

    The key is a test's: on an argv it is no secret here.
    """
    argv = [find_tools().ffprobe, "-v", "error", "-protocol_whitelist", "file,data,crypto", "-allowed_extensions", "ALL"]
    argv += ["-seg_format_options", f"decryption_key={key}", "-count_frames", "-select_streams", "v"]
    argv += ["-show_entries", "stream=height,nb_read_frames", "-of", "csv=p=0", "master.m3u8"]
    told = subprocess.run(argv, cwd=package, check=True, capture_output=True, text=True).stdout.split()
    rows = [line.rstrip(",").split(",") for line in told if line.rstrip(",")]
    return {(int(height), int(frames)) for height, frames in rows}
