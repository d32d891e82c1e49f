"""Somebody who watches the panel while the assistant works: events without end, and figures again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import httpx

from assistant.access.token_file import TokenFile

PAGES = ("/api/health", "/api/turns", "/api/admin/ai-personalities", "/api/stats", "/api/incidents", "/metrics", "/")
"""What the panel and Prometheus ask for."""

EVERY_S = 2.0

STAYS_S = 20.0
"""After which the browser is closed and opened again."""


class Panel:
    """A context manager: two threads, as a browser has two connections."""

    def __init__(self, folder: Path, port: int) -> None:
        """``folder`` is the assistant's data folder."""
        self.events = self.pages = self.refused = 0
        self._gone = threading.Event()
        self._url = f"http://127.0.0.1:{port}"
        self._headers = {"Authorization": f"Bearer {TokenFile(folder).token()}"}
        self._threads = [threading.Thread(target=self._again, args=(what,)) for what in (self._watch, self._look)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._gone.set()
        for thread in self._threads:
            thread.join()

    def _again(self, what: Callable[[httpx.Client], None]) -> None:
        while not self._gone.is_set():
            try:
                with httpx.Client(base_url=self._url, headers=self._headers, timeout=30.0) as client:
                    what(client)
            except httpx.TransportError:  # it does not listen yet, or no longer
                self._gone.wait(0.2)

    def _watch(self, client: httpx.Client) -> None:
        until_s = time.monotonic() + STAYS_S
        with client.stream("GET", "/api/events") as stream:
            for line in stream.iter_lines():
                self.events += line.startswith("data:")
                if self._gone.is_set() or time.monotonic() > until_s:
                    return

    def _look(self, client: httpx.Client) -> None:
        until_s = time.monotonic() + STAYS_S
        while time.monotonic() < until_s and not self._gone.is_set():
            for page in PAGES:
                answer = client.get(page)
                self.pages += 1
                self.refused += answer.status_code != 200
            self._gone.wait(EVERY_S)
