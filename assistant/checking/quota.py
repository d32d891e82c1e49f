"""What cloud voices have spent of the month's free amount."""

from __future__ import annotations

from typing import Any

from assistant.app import App
from assistant.checking.finding import Finding, State
from assistant.checking.storage import Stored
from assistant.quota import WARN_SHARE
from assistant.usage_report import quota_rows


async def quota(app: App, stored: Stored) -> Finding:
    """Characters spent and allowed, by provider and voice class. Raises ``StorageError``."""
    counted = {name: settings for name, settings in app.settings.tts.chosen() if hasattr(settings, "limit")}
    if not counted:
        return Finding("quota", State.WORKS, "no voice in use is counted")
    if stored.database is None:
        reason = f"what {', '.join(counted)} costs cannot be counted, so it is not used"
        return Finding("quota", State.WARNS, reason, "See: storage.")
    rows = await quota_rows(app, stored.database)
    high = [row for row in rows if row["share"] >= WARN_SHARE]
    reason = "; ".join(_text(row) for row in rows)
    remedy = "At the limit it is not asked until next month; see tts.google_tts.free_characters." if high else ""
    return Finding("quota", State.WARNS if high else State.WORKS, reason, remedy, tuple(rows))


def _text(row: dict[str, Any]) -> str:
    what = f"{row['provider']} {row['voice_class']}".rstrip()
    return f"{what}: {row['characters']} of {row['limit']} characters in {row['month']} ({row['share']:.0%})"
