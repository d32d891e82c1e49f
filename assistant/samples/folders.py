"""Folders for samples: one on this machine, or one elsewhere through fsspec. Both block and run on a thread.

A folder here has its own code: fsspec forces nothing to the disk, follows links, and lets everybody read.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from assistant.samples.errors import SampleError, SampleMissing

MOST_BYTES = 4_000_000
"""Of one sample; 30 s have 1.44 million."""

UNFINISHED = ".part"
"""Suffix of a file that is being written."""


class SampleFolder(Protocol):
    """Files by their path relative to the folder, such as ``default/ID/HASH.wav``. All raise ``SampleError``."""

    name: str
    """As the settings and messages call it."""
    shared: bool
    """Whether other machines may keep samples there too, of which this one knows nothing."""

    def read(self, path: str) -> bytes:
        """A file, of at most ``MOST_BYTES``. Raises ``SampleMissing`` where there is none."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Write it as a whole or not at all, also where it is there already; its age begins anew."""
        ...

    def exists(self, path: str) -> bool:
        """Whether there is a file."""
        ...

    def remove(self, path: str) -> bool:
        """Remove a file and the folders that are empty then; whether there was one."""
        ...

    def old(self, before_s: float) -> list[str]:
        """Files that were last written before that time (Unix seconds), unfinished ones included."""
        ...


