"""A microphone that hears nothing while somebody wants it so."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from types import TracebackType
from typing import Self

import numpy as np

from pipeline.audio import AudioChunk
from pipeline.protocols import Capabilities, Microphone


class MutableMicrophone:
    """A ``Microphone``. While it is muted it delivers digital silence: time goes on, and whoever watches over the
    device sees that it works."""

    def __init__(self, microphone: Microphone, muted: Callable[[], bool]) -> None:
        """``muted`` is asked about every chunk."""
        self._microphone = microphone
        self._muted = muted

    @property
    def capabilities(self) -> Capabilities:
        """As the microphone says."""
        return self._microphone.capabilities

    @property
    def dropped_s(self) -> float:
        """As the microphone says."""
        return self._microphone.dropped_s

    async def __aenter__(self) -> Self:
        await self._microphone.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._microphone.__aexit__(kind, error, trace)

    async def chunks(self) -> AsyncGenerator[AudioChunk]:
        """As the microphone gives them, or as many zeros."""
        async with aclosing(self._microphone.chunks()) as chunks:
            async for chunk in chunks:
                yield replace(chunk, pcm=np.zeros_like(chunk.pcm)) if self._muted() else chunk
