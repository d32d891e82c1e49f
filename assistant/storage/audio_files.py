"""Finished audio of the speech cache: files, and an index of them in the database.

Files change only inside a write transaction of the index. So all processes that share the folder take turns, and what
one of them is just writing is never taken for a leftover by another one (decision 084).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlite_utils

from assistant.storage import sound_bytes
from assistant.storage.database import Database
from assistant.storage.errors import StorageError
from pipeline.audio import AudioChunk

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stock:
    """What lies in the cache, or what was taken out of it."""

    entries: int
    """Sentences."""
    audio_s: float
    """Their length in audio seconds."""
    size_bytes: int
    """Of their files."""
    oldest_s: float | None = None
    """Age of the oldest one in seconds, None where there is none."""


class AudioFiles:
    """An ``AudioStore``. Files are written atomically; what is torn, too old or of other content is never served.

    Entering it sweeps what does not belong there; ``stock`` and ``clear`` need no entering.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        *,
        keep_s: float,
        max_bytes: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``now`` gives Unix seconds; it may jump."""
        self._database = database
        self._folder = folder
        self._keep_s = keep_s
        self._max_bytes = max_bytes
        self._now = now
        self._uses: dict[str, None] = {}
        """Keys served since the last write, the latest last: reading must not cost a write."""
        self._suspects: set[str] = set()
        """Keys that could not be served though they are in the index."""
        self._seen_at: dict[str, float] = {}
        """When entries from the future were first seen, by key."""
        self._complaint = ""

    async def __aenter__(self) -> Self:
        """Make the folder and sweep it. Whatever fails there is logged: speaking goes on."""
        try:
            await self._database.write(self._sweep)
        except (StorageError, OSError) as error:
            self._complain(error)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what was used since the last write, so that the next run knows what to keep."""
        if not (self._uses or self._suspects):
            return
        uses, suspects = list(self._uses), set(self._suspects)
        try:
            await self._database.write(lambda db: self._catch_up(db, uses, suspects))
        except (StorageError, OSError) as failure:
            self._complain(failure)

    async def get(self, key: str) -> AudioChunk | None:
        """A finished sentence, None where it is absent, too old or damaged."""
        try:
            row, audio = await self._database.read(lambda db: self._read(db, key))
        except (StorageError, OSError) as error:
            self._complain(error)
            return None
        if row is None:
            return None
        if audio is None or not self._fresh(key, row["created_at"]):
            self._suspects.add(key)
            return None
        self._uses.pop(key, None)
        self._uses[key] = None
        return audio

    async def has(self, key: str) -> bool:
        """Whether ``get`` would most likely find it: the index is asked, the file is not read."""
        try:
            row = await self._database.read(lambda db: _row(db, key))
        except StorageError as error:
            self._complain(error)
            return False
        return row is not None and key not in self._suspects and self._fresh(key, row["created_at"])

    async def put(self, key: str, audio: AudioChunk, provider: str, sample: str = "") -> None:
        """Keep a finished sentence; one that is there already and whole stays. What cannot be kept is logged once.

        Nothing is kept of a sample whose consent has ended, though somebody may just have been speaking with it.
        """
        uses, suspects = list(self._uses), self._suspects - {key}
        try:
            await self._database.write(lambda db: self._write(db, key, audio, (provider, sample), uses, suspects))
        except (StorageError, OSError) as error:
            self._complain(error)
            with suppress(StorageError):
                await self._database.read(lambda db: self._undo(db, key))
            return
        self._complaint = ""
        self._suspects -= {*suspects, key}
        self._seen_at.clear()  # all entries from the future have a new date now
        for one in uses:
            self._uses.pop(one, None)

    async def stock(self) -> Stock:
        """What lies here. Raises ``StorageError``."""
        return await self._database.read(lambda db: _stock(db, self._now()))

    async def clear(self) -> Stock:
        """Remove all, also while another process serves from here; what was removed. Raises ``StorageError``."""
        return await self._database.write(self._clear)

    async def forget(self, sample: str) -> Stock:
        """Remove what was spoken with a sample (its ``sample_mark``), also while another process serves from here.

        What was removed. Raises ``StorageError``.
        """
        return await self._database.write(lambda db: self._forget(db, sample))

    async def count(self, before_s: float | None) -> int:
        """Sentences that were made before a moment, all for None. Raises ``StorageError``."""
        return len(await self._database.read(lambda db: _before(db, before_s)))

    async def forget_before(self, before_s: float | None) -> int:
        """Remove those; how many. Raises ``StorageError``."""
        if before_s is None:
            return (await self.clear()).entries
        gone = await self._database.read(lambda db: _before(db, before_s))
        await self._database.write(lambda db: self._remove(db, gone))
        return len(gone)

    def _fresh(self, key: str, created_s: float) -> bool:
        now_s = self._now()
        if created_s > now_s:  # the clock was set back: from now on it has as long as a new one
            created_s = min(self._seen_at.setdefault(key, now_s), now_s)
        elif key in self._seen_at:
            created_s = self._seen_at[key]
        return now_s - created_s <= self._keep_s

    def _complain(self, error: Exception) -> None:
        """Once, until something can be kept again: it would be the same for each sentence."""
        if not self._complaint:
            log.warning("The speech cache cannot be used as it should, speaking goes on without it: %s", error)
        self._complaint = str(error)

    # What follows runs on the database's threads.

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.wav"

    def _read(self, db: sqlite_utils.Database, key: str) -> tuple[dict[str, Any] | None, AudioChunk | None]:
        """What the index says and, where the file is what the index says, the sound."""
        row = _row(db, key)
        if row is None:
            return None, None
        try:
            return row, sound_bytes.read(self._path(key), row["digest"])
        except (OSError, sound_bytes.NotWhatItWas):
            return row, None

    def _write(
        self,
        db: sqlite_utils.Database,
        key: str,
        audio: AudioChunk,
        source: tuple[str, str],
        uses: Iterable[str],
        suspects: Iterable[str],
    ) -> None:
        content = sound_bytes.wav(audio)
        self._catch_up(db, uses, suspects)
        provider, sample = source
        if not len(audio.pcm) or len(content) > self._max_bytes or _ended(db, sample):
            return
        if self._read(db, key)[1] is not None:
            # Another process was quicker. Its file stays: a kill while it is replaced would cost what is there.
            newest = "created_at = ?, used = (SELECT max(used) + 1 FROM speech_cache)"
            db.execute(f"UPDATE speech_cache SET {newest} WHERE key = ?", (self._now(), key))  # noqa: S608 - no values
            return
        path = self._path(key)
        sound_bytes.write(path, content)
        try:
            db.execute(
                "INSERT OR REPLACE INTO speech_cache"
                " (key, provider, audio_s, size_bytes, digest, created_at, sample, used)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(used), 0) + 1 FROM speech_cache))",
                (key, provider, audio.duration_s, len(content), sound_bytes.digest(content), self._now(), sample),
            )
            self._make_room(db)
        except BaseException:
            _unlink(path)
            raise

    def _undo(self, db: sqlite_utils.Database, key: str) -> None:
        """Remove a file whose entry could not be written: nobody would ever count it."""
        if _row(db, key) is None:
            _unlink(self._path(key))

    def _catch_up(self, db: sqlite_utils.Database, uses: Iterable[str], suspects: Iterable[str]) -> None:
        """Note what was used, give a date to what comes from the future, remove what is too old or damaged."""
        now_s = self._now()
        for key in uses:
            db.execute("UPDATE speech_cache SET used = (SELECT max(used) + 1 FROM speech_cache) WHERE key = ?", (key,))
        for key, seen_s in list(self._seen_at.items()):
            db.execute("UPDATE speech_cache SET created_at = ? WHERE key = ? AND created_at > ?", (seen_s, key, now_s))
        db.execute("UPDATE speech_cache SET created_at = ? WHERE created_at > ?", (now_s, now_s))
        old = db.execute("SELECT key FROM speech_cache WHERE created_at < ?", (now_s - self._keep_s,)).fetchall()
        # Another process may have made it anew meanwhile, so it is looked at once more.
        torn = [key for key in suspects if (found := self._read(db, key))[0] is not None and found[1] is None]
        self._remove(db, {*(key for (key,) in old), *torn})

    def _make_room(self, db: sqlite_utils.Database) -> None:
        """Remove what was not used for longest until the rest fits."""
        surplus = _stock(db, 0.0).size_bytes - self._max_bytes
        gone: list[str] = []
        for key, size in db.execute("SELECT key, size_bytes FROM speech_cache ORDER BY used"):
            if surplus <= 0:
                break
            gone.append(key)
            surplus -= size
        self._remove(db, gone)

    def _remove(self, db: sqlite_utils.Database, keys: Iterable[str]) -> None:
        """Files first: on a full disk they make the room that the index needs to be changed."""
        for key in keys:
            _unlink(self._path(key))
            db.execute("DELETE FROM speech_cache WHERE key = ?", (key,))

    def _sweep(self, db: sqlite_utils.Database) -> None:
        """Remove files without an entry, entries without a file of the right size, and what is too old."""
        sound_bytes.make_folder(self._folder)
        self._catch_up(db, (), ())
        known = dict(db.execute("SELECT key, size_bytes FROM speech_cache").fetchall())
        here: dict[str, int] = {}
        for path in self._folder.glob("??/*"):
            if path.suffix == ".wav" and path.stem in known and path == self._path(path.stem):
                here[path.stem] = path.lstat().st_size
            elif path.suffix in {".wav", sound_bytes.UNFINISHED}:
                _unlink(path)
        self._remove(db, [key for key, size in known.items() if here.get(key) != size])
        self._make_room(db)

    def _forget(self, db: sqlite_utils.Database, sample: str) -> Stock:
        removed = _stock(db, self._now(), sample)
        for (key,) in db.execute("SELECT key FROM speech_cache WHERE sample = ?", (sample,)).fetchall():
            path = self._path(key)
            path.unlink(missing_ok=True)  # one that cannot be removed must be heard of, unlike an old one
            self._remove(db, [key])
            with suppress(OSError):
                path.parent.rmdir()
        return removed

    def _clear(self, db: sqlite_utils.Database) -> Stock:
        removed = _stock(db, self._now())
        self._remove(db, [key for (key,) in db.execute("SELECT key FROM speech_cache").fetchall()])
        for path in self._folder.glob("??/*"):
            if path.suffix in {".wav", sound_bytes.UNFINISHED}:
                _unlink(path)
        return removed


