"""A voice detector that follows a script."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from pipeline.audio import FRAME_SAMPLES, LISTENING_RATE_HZ, AudioChunk
from pipeline.errors import ProviderError
from pipeline.protocols import Capabilities


class ScriptedVoiceDetector:
    """Says "speech" for the spans of its script, by the place of each chunk in its stream.

    Without a script it goes by level: what is louder than ``loud_db`` is speech.
    """

    capabilities = Capabilities(name="scripted", streams=True, licence="Apache-2.0")

    def __init__(
        self, speech: Sequence[tuple[float, float]] | None = None, *, loud_db: float = -45.0, noise: float = 0.02
    ) -> None:
        self.speech = speech
        """Spans of speech in audio seconds, or None to go by level."""
        self.loud_db = loud_db
        self.noise = noise
        """Probability given to what is not speech: 0.6 is a babbling office."""
        self.fails_at_s: float | None = None
        """Bad day: raises ``ProviderError`` for chunks from this audio second on."""
        self.hangs_at_s: float | None = None
        """Bad day: never answers for chunks from this audio second on."""
        self.heard_s = 0.0
        """Audio seconds it was given: what a gate spares it shows here."""
        self.resets = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def speech_probability(self, chunk: AudioChunk) -> float:
        return (await self.speech_probabilities([chunk]))[0]

    async def speech_probabilities(self, chunks: Sequence[AudioChunk]) -> list[float]:
        await asyncio.sleep(0)  # as the real one does, it lets the loop go on
        return [await self._probability(chunk) for chunk in chunks]

    def reset(self) -> None:
        self.resets += 1

    async def _probability(self, chunk: AudioChunk) -> float:
        if len(chunk.pcm) != FRAME_SAMPLES or chunk.rate_hz != LISTENING_RATE_HZ:
            raise ProviderError("Not a frame.", retryable=False)
        if self.fails_at_s is not None and chunk.start_s >= self.fails_at_s:
            raise ProviderError("The voice detector has a bad day.")
        if self.hangs_at_s is not None and chunk.start_s >= self.hangs_at_s:
            await asyncio.Event().wait()
        self.heard_s += chunk.duration_s
        middle_s = chunk.start_s + chunk.duration_s / 2
        if self.speech is None:
            return 0.98 if chunk.level_db > self.loud_db else self.noise
        return 0.98 if any(start <= middle_s < end for start, end in self.speech) else self.noise
