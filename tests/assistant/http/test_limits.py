"""Who sends too much, too slowly or nothing at all, and who takes nothing: nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile
from starlette.types import Receive, Scope, Send

from assistant.http import server
from pipeline.audio import LISTENING_RATE_HZ
from tests import sounds
from tests.assistant.http import test_server
from tests.assistant.http.daemon import BODY_TIMEOUT_S, SETTINGS, Daemon, answer, head, running
from tests.assistant.http.test_doors import refused

pytestmark = pytest.mark.model

JSON = {"Content_Type": "application/json"}

MOST = {
    "/api/session": 4_000,
    "/api/say": 200_000,
    "/v1/audio/speech": 200_000,
    "/api/admin/ai-personalities": 1_000_000,
    "/api/voice/transcribe": 50_100_000,
    "/api/conversation": 50_100_000,
}
"""Bytes of a body."""


def authorized(daemon: Daemon) -> dict[str, str]:
    return {"Authorization": f"Bearer {daemon.admin}"}


@pytest.mark.parametrize("path", MOST)
def test_a_body_that_is_told_to_be_too_large_is_not_read(daemon: Daemon, path: str) -> None:
    """Nothing of it is sent here."""
    for size in (MOST[path] + 1, 10**15):
        found = daemon.raw(head("POST", path, Content_Length=str(size), **JSON, **authorized(daemon)))
        refused(found, 413, "too_large", path)
        assert found.headers["connection"] == "close"


def chunks(size: int) -> Iterator[bytes]:
    piece = b" " * 50_000
    for _ in range(size // len(piece) + 1):
        yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"


@pytest.mark.parametrize("path", ["/api/session", "/api/say", "/v1/audio/speech", "/api/admin/ai-personalities"])
def test_a_body_that_turns_out_too_large_is_given_up(daemon: Daemon, path: str) -> None:
    with daemon.connect() as connection:
        connection.sendall(head("POST", path, Transfer_Encoding="chunked", **JSON, **authorized(daemon)).encode())
        for chunk in chunks(MOST[path]):
            connection.sendall(chunk)
        refused(answer(connection), 413, "too_large", path)


def test_a_recording_that_turns_out_too_large_is_given_up(daemon: Daemon) -> None:
    form = {"Content_Type": "multipart/form-data; boundary=x", **authorized(daemon)}
    beginning = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    with daemon.connect() as connection:
        connection.sendall(head("POST", "/api/voice/transcribe", Transfer_Encoding="chunked", **form).encode())
        connection.sendall(f"{len(beginning):x}\r\n".encode() + beginning + b"\r\n")
        with contextlib.suppress(ConnectionError):
            for chunk in chunks(60_000_000):
                connection.sendall(chunk)
        with contextlib.suppress(ConnectionError):
            refused(answer(connection), 413, "too_large")


def ended_after_s(connection: socket.socket) -> float:
    """When the other side ends the connection, or aborts it."""
    began_s = time.monotonic()
    with contextlib.suppress(ConnectionError):
        while connection.recv(65536):
            pass
    return time.monotonic() - began_s


def test_a_body_that_does_not_come_is_not_waited_for(daemon: Daemon) -> None:
    with ExitStack() as stack:
        waiting = []
        for path in ("/api/say", "/api/voice/transcribe", "/api/conversation"):
            kind = {"Content_Type": "multipart/form-data; boundary=x"} if "voice" in path else JSON
            request = head("POST", path, Content_Length="1000", **kind, **authorized(daemon))
            waiting.append(stack.enter_context(daemon.connect()))
            waiting[-1].sendall(request.encode() + b"--x\r\n")
        began_s = time.monotonic()
        for connection in waiting:
            refused(answer(connection), 408, "too_slow")
            assert BODY_TIMEOUT_S - 0.5 < time.monotonic() - began_s < BODY_TIMEOUT_S + 3
        for connection in waiting:
            assert ended_after_s(connection) < server.LINGER_S + 3


async def drip(daemon: Daemon, request: str, every_s: float) -> tuple[int, float]:
    """The status with which a body is refused of which a byte comes now and then, and after how many seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
    began_s = time.monotonic()
    writer.write(request.encode())
    line = b""
    while not line:
        writer.write(b" ")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(every_s):
                line = await reader.readline()
    took_s = time.monotonic() - began_s
    writer.transport.abort()
    return int(line.split(b" ")[1]), took_s


async def test_nobody_signs_in_slowly(daemon: Daemon) -> None:
    """There alone a body is read of somebody who is not known."""
    status, took_s = await drip(daemon, head("POST", "/api/session", Content_Length="100", **JSON), 0.2)
    assert status == 408
    assert took_s < BODY_TIMEOUT_S + 2


@pytest.mark.long(2)
async def test_a_byte_a_second_is_too_slow(daemon: Daemon) -> None:
    """However alive it seems, a body has an end."""
    status, took_s = await drip(
        daemon, head("POST", "/api/say", Content_Length="1000", **JSON, **authorized(daemon)), 1.0
    )
    assert status == 408
    assert took_s < 15 * BODY_TIMEOUT_S + 3


def test_a_body_that_nobody_reads_holds_no_connection(daemon: Daemon) -> None:
    """Strangers are refused before their body: they could hold all connections with one that never comes."""
    with ExitStack() as stack:
        answered = []
        for method, path in (("POST", "/api/say"), ("GET", "/"), ("GET", "/openapi.json")):
            answered.append(stack.enter_context(daemon.connect()))
            answered[-1].sendall(head(method, path, Content_Length="100000").encode())
            assert answer(answered[-1]).status in {200, 401}
        for connection in answered:
            connection.sendall(b"x")
        for connection in answered:
            assert ended_after_s(connection) < server.LINGER_S + 3


