"""Steering and watching the assistant of this machine."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from pydantic import Field

from assistant.http import server_sent_events
from assistant.http.bodies import Answer, Body, Text, Who
from assistant.http.calling import CallerNow
from assistant.http.problem import Refused
from assistant.http.service import Service
from assistant.watch import Line, State

LEVEL_EVERY_S = 0.125

HEARTBEAT_S = 15.0

NUMBER = re.compile(r"[0-9]{1,18}")
"""Of an event line, as browsers send it back."""

CHECK_EVERY_S = 5.0
"""Seconds between two looks at whether whoever watches still may."""


class Announcement(Body):
    """What to say."""

    text: Text = Field(examples=["We close in ten minutes."])
    """1 to 5,000 characters."""
    personality: Who | None = None
    """Who says it: id or name; the active one where it is left out."""


class Accepted(Answer):
    """It will be done as soon as it can be."""

    accepted: bool = True


class Speaker(Answer):
    """Who speaks."""

    id: str
    name: str
    language: str
    """ISO 639-1."""
    greeting: str
    """What it says when it is switched to."""
    wake_word: str
    """What calls it, such as `hey_jarvis`."""


class Now(Answer):
    """What the assistant does."""

    state: State
    personality: Speaker
    turn: int
    """Number of the turn since the start."""
    muted: bool
    """Whether nothing is heard."""


class Microphone(Answer):
    """The microphone."""

    name: str
    last_frame_s: float | None
    """Seconds since sound came from it; null before the first."""
    level_db: float
    """Loudest since it was last asked for, dB relative to full scale; -100 for silence."""
    dropped_s: float
    """Seconds of sound lost because the machine was too busy."""


class Loudspeaker(Answer):
    """The loudspeaker."""

    name: str
    level_db: float
    """Of what is being heard, dB relative to full scale; -100 for silence."""


class Trouble(Answer):
    """Something that does not work."""

    part: str
    reason: str
    remedy: str


class Status(Now):
    """The assistant of this machine."""

    version: str
    uptime_s: float
    """Seconds since it was started."""
    microphone: Microphone
    speaker: Loudspeaker
    trouble: list[Trouble]
    cloud: str
    """`never`, `emergency` or `allowed`: whether anything may leave this machine."""
    recording: bool
    """Whether what customers say is being recorded."""


class Turns(Answer):
    """The last turns."""

    turns: list[dict[str, Any]]
    """Newest first; kept in memory only."""


def routes(service: Service) -> APIRouter:
    """``/api/say``, ``/api/listen``, ``/api/stop``, ``/api/status``, ``/api/events``, ``/api/turns``."""
    router = APIRouter(tags=["machine"])
    conversation, watch = service.parts.conversation, service.watch

    @router.post("/api/say", status_code=202, summary="Say something on the loudspeaker")
    async def say(body: Announcement, caller: CallerNow) -> Accepted:
        """As soon as nobody is speaking; a wake word interrupts it."""
        conversation.announce(body.text, await service.personality(caller, body.personality))
        return Accepted()

    @router.post("/api/listen", status_code=202, summary="Push to talk")
    async def listen(_: CallerNow) -> Accepted:
        """Listen to the customer as if the wake word had been said; it interrupts an answer. Refused while muted."""
        if service.parts.muting.muted():
            raise Refused(409, "muted", "The assistant is muted and hears nothing.", remedy="Unmute it first.")
        conversation.listen_now()
        return Accepted()

    @router.post("/api/stop", status_code=202, summary="Be silent")
    async def stop(_: CallerNow) -> Accepted:
        """End whatever turn is going on, and wait for the wake word."""
        conversation.stop_now()
        return Accepted()

    @router.get("/api/status", summary="What the assistant does just now", response_model=Status | Now)
    async def status(caller: CallerNow) -> Any:
        """The kiosk's screen is told the state, the personality and the turn only."""
        now = watch.snapshot()
        return Now.model_validate(now) if caller.role == "kiosk" else _status(service, now)

    @router.get("/api/turns", summary="The last turns, and where their time went")
    async def turns(_: CallerNow) -> Turns:
        """At most 50; what customers said is never written to the disk."""
        return Turns(turns=list(watch.turns))

    @router.get(
        "/api/events",
        summary="Events as they happen",
        response_class=Response,
        responses={200: {"content": {"text/event-stream": {"schema": server_sent_events.SCHEMA}}}},
    )
    async def events(
        caller: CallerNow,
        levels: Annotated[bool, Query(description="Also tell sound levels, eight times a second.")] = False,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Server-Sent Events. Messages without a name are event lines as `assistant run --events` writes them;
        `state` tells the state at first and whenever it changes; `level` tells `microphone_db` and `speaker_db`."""
        after = int(last_event_id) if last_event_id and NUMBER.fullmatch(last_event_id) else None
        return server_sent_events.stream(_events(service, caller.token_id, after, levels=levels))

    return router


async def _events(service: Service, token_id: str, after: int | None, *, levels: bool) -> AsyncGenerator[bytes]:
    """Ends soon after the token was taken away."""
    message, wait_s = server_sent_events.message, LEVEL_EVERY_S if levels else CHECK_EVERY_S
    told_s = checked_s = service.app.clock()
    async with aclosing(service.watch.lines(after, wait_s)) as lines:
        async for line in lines:
            now_s = service.app.clock()
            if isinstance(line, Line):
                yield message(line.data, number=line.number)
            elif line is not None:
                yield message(line, event="state")
            elif levels:
                yield message(service.levels(), event="level")
            if line is not None or levels:
                told_s = now_s
            elif now_s - told_s >= HEARTBEAT_S:
                told_s = now_s
                yield server_sent_events.HEARTBEAT
            if now_s - checked_s >= CHECK_EVERY_S:
                checked_s = now_s
                if await service.doors.tokens.by_id(token_id) is None:
                    return


def _status(service: Service, now: dict[str, Any]) -> Status:
    parts, devices = service.parts, service.parts.devices.chosen
    levels = service.levels()
    return Status(
        **now,
        version=version("shop-assistant"),
        uptime_s=round(time.monotonic() - service.started_s, 1),
        microphone=Microphone(
            name=devices["microphone"] or "default",
            last_frame_s=service.last_frame_s(),
            level_db=levels["microphone_db"],
            dropped_s=round(parts.microphone.dropped_s, 2),
        ),
        speaker=Loudspeaker(name=devices["speaker"] or "default", level_db=levels["speaker_db"]),
        trouble=[Trouble(**one) for one in service.trouble()],
        cloud=str(service.settings.deployment.cloud),
        recording=service.settings.recordings.enabled,
    )
