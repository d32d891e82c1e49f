"""A real HTTP/1.1 server on loopback whose answers are scripts: slow, broken off, garbage, for ever."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Answering:
    """What a script may do with a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def head(self, content_type: str = "text/event-stream", status: str = "200 OK", more: str = "") -> None:
        """Status and headers; the body comes in chunks."""
        await self.raw(
            f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n{more}\r\n".encode()
        )

    async def chunk(self, data: bytes | str) -> None:
        data = data.encode() if isinstance(data, str) else data
        await self.raw(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def end(self) -> None:
        await self.raw(b"0\r\n\r\n")

    async def whole(self, data: bytes | str, content_type: str = "application/json", status: str = "200 OK") -> None:
        data = data.encode() if isinstance(data, str) else data
        head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(data)}\r\n\r\n"
        await self.raw(head.encode() + data)

    async def raw(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def hang(self) -> None:
        """Until the other side closes the connection."""
        while await self._reader.read(1024):
            pass

    def break_off(self) -> None:
        self._writer.transport.abort()


Script = Callable[[Request, Answering], Awaitable[None]]


class WebServer:
    """Runs ``script`` for each request."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.connections = 0
        """Open at this moment, idle ones included."""
        self._busy = 0
        self._serving: list[asyncio.Task[None]] = []
        self._change = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await asyncio.gather(*self._serving)
        await self._server.wait_closed()

    async def idle(self) -> None:
        """Return when no script runs any more."""
        async with self._change:
            await self._change.wait_for(lambda: self._busy == 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.append(task)
        await self._count(connections=1)
        try:
            while request := await _read(reader):
                self.requests.append(request)
                await self._count(busy=1)
                try:
                    await self.script(request, Answering(reader, writer))
                finally:
                    await self._count(busy=-1)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            await self._count(connections=-1)

    async def _count(self, connections: int = 0, busy: int = 0) -> None:
        async with self._change:
            self.connections += connections
            self._busy += busy
            self._change.notify_all()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(first.split()[1], headers, body)
