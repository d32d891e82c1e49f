"""A shop: the daemon as a process of its own, with a sound file for a microphone."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx

from tests.conftest import ROOT
from tests.ports import free_port
from tests.program import as_it_comes, assistant

STARTS_WITHIN_S = 40.0

NO_HUB = "http://127.0.0.1:9"
"""Nobody answers there: what is not on this machine cannot be fetched."""


class Shop:
    """The daemon at one address and with one folder, however often it is started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        as_it_comes(folder)
        self._settings = f"http: {{port: {port}}}\n"
        self._process: subprocess.Popen[bytes] | None = None
        self.admin = self.command("token").strip()
        self.kiosk = str(
            json.loads(self.command("token", "add", "--role", "kiosk", "--name", "Screen", "--json"))["token"]
        )

    def command(self, *arguments: str) -> str:
        """What ``assistant ARGUMENTS`` prints in this shop."""
        ran = assistant(*arguments, config=self._settings, folder=self.folder)
        assert ran.code == 0, ran.err
        return ran.out

    async def open(self, customers: Path) -> None:
        """Start it; returns when it hears what is in ``customers``."""
        environment = {
            **os.environ, "OMP_NUM_THREADS": "1", "HF_ENDPOINT": NO_HUB,
            "ASSISTANT_CONFIG": str(self.folder / "config.yaml"),
        }  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "assistant", "run", "--input", customers, "--output", self.folder / "heard.wav"],
                cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        async with asyncio.timeout(STARTS_WITHIN_S), httpx.AsyncClient() as client:
            while not await self._hears(client):
                assert self._process.poll() is None, self.log
                await asyncio.sleep(0.1)

    async def _hears(self, client: httpx.AsyncClient) -> bool:
        try:
            return (await client.get(f"{self.address}/healthz")).is_success
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """As a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """As the service manager does."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)

    @property
    def log(self) -> str:
        """What it told so far."""
        return (self.folder / "log").read_text(encoding="utf-8")
