"""Instruments, weather and a mastering desk, in numpy alone.

Notes are sums of sines with their own decays rather than simulated strings, because a sum vectorises and a feedback loop does
not. Reverberation and loudness are computed in the frequency domain, where a thirty-second film is one FFT.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from matinee.app.demo.model import Mono, Stereo

RATE = 48_000
TARGET_LUFS = -18.0
CEILING = 0.84  # -1.5 dBFS: an AAC encoder overshoots its input by up to a decibel

Spectrum = Callable[[npt.NDArray[np.floating[Any]]], npt.NDArray[np.floating[Any]]]


def hertz(note: float) -> float:
    """The frequency of a MIDI note: 69 is the A of 440 Hz."""
    return float(440.0 * 2 ** ((note - 69) / 12))


def seconds_axis(seconds: float) -> Mono:
    return np.arange(int(seconds * RATE), dtype=np.float32) / np.float32(RATE)


class Mix:
    """A stereo buffer of a fixed length, onto which notes are laid at their times. What hangs over the end is cut."""

    def __init__(self, seconds: float) -> None:
        self.samples: Stereo = np.zeros((2, int(seconds * RATE)), np.float32)

    def add(self, at: float, sound: Mono | Stereo, gain: float = 1.0, pan: float = 0.0) -> None:
        """Lay a sound at a time in seconds; `pan` from -1 (left) to 1 keeps the power equal."""
        start = int(at * RATE)
        end = min(self.samples.shape[1], start + sound.shape[-1])
        if start < 0 or end <= start:
            return
        part = sound[..., : end - start]
        if sound.ndim == 1:
            angle = (pan + 1) * np.pi / 4
            self.samples[0, start:end] += part * np.float32(gain * np.cos(angle))
            self.samples[1, start:end] += part * np.float32(gain * np.sin(angle))
        else:
            self.samples[:, start:end] += part * np.float32(gain)


def _envelope(n: int, attack: float, release: float) -> Mono:
    shape = np.ones(n, np.float32)
    rise, fall = min(n, max(1, int(attack * RATE))), min(n, max(1, int(release * RATE)))
    shape[:rise] *= np.sin(np.linspace(0, np.pi / 2, rise, dtype=np.float32)) ** 2
    shape[-fall:] *= np.cos(np.linspace(0, np.pi / 2, fall, dtype=np.float32)) ** 2
    return shape


def _partials(note: float, seconds: float, parts: list[tuple[float, float, float]], attack: float) -> Mono:
    """A struck sound: each part is (ratio to the fundamental, loudness, decay per second)."""
    t = seconds_axis(seconds)
    base = hertz(note)
    out = np.zeros_like(t)
    for ratio, loudness, decay in parts:
        if base * ratio < 12_000:
            out += np.float32(loudness) * np.exp(t * np.float32(-decay)) * np.sin(t * np.float32(2 * np.pi * base * ratio))
    return out * _envelope(len(t), attack, 0.08)


@lru_cache(maxsize=256)
def harp(note: float, seconds: float = 2.6, bright: float = 1.0) -> Mono:
    """A plucked string: the upper partials die first."""
    parts = [(k * (1 + 0.0002 * k * k), k ** -(2.1 - 0.6 * bright), 1.1 + 0.75 * k) for k in range(1, 12)]
    return _partials(note, seconds, parts, 0.003) * np.float32(0.42)


@lru_cache(maxsize=256)
def piano(note: float, seconds: float = 3.4, soft: float = 0.6) -> Mono:
    """A felt piano: stiff strings, a quick and a slow decay."""
    parts = []
    for k in range(1, 10):
        ratio = k * float(np.sqrt(1 + 0.0004 * k * k))
        parts += [(ratio, 0.6 * k ** -(1.3 + soft), 3.0 + 0.9 * k), (ratio * 1.0006, 0.4 * k ** -(1.3 + soft), 0.6 + 0.4 * k)]
    return _partials(note, seconds, parts, 0.006) * np.float32(0.45)


@lru_cache(maxsize=256)
def music_box(note: float, seconds: float = 2.2) -> Mono:
    """A tine: nearly a sine, with a glassy knock of higher, foreign partials."""
    return _partials(note, seconds, [(1, 0.5, 2.0), (2.0, 0.1, 3.2), (6.27, 0.13, 8.0), (9.9, 0.04, 16.0)], 0.002) * np.float32(
        0.6
    )


@lru_cache(maxsize=128)
def bell(note: float, seconds: float = 4.0) -> Mono:
    parts = [
        (0.5, 0.2, 0.7),
        (1, 0.4, 0.9),
        (1.19, 0.16, 1.3),
        (1.5, 0.12, 1.6),
        (2, 0.2, 1.8),
        (2.74, 0.1, 2.6),
        (4.1, 0.05, 4.5),
    ]
    return _partials(note, seconds, parts, 0.004) * np.float32(0.5)


def pad(notes: tuple[int, ...], seconds: float, attack: float = 1.2, release: float = 1.6, bright: float = 0.5) -> Stereo:
    """A chord of slow strings: three voices a note, a few cents apart and spread over the two sides."""
    t = seconds_axis(seconds)
    out = np.zeros((2, len(t)), np.float32)
    for i, note in enumerate(notes):
        for j, cents in enumerate((-6.0, 0.0, 5.0)):
            base = hertz(note + cents / 100)
            voice = np.zeros_like(t)
            for k in range(1, 8):
                swell = 1 + 0.35 * np.sin(2 * np.pi * (0.11 + 0.035 * k) * t + i + 2 * k)
                voice += (
                    np.float32(k ** -(2.6 - 1.2 * bright))
                    * swell.astype(np.float32)
                    * np.sin(t * np.float32(2 * np.pi * base * k) + np.float32(i * 1.7 + j * 2.1 + k))
                )
            side = 0.5 + 0.34 * (j - 1)
            out[0] += voice * np.float32(1 - side)
            out[1] += voice * np.float32(side)
    return out * _envelope(len(t), attack, release) * np.float32(0.16 / np.sqrt(len(notes)))


def bass(note: float, seconds: float, bright: float = 0.3) -> Mono:
    t = seconds_axis(seconds)
    base = hertz(note)
    out = sum(
        np.float32(k ** -(2.4 - bright * 1.4)) * np.sin(t * np.float32(2 * np.pi * base * k)) * np.exp(t * np.float32(-0.5 * k))
        for k in range(1, 9)
    )
    return np.asarray(out, np.float32) * _envelope(len(t), 0.012, 0.06) * np.float32(0.5)


def cello(note: float, seconds: float, bright: float = 0.5) -> Mono:
    """A bowed string with a vibrato that comes late, as a player's does."""
    t = seconds_axis(seconds)
    depth = np.clip((t - 0.35) / 0.8, 0, 1) * np.float32(0.0045)
    phase = 2 * np.pi * np.cumsum(hertz(note) * (1 + depth * np.sin(2 * np.pi * 5.1 * t)), dtype=np.float64) / RATE
    turns = np.mod(phase, 2 * np.pi).astype(np.float32)
    out = np.zeros_like(t)
    for k in range(1, 15):
        body = 0.5 + np.exp(-(((hertz(note) * k - 420) / 350) ** 2)) + 0.5 * np.exp(-(((hertz(note) * k - 1200) / 500) ** 2))
        out += np.float32(body * k ** -(1.9 - 0.6 * bright)) * np.sin(turns * np.float32(k))
    return out * _envelope(len(t), 0.22, 0.35) * np.float32(0.22)


