"""Settings become parts; ``assistant.running`` makes a conversation of them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from assistant import senses
from assistant.incident_log import IncidentLog
from assistant.incidents import Incidents
from assistant.lexicon import load_lexicon
from assistant.licences import LicensedModels
from assistant.models.store import ModelStore
from assistant.parts import Ends, Memory
from assistant.personalities.cast import Cast
from assistant.quota import CloudQuota
from assistant.recordings import RecordingFiles
from assistant.samples.opening import sample_store
from assistant.settings import Settings
from assistant.sound_devices import SoundDevices
from assistant.statistics import Statistics
from assistant.storage.audio_files import AudioFiles
from assistant.storage.database import Database
from assistant.storage.errors import StorageError
from assistant.systemd import Notifier
from pipeline.circuit_breaker import CircuitBreaker
from pipeline.errors import SettingsError
from pipeline.events import EventFeed, ProviderState
from pipeline.fallback import FallbackVoice
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.on_demand import OnDemand, OnDemandSynthesizer, OnDemandTranscriber
from pipeline.protocols import Agent, EchoCanceller
from pipeline.routing import Cloud, SpeechRouter
from pipeline.speakable import speakable
from pipeline.speech import primary_language
from pipeline.speech_cache import SpeechCache
from pipeline.usage import UsageLedger
from providers import registry
from providers.audio.wav import FastPace, Pace, RealTimePace, WavMicrophone, WavSpeaker
from providers.registry import Resources

log = logging.getLogger(__name__)


SHOP_LEXICON = Path("shop/lexicon.yaml")
"""The pronunciations in use where no others are set."""


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
