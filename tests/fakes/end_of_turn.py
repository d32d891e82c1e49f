"""An end-of-turn detector that follows a script."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk
from pipeline.errors import ProviderError
from pipeline.protocols import Capabilities


class ScriptedEndOfTurnDetector:
    """Answers with the probabilities of its script, one for each question; the last one serves for all that follow.

    A script may be a function of the audio instead, such as one that looks where in the recording it ends.
    """

    capabilities = Capabilities(name="scripted", licence="Apache-2.0")

    def __init__(self, script: Sequence[float] | Callable[[AudioChunk], float] = (1.0,)) -> None:
        self.script = script
        self.asked: list[AudioChunk] = []
        """What it was asked about, also where it failed or was cancelled."""
        self.answered = 0
        """Questions for whose answer somebody waited."""
        self.fails: ProviderError | None = None
        """Bad day: raised instead of an answer."""
        self.hangs = False
        """Bad day: never answers."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def completion_probability(self, audio: AudioChunk) -> float:
        if audio.rate_hz != LISTENING_RATE_HZ:
            raise ProviderError("Not 16 kHz.", retryable=False)
        self.asked.append(audio)
        await asyncio.sleep(0)  # as the real one does, it lets the loop go on
        if self.hangs:
            await asyncio.Event().wait()
        if self.fails is not None:
            raise self.fails
        self.answered += 1
        if callable(self.script):
            return self.script(audio)
        return self.script[min(self.answered, len(self.script)) - 1]