def _unlink(path: Path) -> None:
    """Remove a file; what cannot be removed is swept at the next start."""
    with suppress(OSError):
        path.unlink()


def _row(db: sqlite_utils.Database, key: str) -> dict[str, Any] | None:
    found = db.execute("SELECT digest, created_at FROM speech_cache WHERE key = ?", (key,)).fetchone()
    return None if found is None else {"digest": found[0], "created_at": found[1]}


def _before(db: sqlite_utils.Database, before_s: float | None) -> list[str]:
    found = db.execute(
        "SELECT key FROM speech_cache WHERE :before IS NULL OR created_at < :before", {"before": before_s}
    )
    return [key for (key,) in found]


def _ended(db: sqlite_utils.Database, sample: str) -> bool:
    """Whether somebody took back the consent to a sample and nobody gave another one."""
    ended = "SELECT count(*) > 0 AND count(*) = count(ended_at) FROM voice_consents WHERE sample_sha256 = ?"
    return bool(sample) and bool(db.execute(ended, (sample,)).fetchone()[0])


def _stock(db: sqlite_utils.Database, now_s: float, sample: str | None = None) -> Stock:
    """What there is, or of one sample."""
    select = "SELECT count(*), coalesce(sum(audio_s), 0), coalesce(sum(size_bytes), 0), min(created_at)"
    found = db.execute(f"{select} FROM speech_cache WHERE ? IS NULL OR sample = ?", (sample, sample)).fetchone()
    entries, audio_s, size_bytes, first_s = found
    return Stock(entries, audio_s, size_bytes, None if first_s is None else max(0.0, now_s - first_s))
