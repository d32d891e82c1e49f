"""How much of a cloud voice was used this month, in the database: neither a crash nor a wrong clock spends twice."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlite_utils

from assistant.storage.database import Database
from assistant.storage.errors import StorageError
from pipeline.errors import QuotaExceeded

log = logging.getLogger(__name__)

WARN_SHARE = 0.8
"""Share of the month's amount from which the log warns."""

MONTHS_AHEAD = 3
"""A month that was counted and lies at most so far ahead of the clock is believed more than the clock."""


def _billing_zone() -> tzinfo:
    """Google's months are those of its headquarters (cloud.google.com/billing/docs: Pacific Time)."""
    try:
        return ZoneInfo("America/Los_Angeles")
    except (ZoneInfoNotFoundError, OSError):
        return timezone(timedelta(hours=-8))


class CloudQuota:
    """A ``CharacterQuota`` that survives restarts, and is shared by all processes that use the same database."""

    def __init__(self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now
        self._zone = _billing_zone()
        self._warned: set[tuple[str, str, str]] = set()

    async def reserve(self, provider: str, voice_class: str, characters: int, limit: int) -> None:
        """Count characters as spent, before the call. Raises ``QuotaExceeded``; then nothing was counted."""
        try:
            month, before = await self._database.write(
                lambda db: self._spend(db, provider, voice_class, characters, limit)
            )
        except StorageError as error:
            raise QuotaExceeded(
                f"What {provider} costs cannot be counted now. {error.message}", remedy=error.remedy
            ) from error
        if before + characters > limit:
            raise QuotaExceeded(
                f"{provider} may say {limit} characters of the class {voice_class} free of charge in {month}; "
                f"{before} are spent, {characters} more would pass that.",
                remedy="It speaks again next month; or raise tts.google_tts.free_characters in config.yaml and pay.",
            )
        key = (provider, month, voice_class)
        if before + characters >= WARN_SHARE * limit and key not in self._warned:
            self._warned.add(key)
            log.warning(
                "%s: %d of %d free characters of the class %s are spent in %s.",
                provider, before + characters, limit, voice_class, month,
            )  # fmt: skip

    async def give_back(self, provider: str, voice_class: str, characters: int) -> None:
        """The call was certainly not billed. Where that cannot be written, the characters stay spent."""

        def give(db: sqlite_utils.Database) -> None:
            db.execute(
                "UPDATE cloud_usage SET characters = max(0, characters - ?)"
                " WHERE provider = ? AND voice_class = ? AND month = ?",
                [characters, provider, voice_class, self._month(db, provider)],
            )

        try:
            await self._database.write(give)
        except StorageError as error:
            log.warning("%d characters of %s stay counted though they were not spoken: %s", characters, provider, error)

    async def spent(self, provider: str) -> tuple[str, dict[str, int]]:
        """The month that is counted now, and the characters spent in it by voice class. Raises ``StorageError``."""

        def read(db: sqlite_utils.Database) -> tuple[str, dict[str, int]]:
            month = self._month(db, provider)
            rows = db.query(
                "SELECT voice_class, characters FROM cloud_usage WHERE provider = ? AND month = ? ORDER BY voice_class",
                [provider, month],
            )
            return month, {str(row["voice_class"]): int(row["characters"]) for row in rows}

        return await self._database.read(read)

    def _spend(
        self, db: sqlite_utils.Database, provider: str, voice_class: str, characters: int, limit: int
    ) -> tuple[str, int]:
        """(month, characters spent before); counted unless that would pass the limit. In one transaction."""
        key = [provider, self._month(db, provider), voice_class]
        row = db.execute(
            "SELECT characters FROM cloud_usage WHERE provider = ? AND month = ? AND voice_class = ?", key
        ).fetchone()
        before = int(row[0]) if row else 0
        if before + characters <= limit:
            db.execute(
                "INSERT INTO cloud_usage (provider, month, voice_class, characters) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET characters = characters + excluded.characters",
                [*key, characters],
            )
        return key[1], before

    def _month(self, db: sqlite_utils.Database, provider: str) -> str:
        """The month to count in. A clock set back does not open a month anew that was left behind."""
        now = self._now().astimezone(self._zone)
        latest = db.execute("SELECT max(month) FROM cloud_usage WHERE provider = ?", [provider]).fetchone()[0]
        this = f"{now:%Y-%m}"
        if latest is None or latest <= this:
            return this
        year, month = map(int, latest.split("-"))
        ahead = (year - now.year) * 12 + month - now.month
        return str(latest) if ahead <= MONTHS_AHEAD else this
