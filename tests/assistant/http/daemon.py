"""The daemon as a process of its own, reached from outside as a shop's programs reach it."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

from pipeline.audio import LISTENING_RATE_HZ
from tests import sounds
from tests.conftest import ROOT
from tests.program import as_it_comes, assistant

STARTS_WITHIN_S = 60.0

LASTS_S = 1200.0
"""The daemon ends with its file, and no run of these tests takes that long."""

NO_HUB = "http://127.0.0.1:9"
"""Nobody answers there: what is not on this machine cannot be fetched."""

BODY_TIMEOUT_S = 2

SETTINGS = f"http: {{port: 0, body_timeout_s: {BODY_TIMEOUT_S}, requests_per_s: 5000}}\n"
"""Tests ask more often than people do."""

OTHER_TENANT = "bakery"


@dataclass
class Daemon:
    """One that runs."""

    folder: Path
    address: str
    """``http://127.0.0.1:PORT``."""
    admin: str
    kiosk: str
    other: str
    """Token of an administrator of another shop that shares the database."""
    process: subprocess.Popen[bytes]
    _clients: list[httpx.Client] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    @property
    def log(self) -> str:
        """What it told so far."""
        return (self.folder / "log").read_text(encoding="utf-8")

    @property
    def events(self) -> list[dict[str, Any]]:
        """What happened so far; a line that is being written is left out."""
        lines = (self.folder / "events").read_text(encoding="utf-8").split("\n")[:-1]
        return [json.loads(line) for line in lines]

    def client(self, token: str | None = None, source: str = "127.0.0.1", timeout_s: float = 60.0) -> httpx.Client:
        """Who calls from the address ``source``; all of 127.0.0.0/8 is this machine. It is closed with the daemon."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        transport = httpx.HTTPTransport(local_address=source, verify=False)  # to load certificates takes long
        nothing_kept = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        client = httpx.Client(
            base_url=self.address, headers=headers, transport=transport, timeout=timeout_s, cookies=nothing_kept
        )
        self._clients.append(client)
        return client

    @cached_property
    def owner(self) -> httpx.Client:
        return self.client(self.admin)

    @cached_property
    def screen(self) -> httpx.Client:
        return self.client(self.kiosk)

    @cached_property
    def baker(self) -> httpx.Client:
        return self.client(self.other)

    @cached_property
    def anybody(self) -> httpx.Client:
        return self.client()

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20, source_address=(source, 0))

    def raw(self, request: str | bytes, source: str = "127.0.0.1") -> Raw:
        """What is answered to these very bytes, which no client has put in order."""
        with self.connect(source) as connection:
            connection.sendall(request.encode("latin-1") if isinstance(request, str) else request)
            return answer(connection)

    def close(self) -> None:
        for client in self._clients:
            client.close()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(30)


@dataclass
class Raw:
    """An answer, read without a client's help."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    def json(self) -> dict[str, Any]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


def answer(connection: socket.socket) -> Raw:
    """The next answer on a connection."""
    with http.client.HTTPResponse(connection) as response:
        response.begin()
        return Raw(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


def head(method: str, target: str, host: str = "localhost", **headers: str) -> str:
    """The head of a request as it is written on the wire."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""])


def quiet(file: Path) -> Path:
    """Nobody speaks for a long while."""
    room = sounds.pink(10.0, -62.0)
    soundfile.write(file, np.tile(room, round(LASTS_S / 10)), LISTENING_RATE_HZ, subtype="PCM_16")
    return file


@contextmanager
def running(folder: Path, customers: Path, settings: str = SETTINGS) -> Iterator[Daemon]:
    """The daemon in a folder of its own, hearing what is in ``customers`` in real time; it is stopped at the end."""
    as_it_comes(folder)
    tokens = [
        json.loads(_command(folder, settings, "token", "add", "--name", "test", "--json", *more))["token"]
        for more in (("--role", "kiosk"), ("--role", "admin", "--tenant", OTHER_TENANT))
    ]
    admin = _command(folder, settings, "token").strip()
    daemon = Daemon(folder, "", admin, tokens[0], tokens[1], _started(folder, customers))
    try:
        daemon.address = _served(daemon)
        yield daemon
    finally:
        daemon.close()
    assert daemon.process.returncode == 0, daemon.log
    for secret in (daemon.admin, daemon.kiosk, daemon.other):
        assert secret not in daemon.log
    assert "Traceback" not in daemon.log, daemon.log


def start_again(daemon: Daemon, customers: Path) -> None:
    """One that was killed."""
    daemon.process = _started(daemon.folder, customers)
    daemon.address = _served(daemon)


def _started(folder: Path, customers: Path) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ, "OMP_NUM_THREADS": "1", "HF_ENDPOINT": NO_HUB, "ASSISTANT_CONFIG": str(folder / "config.yaml"),
    }  # fmt: skip
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "assistant", "run", "--input", customers, "--output", folder / "heard.wav",
             "--events", folder / "events"],
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip


def _served(daemon: Daemon) -> str:
    """Its address, when it hears."""
    ends_s = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < ends_s:
        assert daemon.process.poll() is None, daemon.log
        found = re.search(r"the API are at (http://\S+)", daemon.log)
        if found is not None and _hears(found[1]):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"it was not served in time: {daemon.log}")


def _hears(address: str) -> bool:
    return httpx.get(f"{address}/healthz").is_success


def _command(folder: Path, settings: str, *arguments: str) -> str:
    ran = assistant(*arguments, config=settings, folder=folder)
    assert ran.code == 0, ran.err
    return ran.out


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One for all tests that do not need one of their own."""
    folder = tmp_path_factory.mktemp("daemon")
    with running(folder, quiet(folder / "quiet.wav")) as found:
        yield found


@pytest.fixture(scope="session")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Another one, which answers with what it was asked, however long that is."""
    folder = tmp_path_factory.mktemp("echo")
    with running(folder, quiet(folder / "quiet.wav"), f"{SETTINGS}agent: {{use: echo}}\n") as found:
        yield found
