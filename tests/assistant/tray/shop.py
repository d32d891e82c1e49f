"""The assistant as the tray sees it: scripts that answer by HTTP, well or badly."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from assistant.access.token_file import new_token
from assistant.tray.link import PERSONALITIES
from tests.fakes.web_server import Answering, Request

TOKEN = new_token()

STATE: dict[str, Any] = {
    "state": "listening", "muted": False, "turn": 0,
    "personality": {"id": "1", "name": "Robin", "language": "en", "greeting": "Hi!", "wake_word": "hey_jarvis"},
}  # fmt: skip

ANSWERS: dict[str, Any] = {
    "/api/status": STATE | {
        "version": "1.2", "microphone": {"last_frame_s": 0.1},
        "trouble": [{"part": "agent", "reason": "It fails.", "remedy": "", "more": "of a newer version"}],
    },
    PERSONALITIES: {"personalities": [{"id": "1", "name": "Robin"}, {"id": "2", "name": "Lucía"}]},
    "/api/volume": {"volume_db": 3.0, "lowest_db": -20.0, "highest_db": 6.0},
    "/api/health": {"incidents": [
        {"at": "2026-11-26T02:00:00+00:00", "level": "info", "message": "Started."},
        {"at": "2026-11-26T01:00:00+00:00", "level": "error", "message": "The speaker was gone."},
    ]},
}  # fmt: skip


@dataclass
class Shop:
    """The assistant's side: what it will do, and what it was asked."""

    streams: list[Callable[[Answering], Any]] = field(default_factory=list)
    """What each connection to the events does, one after the other; the last one for all that follow."""
    asked: list[tuple[str, Any]] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)

    async def answer(self, request: Request, answering: Answering) -> None:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            await answering.whole("{}", status="401 Unauthorized")
        elif request.path == "/api/events":
            await (self.streams.pop(0) if len(self.streams) > 1 else self.streams[0])(answering)
        elif request.path in self.refuses:
            problem = {"detail": "Not now.", "remedy": "Try later."}
            await answering.whole(json.dumps(problem), status="409 Conflict")
        elif request.path in ANSWERS and not request.body:
            await answering.whole(json.dumps(ANSWERS[request.path]))
        else:
            self.asked.append((request.path, request.json if request.body else None))
            await answering.whole("{}")


def message(name: str, data: dict[str, Any]) -> str:
    return (f"event: {name}\n" if name else "") + f"data: {json.dumps(data)}\n\n"


async def well(answering: Answering) -> None:
    await answering.head()
    await answering.chunk(": a comment\n\n" + message("state", STATE))
    await answering.hang()


async def breaks_off(answering: Answering) -> None:
    await answering.head()
    await answering.chunk(message("state", STATE))
    answering.break_off()


async def fails(answering: Answering) -> None:
    await answering.whole("{}", status="503 Service Unavailable")


async def garbage(answering: Answering) -> None:
    await answering.head()
    await answering.chunk("event: state\ndata: {\n\n")
    await answering.end()
