"""The daemon's parts, as the routes work with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pipeline.meters import MeteredMicrophone, MeteredSpeaker

from assistant.access.tokens import Caller
from assistant.app import App, Memory
from assistant.http.doors.guard import Doors
from assistant.http.recitals import Recitals
from assistant.http.sound import SoundAnswers
from assistant.http.speaking import Speaking
from assistant.http.talks import Talks
from assistant.http.watch import Watch
from assistant.incidents import Incidents
from assistant.jobs import Jobs
from assistant.metrics import Metrics
from assistant.personalities.lookup import find
from assistant.personalities.store import PersonalityStore
from assistant.personalities.wake_words import WakeWords
from assistant.samples.opening import voices
from assistant.samples.voices import Voices
from assistant.settings import Settings
from assistant.sound_devices import SoundDevices
from assistant.storage.database import Database
from assistant.storage.errors import StorageError
from pipeline.audio import SILENCE_DB
from pipeline.conversation import Conversation
from pipeline.fallback import FallbackVoice
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.on_demand import OnDemandSynthesizer
from pipeline.protocols import Agent
from pipeline.speech import Personality


@dataclass(frozen=True, slots=True)
class Parts:
    """What a running conversation is made of."""

    conversation: Conversation
    agent: Agent
    transcriber: FallbackTranscriber
    voice: FallbackVoice
    engines: list[OnDemandSynthesizer]
    microphone: MeteredMicrophone
    speaker: MeteredSpeaker
    devices: SoundDevices


LEVELS_FOR_S = 0.1
"""Seconds for which levels that were read are told to all who ask: reading them sets them back."""


@dataclass(slots=True)
class Levels:
    """Sound levels as they were last read, dB relative to full scale."""

    at_s: float = float("-inf")
    """Clock time."""
    microphone_db: float = SILENCE_DB
    speaker_db: float = SILENCE_DB


@dataclass(frozen=True, slots=True)
class Service:
    """All of it."""

    app: App
    memory: Memory
    parts: Parts
    watch: Watch
    speaking: Speaking
    recitals: Recitals
    talks: Talks
    sound: SoundAnswers
    doors: Doors
    jobs: Jobs
    metrics: Metrics
    incidents: Incidents
    started_s: float
    _levels: Levels = field(default_factory=Levels)

    @property
    def settings(self) -> Settings:
        """In effect."""
        return self.app.settings

    @property
    def database(self) -> Database:
        """Raises ``StorageError`` where there is none."""
        if self.memory.database is None:
            raise StorageError(
                "The database cannot be opened; the built-in personalities serve.", remedy="Run: assistant check"
            )
        return self.memory.database

    def levels(self) -> dict[str, float]:
        """Of microphone and loudspeaker, dB relative to full scale."""
        now_s, levels = self.app.clock(), self._levels
        if now_s - levels.at_s >= LEVELS_FOR_S:
            levels.at_s = now_s
            levels.microphone_db = round(self.parts.microphone.level_db, 1)
            levels.speaker_db = round(self.parts.speaker.level_db, 1)
        return {"microphone_db": levels.microphone_db, "speaker_db": levels.speaker_db}

    def last_frame_s(self) -> float | None:
        """Seconds since sound came from the microphone; None before the first."""
        at_s = self.parts.microphone.last_chunk_at_s
        return None if at_s is None else round(self.app.clock() - at_s, 3)

    def trouble(self) -> list[dict[str, str]]:
        """What does not work, for those who look in passing."""
        found = [
            {"part": f"voice {one.capabilities.name}", "reason": one.failure.message, "remedy": one.failure.remedy}
            for one in self.parts.engines
            if one.failure is not None
        ]
        problem = self.database.problem if self.memory.database is not None else None
        if self.memory.database is None or problem is not None:
            reason = problem.message if problem is not None else "The database cannot be opened."
            remedy = problem.remedy if problem is not None else "Run: assistant check"
            found.append({"part": "storage", "reason": reason, "remedy": remedy})
        return found

    def store(self, caller: Caller) -> PersonalityStore:
        """The personalities of the caller's shop. Raises ``StorageError``."""
        words = WakeWords(self.settings, self.app.models, self.app.licensed)
        return PersonalityStore(self.database, caller.tenant, words)

    async def personality(self, caller: Caller, who: str | None) -> Personality:
        """One of the caller's shop by id or name; its active one for None. Raises ``PersonalityMissing``."""
        cast = self.memory.cast
        if caller.here:
            return cast.active if who is None else find(cast.everyone, who)
        store = self.store(caller)
        await store.first()
        if who is not None:
            return (await store.get(who)).document.personality()
        active = await store.active()
        assert active is not None  # `first` made some
        return active.document.personality()

    @asynccontextmanager
    async def voices(self, caller: Caller) -> AsyncIterator[Voices]:
        """What changes the voices of the caller's shop. Raises ``StorageError``."""
        changing = voices(
            self.settings,
            self.app.folder,
            self.database,
            self.store(caller),
            self.memory.samples,
            tenant=caller.tenant,
        )
        async with changing:
            yield changing
