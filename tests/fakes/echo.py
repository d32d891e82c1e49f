"""An echo canceller that knows its room."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import numpy as np

from pipeline.audio import ECHO_FRAME_SAMPLES, LISTENING_RATE_HZ, Pcm
from pipeline.errors import ProviderError
from pipeline.protocols import Capabilities


class FakeEchoCanceller:
    """Takes out ``gain`` times what was played ``delay_s`` before, exactly."""

    capabilities = Capabilities(name="fake", licence="Apache-2.0")

    def __init__(self, *, gain: float = 0.5, latency: int = 128, may_rest: bool = True) -> None:
        self.gain = gain
        self.latency = latency
        self.may_rest = may_rest
        self.steps = 0
        """How often it was asked."""
        self.fails_at_step: int | None = None
        """Bad day: raises ``ProviderError`` from this step on."""
        self._played: Pcm = np.zeros(0, np.int16)
        self._held: Pcm = np.zeros(0, np.int16)

    @property
    def latency_s(self) -> float:
        return self.latency / LISTENING_RATE_HZ

    async def __aenter__(self) -> Self:
        self._played = np.zeros(LISTENING_RATE_HZ, np.int16)
        self._held = np.zeros(self.latency, np.int16)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def cancel(self, heard: Pcm, played: Pcm, delay_s: float) -> Pcm:
        if not len(heard) == len(played) == ECHO_FRAME_SAMPLES:
            raise ProviderError("Not a step.", retryable=False)
        if self.fails_at_step is not None and self.steps >= self.fails_at_step:
            raise ProviderError("The echo canceller has a bad day.")
        self.steps += 1
        self._played = np.concatenate([self._played, played])[-LISTENING_RATE_HZ:]
        end = LISTENING_RATE_HZ - round(delay_s * LISTENING_RATE_HZ)
        echo = (self._played[end - ECHO_FRAME_SAMPLES : end] * self.gain).astype(np.int16)
        self._held = np.concatenate([self._held, heard - echo])
        out, self._held = self._held[:ECHO_FRAME_SAMPLES], self._held[ECHO_FRAME_SAMPLES:]
        return out
