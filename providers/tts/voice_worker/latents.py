"""What engines keep of samples, on disk and in memory."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile
import time
import zlib
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import IO, Any
from weakref import WeakSet
from zipfile import BadZipFile

import numpy as np

from providers.tts.voice_worker.engine import Speaker

log = logging.getLogger(__name__)

MOST_DISK_MB = 1_000
"""Megabytes of 10^6 bytes for them; what was not used for longest goes first. One of XTTS has 0.2, one of Pocket TTS
up to 20."""

MOST_IN_MEMORY = 8

LEFTOVER_S = 3600
"""Seconds after which a file that is still being written was left by a worker that died."""

DAMAGE = (OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, RuntimeError, MemoryError, BadZipFile,
          zlib.error)  # fmt: skip
"""What NumPy and zipfile raise for files that are not, or no longer, theirs."""

_HASH = re.compile(r"[0-9a-f]{64}")


def is_sample(name: object) -> bool:
    """Whether it names a sample: the SHA-256 of its file, hexadecimal."""
    return isinstance(name, str) and _HASH.fullmatch(name) is not None


def making(engine: str, version: str, model: str) -> str:
    """Part of a file's name that says what made it: other versions and models keep other things of a sample."""
    return hashlib.sha256(f"{engine}\0{version}\0{model}".encode()).hexdigest()[:16]


@dataclass(eq=False, slots=True, weakref_slot=True)
class Look:
    """Held by whoever looks at a sample or is about to."""

    sample: str
    forgotten: bool = False
    """Whether it is to be forgotten since, so that nothing of it may be kept."""


class Latents:
    """One ``.npz`` file without pickles for each sample, readable by its owner only.

    A copy in memory counts only while its file exists: deleting the file (``assistant voice remove``) forgets the
    voice. All methods but ``knows``, ``look`` and ``forget`` belong to one thread.
    """

    def __init__(self, folder: Path, made_by: str, most_bytes: int = MOST_DISK_MB * 1_000_000) -> None:
        self._folder = folder
        self._made_by = made_by
        self._most_bytes = most_bytes
        self._loaded: OrderedDict[str, tuple[tuple[int, int], Speaker]] = OrderedDict()
        self._looks: WeakSet[Look] = WeakSet()
        self._lock = Lock()
        """Between keeping and forgetting."""

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
        except DAMAGE as error:
            log.warning("what was kept of a voice is damaged and is made again: %s", type(error).__name__)
            self._loaded.pop(sample, None)
            with suppress(OSError):
                path.unlink()
            return None
        self._remember(sample, *known)
        return known[1]

    def look(self, sample: str) -> Look:
        """To be held while a sample is looked at, so that it is known whether it is to be forgotten meanwhile."""
        look = Look(sample)
        with self._lock:
            self._looks.add(look)
        return look

    def keep(self, look: Look, speaker: Speaker) -> bool:
        """Write it, whole or not at all; not where it was forgotten meanwhile. Whether it is kept.

        Raises ``OSError``, and ``ValueError`` for what cannot be written.
        """
        path = self.path(look.sample)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # For its owner only.
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=f".{look.sample}-", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                _write(file, speaker)
                file.flush()
                os.fsync(file.fileno())
            with self._lock:
                if look.forgotten:
                    return False
                Path(name).replace(path)
                stat = path.stat()
        finally:
            with suppress(OSError):
                Path(name).unlink()
        self._remember(look.sample, (stat.st_ino, stat.st_mtime_ns), speaker)
        self.make_room(path)
        return True

    def forget(self, sample: str) -> bool:
        """Remove all that engines of any kind have kept of it; whether there was something. Raises ``OSError``."""
        self.path(sample)
        with self._lock:
            for look in self._looks:
                look.forgotten = look.forgotten or look.sample == sample
            found = [*self._folder.glob(f"{sample}-*.npz"), *self._folder.glob(f".{sample}-*.part")]
            for path in found:
                path.unlink(missing_ok=True)
        return any(path.suffix == ".npz" for path in found)

    def _remember(self, sample: str, identity: tuple[int, int], speaker: Speaker) -> None:
        self._loaded[sample] = (identity, speaker)
        self._loaded.move_to_end(sample)
        while len(self._loaded) > MOST_IN_MEMORY:
            self._loaded.popitem(last=False)
        with suppress(OSError):  # its time of reading tells how long it was not used
            path = self.path(sample)
            os.utime(path, ns=(max(path.stat().st_atime_ns + 1, time.time_ns()), identity[1]))

    def make_room(self, newest: Path | None = None) -> None:
        """Remove what was not used for longest, but not ``newest``, and what was left half written."""
        files = []
        for path in self._folder.glob("*"):
            with suppress(OSError):
                stat = path.stat()
                if path.suffix == ".npz":
                    files.append((stat.st_atime_ns, stat.st_size, path))
                elif path.suffix == ".part" and time.time_ns() - stat.st_mtime_ns > LEFTOVER_S * 10**9:
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
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:  # NumPy leaves a damaged one open
        names = [str(name) for name in stored["names"]]
        return {name: stored[f"array_{number}"] for number, name in enumerate(names)}
