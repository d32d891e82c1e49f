"""Debug recordings of what customers say: only where the settings ask for them, and never for long.

The files themselves are the index. Their age is counted on the wall clock from when they were written.
"""

from __future__ import annotations

import asyncio
import io
import logging
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import soundfile

from assistant.checking.finding import Finding, State
from assistant.storage import sound_bytes
from assistant.storage.errors import translated
from assistant.task_room import TaskRoom
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.speech import NoSpeech, Transcript, Utterance
from providers.model_worker import ModelWorker

log = logging.getLogger(__name__)

FOLDER = "recordings"
"""In the data folder."""

SUFFIX = ".flac"

LOOK_EVERY_S = 600.0
"""Seconds between two looks for what is too old."""

MOST_WAITING = 8
"""Utterances that wait for a slow disk; further ones are not recorded."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What lies on the disk."""

    files: int
    size_bytes: int


class RecordingFiles:
    """The folder of recordings. Its methods work on the disk: call them on a thread."""

    def __init__(self, data: Path, keep_s: float, max_bytes: int, now: Callable[[], float] = time.time) -> None:
        """``data`` is the data folder; ``now`` gives Unix seconds and may jump."""
        self.folder = data / FOLDER
        self._keep_s = keep_s
        self._max_bytes = max_bytes
        self._now = now

    def write(self, name: str, utterance: Utterance) -> None:
        """Keep one, in the place of an earlier one of that name. Raises ``OSError``."""
        content, path = io.BytesIO(), self.folder / f"{name}{SUFFIX}"
        soundfile.write(content, utterance.audio.pcm, utterance.audio.rate_hz, "PCM_16", format="FLAC")
        sound_bytes.write(path, content.getvalue())
        os.utime(path, (self._now(), self._now()))
        self.sweep()

    def sweep(self) -> int:
        """Delete what is too old, what is too much, and what was never finished; how many. Raises ``OSError``."""
        now_s, left, gone = self._now(), list[tuple[float, int, Path]](), list[Path]()
        for path in self.folder.glob(f"*{sound_bytes.UNFINISHED}"):
            path.unlink(missing_ok=True)
        for path in self._all():
            written_s, size = path.stat().st_mtime, path.stat().st_size
            if written_s > now_s:  # the clock was set back: from now on it has as long as a new one
                os.utime(path, (now_s, now_s))
            if now_s - written_s > self._keep_s:
                gone.append(path)
            else:
                left.append((written_s, size, path))
        surplus = sum(size for _, size, _ in left) - self._max_bytes
        for _, size, path in sorted(left):
            if surplus <= 0:
                break
            gone.append(path)
            surplus -= size
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)

    def kept(self, before_s: float | None = None) -> Kept:
        """What there is, or what of it was written before a moment. Raises ``OSError``."""
        sizes = [path.stat().st_size for path in self._before(before_s)]
        return Kept(len(sizes), sum(sizes))

    def forget(self, before_s: float | None = None) -> Kept:
        """Delete all, or what was written before a moment; what that was. Raises ``OSError``."""
        gone = self.kept(before_s)
        for path in self._before(before_s):
            path.unlink(missing_ok=True)
        for path in self.folder.glob(f"*{sound_bytes.UNFINISHED}"):
            path.unlink(missing_ok=True)
        return gone

    def _all(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{SUFFIX}"))

    def _before(self, before_s: float | None) -> list[Path]:
        return [path for path in self._all() if before_s is None or path.stat().st_mtime < before_s]


class Recordings(TaskRoom):
    """Keeps what ``record`` is given, where it is ``on``; what is kept from before goes in time in any case.

    An async context manager. A disk that is slow or full costs the recording, never the conversation.
    """

    def __init__(
        self, files: RecordingFiles, *, on: bool, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        super().__init__()
        self.files = files
        self.on = on
        self._sleep = sleep
        self._worker = ModelWorker("recordings")
        self._waiting = 0
        self._last = ("", -1.0)
        """Name and beginning of the utterance that was recorded last."""
        self._complaint = ""

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        if self.on:
            log.warning(
                "Recording is on: what customers say is kept in %s. Set recordings.enabled: false to end that.",
                self.files.folder,
            )
        await self._do(self.files.sweep)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await super().__aexit__(kind, error, trace)
        finally:
            self._worker.close()

    async def run(self) -> None:
        """Delete for ever what gets too old."""
        while True:
            await self._sleep(LOOK_EVERY_S)
            await self._do(self.files.sweep)

    def record(self, utterance: Utterance) -> None:
        """Begin to keep it. What is handed over again, because the customer went on speaking, is kept once."""
        if not self.on or self._waiting >= MOST_WAITING:
            return
        name, began_s = self._last
        if began_s != utterance.speech_start_s:
            name = f"{datetime.now(UTC):%Y%m%dT%H%M%S-%f}"
        self._last = (name, utterance.speech_start_s)
        self._waiting += 1
        self._begin(self._keep(name, utterance), "recording")

    async def _keep(self, name: str, utterance: Utterance) -> None:
        try:
            await self._do(lambda: self.files.write(name, utterance))
        finally:
            self._waiting -= 1

    async def _do(self, work: Callable[[], object]) -> None:
        try:
            await self._worker.run(lambda _: work())
        except (OSError, soundfile.SoundFileError) as error:
            reason = translated(error, self.files.folder).message if isinstance(error, OSError) else str(error)
            if reason != self._complaint:
                log.warning("Recordings cannot be kept or deleted as they should: %s", reason)
            self._complaint = reason
        else:
            self._complaint = ""


class RecordedTranscriber(FallbackTranscriber):
    """Writes down as another one does, and has recorded what it is given."""

    def __init__(self, inner: FallbackTranscriber, recordings: Recordings) -> None:
        self.transcribers = inner.transcribers
        self.health = inner.health
        self._inner = inner
        self._recordings = recordings

    async def transcribe(self, utterance: Utterance) -> Transcript | NoSpeech:
        """As ``FallbackTranscriber``."""
        self._recordings.record(utterance)
        return await self._inner.transcribe(utterance)


def recording_finding(files: RecordingFiles, *, on: bool, keep_days: float) -> list[Finding]:
    """Told where customers are recorded, or were. Works on the disk."""
    try:
        kept = files.kept()
    except OSError as error:
        return [Finding("recordings", State.WARNS, translated(error, files.folder).message, "Who may read there?")]
    what = f"{kept.files} recordings of customers, {kept.size_bytes / 1e6:.1f} MB, kept for {keep_days:g} days"
    if on:
        remedy = "Set recordings.enabled: false as soon as they are needed no more."
        return [Finding("recordings", State.WARNS, f"recording is on: {what}", remedy)]
    if kept.files:
        return [Finding("recordings", State.WARNS, f"recording is off; {what}", "Delete them: assistant forget --all")]
    return []
