"""What goes on beside the conversation where the daemon is served by HTTP."""

from __future__ import annotations

import importlib
from collections.abc import Coroutine
from datetime import datetime
from typing import Any

from assistant.app import App
from assistant.metrics import Ledgers, Metrics
from assistant.parts import Memory, Parts
from assistant.watch import Watch
from providers.model_worker import ModelWorker


class Serving:
    """The HTTP API and the panel, and what they tell: metrics, events and incidents."""

    def __init__(self, app: App, memory: Memory) -> None:
        self._app = app
        self._memory = memory
        self._metrics = Metrics()
        kept = [memory.statistics] if memory.statistics is not None else []
        self.ledger = Ledgers([self._metrics, *kept])
        """Counts for Prometheus at once and for the statistics in batches."""
        self._observed = app.feed.subscribe(self._metrics)
        word = app.wake_phrase().replace(" ", "_")
        self._watch = Watch(app.feed, lambda: memory.cast.active, lambda: datetime.now().astimezone(), word)
        app.forgetters.append(self._watch.forget)

    def tasks(self, parts: Parts) -> list[Coroutine[Any, Any, None]]:
        """To be run as long as the conversation."""
        return [self._serve(parts), self._metrics.run()]

    async def _serve(self, parts: Parts) -> None:
        """Their libraries take a second to load: on a thread, for customers may speak meanwhile."""
        worker = ModelWorker("http-start")
        try:
            try:
                opening = await worker.run(lambda _: importlib.import_module("assistant.http.opening"))
            finally:
                worker.close(wait_s=0)
            await opening.serve_http(self._app, self._memory, parts, self._metrics, self._watch)
        finally:
            self._observed()  # another assistant may follow in this process, with figures of its own
