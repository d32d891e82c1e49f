"""Usage and latency: counted in memory, written to the database in batches, so that an SD card lives long."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from types import TracebackType
from typing import Any, NamedTuple, Self

import sqlite_utils

from assistant.storage.database import Database
from assistant.storage.errors import StorageError
from pipeline.usage import Outcome, Use

log = logging.getLogger(__name__)

ALPHA = 0.1
"""Weight of the newest latency in the exponential moving average."""


SURE_AFTER_DAYS = 3
"""Days on which something was counted that must agree about the date before anything is erased by it."""


class Key(NamedTuple):
    """What is counted together."""

    day: str
    tenant: str
    personality_id: str
    stage: str
    provider: str


@dataclass(slots=True)
class Counts:
    """Sums since the last writing; the columns of ``usage_by_day``."""

    requests: int = 0
    """Pieces of work begun."""
    failures: int = 0
    """Those that the provider could not do."""
    cache_hits: int = 0
    """Those that had been done before."""
    interruptions: int = 0
    """Those whose end nobody waited for."""
    audio_s: float = 0.0
    """Audio seconds made or transcribed."""
    characters: int = 0
    """Of the texts that were spoken."""
    latency_ms_sum: float = 0.0
    """Of the ``latency_count`` requests that the provider did itself."""
    latency_count: int = 0
    """How many these are."""

    def add(self, use: Use) -> None:
        """Count one piece of work."""
        self.requests += 1
        self.failures += use.outcome is Outcome.FAILED
        self.cache_hits += use.outcome is Outcome.CACHED
        self.interruptions += use.outcome is Outcome.LEFT
        self.audio_s += use.audio_s
        if use.outcome is not Outcome.FAILED:
            self.characters += use.characters
        if (latency_ms := engine_latency_ms(use)) is not None:
            self.latency_ms_sum += latency_ms
            self.latency_count += 1

    def merge(self, other: Counts) -> None:
        """Add the sums of another one."""
        for column in COLUMNS:
            setattr(self, column, getattr(self, column) + getattr(other, column))


COLUMNS = tuple(one.name for one in fields(Counts))


@dataclass(slots=True)
class _Batch:
    """What was counted since the last writing."""

    counts: dict[Key, Counts] = field(default_factory=dict)
    latencies: dict[tuple[str, str], Ema] = field(default_factory=dict)
    """By stage and provider."""
    voices: dict[str, Ema] = field(default_factory=dict)
    """Latency of the voice, by personality."""

    def merge(self, later: _Batch) -> None:
        """Add what was counted after this."""
        for key, counts in later.counts.items():
            self.counts.setdefault(key, Counts()).merge(counts)
        for provider, ema in later.latencies.items():
            self.latencies.setdefault(provider, Ema()).merge(ema)
        for personality, ema in later.voices.items():
            self.voices.setdefault(personality, Ema()).merge(ema)


@dataclass(slots=True)
class Ema:
    """An exponential moving average whose beginning lies in the database: it becomes ``keep`` · before + ``gain``."""

    keep: float = 1.0
    gain: float = 0.0
    first: float | None = None
    """The same where there was nothing before."""

    def add(self, value: float) -> None:
        """The next value."""
        self.merge(Ema(1 - ALPHA, ALPHA * value, value))

    def merge(self, later: Ema) -> None:
        """What came after this."""
        if later.first is None:
            return
        self.first = later.first if self.first is None else later.keep * self.first + later.gain
        self.keep, self.gain = self.keep * later.keep, later.keep * self.gain + later.gain

    def after(self, before: float | None) -> float | None:
        """The average, given what it was before."""
        return self.first if before is None else self.keep * before + self.gain


def engine_latency_ms(use: Use) -> float | None:
    """How long the engine itself took; None for what came from the cache or failed, which says nothing about it."""
    return use.latency_ms if use.outcome in {Outcome.DONE, Outcome.LEFT} else None


class Statistics:
    """A ``UsageLedger`` that is kept. What was counted since the last writing is lost in a power cut, no more."""

    def __init__(
        self,
        database: Database,
        *,
        write_every_s: float,
        keep_days: int,
        today: Callable[[], date] = date.today,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._write_every_s = write_every_s
        self._keep_days = keep_days
        self._today = today
        self._sleep = sleep
        self._batch = _Batch()
        self._swept: date | None = None
        self._failing = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what was counted since the last time."""
        await self.write()

    def record(self, use: Use) -> None:
        """Count it."""
        who = use.personality
        key = Key(self._today().isoformat(), who.tenant if who else "", who.id if who else "", use.stage, use.provider)
        self._batch.counts.setdefault(key, Counts()).add(use)
        if (latency_ms := engine_latency_ms(use)) is not None:
            self._batch.latencies.setdefault((use.stage, use.provider), Ema()).add(latency_ms)
            if who is not None and who.id and use.stage == "tts":
                self._batch.voices.setdefault(who.id, Ema()).add(latency_ms)

    def forget(self, before: str) -> None:
        """Leave out what was counted before a day (ISO 8601) and not yet written; "" for all."""
        if not before:
            self._batch = _Batch()
        counts = self._batch.counts
        for key in [one for one in counts if one.day < before]:
            del counts[key]

    async def run(self) -> None:
        """Write for ever, from time to time."""
        while True:
            await self._sleep(self._write_every_s)
            await self.write()

    async def write(self) -> None:
        """Write what was counted. Where that cannot be, it is kept and written later."""
        batch, self._batch = self._batch, _Batch()
        today = self._today()
        sweep = self._swept != today
        if not (batch.counts or sweep):
            return
        oldest = (today - timedelta(days=self._keep_days)).isoformat() if sweep else ""
        try:
            await self._database.write(lambda db: _write(db, batch, oldest, self._keep_days))
        except BaseException as error:
            batch.merge(self._batch)
            self._batch = batch
            if not isinstance(error, StorageError):
                raise
            if not self._failing:
                log.error("Statistics cannot be written now; they are kept in memory. %s", error)
            self._failing = True
        else:
            self._swept, self._failing = today, False


