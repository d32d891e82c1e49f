"""The web application: all routes behind all doors."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.http.doors.bodies import BodyLimits
from assistant.http.doors.guard import Guard
from assistant.http.doors.headers import SecurityHeaders
from assistant.http.doors.hosts import HostGuard, own_names
from assistant.http.openai_errors import OpenAiErrors
from assistant.http.openapi import document as openapi_document
from assistant.http.problem import Problem, tell_problems
from assistant.http.routes import (
    conversation,
    figures,
    machine,
    openai,
    pages,
    personalities,
    personality_voice,
    session,
    steering,
    upkeep,
    voice,
    volume,
)
from assistant.http.service import Service

DESCRIPTION = """
The voice assistant of a shop. Callers send `Authorization: Bearer TOKEN`; `assistant token` on the machine prints one.
A token is an administrator's or a kiosk's (it may watch and talk), and belongs to one shop. Every error is a problem
(RFC 9457) with a stable `code` and a `remedy`; those below `/v1` have OpenAI's form.
"""

ROUTES = (
    session,
    voice,
    conversation,
    personalities,
    personality_voice,
    machine,
    steering,
    volume,
    figures,
    upkeep,
    openai,
)

PROBLEMS = {
    "4XX": {"model": Problem, "description": "Something is wrong with the request."},
    "5XX": {"model": Problem, "description": "Something is wrong here."},
}


def web(service: Service) -> ASGIApp:
    """The application as it is served."""
    app = FastAPI(
        title="Shop assistant",
        description=DESCRIPTION,
        version=version("shop-assistant"),
        docs_url=None,  # these pages fetch scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        responses=PROBLEMS,  # type: ignore[arg-type]
    )
    tell_problems(app)
    for module in ROUTES:
        app.include_router(module.routes(service))
    app.include_router(pages.routes())
    document = openapi_document(app)

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        return JSONResponse(document)

    return behind_doors(app, service)


def behind_doors(app: ASGIApp, service: Service) -> ASGIApp:
    """The outermost door first: headers, the machine's names, who calls, how much they send."""
    http = service.settings.http
    tls = http.scheme == "https"
    app = BodyLimits(app, sound_bytes=service.settings.samples.max_upload_mb * 1_000_000, timeout_s=http.body_timeout_s)
    app = Guard(app, service.doors, secure=tls)
    app = HostGuard(app, own_names(http))
    app = OpenAiErrors(app)
    app = SecurityHeaders(app, tls=tls)
    return LastDoor(app)


class LastDoor:
    """What went wrong was answered and logged already; whoever serves would log it again with all its words."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; a connection whose answer broke off is closed by whoever serves."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception:
            if not begun:
                raise
