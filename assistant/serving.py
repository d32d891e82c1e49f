"""What goes on beside the conversation where the daemon is served by HTTP."""

from __future__ import annotations

import importlib
from collections.abc import Coroutine
from datetime import datetime
from typing import TYPE_CHECKING, Any

from assistant.incidents import Incidents
from assistant.parts import Memory, Parts
from assistant.watch import Watch
from providers.model_worker import ModelWorker

if TYPE_CHECKING:
    from assistant.app import App


class Serving:
    """Observes from the first event on; the libraries of HTTP are loaded where somebody can ask, and only there."""

    def __init__(self, app: App, memory: Memory, incidents: Incidents) -> None:
        from assistant.figures import Figures

        self._app = app
        self._memory = memory
        self._incidents = incidents
        self.figures = Figures(app.feed, memory.statistics)
        """Counts for Prometheus and for the statistics."""
        word = app.wake_phrase().replace(" ", "_")
        self._watch = Watch(app.feed, lambda: memory.cast.active, lambda: datetime.now().astimezone(), word)

    def tasks(self, parts: Parts) -> list[Coroutine[Any, Any, None]]:
        """To be run as long as the conversation."""
        return [self._serve(parts), self.figures.metrics.run()]

    async def _serve(self, parts: Parts) -> None:
        """The HTTP API and the panel. Their libraries take a second to load: on a thread, for customers may speak."""
        worker = ModelWorker("http-start")
        try:
            opening = await worker.run(lambda _: importlib.import_module("assistant.http.opening"))
        finally:
            worker.close(wait_s=0)
        await opening.serve_http(self._app, self._memory, parts, self.figures.metrics, self._incidents, self._watch)
