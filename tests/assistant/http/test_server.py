"""The server in our loop: it neither waits for the silent, nor ends the program, nor keeps it from ending."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from assistant.http import server
from assistant.http.section import HttpSection

pytestmark = pytest.mark.unit


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers at once; below /endless it never ends."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello", "more_body": scope["path"] == "/endless"})
    if scope["path"] == "/endless":
        while (await receive())["type"] != "http.disconnect":
            pass


@asynccontextmanager
async def served(folder: Path, logged: pytest.LogCaptureFixture, **settings: Any) -> AsyncIterator[str]:
    """The address of a server."""
    logged.set_level(logging.INFO, server.__name__)
    section = HttpSection(**{"port": 0, **settings})
    async with asyncio.TaskGroup() as group:
        task = group.create_task(server.serve(section, folder, hello))
        async with asyncio.timeout(10):
            while not (lines := [one for one in logged.messages if "are at http" in one]):
                assert not task.done()
                await asyncio.sleep(0.01)
        yield lines[-1].rpartition(" ")[2]
        task.cancel()


async def closed(reader: asyncio.StreamReader) -> bool:
    """Whether the other side ends the connection."""
    try:
        return await reader.read(1) == b""
    except ConnectionError:
        return True


async def test_it_answers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with served(tmp_path, caplog) as address, httpx.AsyncClient() as client:
        answer = await client.get(address)
    assert answer.text == "hello"
    assert "server" not in answer.headers
    assert "date" in answer.headers


async def test_a_connection_that_says_nothing_is_closed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SILENT_S", 0.2)
    async with served(tmp_path, caplog) as address:
        port = int(address.rpartition(":")[2])
        for said in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(said)
            async with asyncio.timeout(5):
                assert await closed(reader)
            writer.close()


async def test_whoever_speaks_is_let_in_past_many_who_do_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with served(tmp_path, caplog) as address:
        port = int(address.rpartition(":")[2])
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(200)]
        async with httpx.AsyncClient() as client, asyncio.timeout(5):
            assert (await client.get(address)).text == "hello"
        async with asyncio.timeout(5):  # the oldest were closed in favour of those after them
            assert all([await closed(reader) for reader, _ in silent[: 200 - server.MOST_SILENT]])
        assert not silent[-1][0].at_eof()
        for _, writer in silent:
            writer.close()


async def test_one_that_waits_between_requests_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SILENT_S", 0.1)
    async with served(tmp_path, caplog) as address:
        port = int(address.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"hello" in await reader.readuntil(b"hello\r\n")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    while await reader.read(100):
                        pass
        writer.close()


async def test_it_ends_soon_though_somebody_still_listens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with asyncio.timeout(server.GOODBYE_S + 5):
        async with served(tmp_path, caplog) as address:
            port = int(address.rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"hello\r\n")
        writer.close()


async def test_a_port_that_is_taken_is_told_once_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "TRY_AGAIN_S", 0.05)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        caplog.set_level(logging.INFO, server.__name__)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(server.serve(HttpSection(port=port), tmp_path, hello))
            while not caplog.messages:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)
            assert len(caplog.messages) == 1
            assert f"cannot be served at 127.0.0.1:{port}" in caplog.messages[0]
            assert "http.port" in caplog.messages[0]
            taken.close()
            async with asyncio.timeout(5):
                while "are at http" not in caplog.messages[-1]:
                    await asyncio.sleep(0.01)
            task.cancel()


def certificate(folder: Path, *, password: str = "") -> None:
    secret = ["-passout", f"pass:{password}"] if password else ["-nodes"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", *secret, "-keyout", folder / "key.pem", "-out",
         folder / "cert.pem", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip


TLS = {"tls_certificate": "cert.pem", "tls_key": "key.pem"}


async def test_tls_with_certificate_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    certificate(tmp_path)
    async with served(tmp_path, caplog, **TLS) as address:
        assert address.startswith("https://")
        trust = ssl.create_default_context(cafile=tmp_path / "cert.pem")
        async with httpx.AsyncClient(verify=trust) as client:
            assert (await client.get(address.replace("127.0.0.1", "localhost"))).text == "hello"


@pytest.mark.parametrize("wrong", ["missing", "nonsense", "password"])
async def test_a_certificate_that_cannot_be_used_is_told(
    wrong: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if wrong == "password":
        certificate(tmp_path, password="secret")
    elif wrong == "nonsense":
        for name in ("cert.pem", "key.pem"):
            (tmp_path / name).write_text("nonsense")
    with pytest.raises(server.HttpUnavailable, match=r"cert\.pem") as told:
        await server._serve(HttpSection(port=0, **TLS), tmp_path, hello, lambda: None)
    assert "PEM" in told.value.remedy


@pytest.mark.parametrize(
    ("settings", "warned"),
    [({"host": "0.0.0.0"}, True), ({}, False), ({"host": "0.0.0.0", **TLS}, False)],
)
async def test_the_open_network_without_tls_is_warned_of(
    settings: dict[str, Any], warned: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate(tmp_path)
    async with served(tmp_path, caplog, **settings):
        while not caplog.messages:
            await asyncio.sleep(0.01)
    assert any("without encryption" in one for one in caplog.messages) is warned
