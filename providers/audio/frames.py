"""A microphone's stream cut into chunks of ``FRAME_SAMPLES``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipeline.audio import FRAME_SAMPLES, LISTENING_RATE_HZ, AudioChunk, Pcm


class FrameCutter:
    """Collects samples at ``LISTENING_RATE_HZ`` and hands them out in whole chunks that follow each other."""

    def __init__(self) -> None:
        self._waiting: Pcm = np.zeros(0, np.int16)
        self._cut_samples = 0

    @property
    def taken_s(self) -> float:
        """Audio seconds taken so far."""
        return (self._cut_samples + len(self._waiting)) / LISTENING_RATE_HZ

    def push(self, pcm: Pcm) -> Iterator[AudioChunk]:
        """Take samples (int16, any number) and give the chunks that are full now."""
        samples = np.concatenate([self._waiting, pcm]) if len(self._waiting) else pcm
        whole = len(samples) // FRAME_SAMPLES * FRAME_SAMPLES
        self._waiting = samples[whole:]
        for first in range(0, whole, FRAME_SAMPLES):
            start_s = self._cut_samples / LISTENING_RATE_HZ
            self._cut_samples += FRAME_SAMPLES
            yield AudioChunk(samples[first : first + FRAME_SAMPLES], LISTENING_RATE_HZ, start_s)

    def flush(self) -> Iterator[AudioChunk]:
        """The rest, filled up with silence to a whole chunk; none where nothing waits."""
        if len(self._waiting):
            yield from self.push(np.zeros(FRAME_SAMPLES - len(self._waiting), np.int16))
