"""Bounds what is sent to us: its size, and how long we wait for it."""

from __future__ import annotations

import asyncio
import re

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.http.problem import Refused, problem_response

PLAIN_BYTES = 1_000_000
"""Largest body of a request that brings no sound."""

FRAME_BYTES = 100_000
"""What a form puts around its file."""

SOUND = re.compile(
    r"/api/conversation|/api/voice/transcribe|/v1/audio/transcriptions|/api/admin/ai-personalities/[^/]+/voice/upload"
)
"""Where sound is brought."""

LONGEST_FACTOR = 15.0
"""How many times the limit between two pieces a whole body may take."""


class BodyLimits:
    """Refuses bodies that are too large, unread where their length is told, and those that do not come."""

    def __init__(self, app: ASGIApp, *, sound_bytes: int, timeout_s: float) -> None:
        """``timeout_s``: how long to wait for each piece of a body."""
        self._app = app
        self._sound_bytes = sound_bytes + FRAME_BYTES
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, piece by piece."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._sound_bytes if SOUND.fullmatch(scope["path"]) else PLAIN_BYTES
        told = Headers(scope=scope).get("content-length", "")
        if told.isdecimal() and int(told) > most:
            refused = Refused(
                413, "too_large", f"The request has {int(told) / 1e6:.1f} MB; {most / 1e6:.1f} are taken."
            )
            await problem_response(refused.problem, {"Connection": "close"})(scope, receive, send)
            return
        await self._app(scope, self._bounded(receive, most), send)

    def _bounded(self, receive: Receive, most: int) -> Receive:
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + self._timeout_s * LONGEST_FACTOR
        length, complete = 0, False

        async def bounded() -> Message:
            nonlocal length, complete
            if complete:  # what comes now is only that the caller has gone
                return await receive()
            try:
                async with asyncio.timeout(min(self._timeout_s, max(0.0, ends_s - loop.time()))):
                    message = await receive()
            except TimeoutError as error:
                raise HTTPException(408, "The request did not come to its end in time.") from error
            length += len(message.get("body", b""))
            complete = message["type"] == "http.request" and not message.get("more_body", False)
            if length > most:
                raise HTTPException(413)
            return message

        return bounded
