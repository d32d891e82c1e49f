"""Speaks with the voice of a sample, through a voice worker: what all engines that clone share on the daemon's side."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType
from typing import Self

from pipeline.audio import AudioChunk, audible_from_start
from pipeline.errors import ProviderError
from pipeline.protocols import Capabilities, Caution
from pipeline.speakable.characters import takeable
from pipeline.speech import Voice, primary_language, sample_digest
from providers.registry import VoiceSamples
from providers.tts.cloning.connection import Speech, VoiceConnection, connected
from providers.tts.cloning.shelf import Model, Shelf
from providers.tts.cloning.workers import Workers
from providers.tts.voice_worker.messages import LONGEST_TEXT, WorkerState
from providers.tts.voice_worker.text_pieces import pieces

log = logging.getLogger(__name__)


class CloningSynthesizer:
    """A ``Synthesizer`` that has no voices of its own. Its workers are started when somebody needs them."""

    def __init__(
        self, name: str, shelf: Shelf, workers: Workers, samples: VoiceSamples, *, own_network: bool = False
    ) -> None:
        """``own_network``: the workers stand on another machine of the owner's."""
        self._name = name
        self._shelf = shelf
        self._workers = workers
        self._samples = samples
        self._own_network = own_network
        self._group: asyncio.TaskGroup | None = None
        self._told: set[str] = set()
        """Settings of which was said already that nobody here knows them."""

    @property
    def capabilities(self) -> Capabilities:
        """Languages of the models, and the pace as it was last measured."""
        state = self._state()
        model = self._shelf.model_for(min(self._shelf.languages(), default=""))
        return Capabilities(
            name=self._name,
            languages=frozenset(state.languages) if state and state.languages else self._shelf.languages(),
            streams=True,
            clones=True,
            needs_network=self._own_network,
            own_network=self._own_network,
            real_time_factor=state.real_time_factor if state else None,
            licence=model.licence() if model else "",
            caution=_too_slow(state) if state else None,
        )

    async def __aenter__(self) -> Self:
        """Look whether the engine is installed and has a model; nothing is started. Raises ``AssistantError``."""
        spoken = [self._model(Voice("", language)) for language in sorted(self._shelf.languages()) or [""]]
        models = {model.name: model for model in spoken}
        group = asyncio.TaskGroup()
        await group.__aenter__()
        self._group = group
        try:
            await self._workers.open(group, list(models.values()))
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers."""
        self._workers.close()
        if self._group is None:
            return
        group, self._group = self._group, None
        # Of other errors the group is not told: it would wrap them, and no task of it is to blame.
        cancelled = isinstance(error, asyncio.CancelledError)
        await group.__aexit__(*((kind, error, trace) if cancelled else (None, None, None)))

    def voice_for(self, language: str, wanted: str = "") -> str | None:
        """It has no voice of its own: None."""
        return None

    async def fingerprint(self, voice: Voice) -> str:
        """Version of the engine, hash of its model and of the sample. Raises ``AssistantError``."""
        return f"{await self._workers.fingerprint(self._model(voice))} {await self._sample(voice)}"

    async def ready(self, voice: Voice) -> None:
        """Start the worker and have it look at the sample; without one, only start it. Raises ``AssistantError``."""
        worker = await self._workers.for_model(self._model(voice))
        await worker.loaded()
        if voice.sample:
            with worker.in_use():
                async with connected(self._name, worker.address()) as connection:
                    await self._introduced(connection, voice.sample, await self._sample(voice))

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[AudioChunk]:
        """Sound for a text in chunks of 0.1 s; none for a text without a letter or digit.

        There is no time limit: whoever waits decides how long. Raises ``AssistantError``, at once ``NotReady`` where
        the worker has to be started first.
        """
        text = takeable(text)
        if not text:
            return
        async with aclosing(audible_from_start(self._said(text, voice))) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _said(self, text: str, voice: Voice) -> AsyncGenerator[AudioChunk]:
        sample = await self._sample(voice)
        worker = await self._workers.for_model(self._model(voice))
        with worker.in_use():
            async with connected(self._name, worker.address()) as connection:
                worker.learn(await connection.state())
                await self._introduced(connection, voice.sample, sample)
                start_s = 0.0
                for part in pieces(text, LONGEST_TEXT) if len(text) > LONGEST_TEXT else [text]:
                    speech = Speech(part, primary_language(voice.language), sample, voice.settings)
                    async with aclosing(connection.speak(speech, start_s)) as chunks:
                        async for chunk in chunks:
                            yield chunk
                            start_s = chunk.end_s
                self._tell(connection.unused)

    async def _introduced(self, connection: VoiceConnection, address: str, sample: str) -> None:
        """Return when the worker knows a sample. One that changed meanwhile is refused: ``ModelDamaged``."""
        if not await connection.knows(sample):
            await connection.introduce(sample, await self._samples.read(address))

    async def _sample(self, voice: Voice) -> str:
        """SHA-256 of the sample; one that lies elsewhere must be read for it. Raises ``AssistantError``."""
        if not voice.sample:
            raise ProviderError(f"The engine {self._name} speaks only with the voice of a sample.", retryable=False)
        return sample_digest(voice.sample) or hashlib.sha256(await self._samples.read(voice.sample)).hexdigest()

    def _model(self, voice: Voice) -> Model:
        """Raises ``ProviderError`` where none speaks the language."""
        model = self._shelf.model_for(voice.language)
        if model is None:
            spoken = ", ".join(sorted(self._shelf.languages())) or "none"
            raise ProviderError(
                f"The engine {self._name} does not speak {voice.language!r} here; it speaks: {spoken}.",
                retryable=False,
            )
        return model

    def _state(self) -> WorkerState | None:
        """Of the worker with most to do: the first."""
        return next((worker.state for worker in self._workers.known() if worker.state is not None), None)

    def _tell(self, unused: tuple[str, ...]) -> None:
        """Once for each setting."""
        if new := [name for name in unused if name not in self._told]:
            self._told.update(new)
            log.warning(
                "The engine %s does not know these settings, they change nothing: %s", self._name, ", ".join(new)
            )


def _too_slow(state: WorkerState) -> Caution | None:
    factor = state.real_time_factor
    if factor is None or factor <= 1.0:
        return None
    return Caution(
        f"{state.engine} takes {factor:.1f} s for a second of speech on {state.device}: too slow for an answer, so "
        "others speak; sentences made beforehand have its voice.",
        "Use a machine with a GPU, or an engine that is quicker: ./install.sh pocket",
    )
