"""What can go wrong with the database, told to a technician.

StorageError              code, message, remedy, final
├── StorageReadOnly       it can be read but not written
│   └── StorageNewer      because a newer version of the program made it
├── StorageFull           no room on the disk
├── StorageBusy           another process is writing
├── StorageStuck          the disk does not answer
├── StorageDiskError      the disk answers with errors
├── StorageDamaged        the file is no intact database
├── StorageForeign        it is another program's database
├── StorageNotUpgraded    a step towards this version failed
└── StorageMoved          the file was taken away while it was in use
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Self

from pipeline.errors import AssistantError


class StorageError(AssistantError):
    """The database cannot be used as asked. Nothing was changed."""

    code = "storage"

    final = False
    """Whether it stays so until the program is started again. Anything else may end by itself: it is tried again."""

    def again(self) -> Self:
        """The same error to be raised once more. (One that is raised again and again collects all its traces.)"""
        return type(self)(self.message, remedy=self.remedy)


class StorageReadOnly(StorageError):
    """The database can be read but not written."""

    code = "storage_read_only"


class StorageNewer(StorageReadOnly):
    """A newer version of the program made the database."""

    code = "storage_newer"
    final = True


class StorageFull(StorageError):
    """The disk is full."""

    code = "storage_full"


class StorageBusy(StorageError):
    """Another process has been writing for too long."""

    code = "storage_busy"


class StorageStuck(StorageError):
    """The disk takes too long to answer. Whether it still does what it was told last is not known."""

    code = "storage_stuck"


class StorageDiskError(StorageError):
    """The disk reported an error."""

    code = "storage_disk"


class StorageDamaged(StorageError):
    """The file is not an intact database."""

    code = "storage_damaged"
    final = True


class StorageForeign(StorageError):
    """The file is a database, but not one of this program."""

    code = "storage_foreign"
    final = True


class StorageNotUpgraded(StorageError):
    """A step towards this version failed. The database is as it was before that step."""

    code = "storage_not_upgraded"
    final = True


class StorageMoved(StorageError):
    """The file was moved, replaced or deleted while it was in use: what is written to it would be lost."""

    code = "storage_moved"
    final = True


def translated(error: sqlite3.Error | OSError, path: Path) -> StorageError:
    """An error of SQLite or of the system in our words; ``path`` is the file or folder that it is about."""
    if isinstance(error, OSError):
        return _of_system(error, path)
    name = getattr(error, "sqlite_errorname", "") or ""
    for beginning, told in _BY_NAME:
        if name.startswith(beginning):
            return told(path, name if told is _disk_error else str(error))
    return StorageError(f"{path}: {error}.", remedy="Run `assistant check`.")


def may_be_seen(path: Path) -> bool:
    """Whether it can be told if something is there. Where not, ``Path.exists`` and its like raise."""
    try:
        path.exists()
    except PermissionError:
        return False
    return True


def damaged(path: Path, what: str) -> StorageDamaged:
    """A file that SQLite does not take for an intact database."""
    # With an old -wal beside it, a copy put in its place would be damaged at once.
    return StorageDamaged(
        f"{path} is damaged ({' '.join(what.split())}); it is not changed.",
        remedy=f"Stop the assistant, move {path.name} and, where they exist, {path.name}-wal and {path.name}-shm "
        f"elsewhere, and copy the newest file of {path.parent / 'backups'} to {path}; without one, a new database "
        "is made.",
    )


def _of_system(error: OSError, path: Path) -> StorageError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return _full(path, "")
    if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return _read_only(path, "") if may_be_seen(path) else _no_entry(path)
    if error.errno == errno.EIO:
        return _disk_error(path, "EIO")
    return StorageError(
        f"{path} cannot be used: {error.strerror}.", remedy="Name another folder in config.yaml: storage.folder."
    )


def _full(path: Path, _: str) -> StorageFull:
    return StorageFull(f"The disk that holds {path} is full; nothing was changed.", remedy="Make room there.")


def _read_only(path: Path, _: str) -> StorageReadOnly:
    return StorageReadOnly(
        f"{path} cannot be written; nothing was changed.",
        remedy="Is the disk mounted read-only, or do the file and its folder belong to another user?",
    )


def _busy(path: Path, _: str) -> StorageBusy:
    return StorageBusy(f"Another process has been writing to {path} for too long.", remedy="Try again.")


def _disk_error(path: Path, text: str) -> StorageDiskError:
    return StorageDiskError(
        f"The disk that holds {path} reports an error ({text}); nothing was changed.",
        remedy="Look into the system's log (dmesg); the disk or card may be about to fail.",
    )


def _no_entry(path: Path) -> StorageError:
    return StorageError(
        f"{path.parent} may not be entered by this user.",
        remedy=f"Give it to the user of the assistant: chown -R USER {path.parent}",
    )


def _cannot_be_opened(path: Path, _: str) -> StorageError:
    """SQLite does not say why: it also means that it could not make the files beside it."""
    if not may_be_seen(path):
        return _no_entry(path)
    if path.is_dir():
        return StorageError(f"{path} is a folder, not a database.", remedy="Move it away.")
    if path.exists() and not os.access(path, os.R_OK):
        return StorageError(
            f"{path} may not be read by this user.", remedy=f"Give it to the user of the assistant: chown USER {path}*"
        )
    if path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)):
        return _read_only(path, "")
    return StorageError(
        f"{path} cannot be opened.", remedy="Does its folder exist, is there room, and may this user write there?"
    )


_BY_NAME: list[tuple[str | tuple[str, ...], Callable[[Path, str], StorageError]]] = [
    (("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"), _full),  # the latter: no room for the index beside the file
    (("SQLITE_READONLY", "SQLITE_PERM"), _read_only),
    (("SQLITE_BUSY", "SQLITE_LOCKED"), _busy),
    (("SQLITE_CORRUPT", "SQLITE_NOTADB"), damaged),
    ("SQLITE_IOERR", _disk_error),
    ("SQLITE_CANTOPEN", _cannot_be_opened),
]
"""How SQLite's names of errors begin."""
