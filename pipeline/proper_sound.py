"""What an engine hands over, checked: a customer must hear something, and it must sound as it was meant."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from contextlib import aclosing

import numpy as np

from pipeline.audio import AudioChunk, leading_silence_s
from pipeline.errors import ProviderError

SLOWEST_HZ, FASTEST_HZ = 8_000, 96_000
"""Rates that speech can have."""

LONGEST_SILENCE_S = 3.0
"""Audio seconds of silence, at the start or between two sounds, after which an engine counts as mute."""


class BadAudio(ProviderError):
    """A provider gave sound that cannot be played, or none."""

    code = "bad_audio"


async def proper(
    chunks: AsyncGenerator[AudioChunk], provider: str, *, longest_s: float = math.inf
) -> AsyncGenerator[AudioChunk]:
    """The same chunks, without silent ones at the start and without empty ones.

    Raises ``BadAudio`` where nothing can be heard, where rate or samples are not those of speech, and after more than
    ``longest_s`` audio seconds: engines that draw their sounds by lot may babble on.
    """
    rate_hz: int | None = None
    silent_s = total_s = 0.0
    heard = False
    async with aclosing(chunks):
        async for chunk in chunks:
            rate_hz = rate_hz or chunk.rate_hz
            if chunk.rate_hz != rate_hz or not SLOWEST_HZ <= chunk.rate_hz <= FASTEST_HZ:
                raise BadAudio(f"The voice {provider} gave sound at {chunk.rate_hz} Hz, which cannot be right.")
            if chunk.pcm.dtype != np.int16 or chunk.pcm.ndim != 1:
                raise BadAudio(f"The voice {provider} gave samples of a kind that cannot be played.")
            silent = leading_silence_s(chunk) == chunk.duration_s
            silent_s = silent_s + chunk.duration_s if silent else 0.0
            total_s += chunk.duration_s
            if silent_s > LONGEST_SILENCE_S:
                raise BadAudio(f"The voice {provider} was silent for more than {LONGEST_SILENCE_S:g} s.")
            if total_s > longest_s:
                raise BadAudio(f"The voice {provider} spoke on for more than {longest_s:.0f} s.")
            heard = heard or not silent
            if heard and len(chunk.pcm):
                yield chunk
    if not heard:
        raise BadAudio(f"The voice {provider} made no sound of a text.")
