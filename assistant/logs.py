"""Log lines on stderr: what happened in words; what a customer said is never among them at the default level."""

from __future__ import annotations

import logging
import sys


def set_up(level: str) -> None:
    """Send all log lines of this process to stderr. ``level`` is a name such as ``INFO``."""
    logging.basicConfig(
        level=level, stream=sys.stderr, format="%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S", force=True
    )
    for chatty in ("httpx", "httpcore", "faster_whisper", "piper"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLogger().level))
