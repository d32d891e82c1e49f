"""The daemon's parts, as the routes work with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from assistant.access.tokens import Caller
from assistant.app import App
from assistant.health import Running, health
from assistant.http.doors.guard import Doors
from assistant.http.recitals import Recitals
from assistant.http.sound import SoundAnswers
from assistant.http.speaking import Speaking
from assistant.http.talks import Talks
from assistant.jobs import Job, Jobs
from assistant.metrics import Metrics
from assistant.model_pulls import pulling
from assistant.parts import Memory, Parts
from assistant.personalities.lookup import find
from assistant.personalities.store import PersonalityStore
from assistant.personalities.wake_words import WakeWords
from assistant.rendering import check, rendered
from assistant.samples.opening import voices
from assistant.samples.voices import Voices
from assistant.settings import Settings
from assistant.storage.audio_files import Stock
from assistant.storage.database import Database
from assistant.storage.errors import StorageError
from assistant.transcription import Transcription, question_of, transcribe_recording
from assistant.usage_report import quota_rows
from assistant.watch import Watch
from pipeline.speech import NoSpeechReason, Personality, Utterance

UPLOADS_AT_ONCE = 2
"""Recordings that are decoded at the same time: each takes a process and up to 200 MB."""

LEVELS_FOR_S = 0.1
"""Seconds for which levels that were read are told to all who ask: reading them sets them back."""


SILENT_DB = -100.0
"""What is told of silence."""


@dataclass(slots=True)
class Levels:
    """Sound levels as they were last read, dB relative to full scale."""

    at_s: float = float("-inf")
    """Clock time."""
    microphone_db: float = SILENT_DB
    speaker_db: float = SILENT_DB


@dataclass(slots=True)
class Counted:
    """Figures of the database, as they were last read."""

    stock: Stock = field(default_factory=lambda: Stock(0, 0.0, 0))
    """Of the speech cache."""
    quota: list[dict[str, Any]] = field(default_factory=list)
    """Of cloud voices."""


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
    started_s: float
    stored: Counted = field(default_factory=Counted)
    """What the database told last."""
    _levels: Levels = field(default_factory=Levels)
    _uploads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(UPLOADS_AT_ONCE))

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
            levels.microphone_db = max(SILENT_DB, round(self.parts.microphone.level_db, 1))
            levels.speaker_db = max(SILENT_DB, round(self.parts.speaker.level_db, 1))
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
        for part, absence in self.parts.devices.missing.items():
            found.append({"part": part, "reason": absence.error.message, "remedy": absence.error.remedy})
        problem = self.database.problem if self.memory.database is not None else None
        if self.memory.database is None or problem is not None:
            reason = problem.message if problem is not None else "The database cannot be opened."
            remedy = problem.remedy if problem is not None else "Run: assistant check"
            found.append({"part": "storage", "reason": reason, "remedy": remedy})
        return found

    async def transcribe(self, file: BinaryIO) -> Transcription:
        """What an upload says. Raises ``RecordingRefused`` and ``ProviderError``."""
        async with self._uploads:
            return await transcribe_recording(file, self.parts.transcriber, self.settings)

    async def question(self, file: BinaryIO) -> Utterance | NoSpeechReason:
        """What somebody says in an upload while they hold a button. Raises ``RecordingRefused``."""
        async with self._uploads:
            return await question_of(file, self.settings)

    async def count(self) -> None:
        """Read what lies in the database, for metrics; where it cannot be read, what was read before stands."""
        if self.memory.database is None:
            return
        with suppress(StorageError):
            self.stored.stock = await self.app.audio_files(self.memory.database).stock()
            self.stored.quota = await quota_rows(self.app, self.memory.database)

    async def health(self) -> dict[str, Any]:
        """What works, what does not, what to do."""
        parts = self.parts
        running = Running(
            parts.engines,
            parts.voice.health,
            parts.recognisers,
            parts.agent,
            self.last_frame_s(),
            parts.microphone.dropped_s,
            level_db=self.levels()["microphone_db"],
            speaker=parts.speaker.capabilities.name,
            recogniser_health=parts.transcriber.health,
            muted=parts.muting.muted(),
            missing=parts.devices.missing,
        )
        return await health(self.app, self.memory, running, await self.memory.incidents.newest())

    def start_pull(self, caller: Caller, name: str) -> Job:
        """Begin to fetch a model. Raises ``ModelMissing``, ``LicenceRefused`` and ``JobsBusy``."""
        app = self.app
        work = pulling(app.models, app.licensed, self.settings.deployment, name)
        return self.jobs.start("pull", name, caller.tenant, work)

    async def start_rendering(self, caller: Caller, who: Personality, phrases: Sequence[str]) -> Job:
        """Begin to speak phrases with a personality's own voice. Raises ``AssistantError`` where it has none."""
        await check(self.app, who)

        async def render(job: Job) -> dict[str, Any]:
            def told(done: int, total: int, doing: str) -> None:
                job.report(done / total if total else None, doing or f"{done} of {total} sentences")

            return (
                await rendered(self.app, self.parts.voice, who, phrases, told, self.parts.conversation.idle)
            ).as_dict()

        return self.jobs.start("render", who.name, caller.tenant, render)

    def store(self, caller: Caller) -> PersonalityStore:
        """The personalities of the caller's shop. Raises ``StorageError``."""
        words = WakeWords(self.settings, self.app.models, self.app.licensed)
        return PersonalityStore(self.database, caller.tenant, words)

    @asynccontextmanager
    async def changing(self, caller: Caller) -> AsyncIterator[PersonalityStore]:
        """``store`` for a change, which holds for whoever speaks and for the next request. Raises ``StorageError``."""
        yield self.store(caller)
        await self.memory.cast.refresh()

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
        await self.memory.cast.refresh()
