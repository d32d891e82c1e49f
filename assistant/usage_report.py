"""Usage and latency by provider, personality and day, what is left of free amounts, and what the cache holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import sqlite_utils

from assistant.app import App
from assistant.quota import CloudQuota
from assistant.storage.database import Database

NOTHING: dict[str, Any] = {"providers": [], "personalities": [], "days": [], "latency_now_ms": [], "cloud": []}
"""Before anything was counted."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one provider did, for one personality or for all, on one day or on all."""

    day: str | None
    """None for all days asked for."""
    personality: str | None
    """Its name; None for all."""
    stage: str
    provider: str
    requests: int
    failures: int
    interruptions: int
    cache_hit_rate: float
    """0 to 1, of the requests that did not fail."""
    latency_ms: float | None
    """Mean of what the provider made itself."""
    audio_s: float
    characters: int


async def figures(database: Database, tenant: str, days: int, *, here: bool = True) -> dict[str, Any]:
    """All figures of a shop in the last days. Raises ``StorageError``.

    ``here``: it is the shop of this machine. What nobody in particular asked for, such as all that the recognisers
    wrote down, and what the machine has spent in the cloud are that shop's, and no other one is told.
    """
    since = (date.today() - timedelta(days=days - 1)).isoformat()
    return await database.read(lambda db: _figures(db, (tenant, "") if here else (tenant,), since, here=here))


async def usage_report(app: App, database: Database, tenant: str, days: int) -> dict[str, Any]:
    """The same, with ``quota`` and ``cache``, which all shops of this machine share. Raises ``StorageError``.

    What was counted and not yet written is not in it: call ``Statistics.write`` before.
    """
    return {
        **await figures(database, tenant, days, here=tenant == app.settings.deployment.tenant),
        "quota": await quota_rows(app, database),
        "cache": await cache_facts(app, database, tenant),
    }


async def quota_rows(app: App, database: Database) -> list[dict[str, Any]]:
    """What cloud voices have spent of the month's free amount, by voice class. Raises ``StorageError``."""
    rows: list[dict[str, Any]] = []
    for name, settings in app.settings.tts.chosen():
        if not hasattr(settings, "limit"):
            continue
        month, spent = await CloudQuota(database).spent(name)
        for voice_class, characters in (spent or {"": 0}).items():
            limit = settings.limit(voice_class)
            share = round(characters / limit, 4) if limit else 1.0
            rows.append(
                {
                    "provider": name,
                    "month": month,
                    "voice_class": voice_class,
                    "characters": characters,
                    "limit": limit,
                    "share": share,
                }
            )
    return rows


async def cache_facts(app: App, database: Database, tenant: str | None = None) -> dict[str, Any]:
    """What lies in the speech cache, and how often it helped one shop (None: all of them). Raises ``StorageError``."""
    section = app.settings.cache
    stock = await app.audio_files(database).stock()
    return {
        "enabled": section.enabled,
        "entries": stock.entries,
        "audio_s": round(stock.audio_s, 1),
        "size_mb": round(stock.size_bytes / 1e6, 3),
        "max_mb": section.max_mb,
        "oldest_s": None if stock.oldest_s is None else round(stock.oldest_s),
        "keep_hours": section.keep_hours,
        "hit_rate": await database.read(lambda db: _hit_rate(db, tenant)),
    }


def _hit_rate(db: sqlite_utils.Database, tenant: str | None) -> float | None:
    """Share of the sentences spoken that were there already; None before there was one."""
    hits, spoken = db.execute(
        "SELECT sum(cache_hits), sum(requests - failures) FROM usage_by_day"
        " WHERE stage = 'tts' AND (:tenant IS NULL OR tenant = :tenant)",
        {"tenant": tenant},
    ).fetchone()
    return round(min(1.0, hits / spoken), 3) if spoken else None


def _figures(db: sqlite_utils.Database, tenants: Sequence[str], since: str, *, here: bool) -> dict[str, Any]:
    latency = db.execute("SELECT stage, provider, ema_ms FROM provider_latency ORDER BY stage, provider").fetchall()
    cloud = db.execute(
        "SELECT provider, month, voice_class, characters FROM cloud_usage ORDER BY month DESC"
    ).fetchall()
    return {
        "providers": _rows(db, tenants, since, "stage, provider"),
        "personalities": [
            row for row in _rows(db, tenants, since, "personality_id, stage, provider") if row["personality"]
        ],
        "days": _rows(db, tenants, since, "day, stage, provider"),
        "latency_now_ms": [{"stage": one[0], "provider": one[1], "ms": round(one[2], 1)} for one in latency],
        "cloud": [
            {"provider": one[0], "month": one[1], "voice_class": one[2], "characters": one[3]} for one in cloud if here
        ],
    }


def _rows(db: sqlite_utils.Database, tenants: Sequence[str], since: str, group: str) -> list[dict[str, Any]]:
    """Sums by ``group``, a list of our own column names."""
    day = "day" if "day" in group else "NULL"
    personality = "personality_id" if "personality_id" in group else "NULL"
    found = db.execute(
        f"SELECT {day}, (SELECT name FROM ai_personalities WHERE id = {personality}), stage, provider,"  # noqa: S608
        " sum(requests), sum(failures), sum(interruptions), sum(cache_hits), sum(latency_ms_sum), sum(latency_count),"
        " sum(audio_s), sum(characters) FROM usage_by_day"
        f" WHERE day >= ? AND tenant IN ({', '.join('?' * len(tenants))}) GROUP BY {group} ORDER BY {group}",
        [since, *tenants],
    ).fetchall()
    return [asdict(_row(*one)) for one in found]


def _row(
    day: str | None, personality: str | None, stage: str, provider: str,
    requests: int, failures: int, interruptions: int, hits: int,
    latency_ms_sum: float, latency_count: int, audio_s: float, characters: int,
) -> Row:  # fmt: skip
    done = requests - failures
    return Row(
        day, personality, stage, provider, requests, failures, interruptions,
        round(hits / done, 4) if done else 0.0,
        round(latency_ms_sum / latency_count, 1) if latency_count else None,
        round(audio_s, 2), characters,
    )  # fmt: skip
