"""The running assistant: parts become a conversation, and what goes on beside it. Closing mirrors the start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any

from assistant import senses
from assistant.apologies import recorded_apologies
from assistant.app import App
from assistant.forgetters import told_to_forget
from assistant.muting import Muting
from assistant.parts import Companion, Ends, Memory, Parts
from assistant.personalities.store import PersonalityStore
from assistant.readiness import keep_ready
from assistant.recordings import RecordedTranscriber, Recordings
from assistant.samples.opening import voices
from assistant.systemd import Notifier, Supervision
from assistant.upkeep import take_care
from assistant.vitals import Vitals
from assistant.volume import Volume
from assistant.warming import Sentence, keep_warm, usual_sentences
from pipeline import earcons
from pipeline.amplified_speaker import AmplifiedSpeaker
from pipeline.conversation import Conversation
from pipeline.conversation_settings import ConversationSettings
from pipeline.ears import Ears
from pipeline.errors import AssistantError, first_cause
from pipeline.fallback import FallbackVoice
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.hearing import Hearing, HearingSettings
from pipeline.meters import MeteredMicrophone, MeteredSpeaker
from pipeline.muting import MutableMicrophone
from pipeline.protocols import Agent, VoiceDetector
from pipeline.request_handler import RequestHandler
from pipeline.segmenter import SegmenterSettings
from pipeline.speech import Personality, primary_language
from pipeline.turn import TurnParts
from pipeline.usage import UsageLedger
from providers.model_worker import stuck_workers

log = logging.getLogger(__name__)

Background = list[Coroutine[Any, Any, None]]

PATIENCE_S = 45.0
"""Seconds that new settings wait for a conversation to end."""


class Renewed(Exception):
    """It ends so that another one can take its place."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """What is there before anybody can be heard."""

    app: App
    memory: Memory
    usage: UsageLedger | None
    voice: FallbackVoice
    recordings: Recordings


async def run(app: App, ends: Ends, companion: Callable[[App, Memory], Companion] | None = None) -> None:
    """Converse until the input file ends or the task is cancelled. ``companion`` makes what goes on beside it.

    Raises ``Renewed`` once ``app.renew`` is set and nobody speaks.
    """
    async with AsyncExitStack() as stack:
        memory = await stack.enter_async_context(app.memory())
        beside = companion(app, memory) if companion is not None else None
        usage = memory.statistics if beside is None else beside.ledger
        voice = await stack.enter_async_context(app.voice(memory, usage))
        recordings = Recordings(app.recording_files(), on=app.settings.recordings.enabled)
        await stack.enter_async_context(recordings)
        opened = _Opened(app, memory, usage, voice, recordings)
        parts = await _open(stack, opened, ends)
        app.opened = True
        if memory.statistics is not None:
            app.forgetters.append(memory.statistics.forget)
        if ends.fast:  # no time passes for the customer in the file, so none is too late for an engine
            await voice.ready(memory.cast.active.language, memory.cast.active)
        background = _beside_the_conversation(opened, parts)
        if beside is not None:
            background += beside.tasks(parts)
        parts.muting.tell()
        log.info("Listening.")
        await _beside(parts.conversation.run(), background)


async def _open(stack: AsyncExitStack, opened: _Opened, ends: Ends) -> Parts:
    """All parts, opened in the order in which they are needed; a damaged model is found before a device is held."""
    app, settings, resources = opened.app, opened.app.settings, opened.app.resources
    data = app.folder / settings.storage.folder
    vad: VoiceDetector = await stack.enter_async_context(app.provider("vad"))
    wake_words = await senses.open_wake_words(stack, settings, resources, opened.memory.cast.everyone)
    end_of_turn = await senses.open_end_of_turn(stack, settings, resources)
    transcriber = await stack.enter_async_context(app.transcriber(opened.memory, opened.usage))
    agent: Agent = await stack.enter_async_context(app.agent())
    canceller = await senses.open_echo_canceller(stack, settings, resources, ends)
    devices = app.sound_devices(ends, canceller)
    devices.recover()
    muting, volume = Muting(data, app.feed), Volume(settings.audio.loudness, data)
    heard = MutableMicrophone(devices.microphone, muting.muted)
    microphone, speaker = MeteredMicrophone(heard, app.clock), MeteredSpeaker(devices.speaker)
    await stack.enter_async_context(speaker)
    await stack.enter_async_context(microphone)
    hearing = Hearing(vad, wake_words, HearingSettings())
    loudspeaker = AmplifiedSpeaker(speaker, volume.loudness, lambda: hearing.floor_db)
    conversation = Conversation(
        ears=Ears(microphone, hearing, SegmenterSettings(**settings.utterance.model_dump()), app.feed),
        parts=_turn_parts(opened, transcriber, agent, loudspeaker, volume),
        feed=app.feed,
        clock=app.clock,
        personality_for=opened.memory.cast.personality_for,
        settings=_conversation_settings(app),
        end_of_turn=end_of_turn,
    )
    voice = opened.voice
    return Parts(
        conversation, agent, transcriber, voice, microphone, speaker, devices, muting, volume, end_of_turn.detector
    )


def _turn_parts(
    opened: _Opened, transcriber: FallbackTranscriber, agent: Agent, speaker: AmplifiedSpeaker, volume: Volume
) -> TurnParts:
    """What answers a question."""
    app, section = opened.app, opened.app.settings.conversation
    return TurnParts(
        RecordedTranscriber(transcriber, opened.recordings) if opened.recordings.on else transcriber,
        agent,
        opened.voice,
        speaker,
        app.speakable(),
        section.apologies,
        section.repeat_requests,
        recorded_apologies(section.recorded_apologies, app.folder),
        earcons.error() if app.settings.audio.error_tone else None,
        _request_handler(app, transcriber, volume),
    )


def _request_handler(app: App, transcriber: FallbackTranscriber, volume: Volume) -> RequestHandler:
    """Does what customers ask of the conversation itself."""

    def speaks(who: Personality, language: str) -> bool:
        known = [one.capabilities.languages for one in transcriber.transcribers]
        understood = any(not languages or language in languages for languages in known)
        return understood and language in {primary_language(who.language), *who.languages}

    section = app.settings.requests
    return RequestHandler(section.spoken_requests(), section.replies(), volume.loudness, speaks)


def _conversation_settings(app: App) -> ConversationSettings:
    section = app.settings.conversation
    return ConversationSettings(
        section.history_turns,
        section.history_idle_s,
        earcons.listening() if app.settings.audio.listening_tone else None,
        section.barge_in,
        section.follow_up,
        section.follow_up_s,
    )


def _beside_the_conversation(opened: _Opened, parts: Parts) -> Background:
    """What goes on as long as the conversation."""
    app, memory, voice = opened.app, opened.memory, opened.voice
    cast, idle, voice_ready = memory.cast, parts.conversation.idle, asyncio.Event()
    background: Background = [
        cast.watch(parts.conversation.switch),
        _until_renewed(app, idle),
        memory.incidents.run(),
        opened.recordings.run(),
        told_to_forget(memory.database, app.forgetters),
        parts.devices.keep(app.feed.publish),
        keep_ready(voice, lambda: cast.active, voice_ready),
        _sweep_samples(app, memory),
        take_care(parts, app.settings.upkeep, app.feed, app.clock),
    ]
    if memory.statistics is not None:
        background.append(memory.statistics.run())
    if app.settings.cache.enabled and app.settings.cache.warm:
        background.append(_keep_warm(opened, parts.agent, idle))
    if app.notifier is not None:
        background.append(_supervise(app, app.notifier, opened, parts, voice_ready))
    return background


async def _sweep_samples(app: App, memory: Memory) -> None:
    """Delete what a crash left behind of voice samples that nobody has any more."""
    if memory.database is None or not memory.database.may_write:
        return
    people = PersonalityStore(memory.database, app.settings.deployment.tenant)
    try:
        async with voices(app.settings, app.folder, memory.database, people, memory.samples) as changing:
            if gone := await changing.sweep():
                log.info("Left over from voices that are in use no more, and deleted: %s", gone)
    except AssistantError as error:
        log.warning("What is left over of voice samples cannot be deleted: %s", error)


async def _supervise(app: App, notifier: Notifier, opened: _Opened, parts: Parts, voice_ready: asyncio.Event) -> None:
    """Tell systemd that we are ready, and for how long we are well."""
    vitals = Vitals(parts.microphone, parts.conversation.idle, stuck_workers, app.clock)
    cast, devices = opened.memory.cast, parts.devices
    supervision = Supervision(
        notifier, vitals, parts.microphone, app.feed, lambda: cast.active, lambda: devices.missing
    )
    await supervision.run(voice_ready)


async def _until_renewed(app: App, idle: asyncio.Event) -> None:
    """Raises ``Renewed``."""
    await app.renew.wait()
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            await idle.wait()
    raise Renewed


async def _keep_warm(opened: _Opened, agent: Agent, idle: asyncio.Event) -> None:
    """Have ready what the active personality will probably say."""
    app, cast = opened.app, opened.memory.cast

    def sentences() -> list[Sentence]:
        return usual_sentences(cast.active, cast.everyone, agent, app.settings)

    await keep_warm(opened.voice, sentences, app.speakable(), idle)


async def _beside(work: Coroutine[Any, Any, None], background: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Do ``work``; the others go on beside it as long as it lasts. What goes wrong first is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one, name="beside the conversation") for one in background]
            await work
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as error:
        raise first_cause(error) from error
