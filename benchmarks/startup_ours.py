"""The daemon, which writes down how long each step of its start takes; ``benchmarks.startup`` starts it.

    python -m benchmarks.startup_ours STEPS.json BEGAN_S run …

``BEGAN_S`` is the monotonic clock's time at which the process was started.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

file, began_s = Path(sys.argv.pop(1)), float(sys.argv.pop(1))
steps: list[tuple[str, float]] = []


def done(step: str) -> None:
    """What was done since the last step belongs to this one."""
    steps.append((step, time.monotonic() - began_s - sum(took_s for _, took_s in steps)))


done("interpreter")

from assistant import cli, command, senses  # noqa: E402 - what takes long is measured
from assistant.app import App  # noqa: E402
from pipeline.events import EventRecord, Listening  # noqa: E402

done("program")


@asynccontextmanager
async def timed(step: str, part: AbstractAsyncContextManager[Any]) -> AsyncIterator[Any]:
    async with part as opened:
        done(step)
        yield opened


def timed_call(step: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def run(*arguments: Any) -> Any:
        found = await call(*arguments)
        done(step)
        return found

    return run


class TimedApp(App):
    """The program; its steps are told."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        done("settings")
        self.feed.subscribe(self._listens)

    def memory(self) -> Any:
        return timed("database and personalities", super().memory())

    def voice(self, *arguments: Any) -> Any:
        return timed("voices", super().voice(*arguments))

    def transcriber(self, *arguments: Any) -> Any:
        return timed("recogniser", super().transcriber(*arguments))

    def agent(self) -> Any:
        return timed("agent", super().agent())

    def provider(self, stage: str) -> Any:
        part = super().provider(stage)
        return part if stage == "agent" else timed({"vad": "voice activity"}.get(stage, stage), part)

    def _listens(self, record: EventRecord) -> None:
        if isinstance(record.event, Listening) and not file.exists():
            done("sound devices and the rest")
            part = file.with_suffix(".part")
            part.write_text(json.dumps(steps), encoding="utf-8")
            part.rename(file)


senses.open_wake_words = timed_call("wake word", senses.open_wake_words)
senses.open_end_of_turn = timed_call("end of turn", senses.open_end_of_turn)
command.App = TimedApp  # type: ignore[misc]
sys.exit(cli.main())
