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
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(http.host, http.host)  # noqa: S104 - what it listens at, read only
    address = f"{http.scheme}://{host}:{http.port}"
    try:
        # Its own certificate is for another name than this machine's inner one.
        async with httpx.AsyncClient(timeout=PATIENCE_S, verify=False, trust_env=False) as client:  # noqa: S501
            answer = await client.get(f"{address}{path}", headers={"Authorization": f"Bearer {token}"})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"nobody answers at {address} ({type(error).__name__})"
    if not answer.is_success:
        return f"{address}{path} answers with {answer.status_code}"
    return answer.json()
