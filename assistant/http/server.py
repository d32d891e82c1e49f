"""Serves in the daemon's own loop. Whatever happens here, the assistant goes on listening."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Generator
from email.utils import formatdate
from pathlib import Path
from typing import Any, ClassVar

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from assistant.http.doors.headers import ALWAYS
from assistant.http.problem import MEDIA_TYPE, Refused
from assistant.http.section import HttpSection
from pipeline.errors import AssistantError, without_words

log = logging.getLogger(__name__)

TRY_AGAIN_S = 10.0
"""Seconds after which a port that was taken, or a certificate that could not be read, is tried again."""

SILENT_S = 5.0
"""Seconds that a connection may be open without a whole head of a request."""

BACKLOG = 64
"""Connections that are let in at once."""

MOST_SILENT = 3 * BACKLOG
"""Connections without a whole head at the same time; then the oldest of them is closed. What somebody says is heard two
rounds after they were let in, and must not be drowned by those who come along with them."""

MOST_CONNECTIONS = 320
"""All connections together; then the one that waits longest for a request is closed."""

KEEP_ALIVE_S = 30
"""Seconds for which a connection waits for the next request."""

LINGER_S = 2.0
"""Seconds for which a request may still be sent that was answered before its end."""

STALLED_S = 120.0
"""Seconds for which somebody may take nothing of what is sent; a player that is paused goes on for a while."""

GOODBYE_S = 2
"""Seconds that running requests have to end when the daemon stops."""


class HttpUnavailable(AssistantError):
    """The API cannot be served now."""

    code = "http"


class Connection(H11Protocol):
    """A connection that has to say what it wants, and to take what it asked for: uvicorn waits without end."""

    silent: ClassVar[OrderedDict[Connection, None]] = OrderedDict()
    """Those that have not sent the head of a request, the oldest first."""
    resting: ClassVar[OrderedDict[Connection, None]] = OrderedDict()
    """Those between two requests, the oldest first."""

    _deadline: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for its request."""
        super().connection_made(transport)
        self.silent[self] = None
        self._deadline = self.loop.call_later(SILENT_S, self._give_up)
        if len(self.silent) > MOST_SILENT:
            next(iter(self.silent))._give_up()
        elif len(self.connections) > MOST_CONNECTIONS:
            next(iter(self.resting or self.silent))._give_up()

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever it was has gone."""
        self._has_spoken()
        self._flows()
        self.resting.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Its next words."""
        self.resting.pop(self, None)
        super().data_received(data)

    def handle_events(self) -> None:
        """Sound of a request: once its head is there, the limits of bodies and of waiting between requests count."""
        super().handle_events()
        if self.scope is not None:
            self._has_spoken()

    def on_response_complete(self) -> None:
        """Wait for the next request, but not for the rest of one that nobody reads any more."""
        super().on_response_complete()
        if self.conn.our_state is h11.IDLE:
            self.resting[self] = None
        elif self.conn.their_state is h11.SEND_BODY:
            self.loop.call_later(LINGER_S, self._give_up_the_rest)

    def pause_writing(self) -> None:
        """Whoever it is does not read."""
        super().pause_writing()
        self._stalled = self.loop.call_later(STALLED_S, self._give_up)

    def resume_writing(self) -> None:
        """They read again."""
        self._flows()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Tell of what is no request as of all problems; where an answer has begun, it breaks off."""
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self._give_up()
            return
        problem = Refused(400, "invalid", "What came is no HTTP request.", remedy="See RFC 9112.").problem
        content = problem.model_dump_json().encode()
        headers = {**ALWAYS, "Cache-Control": "no-store", "Content-Type": MEDIA_TYPE,
                   "Content-Length": str(len(content)), "Connection": "close"}  # fmt: skip
        for event in (
            h11.Response(status_code=400, headers=list(headers.items()), reason=b"Bad Request"),
            h11.Data(data=content),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _should_upgrade(self) -> bool:
        return False  # WebSockets are not spoken here; uvicorn would advise to install something

    def _has_spoken(self) -> None:
        self.silent.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _flows(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _give_up(self) -> None:
        self._has_spoken()
        self.resting.pop(self, None)
        self.transport.abort()

    def _give_up_the_rest(self) -> None:
        if self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY:
            self._give_up()


class QuietServer(uvicorn.Server):
    """uvicorn's server as a guest in our loop: it catches no signals, and does not wake up ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._leaving = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are the daemon's."""
        yield

    async def main_loop(self) -> None:
        """Keep the clock of the answers' dates."""
        while not self._leaving.is_set():
            self.server_state.default_headers = [(b"date", formatdate(time.time(), usegmt=True).encode())]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._leaving.wait()

    def leave(self) -> None:
        """End in order."""
        self.should_exit = True
        self._leaving.set()


