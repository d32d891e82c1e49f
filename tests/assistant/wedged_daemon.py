"""The daemon, in which one part stops working at SIGUSR1: ``python -m tests.assistant.wedged_daemon PART run …``."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncGenerator
from typing import Any

from assistant import cli, vitals
from assistant.app import App
from providers import model_worker
from providers.audio.wav import WavMicrophone

silent = asyncio.Event()


def wedge(part: str) -> None:
    if part == "loop":
        time.sleep(3600)
    elif part == "microphone":
        silent.set()
    else:
        (worker,) = [one for one in model_worker._workers if one.name == part]
        worker._post(lambda: time.sleep(3600), model_worker.Cancelled())


class Microphone(WavMicrophone):
    async def chunks(self) -> AsyncGenerator[Any]:
        async for chunk in super().chunks():
            if silent.is_set():
                await asyncio.Event().wait()
            yield chunk


class Wedged(App):
    async def run(self, *arguments: Any) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, wedge, part)
        await super().run(*arguments)


part = sys.argv.pop(1)
vitals.SILENT_S = vitals.STUCK_S = 0.5
sys.modules["assistant.sound_devices"].WavMicrophone = Microphone  # type: ignore[attr-defined]
sys.modules["assistant.app"].WavMicrophone = Microphone  # type: ignore[attr-defined]
sys.modules["assistant.command"].App = Wedged  # type: ignore[attr-defined]
sys.exit(cli.main())