class LocalFolder:
    """A folder on this machine; links below it are not followed."""

    shared = False

    def __init__(self, folder: Path, name: str = "") -> None:
        self._folder = folder
        self.name = name or str(folder)

    def read(self, path: str) -> bytes:
        """As ``SampleFolder``."""
        place = self._place(path)
        try:
            number = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
            with os.fdopen(number, "rb") as file:
                found = os.fstat(number)
                if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
                    raise SampleMissing(f"{place} is no voice sample.", remedy="Upload the voice again.")
                return file.read(MOST_BYTES)
        except FileNotFoundError as error:
            raise _missing(str(place)) from error
        except OSError as error:
            raise self._failed(error, "read") from error

    def write(self, path: str, content: bytes) -> None:
        """As ``SampleFolder``; it is forced to the disk before anything names it."""
        place = self._place(path)
        part = ""
        try:
            _make(place.parent)
            self._place(path)  # now that its folders are there
            number, part = tempfile.mkstemp(dir=place.parent, prefix=".", suffix=UNFINISHED)  # for its owner only
            with os.fdopen(number, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(part).replace(place)
            _force(place.parent)
        except BaseException as error:
            with suppress(OSError):
                Path(part or place.with_suffix(UNFINISHED)).unlink()
            self._tidy(place.parent)
            if isinstance(error, OSError):
                raise self._failed(error, "written") from error
            raise

    def exists(self, path: str) -> bool:
        """As ``SampleFolder``."""
        return self._place(path).is_file()

    def remove(self, path: str) -> bool:
        """As ``SampleFolder``."""
        place = self._folder / path
        try:
            self._place(str(PurePosixPath(path).parent))  # the file itself may be a link: that one goes
            place.unlink()
            _force(place.parent)
        except FileNotFoundError:
            self._tidy(place.parent)
            return False
        except OSError as error:
            raise self._failed(error, "removed") from error
        self._tidy(place.parent)
        return True

    def old(self, before_s: float) -> list[str]:
        """As ``SampleFolder``."""
        found = []
        for place in self._folder.glob("*/*/*"):
            with suppress(OSError):
                is_ours = place.suffix == ".wav" or (place.suffix == UNFINISHED and place.name.startswith("."))
                if is_ours and place.lstat().st_mtime < before_s:
                    found.append(place.relative_to(self._folder).as_posix())
        return found

    def _place(self, path: str) -> Path:
        """Raises ``SampleMissing`` where a link leads elsewhere."""
        place = self._folder / path
        try:
            inside = place.resolve() == self._folder.resolve() / path
        except (OSError, RuntimeError):  # links in a circle
            inside = False
        if not inside:
            raise SampleMissing(
                f"{place} is, or lies behind, a symbolic link; none is followed there.",
                remedy="Put the folder itself in its place, or upload the voice again.",
            )
        return place

    def _tidy(self, folder: Path) -> None:
        """Remove folders that hold nothing any more, up to the store's own."""
        while folder != self._folder and self._folder in folder.parents:
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent

    def _failed(self, error: OSError, done: str) -> SampleError:
        remedies = {
            errno.ENOSPC: "Make room on that disk.",
            errno.EDQUOT: "Make room on that disk.",
            errno.EROFS: "Is the disk mounted read-only?",
            errno.EACCES: "Give the folder to the user of the assistant.",
            errno.EPERM: "Give the folder to the user of the assistant.",
        }
        return SampleError(
            f"Voice samples in {self._folder} cannot be {done}: {error.strerror or error}.",
            remedy=remedies.get(error.errno or 0, "Name another folder in config.yaml: samples.folder."),
        )


class RemoteFolder:
    """A folder that fsspec reaches, such as ``s3://bucket/voices``; objects there appear as a whole or not at all."""

    shared = True

    def __init__(self, url: str, **options: Any) -> None:
        """``options`` are fsspec's for that kind of store. Nothing is opened before it is needed."""
        self.name = url.rstrip("/")
        self._options = options
        self._files: Any = None
        self._root = ""

    def read(self, path: str) -> bytes:
        """As ``SampleFolder``."""
        with self._reached("read") as files:
            content: bytes = files.cat_file(f"{self._root}/{path}", start=0, end=MOST_BYTES + 1)
        return content

    def write(self, path: str, content: bytes) -> None:
        """As ``SampleFolder``."""
        with self._reached("written") as files:
            files.pipe_file(f"{self._root}/{path}", content)

    def exists(self, path: str) -> bool:
        """As ``SampleFolder``."""
        with self._reached("read") as files:
            return bool(files.exists(f"{self._root}/{path}"))

    def remove(self, path: str) -> bool:
        """As ``SampleFolder``; stores of this kind have no folders of their own."""
        with self._reached("removed") as files:
            if not files.exists(f"{self._root}/{path}"):
                return False
            files.rm_file(f"{self._root}/{path}")
        return True

    def old(self, before_s: float) -> list[str]:
        """As ``SampleFolder``."""
        with self._reached("listed") as files:
            if not files.exists(self._root):
                return []
            found = [str(place) for place in files.find(self._root) if files.modified(place).timestamp() < before_s]
        return [place[len(self._root) :].lstrip("/") for place in found]

    @contextmanager
    def _reached(self, done: str) -> Iterator[Any]:
        """The file system, opened at its first use; what goes wrong is told in our words."""
        import fsspec

        try:
            if self._files is None:
                self._files, self._root = fsspec.core.url_to_fs(self.name, use_listings_cache=False, **self._options)
            self._files.invalidate_cache()
            yield self._files
        except FileNotFoundError as error:
            raise _missing(self.name) from error
        except ImportError as error:
            kind = self.name.partition(":")[0]
            package = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs"}.get(kind, f"fsspec's package for {kind}")
            raise SampleError(
                f"Voice samples in {self.name} cannot be {done}: {package} is missing.",
                remedy=f"Install it: .venv/bin/pip install {package}",
            ) from error
        except Exception as error:  # each kind of store raises errors of its own library
            raise SampleError(
                f"Voice samples in {self.name} cannot be {done}: {type(error).__name__}.",
                remedy="Is the network there, and may this machine use that store (its credentials)?",
            ) from error


def sample_folder(where: str, beside: Path) -> SampleFolder:
    """What ``samples.folder`` names; a plain path is relative to ``beside``, the folder of ``config.yaml``."""
    kind, mark, rest = where.partition("://")
    if not mark:
        return LocalFolder(beside / where, where)
    return LocalFolder(beside / rest, where) if kind in {"file", "local"} else RemoteFolder(where)


def _missing(where: str) -> SampleMissing:
    return SampleMissing(
        f"There is no voice sample {where}.",
        remedy="Upload the voice again: assistant voice upload ID FILE --consent TEXT",
    )


def _make(folder: Path) -> None:
    """A folder, and those that are missing above it, for their owner only: ``parents`` would open the upper ones."""
    for one in reversed([folder, *folder.parents]):
        if not one.exists():
            one.mkdir(exist_ok=True, mode=0o700)


def _force(folder: Path) -> None:
    """Have the disk know what a folder holds."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)
