"""Leaves nothing in the database's files that was deleted."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from assistant.storage.errors import StorageBusy

PATIENCE_S = 10.0
"""Seconds to wait for those who read: the log can be emptied only while nobody does."""


def compact(connection: sqlite3.Connection, path: Path) -> None:
    """See ``Database.compact``. Raises ``sqlite3.Error`` and ``StorageBusy``."""
    connection.execute("PRAGMA temp_store = MEMORY")  # else a copy of it all lies in /var/tmp for a while
    connection.execute("VACUUM")
    give_up_at = time.monotonic() + PATIENCE_S
    while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() > give_up_at:
            raise StorageBusy(
                f"Another process reads {path} all the time, so its log {path.name}-wal could not be emptied.",
                remedy="Stop the assistant, and try again.",
            )
        time.sleep(0.05)
