"""Whether the assistant is muted: it hears nothing until somebody ends that, whatever happens in between."""

from __future__ import annotations

import logging
from pathlib import Path

from assistant.storage.errors import translated
from pipeline.events import EventFeed, Muted

log = logging.getLogger(__name__)

FILE = "muted"
"""In the data folder, there while it is muted: an assistant that was muted must not listen again only because it was
started again."""


class Muting:
    """Kept over restarts."""

    def __init__(self, folder: Path, feed: EventFeed) -> None:
        """``folder`` is the data folder."""
        self._file = folder / FILE
        self._feed = feed
        self._muted = self._file.exists()

    def muted(self) -> bool:
        """Whether it hears nothing."""
        return self._muted

    def tell(self) -> None:
        """Tell whoever watches, once they do."""
        if self._muted:
            log.warning("Muted before the last stop, and still: nothing is heard until somebody unmutes it.")
            self._feed.publish(Muted(muted=True))

    def set(self, *, muted: bool) -> None:
        """At once. Where the disk cannot keep it, it lasts until the next start."""
        if muted == self._muted:
            return
        self._muted = muted
        log.info("Muted: nothing is heard." if muted else "Not muted any more: it listens.")
        self._feed.publish(Muted(muted=muted))
        try:
            if muted:
                self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._file.touch()
            else:
                self._file.unlink(missing_ok=True)
        except OSError as error:
            failure = translated(error, self._file)
            log.warning("That it is %s cannot be kept: %s", "muted" if muted else "not muted", failure.message)
