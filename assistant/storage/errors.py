"""What can go wrong with the database, told to a technician."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pipeline.errors import AssistantError


class StorageError(AssistantError):
    """The database cannot be used as asked. Nothing was changed."""

    code = "storage"


class StorageReadOnly(StorageError):
    """The database can be read but not written."""

    code = "storage_read_only"


class StorageFull(StorageError):
    """The disk is full."""

    code = "storage_full"


class StorageDamaged(StorageError):
    """The file is not an intact database."""

    code = "storage_damaged"


class StorageNewer(StorageReadOnly):
    """A newer version of the program made the database."""

    code = "storage_newer"


class StorageBusy(StorageError):
    """Another process has been writing for too long."""

    code = "storage_busy"


def translated(error: sqlite3.Error, path: Path) -> StorageError:
    """A SQLite error in our words."""
    text = str(error)
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL") or "is full" in text:
        return StorageFull(f"The disk that holds {path} is full; nothing was changed.", remedy="Make room there.")
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM")) or "readonly" in text:
        return StorageReadOnly(
            f"{path} cannot be written; nothing was changed.",
            remedy="Is the disk mounted read-only, or does the file belong to another user?",
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StorageBusy(f"Another process is writing to {path}.", remedy="Try again.")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StorageDamaged(
            f"{path} is damaged: {text}.",
            remedy=f"Restore a copy from {path.parent / 'backups'}, or move the file away.",
        )
    if name.startswith("SQLITE_CANTOPEN"):
        return StorageError(f"{path} cannot be opened.", remedy="Does its folder exist, and may this user write there?")
    return StorageError(f"{path}: {text}.", remedy="Run `assistant check`.")
