"""Makes the service of the daemon's parts, and serves it."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.types import ASGIApp

from assistant.access.errors import AccessError
from assistant.access.rates import Rate, Rates
from assistant.access.sessions import Sessions
from assistant.access.tokens import TokenStore
from assistant.app import App
from assistant.http.doors.guard import FAILED_SIGN_INS, Doors
from assistant.http.readings import tell_metrics
from assistant.http.recitals import Recitals
from assistant.http.server import serve
from assistant.http.service import Service
from assistant.http.sound import SoundAnswers
from assistant.http.speaking import Speaking
from assistant.http.talks import Talks
from assistant.http.web import web
from assistant.jobs import Jobs
from assistant.metrics import Metrics
from assistant.parts import Memory, Parts
from assistant.watch import Watch
from providers.model_worker import ModelWorker

log = logging.getLogger(__name__)

BURST_S = 4
"""Seconds' worth of requests that a caller may make at once."""


async def serve_http(app: App, memory: Memory, parts: Parts, metrics: Metrics, watch: Watch) -> None:
    """Serve until cancelled."""
    async with _opened(app, memory, parts, metrics, watch) as service:
        tell_metrics(service)
        try:
            service.doors.tokens.file.token()  # so that there is one where the installation made none
        except AccessError as error:
            log.error("Nobody can sign in to the panel: %s", error)
        await serve(app.settings.http, app.folder, await _built(service), service.watch.close)


async def _built(service: Service) -> ASGIApp:
    """The routes, made on a thread: their models take half a second, and customers may speak."""
    worker = ModelWorker("http-start")
    try:
        return await worker.run(lambda _: web(service))
    finally:
        worker.close(wait_s=0)


@asynccontextmanager
async def _opened(app: App, memory: Memory, parts: Parts, metrics: Metrics, watch: Watch) -> AsyncIterator[Service]:
    settings, http = app.settings, app.settings.http
    async with AsyncExitStack() as stack:
        tokens = TokenStore(memory.database, app.folder / settings.storage.folder, settings.deployment.tenant)
        doors = Doors(
            tokens,
            Sessions(tokens),
            Rates(FAILED_SIGN_INS),
            Rates(Rate(http.requests_per_s, BURST_S * http.requests_per_s)),
        )
        speaking = Speaking(parts.voice, app.speakable(), parts.conversation.idle, http.synthesis_at_once)
        recitals = await stack.enter_async_context(Recitals(http.answers_mb * 1_000_000))
        conversation = settings.conversation
        talks = Talks(
            parts.agent,
            speaking,
            recitals,
            turns=conversation.history_turns,
            idle_s=conversation.history_idle_s,
            clock=app.clock,
        )
        stack.callback(watch.close)
        app.forgetters += [talks.forget, recitals.forget]
        yield Service(
            app=app,
            memory=memory,
            parts=parts,
            watch=watch,
            speaking=speaking,
            recitals=recitals,
            talks=await stack.enter_async_context(talks),
            sound=await stack.enter_async_context(SoundAnswers()),
            doors=doors,
            jobs=await stack.enter_async_context(Jobs()),
            metrics=metrics,
            started_s=time.monotonic(),
        )
