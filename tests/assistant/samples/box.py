"""A shop's folder with a database, a store of samples, and all that changes voices."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import numpy as np

from assistant.personalities.rows import Stored
from assistant.personalities.store import PersonalityStore
from assistant.samples.folders import LocalFolder, SampleFolder
from assistant.samples.store import SampleStore
from assistant.samples.traces import TraceFiles
from assistant.samples.voices import Voices
from assistant.storage.audio_files import AudioFiles
from assistant.storage.database import Database
from pipeline.audio import AudioChunk

CONSENT = "Ann Smith, in writing, 2026-03-02"


class Box:
    """What is open, and what lies on the disk."""

    def __init__(self, folder: Path, samples_in: SampleFolder | None = None) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.samples_in = samples_in or LocalFolder(self.voices_folder, "data/voices")
        self.now_s: float | None = None
        self.database: Database
        self.personalities: PersonalityStore
        self.sentences: AudioFiles
        self.samples: SampleStore
        self.voices: Voices
        self.who: str

    @property
    def voices_folder(self) -> Path:
        return self.data / "voices"

    @asynccontextmanager
    async def opened(self, most_bytes: int = 50_000_000) -> AsyncIterator[Box]:
        async with AsyncExitStack() as stack:
            self.database = await stack.enter_async_context(Database(self.data / "assistant.db", backups=0))
            self.personalities = PersonalityStore(self.database, "default")
            await self.personalities.first()
            self.who = (await self.personalities.everyone())[0].document.id
            self.sentences = AudioFiles(self.database, self.data / "speech", keep_s=1e6, max_bytes=10**8)
            store = SampleStore(self.samples_in, self.data / "fetched-voices")
            self.samples = await stack.enter_async_context(store)
            traces = TraceFiles(self.data / "latents", self.sentences)
            self.voices = await stack.enter_async_context(
                Voices(
                    self.personalities,
                    self.database,
                    self.samples,
                    traces,
                    tenant="default",
                    lock=self.data / "voices.lock",
                    most_bytes=most_bytes,
                )
            )
            yield self

    async def speak(self, digest: str, number: int = 0) -> None:
        """What the daemon leaves on the disk when it speaks with a sample."""
        for engine in ("xtts_v2", "pocket_tts"):
            latents = self.data / "latents" / engine / f"{digest}-0123456789abcdef.npz"
            latents.parent.mkdir(parents=True, exist_ok=True)
            latents.write_bytes(b"latents")
        key = f"{number:02x}" + digest[:62]
        await self.sentences.put(key, AudioChunk(np.ones(2400, np.int16), 24_000), "xtts_v2", digest)

    def samples_here(self) -> list[str]:
        """Files below the folder of the samples, finished or not."""
        return sorted(
            str(path.relative_to(self.voices_folder)) for path in self.voices_folder.rglob("*") if not path.is_dir()
        )

    def traces_of(self, digest: str) -> list[Path]:
        """Files anywhere whose name or content has to do with a sample."""
        return [path for path in self.data.rglob("*") if digest in path.name or digest[:62] in path.name]

    async def stored(self) -> Stored:
        return await self.personalities.get(self.who)

    def consents(self) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.data / "assistant.db")) as connection:
            return connection.execute(
                "SELECT consent, sample_sha256, ended_by FROM voice_consents ORDER BY id"
            ).fetchall()

    async def state(self) -> tuple[Any, ...]:
        """Everything that a refused upload must leave as it is."""
        return dict((await self.stored()).raw), self.samples_here(), self.consents()
