"""Providers that may be unusable for a while: each is entered when it can be, and left at the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType
from typing import Generic, Self, TypeVar

from pipeline.audio import AudioChunk
from pipeline.errors import AssistantError, ProviderError, without_words
from pipeline.protocols import Capabilities, Provider, Synthesizer, Transcriber
from pipeline.speech import NoSpeech, Transcript, Utterance, Voice

log = logging.getLogger(__name__)

P = TypeVar("P", bound=Provider)


class OnDemand(Generic[P]):
    """A provider that is entered again when it is needed, where it could not be entered before.

    So a missing model, package or program is a failure like any other: the next provider stands in, and the first one
    works again as soon as it can, without a restart.
    """

    def __init__(self, provider: P, what: str) -> None:
        self.provider = provider
        self._what = what
        self.failure: AssistantError | None = None
        """Why it could not be entered at the last try."""
        self._entered = False
        self._entering = asyncio.Lock()

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return self.provider.capabilities

    async def __aenter__(self) -> Self:
        """Enter it if that is possible now; ``failure`` says why where it is not."""
        try:
            await self._ready()
        except AssistantError as error:
            log.warning("The %s %s cannot be used: %s", self._what, self.capabilities.name, error)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave it if it was entered."""
        if self._entered:
            self._entered = False
            await self.provider.__aexit__(kind, error, trace)

    async def _ready(self) -> P:
        """The provider, entered. Raises what entering raises; ``ProviderError`` for a defect."""
        async with self._entering:
            if not self._entered:
                try:
                    await self.provider.__aenter__()
                except AssistantError as error:
                    self.failure = error
                    raise
                except Exception as error:
                    self.failure = ProviderError(without_words(error))
                    raise self.failure from error
                self._entered, self.failure = True, None
        return self.provider


class OnDemandSynthesizer(OnDemand[Synthesizer]):
    """A ``Synthesizer`` that may be unusable for a while."""

    def __init__(self, provider: Synthesizer) -> None:
        super().__init__(provider, "voice")

    def voice_for(self, language: str, wanted: str = "") -> str | None:
        """As the engine says; one that is not entered may not know its voices yet, so it is asked for any ("")."""
        name = self.provider.voice_for(language, wanted)
        return (name or wanted) if self.failure is not None else name

    async def fingerprint(self, voice: Voice) -> str:
        """As the engine says."""
        return await (await self._ready()).fingerprint(voice)

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[AudioChunk]:
        """As the engine does. Raises what entering it raises where it still cannot be entered."""
        engine = await self._ready()
        async with aclosing(engine.synthesize(text, voice)) as chunks:
            async for chunk in chunks:
                yield chunk


class OnDemandTranscriber(OnDemand[Transcriber]):
    """A ``Transcriber`` that may be unusable for a while."""

    def __init__(self, provider: Transcriber) -> None:
        super().__init__(provider, "recogniser")

    async def transcribe(self, utterance: Utterance) -> Transcript | NoSpeech:
        """As the recogniser does. Raises what entering it raises where it still cannot be entered."""
        return await (await self._ready()).transcribe(utterance)
