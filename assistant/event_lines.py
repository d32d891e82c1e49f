"""Events as JSON lines, one each, for programs that watch from outside."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pipeline.errors import SettingsError
from pipeline.events import EventFeed, EventRecord


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
        with file, _subscribed(feed, file):
            yield


@contextmanager
def _subscribed(feed: EventFeed, stream: TextIO) -> Iterator[None]:
    def write(record: EventRecord) -> None:
        stream.write(json.dumps(record.as_dict(), ensure_ascii=False) + "\n")
        stream.flush()

    end = feed.subscribe(write)
    try:
        yield
    finally:
        end()
