"""A microphone that hears nothing while somebody wants it so."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

import numpy as np

from pipeline.audio import AudioChunk
from pipeline.passing import PassingMicrophone
from pipeline.protocols import Microphone


class MutableMicrophone(PassingMicrophone):
    """A ``Microphone``. While it is muted it delivers digital silence: time goes on, and whoever watches over the
    device sees that it works."""

    def __init__(self, microphone: Microphone, muted: Callable[[], bool]) -> None:
        """``muted`` is asked about every chunk."""
        super().__init__(microphone)
        self._muted = muted

    async def chunks(self) -> AsyncGenerator[AudioChunk]:
        """As the microphone gives them, or as many zeros."""
        async with aclosing(super().chunks()) as chunks:
            async for chunk in chunks:
                yield replace(chunk, pcm=np.zeros_like(chunk.pcm)) if self._muted() else chunk
