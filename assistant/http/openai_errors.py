"""Errors in OpenAI's form, for the routes below ``/v1``."""

from __future__ import annotations

import json
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.http.problem import MEDIA_TYPE

KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class OpenAiErrors:
    """Turns problems into OpenAI's errors, whoever raised them: a door, a route or FastAPI."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; what is no problem stays as it is."""
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        start: Message | None = None

        async def turned(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if MutableHeaders(scope=message).get("content-type", "").startswith(MEDIA_TYPE):
                    start = message
                    return
            elif start is not None:  # a problem is sent in one piece
                body = _error(json.loads(message["body"]))
                headers = MutableHeaders(scope=start)
                headers["content-type"] = "application/json"
                headers["content-length"] = str(len(body))
                await send(start)
                message = {**message, "body": body}
            await send(message)

        await self._app(scope, receive, turned)


def _error(problem: dict[str, Any]) -> bytes:
    status = problem["status"]
    kind = KINDS.get(status, "invalid_request_error" if status < 500 else "server_error")
    wrong = problem["errors"][0]["where"] if problem["errors"] else None
    text = f"{problem['detail']} {problem['remedy']}".strip()
    return json.dumps({"error": {"message": text, "type": kind, "param": wrong, "code": problem["code"]}}).encode()
