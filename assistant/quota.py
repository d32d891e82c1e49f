"""How much of a cloud voice was used this month, in the database: neither a crash nor a wrong clock spends twice."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlite_utils

from assistant.storage.database import Database
from assistant.storage.errors import StorageError
from pipeline.errors import QuotaExceeded

log = logging.getLogger(__name__)

WARN_SHARE = 0.8
"""Share of the month's amount from which the log warns, where nothing else is set."""

MONTHS_AHEAD = 3
"""A month that was counted and lies at most so far ahead of the clock is believed more than the clock."""

FIRST_MONTH = "2026-11"
"""When this was written: an earlier clock is wrong, as on a box without a battery before it has asked for the time."""


def billing_month(now: datetime, zone: tzinfo | None) -> str:
    """The month, such as ``2026-11``, to which Google bills what is sent now: months of its headquarters.

    Without ``zone`` (a machine without time zones) the rule of the United States is used: from 1 March to 1 November,
    when the months April to November begin, their clocks are an hour ahead (cloud.google.com/billing/docs says Pacific
    Time, not which offset).
    """
    if zone is not None:
        return f"{now.astimezone(zone):%Y-%m}"
    summer = now.astimezone(UTC) - timedelta(hours=7)
    return f"{summer if 4 <= summer.month <= 11 else summer - timedelta(hours=1):%Y-%m}"


def billing_zone() -> tzinfo | None:
    """Where Google's months begin, None where this machine knows no time zones."""
    try:
        return ZoneInfo("America/Los_Angeles")
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return None


class CloudQuota:
    """A ``CharacterQuota`` that survives restarts, and is shared by all processes that use the same database."""

    def __init__(
        self,
        database: Database,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        warned: Callable[[str, str], None] = lambda _provider, _reason: None,
    ) -> None:
        """``warned`` is called with provider and reason once a month, as the log is told; it must not raise."""
        self._database = database
        self._now = now
        self._tell = warned
        self._zone = billing_zone()
        self._warned: set[tuple[str, str, str]] = set()

    async def reserve(
        self, provider: str, voice_class: str, characters: int, limit: int, warn_share: float = WARN_SHARE
    ) -> str:
        """Count characters as spent, before the call; the month in which they count.

        Raises ``QuotaExceeded``; then nothing was counted (where the disk does not answer, that is not certain).
        """
        try:
            month, before = await self._database.write(
                lambda db: self._spend(db, provider, voice_class, characters, limit)
            )
        except StorageError as error:
            raise QuotaExceeded(
                f"What {provider} costs cannot be counted now. {error.message}", remedy=error.remedy
            ) from error
        spent = before + characters
        if spent > limit:
            raise QuotaExceeded(
                f"{provider} may say {limit} characters of the class {voice_class} in {month}; "
                f"{before} are spent, {characters} more would pass that.",
                remedy=f"It speaks again next month; to pay for more, see tts.{provider} in config.yaml.",
            )
        self._warn((provider, month, voice_class), spent, limit, warn_share)
        return month

    async def give_back(self, provider: str, voice_class: str, characters: int, month: str) -> None:
        """The call was certainly not billed. Where that cannot be written, the characters stay spent."""

        def give(db: sqlite_utils.Database) -> None:
            db.execute(
                "UPDATE cloud_usage SET characters = max(0, characters - ?)"
                " WHERE provider = ? AND voice_class = ? AND month = ?",
                [characters, provider, voice_class, month],
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

    def _warn(self, key: tuple[str, str, str], spent: int, limit: int, warn_share: float) -> None:
        """Say that the end is near; once by each process, for the other ones' logs may be nobody's."""
        if spent < warn_share * limit or key in self._warned:
            return
        self._warned.add(key)
        provider, month, voice_class = key
        reason = f"{spent} of {limit} characters of the class {voice_class} are spent in {month}"
        log.warning("%s: %s.", provider, reason)
        self._tell(provider, reason)

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
        """The month to count in. A clock set back opens no month anew, and one that was far ahead locks none."""
        this = billing_month(self._now(), self._zone)
        until = _later(this, MONTHS_AHEAD) if this >= FIRST_MONTH else "9999-12"
        latest = db.execute(
            "SELECT max(month) FROM cloud_usage WHERE provider = ? AND month <= ?", [provider, until]
        ).fetchone()[0]
        return max(this, FIRST_MONTH, str(latest or ""))


def _later(month: str, months: int) -> str:
    year, number = map(int, month.split("-"))
    total = year * 12 + number - 1 + months
    return f"{total // 12:04}-{total % 12 + 1:02}"