def kick(seconds: float = 0.42) -> Mono:
    t = seconds_axis(seconds)
    phase = 2 * np.pi * (46 * t + 6.2 * (1 - np.exp(-t * 26)))
    return np.asarray(np.sin(phase) * np.exp(-t * 7.5) * _envelope(len(t), 0.001, 0.05), np.float32)


def hiss(seconds: float, decay: float, low: float, high: float, seed: int) -> Mono:
    """A short burst of noise between two frequencies: hats, brushes, a snare's wires."""
    n = int(seconds * RATE)
    burst = _shaped_noise(n, seed, lambda f: _band(f, low, high))
    return np.asarray(burst * np.exp(seconds_axis(seconds) * np.float32(-decay)) * _envelope(n, 0.001, 0.02), np.float32)


def weather(seconds: float, seed: int, low: float, high: float, slope: float = 0.5) -> Stereo:
    """Steady noise between two frequencies, different on each side: wind, rain, a far sea."""
    n = int(seconds * RATE)

    def spectrum(f: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
        return np.asarray(_band(f, low, high) * np.maximum(f, 20.0) ** -slope)

    return np.stack([_shaped_noise(n, seed, spectrum), _shaped_noise(n, seed + 1, spectrum)])


def sea(seconds: float, seed: int) -> Stereo:
    """Waves on a shore: noise that opens and closes, each side in its own time."""
    t = seconds_axis(seconds)
    low, high = weather(seconds, seed, 60, 900, 0.6), weather(seconds, seed + 7, 500, 7000, 0.7)
    swell = np.stack([np.sin(np.pi * t / 6.1 + 0.4 * k + 0.5 * np.sin(t / 3 + k)) ** 4 for k in (0.0, 1.0)]).astype(np.float32)
    return low * (0.35 + 0.4 * swell) + high * (0.04 + 0.34 * swell)


def swept(sound: Stereo, gains: npt.NDArray[np.floating[Any]], times: npt.NDArray[np.floating[Any]]) -> Stereo:
    """A sound under a fader: gains at times, straight lines between."""
    t = seconds_axis(sound.shape[1] / RATE)
    return np.asarray(sound * np.interp(t, times, gains)[None, : sound.shape[1]], np.float32)


def _band(f: npt.NDArray[np.floating[Any]], low: float, high: float) -> npt.NDArray[np.floating[Any]]:
    return np.asarray(1 / (1 + (low / np.maximum(f, 1.0)) ** 4) / (1 + (f / high) ** 4))


def _shaped_noise(n: int, seed: int, spectrum: Spectrum) -> Mono:
    white = np.random.default_rng(seed).standard_normal(n)
    shaped = np.fft.irfft(np.fft.rfft(white) * spectrum(np.fft.rfftfreq(n, 1 / RATE)), n)
    return np.asarray(shaped / (np.abs(shaped).std() * 4 + 1e-9), np.float32)


def reverb(dry: Stereo, seconds: float, wet: float, seed: int = 11) -> Stereo:
    """The sound in a room whose echoes die within `seconds`: convolution with a dimming noise, unlike on the two sides."""
    n = int(seconds * RATE)
    t = np.arange(n) / RATE
    size = 1 << (dry.shape[1] + n - 1).bit_length()
    out = np.empty_like(dry)
    for side in range(2):
        noise = np.random.default_rng(seed + side).standard_normal(n)
        dark = np.fft.irfft(np.fft.rfft(noise) * _band(np.fft.rfftfreq(n, 1 / RATE), 180, 4200), n)
        room = dark * np.exp(-6.9 * t / seconds) * np.clip(t / 0.012, 0, 1)
        room /= np.sqrt((room**2).sum())
        tail = np.fft.irfft(np.fft.rfft(dry[side], size) * np.fft.rfft(room, size), size)[: dry.shape[1]]
        out[side] = dry[side] + np.float32(wet) * tail.astype(np.float32)
    return out


def loudness(sound: Stereo) -> float:
    """Integrated loudness in LUFS by ITU-R BS.1770-4: K-weighting, blocks of 400 ms, the two gates."""
    n = sound.shape[1]
    z = np.exp(-2j * np.pi * np.arange(n // 2 + 1) / n)
    shelf = (1.53512485958697 - 2.69169618940638 * z + 1.19839281085285 * z**2) / (
        1 - 1.69065929318241 * z + 0.73248077421585 * z**2
    )
    high_pass = (1 - 2 * z + z**2) / (1 - 1.99004745483398 * z + 0.99007225036621 * z**2)
    weighted = np.fft.irfft(np.fft.rfft(sound, axis=1) * shelf * high_pass, n, axis=1)
    hop = RATE // 10
    steps = (weighted[:, : n // hop * hop] ** 2).reshape(2, -1, hop).mean(axis=2).sum(axis=0)
    power = np.convolve(steps, np.ones(4) / 4, "valid")
    power = power[power > 10 ** ((-70 + 0.691) / 10)]
    if not len(power):
        return -70.0
    kept = power[power > power.mean() / 10]
    return float(-0.691 + 10 * np.log10(kept.mean()))


def mastered(sound: Stereo, fade_in: float = 0.05, fade_out: float = 1.2) -> Stereo:
    """The sound at TARGET_LUFS, its rare peaks rounded off under CEILING, its ends faded."""
    faded: Stereo = sound * _envelope(sound.shape[1], fade_in, fade_out)
    for _ in range(2):  # rounding peaks off costs a little loudness: the second pass makes it good
        faded = _rounded(faded * np.float32(10 ** ((TARGET_LUFS - loudness(faded)) / 20)))
    return faded


def _rounded(sound: Stereo) -> Stereo:
    knee = np.float32(0.55)
    over = np.abs(sound) - knee
    room = np.float32(CEILING) - knee
    return np.where(over > 0, np.sign(sound) * (knee + room * np.tanh(over / room)), sound).astype(np.float32)