def _write(db: sqlite_utils.Database, batch: _Batch, oldest: str, keep_days: int) -> None:
    """One transaction for all."""
    sums = ", ".join(f"{column} = {column} + excluded.{column}" for column in COLUMNS)
    names = ", ".join((*Key._fields, *COLUMNS))
    marks = ", ".join("?" * (len(Key._fields) + len(COLUMNS)))
    for key, counts in batch.counts.items():
        values = [*key, *(getattr(counts, column) for column in COLUMNS)]
        db.execute(f"INSERT INTO usage_by_day ({names}) VALUES ({marks}) ON CONFLICT DO UPDATE SET {sums}", values)  # noqa: S608 - our own names
    for (stage, provider), ema in batch.latencies.items():
        row = db.execute(
            "SELECT ema_ms FROM provider_latency WHERE stage = ? AND provider = ?", [stage, provider]
        ).fetchone()
        db.execute(
            "INSERT OR REPLACE INTO provider_latency (stage, provider, ema_ms) VALUES (?, ?, ?)",
            [stage, provider, ema.after(row[0] if row else None)],
        )
    for personality_id in dict.fromkeys(key.personality_id for key in batch.counts if key.stage == "tts"):
        _tell_personality(db, personality_id, batch)
    if oldest and (counted := _oldest_counted(db, keep_days)) is not None:
        db.execute("DELETE FROM usage_by_day WHERE day < ?", [min(oldest, counted)])


def _oldest_counted(db: sqlite_utils.Database, keep_days: int) -> str | None:
    """The same by days on which something was counted, None where these are few: a clock that stands in a wrong year
    for a day or two must erase nothing.
    """
    row = db.execute(
        "SELECT DISTINCT day FROM usage_by_day ORDER BY day DESC LIMIT 1 OFFSET ?", [SURE_AFTER_DAYS - 1]
    ).fetchone()
    return None if row is None else (date.fromisoformat(row[0]) - timedelta(days=keep_days)).isoformat()


def _tell_personality(db: sqlite_utils.Database, personality_id: str, batch: _Batch) -> None:
    """Bring ``voice_config.stats`` up to date; a document that is no JSON object is left alone."""
    row = db.execute("SELECT voice_config FROM ai_personalities WHERE id = ?", [personality_id]).fetchone()
    stats = _stats(row[0]) if row else None
    if stats is None:
        return
    mine = [
        counts for key, counts in batch.counts.items() if (key.personality_id, key.stage) == (personality_id, "tts")
    ]
    made = sum(one.requests - one.failures for one in mine)
    hits, whole = db.execute(
        "SELECT sum(cache_hits), sum(requests - failures) FROM usage_by_day WHERE personality_id = ? AND stage = 'tts'",
        [personality_id],
    ).fetchone()
    before = _number(stats.get("average_latency_ms")) if _number(stats.get("total_generations")) else None
    ema = batch.voices.get(personality_id, Ema())
    told = {
        "total_generations": int(_number(stats.get("total_generations"))) + made,
        "total_seconds": round(_number(stats.get("total_seconds")) + sum(one.audio_s for one in mine), 3),
        "average_latency_ms": round(ema.after(before) or 0.0, 3),
        "cache_hit_rate": round(hits / whole, 4) if whole else 0.0,
    }
    db.execute(
        "UPDATE ai_personalities SET voice_config = json_set(voice_config, '$.stats', json(?)) WHERE id = ?",
        [json.dumps(told), personality_id],
    )


def _stats(document: str) -> dict[str, Any] | None:
    try:
        config = json.loads(document)
    except ValueError:
        return None
    if not isinstance(config, dict):
        return None
    stats = config.get("stats")
    return stats if isinstance(stats, dict) else {}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
