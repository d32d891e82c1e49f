"""A whole recording as the voice detector takes it."""

from __future__ import annotations

import numpy as np

from pipeline.audio import FRAME_S, FRAME_SAMPLES, LISTENING_RATE_HZ, AudioChunk
from providers.audio.resample import Resampler


def listening_frames(audio: AudioChunk) -> list[AudioChunk]:
    """Chunks of ``FRAME_SAMPLES`` at 16 kHz; the last one is filled up with silence."""
    resampler = Resampler(audio.rate_hz, LISTENING_RATE_HZ)
    pcm = np.concatenate([resampler.push(audio.pcm), resampler.flush()])
    count = -(-len(pcm) // FRAME_SAMPLES)
    padded = np.zeros(count * FRAME_SAMPLES, np.int16)
    padded[: len(pcm)] = pcm
    return [
        AudioChunk(frame, LISTENING_RATE_HZ, number * FRAME_S)
        for number, frame in enumerate(padded.reshape(count, FRAME_SAMPLES))
    ]
