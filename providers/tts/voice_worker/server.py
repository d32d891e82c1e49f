"""Answers connections: the Wyoming protocol on one side, the studio on the other."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping
from contextlib import aclosing, suppress
from dataclasses import fields
from typing import Any

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Attribution, Describe, Info, TtsProgram, TtsVoice
from wyoming.ping import Pong

from pipeline.speech import VoiceSettings
from providers.tts.voice_worker import messages
from providers.tts.voice_worker.inbox import Inbox
from providers.tts.voice_worker.latents import is_sample
from providers.tts.voice_worker.messages import LOG_MARK, LONGEST_TEXT, MOST_SAMPLE_BYTES, Code
from providers.tts.voice_worker.studio import Refusal, Request, Studio
from providers.tts.voice_worker.wire import BadEvent, read_event, write_event

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 64
"""At the same time; further ones are told so and closed."""


LARGEST_SETTING = 1e6
"""What no setting's number reaches."""

KINDS = {float: "a number", int: "a whole number", str: "a text"}


class VoiceServer:
    """Speaks for one connection at a time; the others wait in order. Answers how it is at any time."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._connections = 0
        self.told_failure = asyncio.Event()
        """Set when somebody has been told that the model cannot be loaded."""

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until the other side closes it, which cancels what it has asked for."""
        self._connections += 1
        try:
            if self._connections > MOST_CONNECTIONS:
                await _refuse(writer, Code.FAILED, f"more than {MOST_CONNECTIONS} connections")
            else:
                await self._until_closed(reader, writer)
        except OSError:
            pass
        finally:
            self._connections -= 1
            writer.close()

    async def _until_closed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inbox = Inbox()
        bad: BadEvent | None = None
        try:
            async with asyncio.TaskGroup() as group:
                answering = group.create_task(self._answer_all(inbox, writer), name="answers")
                try:
                    while (event := await read_event(reader, MOST_SAMPLE_BYTES)) is not None:
                        inbox.put(event)
                except BadEvent as error:
                    bad = error
                answering.cancel()
        except* OSError:
            bad = None
        if bad is not None:
            await _refuse(writer, Code.BAD_REQUEST, str(bad))

    async def _answer_all(self, inbox: Inbox, writer: asyncio.StreamWriter) -> None:
        while True:
            event = await inbox.take()
            try:
                await self._answer(event, writer)
            except Refusal as refusal:
                await _refuse(writer, refusal.code, str(refusal))
            inbox.answered(event)
            del event  # it may hold a sample, and the next one may be long in coming

    async def _answer(self, event: Event, writer: asyncio.StreamWriter) -> None:
        match event.type:
            case messages.STATE:
                state = self._studio.state
                await write_event(Event(messages.STATE, state.document()), writer)
                if state.failure:
                    self.told_failure.set()
            case messages.SAMPLE:
                await self._introduce(event, writer)
            case messages.FORGET:
                sample = _sample(event.data.get("sample"))
                known = self._studio.forget(sample)
                await write_event(Event(messages.FORGOTTEN, {"sample": sample, "known": known}), writer)
            case "synthesize":
                await self._speak(_request(event.data), writer)
            case "ping":
                await write_event(Pong(_whole(event.data.get("text"))).event(), writer)
            case kind if Describe.is_type(kind):
                await write_event(self._info().event(), writer)
            case _:  # the protocol wants unknown events to be passed over
                log.debug("an event of the unknown type %.40r", event.type)

    async def _introduce(self, event: Event, writer: asyncio.StreamWriter) -> None:
        """With a payload: look at it; without one: say whether the sample is known."""
        sample = _sample(event.data.get("sample"))
        if event.payload:
            known = await self._studio.introduce(sample, event.payload)
        elif not (known := self._studio.knows(sample)):
            raise Refusal(Code.UNKNOWN_VOICE, "the voice is not known; send its sample")
        await write_event(Event(messages.READY, {"sample": sample, "known": known}), writer)

    async def _speak(self, request: Request, writer: asyncio.StreamWriter) -> None:
        rate_hz, sent = self._studio.state.rate_hz, 0
        async with aclosing(self._studio.speak(request)) as pieces:
            async for piece in pieces:
                if not sent:
                    await write_event(self._start(rate_hz, request.settings), writer)
                at_ms = sent * 1000 // (2 * rate_hz)
                await write_event(AudioChunk(rate_hz, 2, 1, piece, at_ms).event(), writer)
                sent += len(piece)
        if not sent:
            await write_event(self._start(rate_hz, request.settings), writer)
        await write_event(AudioStop(sent * 1000 // (2 * rate_hz)).event(), writer)

    def _start(self, rate_hz: int, settings: VoiceSettings) -> Event:
        event = AudioStart(rate_hz, 2, 1, 0).event()
        event.data["unused"] = self._studio.unused(settings)
        return event

    def _info(self) -> Info:
        """Its voices are samples, which have no names for people; so it shows one without."""
        state = self._studio.state
        source = Attribution(state.engine, "")
        voice = TtsVoice(
            name=state.engine,
            attribution=source,
            installed=state.loaded,
            description="the voice of a sample",
            version=state.version,
            languages=list(state.languages),
        )
        program = TtsProgram(
            name=state.engine,
            attribution=source,
            installed=state.loaded,
            description="speaks with the voice of a sample",
            version=state.version,
            voices=[voice],
        )
        return Info(tts=[program])


async def _refuse(writer: asyncio.StreamWriter, code: Code, text: str) -> None:
    with suppress(OSError):
        await write_event(Error(text, code.value).event(), writer)


def _sample(name: Any) -> str:
    if not is_sample(name):
        raise Refusal(Code.BAD_REQUEST, "sample must be the SHA-256 of a WAV file, in hexadecimal")
    return str(name)


def _whole(text: Any) -> str | None:
    """A text without halves of surrogate pairs, which JSON can bring and nothing can carry further."""
    return text.encode(errors="replace").decode() if isinstance(text, str) else None


def _request(data: Mapping[str, Any]) -> Request:
    """Raises ``Refusal``."""
    text, voice, context = _whole(data.get("text")), data.get("voice") or {}, data.get("context") or {}
    if text is None or len(text) > LONGEST_TEXT:
        raise Refusal(Code.BAD_REQUEST, f"text must have at most {LONGEST_TEXT} characters")
    if not isinstance(voice, dict) or not isinstance(context, dict):
        raise Refusal(Code.BAD_REQUEST, "voice and context must be objects")
    language = context.get("language", "en")
    if not isinstance(language, str):
        raise Refusal(Code.BAD_REQUEST, "language must be a code such as 'en'")
    text = text.replace(LOG_MARK.rstrip(), " ")  # an engine that prints what it says cannot forge a line for the log
    return Request(text, language, _sample(voice.get("name")), _settings(context.get("settings") or {}))


def _settings(given: Any) -> VoiceSettings:
    """Fields that are missing have their default, unknown ones are passed over. Raises ``Refusal``."""
    if not isinstance(given, dict):
        raise Refusal(Code.BAD_REQUEST, "settings must be an object")
    default, found = VoiceSettings(), {}
    for field in fields(VoiceSettings):
        usual = getattr(default, field.name)
        value = given.get(field.name, usual)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and isinstance(usual, float):
            value = float(value) if abs(value) < LARGEST_SETTING else math.nan
        if type(value) is not type(usual) or (isinstance(value, float) and not math.isfinite(value)):
            raise Refusal(Code.BAD_REQUEST, f"settings.{field.name} must be {KINDS[type(usual)]}")
        found[field.name] = value
    return VoiceSettings(**found)
