"""What the assistant that runs with these settings answers by HTTP, for commands beside it."""

from __future__ import annotations

from typing import Any

import httpx

from assistant.app import App

PATIENCE_S = 10.0


async def asked(app: App, token: str | None, path: str) -> Any:
    """What it answers to ``GET path``, such as ``/api/health``; a text that says why where it gives no answer."""
    http = app.settings.http
    if not http.enabled:
        return "the daemon is not served by HTTP (http.enabled)"
    try:
        # Its own certificate is for another name than this machine's inner one.
        async with httpx.AsyncClient(timeout=PATIENCE_S, verify=False, trust_env=False) as client:  # noqa: S501
            answer = await client.get(f"{http.here}{path}", headers={"Authorization": f"Bearer {token}"})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"nobody answers at {http.here} ({type(error).__name__})"
    if not answer.is_success:
        return f"{http.here}{path} answers with {answer.status_code}"
    try:
        return answer.json()
    except ValueError:
        return f"what answers at {http.here} is another program"