async def test_who_takes_nothing_is_let_go(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = asyncio.Event()

    async def flood(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not gone.is_set():
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
            async with asyncio.TaskGroup() as group:
                looking = group.create_task(receive())
                await asyncio.sleep(0)
                if looking.done() and looking.result()["type"] == "http.disconnect":
                    gone.set()
                looking.cancel()

    monkeypatch.setattr(server, "STALLED_S", 0.2)
    monkeypatch.setattr(test_server, "hello", flood)
    async with test_server.served(tmp_path, caplog) as address:
        _, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]), limit=1000)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(10):
            await gone.wait()
        writer.transport.abort()


def test_connections_that_rest_give_way(daemon: Daemon) -> None:
    resting: list[socket.socket] = []
    try:
        for number in range(server.MOST_CONNECTIONS + 20):
            resting.append(daemon.connect(f"127.0.5.{number % 200 + 1}"))
            resting[-1].sendall(head("GET", "/healthz").encode())
            assert answer(resting[-1]).status == 200
        assert daemon.client().get("/healthz").status_code == 200
        assert daemon.owner.get("/api/status").status_code == 200
    finally:
        for connection in resting:
            connection.close()


QUESTION = "What time do you close?"

TURNS = 4
"""Of each kind."""


def callers(file: Path) -> Path:
    """The wake word, then the question, again and again."""
    word, question = sounds.piper("Hey Jarvis!"), sounds.piper(QUESTION)

    def pause(seconds: float) -> sounds.Samples:
        return np.zeros(round(seconds * LISTENING_RATE_HZ), np.float32)

    one = np.concatenate([pause(4.0), word, pause(0.5), question, pause(5.0)])
    sound = 0.5 * np.tile(one, 3 * TURNS)
    noisy = sound + sounds.pink(len(sound) / LISTENING_RATE_HZ, -62.0)
    soundfile.write(file, noisy, LISTENING_RATE_HZ, subtype="PCM_16")
    return file


async def turns(daemon: Daemon, count: int) -> list[float]:
    """Milliseconds that each of the next turns took to answer."""
    seen = len(daemon.events)
    async with asyncio.timeout(60 + count * 15):
        while True:
            news = daemon.events[seen:]
            ends = [one for one in news if one["event"] == "turn_end"]
            if len(ends) >= count:
                break
            await asyncio.sleep(0.2)
    heard = [one["text"] for one in news if one["event"] == "transcript"]
    assert heard[:count] == [QUESTION] * count
    assert len([one for one in news if one["event"] == "speaking"]) >= count
    assert not [one for one in news if one["event"] == "no_speech"]
    return [one["response_ms"] for one in ends]


@dataclass
class Attack:
    """What comes of it."""

    refused: int = 0
    """Half-open connections that were closed."""
    heard: set[int] = field(default_factory=set)
    """Slow readers who heard something."""

    async def half_open(self, daemon: Daemon) -> None:
        """Connects and says half of what it wants, for ever."""
        while True:
            with contextlib.suppress(ConnectionError):
                async with connected(daemon) as (reader, writer):
                    writer.write(b"GET /healthz HTTP/1.1\r\nHost: ")
                    await reader.read()
            self.refused += 1
            await asyncio.sleep(1.0)

    async def slow_reader(self, daemon: Daemon, number: int) -> None:
        """Has a long text spoken and takes a little of it each second."""
        text = " ".join(f"Offer {one} of customer {number} is bread with butter." for one in range(100))
        body = json.dumps({"text": text}).encode()
        request = head("POST", "/api/voice/synthesize", Content_Length=str(len(body)), **JSON, **authorized(daemon))
        async with connected(daemon) as (reader, writer):
            writer.write(request.encode() + body)
            while await reader.read(1000):
                self.heard.add(number)
                await asyncio.sleep(1.0)


@asynccontextmanager
async def connected(daemon: Daemon) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection that holds as little as possible on this side."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", daemon.port))
        reader, writer = await asyncio.open_connection(sock=connection, limit=1024)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
    finally:
        connection.close()


@asynccontextmanager
async def attack(daemon: Daemon) -> AsyncIterator[Attack]:
    async with asyncio.TaskGroup() as group:
        found = Attack()
        going_on = [group.create_task(found.half_open(daemon)) for _ in range(200)]
        going_on += [group.create_task(found.slow_reader(daemon, number)) for number in range(50)]
        yield found
        for one in going_on:
            one.cancel()


def memory_mb(daemon: Daemon) -> float:
    return int(Path("/proc", str(daemon.process.pid), "statm").read_text().split()[1]) * 4096 / 1e6


@pytest.mark.long(2)
@pytest.mark.timeout(400)
async def test_customers_are_answered_while_the_api_is_attacked(tmp_path: Path) -> None:
    with running(tmp_path, callers(tmp_path / "callers.wav"), SETTINGS) as daemon:
        calm_ms = await turns(daemon, TURNS)
        before_mb = memory_mb(daemon)
        async with attack(daemon) as found:
            attacked_ms = await turns(daemon, TURNS)
            assert daemon.owner.get("/api/status").status_code == 200
            more_mb = memory_mb(daemon) - before_mb
    print(f"{calm_ms=} {attacked_ms=} {more_mb=:.0f} {found.refused=} {len(found.heard)=}")  # noqa: T201 - shown with -s
    assert found.refused > 200
    assert len(found.heard) >= 2
    assert statistics.median(attacked_ms) < 1.5 * statistics.median(calm_ms) + 150
    assert more_mb < 500
