"""The panel and the kiosk's screen: files without data, which anybody may fetch."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

from assistant.http.problem import Missing

FOLDER = Path(__file__).resolve().parent.parent / "panel"

TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml",
         ".webmanifest": "application/manifest+json", ".png": "image/png"}  # fmt: skip
"""What the panel is made of; nothing else is given out."""


def routes() -> APIRouter:
    """``/``, ``/kiosk``, ``/panel/…``."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def panel(request: Request) -> Response:
        return _page("index.html", request)

    @router.get("/kiosk")
    async def kiosk(request: Request) -> Response:
        return _page("kiosk.html", request)

    @router.get("/favicon.ico")
    async def favicon(request: Request) -> Response:
        return _page("favicon.svg", request)

    @router.get("/panel/{path:path}")
    async def file(path: str, request: Request) -> Response:
        return _page(path, request)

    return router


def _page(path: str, request: Request) -> Response:
    """A file of the panel; asked for again it is sent only where it changed. Raises ``Missing``."""
    name = _files().get(path)
    if name is None:
        raise Missing("There is no such page.", remedy="The panel is at /.")
    content = name.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(None, 304, headers)
    kind = TYPES[name.suffix]
    return Response(content, 200, headers, f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)


@lru_cache(maxsize=1)
def _files() -> dict[str, Path]:
    """All that may be fetched, by address: what is not in this list does not exist, whatever the address looks like."""
    return {
        str(path.relative_to(FOLDER)): path
        for path in sorted(FOLDER.rglob("*"))
        if path.is_file() and path.suffix in TYPES and not path.is_symlink()
    }