async def serve(section: HttpSection, folder: Path, app: ASGIApp, leaving: Callable[[], None] = lambda: None) -> None:
    """Serve until cancelled, and again where something went wrong. ``leaving`` is called before connections are asked
    to end: those that would never end by themselves are its business."""
    told = ""
    while True:
        try:
            await _serve(section, folder, app, leaving)
        except AssistantError as error:
            if str(error) != told:
                log.error("%s It is tried again every %.0f s; the assistant listens meanwhile.", error, TRY_AGAIN_S)
            told = str(error)
        except Exception as error:  # noqa: BLE001 - a defect here must not make the assistant deaf
            log.error("The HTTP server ended and is started again: %s", without_words(error))
        await asyncio.sleep(TRY_AGAIN_S)


async def _serve(section: HttpSection, folder: Path, app: ASGIApp, leaving: Callable[[], None]) -> None:
    """Raises ``HttpUnavailable``."""
    tls = _tls(section, folder)
    listening = _socket(section)
    address = _address(section, listening)
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        loop="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(section.trusted_proxies),
        forwarded_allow_ips=section.trusted_proxies or None,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GOODBYE_S,
        backlog=BACKLOG,
    )
    config.load()
    config.ssl = tls
    server = QuietServer(config)
    log.info("The panel and the API are at %s", address)
    _warn(section)
    await _until_cancelled(server, listening, leaving)


async def _until_cancelled(server: QuietServer, listening: socket.socket, leaving: Callable[[], None]) -> None:
    """Who is cancelled lets running requests end for a moment."""
    async with asyncio.TaskGroup() as group:
        serving: asyncio.Task[None] = group.create_task(_shielded(server, listening), name="http server")
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            leaving()
            server.leave()
            await _ended(serving)
            raise


async def _shielded(server: QuietServer, listening: socket.socket) -> None:
    try:
        await server.serve(sockets=[listening])
    finally:
        listening.close()


async def _ended(task: asyncio.Task[None]) -> None:
    with contextlib.suppress(TimeoutError, asyncio.CancelledError):
        async with asyncio.timeout(GOODBYE_S + 1.0):
            await asyncio.shield(task)


def _socket(section: HttpSection) -> socket.socket:
    """Raises ``HttpUnavailable``."""
    where = f"{section.host}:{section.port}"
    try:
        found = socket.getaddrinfo(section.host, section.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.setblocking(False)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise HttpUnavailable(
            f"The panel and the API cannot be served at {where}: {error.strerror or error}.",
            remedy="Is another assistant running? Else set http.port or http.host in config.yaml.",
        ) from error
    return listening


def _address(section: HttpSection, listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"{section.scheme}://{shown}:{port}"


def _tls(section: HttpSection, folder: Path) -> ssl.SSLContext | None:
    """Raises ``HttpUnavailable``."""
    if section.tls_certificate is None or section.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(folder / section.tls_certificate, folder / section.tls_key, password=_no_password)
    except (OSError, ValueError) as error:
        reason: Any = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise HttpUnavailable(
            f"The certificate {section.tls_certificate} with the key {section.tls_key} cannot be used: {reason}.",
            remedy="Both must be PEM files that this user may read, and the key must have no password.",
        ) from error
    return context


def _no_password() -> str:
    """Asked for where a key has one; without this, OpenSSL would ask whoever sits at the terminal."""
    raise ValueError("the key has a password")


def _warn(section: HttpSection) -> None:
    """Of what the owner should know."""
    if not section.loopback and section.tls_certificate is None:
        log.warning(
            "The panel can be reached from the network without encryption: tokens and what customers say can be read "
            "on the way. Set http.tls_certificate and http.tls_key in config.yaml, or http.host: 127.0.0.1."
        )
