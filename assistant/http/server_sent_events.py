"""Server-Sent Events (WHATWG HTML, 9.2): a stream of named messages that a browser reads by itself."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

from starlette.responses import StreamingResponse

MEDIA_TYPE = "text/event-stream"

SCHEMA = {"description": "Messages whose `data` is JSON; see the description of the operation."}
"""What OpenAPI tells of the answer, as far as it can."""

HEARTBEAT = b": still here\n\n"
"""A comment, so that neither side takes a quiet connection for a dead one."""


def message(data: Any, *, event: str = "", number: int | None = None) -> bytes:
    """One message; ``data`` is told as JSON."""
    head = (f"event: {event}\n" if event else "") + (f"id: {number}\n" if number is not None else "")
    return f"{head}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def stream(messages: AsyncGenerator[bytes]) -> StreamingResponse:
    """The answer that carries them."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # the latter for nginx as a proxy
    return StreamingResponse(messages, 200, headers, MEDIA_TYPE)
