"""How far a download is: a bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
from typing import NoReturn, Protocol, TextIO

from tqdm import tqdm

QUIET_BYTES = 1_000_000
"""Files below this many bytes get one line when they are there, and no more."""


class Progress(Protocol):
    """Told about one file after another."""

    def begin(self, label: str, total: int | None, done: int) -> None:
        """A file starts: its name, its bytes where known, and how many of them are here already."""
        ...

    def advance(self, count: int) -> None:
        """So many more bytes arrived; negative when the file is begun again."""
        ...

    def end(self) -> None:
        """No more of this file comes, be it complete or not."""
        ...

    def say(self, line: str) -> None:
        """One line for people."""
        ...


class BarProgress:
    """A bar with speed and remaining time."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: tqdm[NoReturn] | None = None

    def begin(self, label: str, total: int | None, done: int) -> None:
        """Draw the bar."""
        self._bar = tqdm(
            desc=label, total=total, initial=done, unit="B", unit_scale=True, file=self._stream, dynamic_ncols=True
        )

    def advance(self, count: int) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(count)

    def end(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def say(self, line: str) -> None:
        """Write below the bar."""
        self._stream.write(line + "\n")
        self._stream.flush()


class LineProgress:
    """One line per tenth of a large file, one per small file: readable in a log."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._label = ""
        self._total: int | None = None
        self._done = 0
        self._tenth = 0

    def begin(self, label: str, total: int | None, done: int) -> None:
        """Take note of the file."""
        self._label, self._total, self._done = label, total, done
        self._tenth = self._tenths()
        if done:
            self.say(f"{label}: going on at {size_text(done)}")

    def advance(self, count: int) -> None:
        """Write a line at each full tenth."""
        self._done += count
        if self._total is None or self._total < QUIET_BYTES or self._tenths() <= self._tenth:
            return
        self._tenth = self._tenths()
        self.say(f"{self._label}: {10 * self._tenth} % of {size_text(self._total)}")

    def end(self) -> None:
        """Write the line of a file too small for tenths."""
        if self._total is None or self._total < QUIET_BYTES:
            self.say(f"{self._label}: {size_text(self._done)}")

    def say(self, line: str) -> None:
        """Write it."""
        self._stream.write(line + "\n")
        self._stream.flush()

    def _tenths(self) -> int:
        return 10 * self._done // self._total if self._total else 0


def open_progress(stream: TextIO | None = None) -> Progress:
    """The kind that fits the stream (stderr where none is named)."""
    target = stream if stream is not None else sys.stderr
    return BarProgress(target) if target.isatty() else LineProgress(target)


def size_text(size: int | None) -> str:
    """Bytes as people read them, in powers of 1000."""
    if size is None:
        return "?"
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 999.5:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 99.5 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
