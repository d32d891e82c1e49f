"""One connection to a voice worker: the daemon's side of ``providers.tts.voice_worker.messages``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from wyoming.audio import AudioChunk as SoundEvent
from wyoming.audio import AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event

from pipeline.audio import AudioChunk
from pipeline.errors import AssistantError, ModelDamaged, NotReady, ProviderError
from pipeline.speech import VoiceSettings
from providers.tts.voice_worker import messages
from providers.tts.voice_worker.listening import Address
from providers.tts.voice_worker.messages import Code, WorkerState
from providers.tts.voice_worker.wire import BadEvent, read_event, write_event

CONNECT_S = 2.0
"""Seconds of the clock to wait for a connection; a worker accepts them also while it speaks or loads."""

MOST_CHUNK_BYTES = 1_000_000
"""Of one event's sound; a worker sends 0.1 s, 5 kB."""


@dataclass(frozen=True, slots=True)
class Speech:
    """A text to say."""

    text: str
    language: str
    """ISO 639-1."""
    sample: str
    """SHA-256 of the sample's file."""
    settings: VoiceSettings


@asynccontextmanager
async def connected(engine: str, address: Address) -> AsyncIterator[VoiceConnection]:
    """A connection while it is open; closing it cancels what was asked for. Raises ``ProviderError``."""
    try:
        async with asyncio.timeout(CONNECT_S):
            if address.path:
                reader, writer = await asyncio.open_unix_connection(address.path)
            else:
                reader, writer = await asyncio.open_connection(address.host, address.port)
    except (TimeoutError, OSError) as error:
        raise ProviderError(
            f"The voice worker of {engine} at {address} cannot be reached.", remedy=_out_of_reach(address)
        ) from error
    try:
        yield VoiceConnection(engine, reader, writer)
    finally:
        writer.close()


def _out_of_reach(address: Address) -> str:
    return "It is started again by itself." if address.path else "Is that machine on, and the worker running there?"


class VoiceConnection:
    """Asks one thing after the other. All raise ``ProviderError``; nothing here waits for a limited time."""

    def __init__(self, engine: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._engine = engine
        self._reader = reader
        self._writer = writer
        self.unused: tuple[str, ...] = ()
        """Settings that the engine did not know, of the last text."""

    async def state(self) -> WorkerState:
        """How the worker is."""
        answer = await self._ask(Event(messages.STATE), messages.STATE)
        try:
            return WorkerState.of(answer.data)
        except ValueError as error:
            raise self._broken("its state cannot be read") from error

    async def knows(self, sample: str) -> bool:
        """Whether it has looked at that sample before."""
        event = await self._exchange(Event(messages.SAMPLE, {"sample": sample}))
        if Error.is_type(event.type) and event.data.get("code") == Code.UNKNOWN_VOICE:
            return False
        self._checked(event, messages.READY)
        return True

    async def introduce(self, sample: str, file: bytes) -> None:
        """Have it look at a sample, a WAV file; may take seconds. Raises also ``ModelDamaged``."""
        await self._ask(Event(messages.SAMPLE, {"sample": sample}, file), messages.READY)

    async def forget(self, sample: str) -> bool:
        """Have it keep nothing of a sample; whether there was something."""
        answer = await self._ask(Event(messages.FORGET, {"sample": sample}), messages.FORGOTTEN)
        return bool(answer.data.get("known"))

    async def speak(self, speech: Speech, start_s: float = 0.0) -> AsyncGenerator[AudioChunk]:
        """Its sound as it arises, beginning at ``start_s``. Raises ``BadAudio`` never: who plays it checks it."""
        context = {"language": speech.language, "settings": asdict(speech.settings)}
        data = {"text": speech.text, "voice": {"name": speech.sample}, "context": context}
        event = await self._exchange(Event("synthesize", data))
        self._checked(event, "audio-start")
        try:
            rate_hz = AudioStart.from_event(event).rate
            unused = event.data.get("unused")
            self.unused = tuple(map(str, unused)) if isinstance(unused, list) else ()
            if (AudioStart.from_event(event).width, AudioStart.from_event(event).channels) != (2, 1) or rate_hz <= 0:
                raise self._broken("its sound has not one channel of 16 bits")
            while not AudioStop.is_type((event := await self._next()).type):
                self._checked(event, "audio-chunk")
                pcm = np.frombuffer(SoundEvent.from_event(event).audio, "<i2").astype(np.int16)
                yield AudioChunk(pcm, rate_hz, start_s)
                start_s += len(pcm) / rate_hz
        except (KeyError, TypeError, ValueError, AssertionError) as error:
            raise self._broken("its sound cannot be read") from error

    async def _ask(self, event: Event, answer: str) -> Event:
        return self._checked(await self._exchange(event), answer)

    async def _exchange(self, event: Event) -> Event:
        try:
            await write_event(event, self._writer)
        except OSError as error:
            raise self._broken("the connection broke") from error
        return await self._next()

    async def _next(self) -> Event:
        try:
            event = await read_event(self._reader, MOST_CHUNK_BYTES)
        except (BadEvent, OSError) as error:
            raise self._broken("the connection broke") from error
        if event is None:
            raise self._broken("it has closed the connection")
        return event

    def _checked(self, event: Event, wanted: str) -> Event:
        """Raises where it is an error, or something else."""
        if Error.is_type(event.type):
            raise translated(self._engine, event.data)
        if event.type != wanted:
            raise self._broken("it answered something else")
        return event

    def _broken(self, what: str) -> ProviderError:
        return ProviderError(f"The voice worker of {self._engine} broke off: {what}.")


def translated(engine: str, data: dict[str, Any]) -> AssistantError:
    """What an error of the worker's means here."""
    code, text = data.get("code"), str(data.get("text", ""))[:300]
    match code:
        case Code.LOADING:
            return NotReady(f"The engine {engine} is loading its model.")
        case Code.UNKNOWN_VOICE:
            return ProviderError(f"The engine {engine} has forgotten the voice in the middle.")
        case Code.BAD_SAMPLE:
            return ModelDamaged(f"{engine}: {text}.", remedy="Upload it again: assistant voice upload")
        case Code.OUT_OF_MEMORY:
            return ProviderError(f"The memory does not suffice for {engine}.", remedy="Close other programs.")
        case Code.BAD_REQUEST:
            return ProviderError(f"{engine} refused: {text}.", retryable=False)
        case _:
            return ProviderError(f"{engine} failed: {text}.")
