"""Music that tests make up: equal seeds give equal melodies, other seeds share nothing. And what encoders make of it."""

import subprocess
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from matinee.outside.tools import find_tools

RATE = 48_000
_NOTES = 220.0 * 2.0 ** (np.array([0, 2, 3, 5, 7, 8, 10, 12, 14, 15, 17, 19]) / 12)


def melody(seed: int, seconds: float) -> np.ndarray:
    """Two voices of random notes of a quarter of a second with overtones, float32 in -1 to 1."""
    chance = np.random.default_rng(seed)
    count = int(seconds * 4) + 1
    at = np.arange(RATE // 4) / RATE
    notes = []
    for _ in range(count):
        pitches = chance.choice(_NOTES, 2, replace=False) * chance.choice([0.5, 1.0, 2.0])
        tone = sum(np.sin(2 * np.pi * pitch * over * at) / over for pitch in pitches for over in (1, 2, 3))
        notes.append(tone * np.exp(-3 * at) * 0.15)
    return np.concatenate(notes)[: int(seconds * RATE)].astype(np.float32)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * RATE), np.float32)


def write_sound(path: Path, parts: Sequence[np.ndarray], *coding: str) -> Path:
    """The parts one after another, through an encoder: "-c:a", "aac", "-b:a", "96k"."""
    plain = path.with_name(path.name + ".wav")
    samples = (np.clip(np.concatenate(parts), -1, 1) * 32_000).astype("<i2")
    with wave.open(str(plain), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    argv = [find_tools().ffmpeg, "-nostdin", "-v", "error", "-y", "-i", str(plain), *coding, str(path)]
    subprocess.run(argv, check=True, timeout=60)
    return path
