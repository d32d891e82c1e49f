"""A lock between processes, which the kernel takes away from one that ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self


class FileLock:
    """A context manager that opens the file; ``taken`` tries to lock it. Entering raises ``OSError``."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._number = -1

    def __enter__(self) -> Self:
        """The file is made where there is none, for its owner alone; a link is not followed."""
        self._number = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of it."""
        os.close(self._number)

    def taken(self) -> bool:
        """Whether it is ours now; False where somebody else has it. Raises ``OSError`` where a disk knows no locks."""
        try:
            fcntl.flock(self._number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
