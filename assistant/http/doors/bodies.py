"""Bounds what is sent to us: its size, and how long we wait for it."""

from __future__ import annotations

import asyncio
import re

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.http.problem import Refused, problem_response

PLAIN_BYTES = 200_000
"""Largest body of a request that brings no sound: a text of 5,000 characters, however it is written. To read a larger
one would keep the loop from listening."""

SIGN_IN_BYTES = 4_000
"""The only body that is read before anybody knows who sends it."""

DOCUMENT_BYTES = 1_000_000
"""Of an administrator: a personality, or hundreds of phrases."""

FRAME_BYTES = 100_000
"""What a form puts around its file."""

SOUND = re.compile(
    r"/api/conversation|/api/voice/transcribe|/v1/audio/transcriptions|/api/admin/ai-personalities/[^/]+/voice/upload"
)
"""Where sound is brought."""

SIGN_IN = "/api/session"

DOCUMENTS = "/api/admin/"

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
        most = self._most(scope["path"])
        told = Headers(scope=scope).get("content-length", "")
        if told.isdecimal() and int(told) > most:
            refused = Refused(
                413, "too_large", f"The request has {_size(int(told))}; {_size(most)} are taken.", remedy="Send less."
            )
            await problem_response(refused.problem, {"Connection": "close"})(scope, receive, send)
            return
        longest_s = self._timeout_s * (1.0 if most == SIGN_IN_BYTES else LONGEST_FACTOR)
        await self._app(scope, self._bounded(receive, most, longest_s), send)

    def _most(self, path: str) -> int:
        """Bytes."""
        if SOUND.fullmatch(path):
            return self._sound_bytes
        if path == SIGN_IN:
            return SIGN_IN_BYTES
        return DOCUMENT_BYTES if path.startswith(DOCUMENTS) else PLAIN_BYTES

    def _bounded(self, receive: Receive, most: int, longest_s: float) -> Receive:
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + longest_s
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


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"
