"""A wake word detector that follows a script."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from pipeline.audio import AudioChunk
from pipeline.errors import ProviderError
from pipeline.protocols import Capabilities
from pipeline.speech import WakeWordHit


class ScriptedWakeWordDetector:
    """Hears a word at each end of its script that it was given from ``needs_s`` before on, ``late_s`` after it."""

    capabilities = Capabilities(name="scripted", streams=True, licence="Apache-2.0")

    def __init__(self, *word_ends_s: float, name: str = "hey_shop", context_s: float = 2.0) -> None:
        self.word_ends_s = word_ends_s
        self.name = name
        self.context_s = context_s
        self.needs_s = 1.0
        self.late_s = 0.1
        self.fails_at_s: float | None = None
        """Bad day: raises ``ProviderError`` for chunks that reach this audio second."""
        self.hangs_at_s: float | None = None
        """Bad day: never answers for chunks that reach this audio second."""
        self.heard: list[AudioChunk] = []
        """All it was given: what a gate spares it is missing here."""
        self.stream_start_s = 0.0
        self.resets = 0
        self._end_s: float | None = None
        self._told: set[float] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def detect(self, chunk: AudioChunk) -> WakeWordHit | None:
        self.heard.append(chunk)
        if self._end_s is None or abs(chunk.start_s - self._end_s) > 1e-4:
            self.stream_start_s = chunk.start_s
        self._end_s = chunk.end_s
        await asyncio.sleep(0)  # as the real one does, it lets the loop go on
        if self.fails_at_s is not None and chunk.end_s >= self.fails_at_s:
            raise ProviderError("The wake word detector has a bad day.")
        if self.hangs_at_s is not None and chunk.end_s >= self.hangs_at_s:
            await asyncio.Event().wait()
        for end_s in self.word_ends_s:
            whole = self.stream_start_s <= max(0.0, end_s - self.needs_s)
            if end_s not in self._told and whole and chunk.end_s >= end_s + self.late_s:
                self._told.add(end_s)
                return WakeWordHit(self.name, 0.9, chunk.end_s, end_s)
        return None

    def reset(self) -> None:
        self.resets += 1
        self._end_s = None

    @property
    def heard_s(self) -> float:
        """Audio seconds it was given."""
        return sum(chunk.duration_s for chunk in self.heard)
