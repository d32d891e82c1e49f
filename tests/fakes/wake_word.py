"""A wake word detector that follows a script."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from pipeline.audio import AudioChunk
from pipeline.errors import ProviderError
from pipeline.protocols import Capabilities
from pipeline.speech import WakeWordHit


class ScriptedWakeWordDetector:
    """Decides at the given audio seconds that a word ended a little earlier."""

    context_s = 1.0

    def __init__(self, ends_s: Sequence[float] = (), *, name: str = "hey_jarvis", delay_s: float = 0.1) -> None:
        self.capabilities = Capabilities(name="scripted", streams=True, licence="Apache-2.0")
        self.ends_s = list(ends_s)
        """Where words end."""
        self.name = name
        self.delay_s = delay_s
        """From a word's end to the decision."""
        self.fails_at_s: float | None = None
        """Bad day: raises ``ProviderError`` from this audio second on."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def detect(self, chunk: AudioChunk) -> WakeWordHit | None:
        await asyncio.sleep(0)
        if self.fails_at_s is not None and chunk.end_s >= self.fails_at_s:
            raise ProviderError("The wake word detector has a bad day.")
        for end_s in self.ends_s:
            if chunk.start_s <= end_s + self.delay_s < chunk.end_s:
                return WakeWordHit(self.name, 0.9, end_s + self.delay_s, end_s)
        return None

    def reset(self) -> None:
        pass
