"""Audio as it travels through the house: one channel, signed 16-bit samples, a rate and a place in time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LISTENING_RATE_HZ = 16_000
"""Rate of everything that comes from a microphone: the rate of wake word, voice activity and Whisper models."""

FRAME_SAMPLES = 512
"""Samples in one chunk from a microphone: 32 ms, the step of Silero's voice detector."""

FRAME_S = FRAME_SAMPLES / LISTENING_RATE_HZ
"""Seconds in one chunk from a microphone."""

ECHO_FRAME_SAMPLES = 160
"""Samples from a microphone in one step of echo cancelling: 10 ms, the step of WebRTC's."""

ECHO_FRAME_S = ECHO_FRAME_SAMPLES / LISTENING_RATE_HZ
"""Seconds in one step of echo cancelling."""

FULL_SCALE = 32768.0
"""Value of a 16-bit sample that stands for 1.0."""

SILENCE_DB = -120.0
"""Level given to digital silence, in dB relative to full scale."""

LEADING_SILENCE_S = 0.02
"""What is left of the silence before a spoken sentence: a customer waits through it."""

Pcm = NDArray[np.int16]
"""Samples, int16, shape [samples], one channel."""


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A stretch of sound."""

    pcm: Pcm
    """int16, shape [samples], one channel."""

    rate_hz: int
    """Samples per second."""

    start_s: float = 0.0
    """Audio seconds from the start of its stream to the first sample. Never a clock."""

    @property
    def duration_s(self) -> float:
        """Length in audio seconds."""
        return len(self.pcm) / self.rate_hz

    @property
    def end_s(self) -> float:
        """Audio seconds from the start of the stream to just after the last sample."""
        return self.start_s + self.duration_s

    @property
    def level_db(self) -> float:
        """Root mean square in dB relative to full scale; digital silence gives ``SILENCE_DB``."""
        return level_db(self.pcm)

    def as_float(self) -> NDArray[np.float32]:
        """float32 in [-1, 1), shape [samples]."""
        return self.pcm.astype(np.float32) / np.float32(FULL_SCALE)

    def since(self, start_s: float) -> AudioChunk:
        """The part that lies at or after ``start_s`` (empty where none does)."""
        skip = min(len(self.pcm), max(0, round((start_s - self.start_s) * self.rate_hz)))
        return AudioChunk(self.pcm[skip:], self.rate_hz, self.start_s + skip / self.rate_hz)

    def until(self, end_s: float) -> AudioChunk:
        """The part that lies before ``end_s`` (empty where none does)."""
        keep = min(len(self.pcm), max(0, round((end_s - self.start_s) * self.rate_hz)))
        return AudioChunk(self.pcm[:keep], self.rate_hz, self.start_s)


def level_db(pcm: Pcm) -> float:
    """Root mean square of ``pcm`` (int16, shape [samples]) in dB relative to full scale."""
    if len(pcm) == 0:
        return SILENCE_DB
    samples = pcm.astype(np.float32)
    mean_square = float(np.dot(samples, samples)) / len(pcm) / FULL_SCALE**2
    return max(SILENCE_DB, 10.0 * float(np.log10(mean_square))) if mean_square > 0 else SILENCE_DB


def from_float(samples: NDArray[np.floating], rate_hz: int, start_s: float = 0.0) -> AudioChunk:
    """A chunk from floating point samples in [-1, 1], shape [samples]; what exceeds the range is clipped."""
    scaled = np.clip(np.round(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
    return AudioChunk(scaled.astype(np.int16), rate_hz, start_s)


def silence(duration_s: float, rate_hz: int) -> AudioChunk:
    """Digital silence of the given length."""
    return AudioChunk(np.zeros(round(duration_s * rate_hz), np.int16), rate_hz)


def joined(chunks: Iterable[AudioChunk]) -> AudioChunk:
    """Chunks of one rate that follow each other, as one. Raises ``ValueError`` for none or for mixed rates."""
    listed = list(chunks)
    rates = {chunk.rate_hz for chunk in listed}
    if len(rates) != 1:
        raise ValueError(f"cannot join chunks of rates {sorted(rates)}")
    return AudioChunk(np.concatenate([chunk.pcm for chunk in listed]), rates.pop(), listed[0].start_s)


def continuous(chunks: Iterable[AudioChunk]) -> AudioChunk:
    """Chunks of one stream as one stretch, each at its ``start_s``; what is missing between them is silence."""
    listed = list(chunks)
    first, rate_hz = listed[0], listed[0].rate_hz
    pcm = np.zeros(round((listed[-1].end_s - first.start_s) * rate_hz), np.int16)
    for chunk in listed:
        at = round((chunk.start_s - first.start_s) * rate_hz)
        pcm[at : at + len(chunk.pcm)] = chunk.pcm
    return AudioChunk(pcm, rate_hz, first.start_s)


def leading_silence_s(chunk: AudioChunk, audible_db: float = -50.0) -> float:
    """Seconds before the first sample louder than ``audible_db`` (dB relative to full scale, by amplitude).

    The whole length where no sample is: what a customer waits for is the first sample they can hear.
    """
    loud = np.flatnonzero(np.abs(chunk.pcm.astype(np.int32)) > FULL_SCALE * 10 ** (audible_db / 20))
    return int(loud[0]) / chunk.rate_hz if len(loud) else chunk.duration_s


def without_leading_silence(chunk: AudioChunk) -> AudioChunk:
    """From just before the first audible sample. Silence alone stays as it is: whoever plays it notices."""
    quiet_s = leading_silence_s(chunk)
    return chunk if quiet_s == chunk.duration_s else chunk.since(chunk.start_s + quiet_s - LEADING_SILENCE_S)


async def audible_from_start(chunks: AsyncGenerator[AudioChunk]) -> AsyncGenerator[AudioChunk]:
    """The same chunks, without the silence before the first sound."""
    begun = False
    async with aclosing(chunks):
        async for chunk in chunks:
            if begun:
                yield chunk
            elif leading_silence_s(chunk) < chunk.duration_s:
                begun = True
                yield without_leading_silence(chunk)
