"""A voice without a model: a tone as long as the text, with switches for bad days."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Self

import numpy as np

from pipeline.audio import AudioChunk, from_float
from pipeline.errors import NotReady, ProviderError
from pipeline.protocols import Capabilities
from pipeline.speech import Voice

RATE_HZ = 16_000
CHARACTER_S = 0.06
CHUNK_S = 0.1


class ScriptedSynthesizer:
    """A ``Synthesizer``. Each text is a tone; its pitch tells one voice from another."""

    def __init__(
        self,
        name: str = "fake",
        languages: tuple[str, ...] = ("en",),
        *,
        pitch_hz: float = 220.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self.languages = languages
        self.pitch_hz = pitch_hz
        self.model_hash = "0"
        """What it answers when asked what it sounds like."""
        self.flags: dict[str, bool] = {}
        """Further capabilities, such as ``needs_network``."""
        self.only_clones = False
        """It has no voices of its own."""
        self.said: list[str] = []
        """Every text asked for."""
        self.cancelled: list[str] = []
        """Texts whose listener left before the end."""
        self.fails_after: int | None = None
        """Chunks it gives before it fails; 0 fails before the first."""
        self.error: Exception = ProviderError("The fake voice fails as told.")
        self.refuses: Exception | None = None
        """Bad day: what entering it raises."""
        self.opening_s = 0.0
        """Bad day: what it sleeps when it is entered."""
        self.starting_s = 0.0
        """Bad day: what it sleeps until it is ready; before that it does not speak."""
        self.real_time_factor: float | None = None
        """How slow it says it is."""
        self.entered = 0
        """How often somebody tried to enter it."""
        self.spoils: Callable[[AudioChunk], AudioChunk] = lambda chunk: chunk
        """Bad day: what becomes of each chunk."""
        self.mute = False
        """Bad day: it hands over nothing, and says nothing of it."""
        self.hangs_after: int | None = None
        """Chunks it gives before it says nothing more and never ends."""
        self.first_chunk_s = 0.0
        """What it sleeps before its first chunk."""
        self.chunk_s = 0.0
        """What it sleeps before each later one."""
        self._sleep = sleep

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            name=self.name,
            languages=frozenset(self.languages),
            streams=True,
            real_time_factor=self.real_time_factor,
            **self.flags,
        )

    async def __aenter__(self) -> Self:
        self.entered += 1
        if self.refuses is not None:
            raise self.refuses
        if self.opening_s:
            await self._sleep(self.opening_s)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def fingerprint(self, voice: Voice) -> str:
        return self.model_hash

    def voice_for(self, language: str, wanted: str = "") -> str | None:
        if self.only_clones:
            return None
        code = language.lower().partition("-")[0]
        if wanted and wanted.endswith(f"-{code}"):
            return wanted
        return f"{self.name}-{code}" if code in self.languages else None

    async def ready(self, voice: Voice) -> None:
        if self.starting_s:
            await self._sleep(self.starting_s)
            self.starting_s = 0.0

    async def synthesize(self, text: str, voice: Voice) -> AsyncIterator[AudioChunk]:
        self.said.append(text)
        if not voice.sample and self.voice_for(voice.language) is None:
            raise ProviderError(f"The fake voice does not speak {voice.language!r}.", retryable=False)
        if self.starting_s:
            raise NotReady("The fake voice is being started.")
        letters = sum(character.isalnum() for character in text)
        length_s = letters * CHARACTER_S / voice.settings.speed
        try:
            for number, start_s in enumerate(np.arange(0.0, length_s, CHUNK_S)):
                if self.mute:
                    break
                if number == self.fails_after:
                    raise self.error
                if number == self.hangs_after:
                    await asyncio.Event().wait()
                await self._sleep(self.chunk_s if number else self.first_chunk_s)
                at_s = start_s + np.arange(round(min(CHUNK_S, length_s - start_s) * RATE_HZ)) / RATE_HZ
                if len(at_s):
                    sound = 0.3 * np.sin(2 * np.pi * self.pitch_hz * at_s)
                    yield self.spoils(from_float(sound, RATE_HZ, float(start_s)))
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled.append(text)
            raise
