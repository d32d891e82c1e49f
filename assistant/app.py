"""The composition root: settings become parts, parts become a conversation. Start-up is a list; closing mirrors it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from assistant import senses
from assistant.apologies import recorded_apologies
from assistant.forgetters import told_to_forget
from assistant.incident_log import IncidentLog
from assistant.incidents import Incidents
from assistant.lexicon import load_lexicon
from assistant.licences import LicensedModels
from assistant.models.store import ModelStore
from assistant.muting import Muting
from assistant.parts import Companion, Ends, Memory, Parts
from assistant.personalities.cast import Cast
from assistant.personalities.store import PersonalityStore
from assistant.quota import CloudQuota
from assistant.readiness import keep_ready
from assistant.recordings import RecordedTranscriber, RecordingFiles, Recordings
from assistant.samples.opening import sample_store, voices
from assistant.settings import Settings
from assistant.sound_devices import SoundDevices
from assistant.statistics import Statistics
from assistant.storage.audio_files import AudioFiles
from assistant.storage.database import Database
from assistant.storage.errors import StorageError
from assistant.systemd import Notifier, Supervision
from assistant.upkeep import take_care
from assistant.vitals import Vitals
from assistant.volume import Volume
from assistant.warming import Sentence, keep_warm, usual_sentences
from pipeline import earcons
from pipeline.amplified_speaker import AmplifiedSpeaker
from pipeline.circuit_breaker import CircuitBreaker
from pipeline.conversation import Conversation
from pipeline.conversation_settings import ConversationSettings
from pipeline.ears import Ears
from pipeline.errors import AssistantError, SettingsError, first_cause
from pipeline.events import EventFeed, ProviderState
from pipeline.fallback import FallbackVoice
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.hearing import Hearing, HearingSettings
from pipeline.meters import MeteredMicrophone, MeteredSpeaker
from pipeline.muting import MutableMicrophone
from pipeline.on_demand import OnDemand, OnDemandSynthesizer, OnDemandTranscriber
from pipeline.protocols import Agent, EchoCanceller, VoiceDetector
from pipeline.request_handler import RequestHandler
from pipeline.routing import Cloud, SpeechRouter
from pipeline.segmenter import SegmenterSettings
from pipeline.speakable import speakable
from pipeline.speech import Personality, primary_language
from pipeline.speech_cache import SpeechCache
from pipeline.turn import TurnParts
from pipeline.usage import UsageLedger
from providers import registry
from providers.audio.wav import FastPace, Pace, RealTimePace, WavMicrophone, WavSpeaker
from providers.model_worker import stuck_workers
from providers.registry import Resources

log = logging.getLogger(__name__)


SHOP_LEXICON = Path("shop/lexicon.yaml")
"""The pronunciations in use where no others are set."""

PATIENCE_S = 45.0
"""Seconds that new settings wait for a conversation to end."""


class Renewed(Exception):
    """It ends so that another one can take its place."""


class App:
    """Settings and the folder they came from, and the parts made of them."""

    def __init__(self, settings: Settings, folder: Path, feed: EventFeed | None = None) -> None:
        self.settings = settings
        self.folder = folder
        self.feed = feed or EventFeed()
        self.clock = time.monotonic
        self.notifier: Notifier | None = None
        """Where systemd started us, to tell it how we are."""
        self.incidents: Incidents | None = None
        """Hears what goes wrong, where that is to be written down."""
        self.forgetters: list[Callable[[str], None]] = []
        """Called with the day before which all is to be forgotten, "" for all, when somebody wants that."""
        self.renew = asyncio.Event()
        """Set it, and ``run`` raises ``Renewed`` as soon as nobody speaks."""
        self.opened = False
        """Whether all parts could be opened."""
        mirror = settings.models.mirror
        self.models = ModelStore(folder / settings.models.folder, folder / mirror if mirror else None)
        self.licensed = LicensedModels(self.models, settings.deployment)
        self.resources = Resources(self.licensed, folder, data=folder / settings.storage.folder)

    async def run(self, ends: Ends, companion: Callable[[App, Memory], Companion] | None = None) -> None:
        """Converse until the input file ends or the task is cancelled. ``companion`` makes what goes on beside it."""
        async with AsyncExitStack() as stack:
            memory = await stack.enter_async_context(self.memory())
            beside = companion(self, memory) if companion is not None else None
            usage = memory.statistics if beside is None else beside.ledger
            voice = await stack.enter_async_context(self.voice(memory, usage))
            recordings = Recordings(self.recording_files(), on=self.settings.recordings.enabled)
            await stack.enter_async_context(recordings)
            parts = await self._open(stack, ends, memory, voice, usage, recordings)
            conversation = parts.conversation
            self.opened = True
            background = [memory.cast.watch(conversation.switch), self._until_renewed(conversation.idle)]
            background += [memory.incidents.run(), recordings.run()]
            background.append(told_to_forget(memory.database, self.forgetters))
            background.append(parts.devices.keep(self.feed.publish))
            if memory.statistics is not None:
                background.append(memory.statistics.run())
                self.forgetters.append(memory.statistics.forget)
            voice_ready = asyncio.Event()
            background += [keep_ready(voice, lambda: memory.cast.active, voice_ready), self._sweep_samples(memory)]
            if self.settings.cache.enabled and self.settings.cache.warm:
                background.append(self._keep_warm(memory, voice, parts.agent, conversation.idle))
            background.append(take_care(parts, self.settings.upkeep, self.feed, self.clock))
            if beside is not None:
                background += beside.tasks(parts)
            if self.notifier is not None:
                background.append(self._supervise(self.notifier, parts, memory.cast, voice_ready))
            if ends.fast:  # no time passes for the customer in the file, so none is too late for an engine
                await voice.ready(memory.cast.active.language, memory.cast.active)
            parts.muting.tell()
            log.info("Listening.")
            await _beside(conversation.run(), background)

    async def _open(
        self,
        stack: AsyncExitStack,
        ends: Ends,
        memory: Memory,
        voice: FallbackVoice,
        usage: UsageLedger | None,
        recordings: Recordings,
    ) -> Parts:
        """All parts, opened in the order in which they are needed; a damaged model is found before a device is held."""
        settings = self.settings
        vad: VoiceDetector = await stack.enter_async_context(self.provider("vad"))
        wake_words = await senses.open_wake_words(stack, settings, self.resources, memory.cast.everyone)
        end_of_turn = await senses.open_end_of_turn(stack, settings, self.resources)
        transcriber = await stack.enter_async_context(self.transcriber(memory, usage))
        agent: Agent = await stack.enter_async_context(self.agent())
        canceller = await senses.open_echo_canceller(stack, settings, self.resources, ends)
        devices = self.sound_devices(ends, canceller)
        devices.recover()
        muting = Muting(self.folder / settings.storage.folder, self.feed)
        heard = MutableMicrophone(devices.microphone, muting.muted)
        microphone, speaker = MeteredMicrophone(heard, self.clock), MeteredSpeaker(devices.speaker)
        await stack.enter_async_context(speaker)
        await stack.enter_async_context(microphone)
        hearing = Hearing(vad, wake_words, HearingSettings())
        volume = Volume(settings.audio.loudness, self.folder / settings.storage.folder)
        ears = Ears(microphone, hearing, SegmenterSettings(**settings.utterance.model_dump()), self.feed)
        turn_parts = TurnParts(
            RecordedTranscriber(transcriber, recordings) if recordings.on else transcriber,
            agent,
            voice,
            AmplifiedSpeaker(speaker, volume.loudness, lambda: hearing.floor_db),
            self.speakable(),
            settings.conversation.apologies,
            settings.conversation.repeat_requests,
            recorded_apologies(settings.conversation.recorded_apologies, self.folder),
            earcons.error() if settings.audio.error_tone else None,
            self._request_handler(transcriber, volume),
        )
        conversation = Conversation(
            ears=ears,
            parts=turn_parts,
            feed=self.feed,
            clock=self.clock,
            personality_for=memory.cast.personality_for,
            settings=ConversationSettings(
                settings.conversation.history_turns,
                settings.conversation.history_idle_s,
                earcons.listening() if settings.audio.listening_tone else None,
                settings.conversation.barge_in,
                settings.conversation.follow_up,
                settings.conversation.follow_up_s,
            ),
            end_of_turn=end_of_turn,
        )
        return Parts(
            conversation, agent, transcriber, voice, microphone, speaker, devices, muting, volume, end_of_turn.detector
        )

    def _request_handler(self, transcriber: FallbackTranscriber, volume: Volume) -> RequestHandler:
        """Does what customers ask of the conversation itself."""

        def speaks(who: Personality, language: str) -> bool:
            known = [one.capabilities.languages for one in transcriber.transcribers]
            understood = any(not languages or language in languages for languages in known)
            return understood and language in {primary_language(who.language), *who.languages}

        section = self.settings.requests
        return RequestHandler(section.spoken_requests(), section.replies(), volume.loudness, speaks)

    def provider(self, stage: str) -> Any:
        """The first provider in use for a stage, not yet entered."""
        return senses.first(stage, self.settings, self.resources)

    @asynccontextmanager
    async def memory(self) -> AsyncIterator[Memory]:
        """Personalities, statistics and quota. Whatever is wrong with the disk is logged; the daemon keeps talking."""
        section, deployment = self.settings.storage, self.settings.deployment
        async with AsyncExitStack() as stack:
            database: Database | None = None
            file = self.folder / section.folder / "assistant.db"
            try:
                database = await stack.enter_async_context(Database(file, backups=section.backups))
            except StorageError as error:
                log.error("%s The built-in personalities serve.", error)
            incidents = IncidentLog(database, self.incidents, renewing=self.renew.is_set)
            await stack.enter_async_context(incidents)
            cast = await stack.enter_async_context(Cast(database, deployment.tenant))
            statistics = None
            if database is not None and database.may_write:
                counting = self.settings.statistics
                statistics = await stack.enter_async_context(
                    Statistics(database, write_every_s=counting.write_every_s, keep_days=counting.keep_days)
                )
                warned = self._nearly_spent
                self.resources = replace(self.resources, quota=CloudQuota(database, warned=warned))
            samples = await stack.enter_async_context(sample_store(self.settings, self.folder))
            self.resources = replace(self.resources, samples=samples)
            yield Memory(database, cast, statistics, samples, incidents)

    async def _sweep_samples(self, memory: Memory) -> None:
        """Delete what a crash left behind of voice samples that nobody has any more."""
        if memory.database is None or not memory.database.may_write:
            return
        people = PersonalityStore(memory.database, self.settings.deployment.tenant)
        try:
            async with voices(self.settings, self.folder, memory.database, people, memory.samples) as changing:
                if gone := await changing.sweep():
                    log.info("Left over from voices that are in use no more, and deleted: %s", gone)
        except AssistantError as error:
            log.warning("What is left over of voice samples cannot be deleted: %s", error)

    def _nearly_spent(self, provider: str, reason: str) -> None:
        """A cloud voice speaks, but not for long any more."""
        self.feed.publish(ProviderState(provider, "ok", reason))

    @asynccontextmanager
    async def voice(self, memory: Memory, usage: UsageLedger | None = None) -> AsyncIterator[FallbackVoice]:
        """All engines in use as one voice. ``usage`` keeps account in place of the statistics."""
        async with AsyncExitStack() as stack:
            engines = [await stack.enter_async_context(engine) for engine in self.synthesizers()]
            _tell_cautions(engines)
            database, cache = memory.database, self.settings.cache
            sounds: SpeechCache | None = None
            if cache.enabled and database is not None and database.may_write:
                files = await stack.enter_async_context(self.audio_files(database))
                sounds = await stack.enter_async_context(SpeechCache(files))
            forbidden = set(self.settings.tts.use).difference(engine.capabilities.name for engine in engines)
            yield FallbackVoice(
                SpeechRouter(engines, self.settings.deployment.cloud, forbidden),
                CircuitBreaker(self.feed, self.clock),
                self.clock,
                cache=sounds,
                usage=usage or memory.statistics,
                time_limit_s=self.settings.conversation.voice_timeout_s,
            )

    def audio_files(self, database: Database) -> AudioFiles:
        """Where finished sentences lie, not yet entered."""
        cache, folder = self.settings.cache, self.folder / self.settings.storage.folder / "speech"
        return AudioFiles(database, folder, keep_s=cache.keep_hours * 3600, max_bytes=cache.max_mb * 1_000_000)

    def recording_files(self) -> RecordingFiles:
        """Where recordings of customers lie, if there are any."""
        kept, folder = self.settings.recordings, self.folder / self.settings.storage.folder
        return RecordingFiles(folder, kept.keep_days * 86400, kept.max_mb * 1_000_000)

    def synthesizers(self) -> list[OnDemandSynthesizer]:
        """The voices in use, not yet entered; without those that the settings forbid."""
        engines = [
            OnDemandSynthesizer(registry.create("tts", name, settings, self.resources))
            for name, settings in self.settings.tts.chosen()
        ]
        never = self.settings.deployment.cloud is Cloud.NEVER
        return [engine for engine in engines if not (never and engine.capabilities.needs_network)]

    @asynccontextmanager
    async def transcriber(self, memory: Memory, usage: UsageLedger | None = None) -> AsyncIterator[FallbackTranscriber]:
        """All recognisers in use as one. Raises what the first one lacks when none can be used: it would be deaf."""
        async with AsyncExitStack() as stack:
            entered = [
                await stack.enter_async_context(
                    OnDemandTranscriber(registry.create("stt", name, settings, self.resources))
                )
                for name, settings in self.settings.stt.chosen()
            ]
            failures = [one.failure for one in entered if one.failure is not None]
            if len(failures) == len(entered):
                raise failures[0]
            _tell_cautions(entered)
            health = CircuitBreaker(self.feed, self.clock, what="recogniser")
            yield FallbackTranscriber(entered, health, self.clock, usage or memory.statistics)

    def agent(self) -> Agent:
        """The agent in use, not yet entered. Raises ``SettingsError`` where it may not be used here."""
        agent: Agent = self.provider("agent")
        if agent.capabilities.needs_network and self.settings.deployment.cloud is Cloud.NEVER:
            raise SettingsError(
                f"The agent {agent.capabilities.name} sends what customers say off this machine, "
                "which deployment.cloud: never forbids.",
                remedy="Use a server on this machine (127.0.0.1), another agent, or set deployment.cloud: emergency.",
            )
        return agent

    async def _supervise(self, notifier: Notifier, parts: Parts, cast: Cast, voice_ready: asyncio.Event) -> None:
        """Tell systemd that we are ready, and for how long we are well."""
        vitals = Vitals(parts.microphone, parts.conversation.idle, stuck_workers, self.clock)
        devices = parts.devices
        supervision = Supervision(
            notifier, vitals, parts.microphone, self.feed, lambda: cast.active, lambda: devices.missing
        )
        await supervision.run(voice_ready)

    async def _until_renewed(self, idle: asyncio.Event) -> None:
        """Raises ``Renewed``."""
        await self.renew.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await idle.wait()
        raise Renewed

    async def _keep_warm(self, memory: Memory, voice: FallbackVoice, agent: Agent, idle: asyncio.Event) -> None:
        """Have ready what the active personality will probably say."""

        cast = memory.cast

        def sentences() -> list[Sentence]:
            return usual_sentences(cast.active, cast.everyone, agent, self.settings)

        await keep_warm(voice, sentences, self.speakable(), idle)

    def speakable(self) -> Callable[[str, str], str]:
        """Makes a sentence speakable, with the shop's pronunciations."""
        path = self.folder / (self.settings.lexicon or SHOP_LEXICON)
        lexicon = load_lexicon(path) if self.settings.lexicon or path.exists() else {}
        return lambda text, language: speakable(text, language, lexicon.get(primary_language(language), {}))

    def wake_phrase(self) -> str:
        """What a customer says to wake it: the first wake word's name, as words."""
        _, settings = self.settings.wake_word.chosen()[0]
        words: Any = settings.model_dump()["words"]
        return str(words[0]["name"]).replace("_", " ")

    def sound_devices(self, ends: Ends, canceller: EchoCanceller | None = None) -> SoundDevices:
        """Microphone and loudspeaker, or the files in their place; not yet entered."""
        pace: Pace = FastPace() if ends.fast else RealTimePace()
        return SoundDevices(
            self.settings.audio,
            self.folder / self.settings.storage.folder,
            microphone=WavMicrophone(ends.input, pace) if ends.input else None,
            speaker=WavSpeaker(ends.output, pace) if ends.output else None,
            canceller=canceller,
        )


def _tell_cautions(providers: Sequence[OnDemand[Any]]) -> None:
    """What the owner should know about the models in use."""
    for provider in providers:
        caution = provider.capabilities.caution
        if caution is not None and provider.failure is None:
            log.warning("%s %s", caution.message, caution.remedy)


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
