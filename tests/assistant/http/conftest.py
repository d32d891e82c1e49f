"""What tests of the API share."""

from __future__ import annotations

from tests.assistant.http.daemon import daemon, echo

__all__ = ["daemon", "echo"]
