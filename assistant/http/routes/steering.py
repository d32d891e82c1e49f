"""Muting the assistant of this machine, and starting it again."""

from __future__ import annotations

from fastapi import APIRouter

from assistant import restart
from assistant.http.bodies import Answer, Body
from assistant.http.calling import CallerNow
from assistant.http.routes.machine import Accepted
from assistant.http.service import Service


class MuteWanted(Body):
    """Whether to hear."""

    muted: bool
    """True: nothing is heard, until somebody says false; a restart does not end it."""


class Mute(Answer):
    """Whether it hears."""

    muted: bool


def routes(service: Service) -> APIRouter:
    """``/api/mute``, ``/api/restart``."""
    router = APIRouter(tags=["machine"])
    conversation, muting = service.parts.conversation, service.parts.muting

    @router.put("/api/mute", summary="Hear nothing, or hear again")
    async def mute(body: MuteWanted, _: CallerNow) -> Mute:
        """Whoever is just being listened to is not answered; an answer that is being spoken goes on."""
        muting.set(muted=body.muted)
        if body.muted and service.watch.state == "hearing":
            conversation.stop_now()
        return Mute(muted=muting.muted())

    @router.post("/api/restart", status_code=202, summary="Start again")
    async def again(_: CallerNow) -> Accepted:
        """Whatever is going on ends. It is back when `/healthz` says so, after some seconds."""
        restart.ask()
        return Accepted()

    return router
