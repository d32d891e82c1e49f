"""An agent that says what it is told to, with switches for bad days."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from types import TracebackType
from typing import Self

from pipeline.errors import ProviderError
from pipeline.protocols import Capabilities
from pipeline.speech import Exchange, Personality, Transcript
from providers.agent.limits import AgentSettings, limited


class FakeAgent:
    """Says its pieces in order, then ends."""

    def __init__(self, pieces: Sequence[str] = ("We close at nine.",), limits: AgentSettings | None = None) -> None:
        self.capabilities = Capabilities("fake", streams=True)
        self.pieces = list(pieces)
        """What it says."""
        self.hang_after: int | None = None
        """Bad day: wait for ever after so many pieces; None never."""
        self.fail_after: int | None = None
        """Bad day: raise ``ProviderError`` after so many pieces; None never."""
        self.asked: list[tuple[Transcript, Personality, tuple[Exchange, ...]]] = []
        """All requests so far."""
        self._limits = limits or AgentSettings()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def reply(
        self, transcript: Transcript, personality: Personality, history: Sequence[Exchange]
    ) -> AsyncGenerator[str, None]:
        self.asked.append((transcript, personality, tuple(history)))
        return limited("fake", self._said(), self._limits)

    def phrases(self, personality: Personality, language: str) -> Sequence[str]:
        return tuple(self.pieces)

    async def _said(self) -> AsyncGenerator[str, None]:
        for number in range(len(self.pieces) + 1):
            if number == self.hang_after:
                await asyncio.Event().wait()
            if number == self.fail_after:
                raise ProviderError("The fake agent failed.")
            if number < len(self.pieces):
                await asyncio.sleep(0)
                yield self.pieces[number]
