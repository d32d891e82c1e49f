"""Sound files and virtual time for these tests."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import soundfile

from pipeline.audio import FRAME_S, LISTENING_RATE_HZ, AudioChunk, from_float


def ramp(duration_s: float) -> AudioChunk:
    """Every sample tells its place, as far as 16 bits go."""
    return AudioChunk(np.arange(round(duration_s * LISTENING_RATE_HZ)).astype(np.int16), LISTENING_RATE_HZ)


def written(path: Path, sound: AudioChunk) -> Path:
    """The sound as a 16-bit WAV."""
    soundfile.write(path, sound.pcm, sound.rate_hz, subtype="PCM_16")
    return path


def frames(duration_s: float) -> list[AudioChunk]:
    """Noise in whole chunks of a microphone."""
    count = round(duration_s / FRAME_S)
    noise = from_float(np.random.default_rng(3).normal(0, 0.1, count * 512), LISTENING_RATE_HZ)
    return [AudioChunk(noise.pcm[n * 512 : (n + 1) * 512], LISTENING_RATE_HZ, n * FRAME_S) for n in range(count)]


class VirtualTime:
    """A clock that only sleeping moves. ``late_s`` is how much longer than asked each sleep takes."""

    def __init__(self, late_s: float = 0.0) -> None:
        self.now_s = 100.0
        self.late_s = late_s
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now_s

    async def sleep(self, duration_s: float) -> None:
        self.slept.append(duration_s)
        await asyncio.sleep(0)
        if duration_s > 0:
            self.now_s += duration_s + self.late_s
