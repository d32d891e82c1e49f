"""Providers that may be unusable for a while: each is entered when it can be, and left at the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType
from typing import Generic, Self, TypeVar

from pipeline.audio import AudioChunk
from pipeline.errors import AssistantError, ModelMissing, ProviderError, ProviderTimeout, without_words
from pipeline.protocols import Capabilities, Provider, Synthesizer, Transcriber
from pipeline.speech import NoSpeech, Transcript, Utterance, Voice

log = logging.getLogger(__name__)

P = TypeVar("P", bound=Provider)

VOICE_START_S = 20.0
"""Seconds of the clock that the start waits for a voice; after that it goes on opening while others speak."""

RECOGNISER_LATE_S = 10.0
"""Seconds of the clock that an utterance waits for a recogniser that is opened late: a customer waits too."""


class OnDemand(Generic[P]):
    """A provider that is entered again when it is needed, where it could not be entered before.

    So a missing model, package or program is a failure like any other: the next provider stands in, and the first one
    works again as soon as it can, without a restart. Entering is a task of its own: who does not wait for its end does
    not stop it, so a provider that takes longer to open than a customer waits is ready for the next one.
    """

    def __init__(self, provider: P, what: str, start_s: float | None = None) -> None:
        """``start_s``: seconds of the clock to wait for it at the start, None for as long as it takes."""
        self.provider = provider
        self._start_s = start_s
        self._what = what
        self.failure: AssistantError | None = None
        """Why it could not be entered at the last try."""
        self._open = False
        self._try: asyncio.Event | None = None
        """Set when the try to enter it that is going on has ended; None where none is."""
        self._keeper: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return self.provider.capabilities

    async def __aenter__(self) -> Self:
        """Enter it if that is possible now; ``failure`` says why where it is not."""
        self._group, self._closing = asyncio.TaskGroup(), asyncio.Event()
        await self._group.__aenter__()
        try:
            await self._ready(self._start_s)
        except AssistantError as error:
            self.failure = error
            log.warning("The %s %s cannot be used: %s", self._what, self.capabilities.name, error)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave it if it was entered; give up entering it."""
        self._closing.set()
        if self._keeper is not None and not self._open:
            self._keeper.cancel()
        if self._group is not None:
            group, self._group = self._group, None
            # The group is not told of the error: it would wrap it, and no task of it is to blame.
            await group.__aexit__(None, None, None)

    async def renew(self) -> None:
        """Leave the provider and enter it anew, with threads and memory of its own; what hangs in it is left behind.

        Where it is not open, nothing is done. Raises what entering raises.
        """
        keeper = self._keeper
        if not self._open or keeper is None:
            return
        self._closing.set()
        await asyncio.wait([keeper])
        self._closing = asyncio.Event()
        await self._ready()

    async def _ready(self, limit_s: float | None = None) -> P:
        """The provider, entered. Raises what entering raises; ``ProviderError`` for a defect.

        After ``limit_s`` seconds (None: without end) it raises ``ProviderTimeout``, and entering goes on.
        """
        if self._is_open():
            return self.provider
        name = self.capabilities.name
        if self._group is None:
            raise ProviderError(f"The {self._what} {name} is not open.", retryable=False)
        if self._try is None:
            self._try = asyncio.Event()
            self._keeper = self._group.create_task(self._keep(self._try), name=f"{self._what} {name}")
        late: AssistantError | None = None
        try:
            async with asyncio.timeout(limit_s):
                await self._try.wait()
        except TimeoutError:
            late = ProviderTimeout(
                f"The {self._what} {name} has not opened within {limit_s:g} s; it is being waited for."
            )
        if not self._is_open():
            raise late or self.failure or ProviderError(f"The {self._what} {name} was closed.")
        return self.provider

    def _is_open(self) -> bool:
        return self._open

    async def _keep(self, ended: asyncio.Event) -> None:
        """Enter the provider, and leave it at the end: one task for both, as some libraries demand."""
        try:
            closing = self._closing
            async with self.provider:
                self._open, self.failure = True, None
                ended.set()
                await closing.wait()
                self._open = False
        except Exception as error:  # noqa: BLE001 - those who wait for it raise it
            if ended.is_set():
                log.error("The %s %s could not be closed: %s", self._what, self.capabilities.name, without_words(error))
                return
            self.failure = error if isinstance(error, AssistantError) else ProviderError(without_words(error))
        finally:
            self._open, self._try = False, None
            ended.set()


class OnDemandSynthesizer(OnDemand[Synthesizer]):
    """A ``Synthesizer`` that may be unusable for a while."""

    def __init__(self, provider: Synthesizer) -> None:
        super().__init__(provider, "voice", VOICE_START_S)

    def voice_for(self, language: str, wanted: str = "") -> str | None:
        """As the engine says; one that is not entered may not know its voices yet, so it is asked for any ("").

        Engines that clone have none of their own.
        """
        name = self.provider.voice_for(language, wanted)
        unknown = self.failure is not None and not self.capabilities.clones
        return name or "" if unknown else name

    async def fingerprint(self, voice: Voice) -> str:
        """As the engine says; of one that is not entered it is not known, and looking for a sentence does not enter it.

        Raises why it is not.
        """
        if not self._open:
            raise self.failure or ProviderError(f"The voice {self.capabilities.name} is not open.")
        return await self.provider.fingerprint(voice)

    async def ready(self, voice: Voice) -> None:
        """As the engine does. Raises what entering it raises where it still cannot be entered."""
        await (await self._ready()).ready(voice)

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[AudioChunk]:
        """As the engine does. Raises what entering it raises where it still cannot be entered."""
        knew_its_voices = self._open
        engine = await self._ready()
        if not knew_its_voices and engine.voice_for(voice.language, voice.name) is None and not voice.sample:
            # It was asked on the chance that it can: that it cannot is no fault of it.
            raise ModelMissing(f"The voice {self.capabilities.name} does not speak {voice.language!r}.")
        async with aclosing(engine.synthesize(text, voice)) as chunks:
            async for chunk in chunks:
                yield chunk


class OnDemandTranscriber(OnDemand[Transcriber]):
    """A ``Transcriber`` that may be unusable for a while."""

    def __init__(self, provider: Transcriber) -> None:
        super().__init__(provider, "recogniser")

    async def transcribe(self, utterance: Utterance) -> Transcript | NoSpeech:
        """As the recogniser does. Raises what entering it raises where it still cannot be entered."""
        return await (await self._ready(RECOGNISER_LATE_S)).transcribe(utterance)
