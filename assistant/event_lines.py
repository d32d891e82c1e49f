"""Events as JSON lines, one each, for programs that watch from outside."""

from __future__ import annotations

import json
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from pipeline.errors import SettingsError
from pipeline.events import EventFeed, EventRecord

log = logging.getLogger(__name__)


@contextmanager
def event_lines(feed: EventFeed, target: str | None) -> Iterator[None]:
    """Write all events to a file, to stdout (``-``), or nowhere (None), each line at once.

    Raises ``SettingsError`` where the file cannot be written.
    """
    if target is None:
        yield
    elif target == "-":
        with _subscribed(feed, sys.stdout):
            yield
    else:
        try:
            file = Path(target).open("w", encoding="utf-8")  # noqa: SIM115 - entered below
        except OSError as error:
            raise SettingsError(f"The events cannot be written to {target}: {error.strerror}.") from error
        try:
            with _subscribed(feed, file):
                yield
        finally:
            with suppress(OSError):  # what could not be written was told when it happened
                file.close()


@contextmanager
def _subscribed(feed: EventFeed, stream: TextIO) -> Iterator[None]:
    broken = False

    def write(record: EventRecord) -> None:
        nonlocal broken
        if broken:
            return
        try:
            stream.write(json.dumps(record.as_dict(), ensure_ascii=False) + "\n")
            stream.flush()
        except OSError as error:
            broken = True
            log.error("No more events are written: %s.", error.strerror)
            if stream is sys.stdout:
                # Whoever reads them has gone: a program in a pipe ends then. The daemon ends in order.
                signal.raise_signal(signal.SIGTERM)

    end = feed.subscribe(write)
    try:
        yield
    finally:
        end()
