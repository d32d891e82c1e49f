"""What engines keep of samples, on disk and in memory."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile
import time
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile

import numpy as np

from providers.tts.voice_worker.engine import Speaker

log = logging.getLogger(__name__)

MOST_DISK_MB = 1_000
"""Megabytes of 10^6 bytes for them; what was not used for longest goes first. One of XTTS has 0.2, one of Pocket TTS
up to 20."""

MOST_IN_MEMORY = 8

_HASH = re.compile(r"[0-9a-f]{64}")


def is_sample(name: object) -> bool:
    """Whether it names a sample: the SHA-256 of its file, hexadecimal."""
    return isinstance(name, str) and _HASH.fullmatch(name) is not None


def making(engine: str, version: str, model: str) -> str:
    """Part of a file's name that says what made it: other versions and models keep other things of a sample."""
    return hashlib.sha256(f"{engine}\0{version}\0{model}".encode()).hexdigest()[:16]


class Latents:
    """One ``.npz`` file without pickles for each sample, readable by its owner only.

    A copy in memory counts only while its file exists: deleting the file (``assistant voice remove``) forgets the
    voice. All methods but ``knows`` and ``forget`` belong to one thread.
    """

    def __init__(self, folder: Path, made_by: str, most_bytes: int = MOST_DISK_MB * 1_000_000) -> None:
        self._folder = folder
        self._made_by = made_by
        self._most_bytes = most_bytes
        self._loaded: OrderedDict[str, tuple[tuple[int, int], Speaker]] = OrderedDict()

    def path(self, sample: str) -> Path:
        """Where a sample's file lies. Raises ``ValueError`` for what is no sample's hash."""
        if not is_sample(sample):
            raise ValueError(f"{sample!r} is no sample's hash")
        return self._folder / f"{sample}-{self._made_by}.npz"

    def knows(self, sample: str) -> bool:
        """Whether it has a file, whatever is in it."""
        return self.path(sample).exists()

    def find(self, sample: str) -> Speaker | None:
        """What was kept of a sample, None where nothing is; a damaged file is removed."""
        path = self.path(sample)
        try:
            stat = path.stat()
            identity = (stat.st_ino, stat.st_mtime_ns)
            known = self._loaded.get(sample)
            if known is None or known[0] != identity:
                known = (identity, _read(path))
        except FileNotFoundError:
            self._loaded.pop(sample, None)
            return None
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            log.warning("what was kept of a voice is damaged and is made again: %s", type(error).__name__)
            self._loaded.pop(sample, None)
            with suppress(OSError):
                path.unlink()
            return None
        self._remember(sample, *known)
        return known[1]

    def keep(self, sample: str, speaker: Speaker) -> None:
        """Write it, whole or not at all. Raises ``OSError``, and ``ValueError`` for what cannot be written."""
        path = self.path(sample)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".part")  # for its owner only
        try:
            with os.fdopen(handle, "wb") as file:
                _write(file, speaker)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
        stat = path.stat()
        self._remember(sample, (stat.st_ino, stat.st_mtime_ns), speaker)
        self._make_room(path)

    def forget(self, sample: str) -> bool:
        """Remove its file; whether there was one."""
        try:
            self.path(sample).unlink()
        except FileNotFoundError:
            return False
        return True

    def _remember(self, sample: str, identity: tuple[int, int], speaker: Speaker) -> None:
        self._loaded[sample] = (identity, speaker)
        self._loaded.move_to_end(sample)
        while len(self._loaded) > MOST_IN_MEMORY:
            self._loaded.popitem(last=False)
        with suppress(OSError):  # its time of reading tells how long it was not used
            path = self.path(sample)
            os.utime(path, ns=(max(path.stat().st_atime_ns + 1, time.time_ns()), identity[1]))

    def _make_room(self, newest: Path) -> None:
        """Remove what was not used for longest, and what was left half written."""
        files = []
        for path in self._folder.iterdir():
            with suppress(OSError):
                stat = path.stat()
                if path.suffix == ".npz":
                    files.append((stat.st_atime_ns, stat.st_size, path))
                elif path.name.endswith(".part") and time.time_ns() - stat.st_mtime_ns > 3600 * 10**9:
                    path.unlink()
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self._most_bytes or path == newest:
                continue
            with suppress(OSError):
                path.unlink()
                total -= size


def _write(file: IO[bytes], speaker: Speaker) -> None:
    """Names apart from the arrays: they may hold what a zip file's names may not."""
    if any(array.dtype.hasobject for array in speaker.values()):
        raise ValueError("only plain arrays can be kept")
    arrays: dict[str, Any] = {f"array_{number}": array for number, array in enumerate(speaker.values())}
    np.savez(file, names=np.array(list(speaker), dtype=np.str_), **arrays)


def _read(path: Path) -> Speaker:
    with np.load(path, allow_pickle=False) as stored:
        names = [str(name) for name in stored["names"]]
        return {name: stored[f"array_{number}"] for number, name in enumerate(names)}
