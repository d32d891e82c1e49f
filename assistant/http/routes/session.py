"""Signing in and out: a browser changes a token into a cookie that scripts cannot read."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from assistant.access.sessions import COOKIE, Session
from assistant.access.tokens import Caller
from assistant.http.bodies import Answer, Body
from assistant.http.calling import CallerNow
from assistant.http.doors.guard import address, known
from assistant.http.service import Service


class SignIn(Body):
    """What a browser signs in with."""

    token: str = Field(min_length=1, max_length=200)
    """An access token, as `assistant token` prints it."""


class SignedIn(Answer):
    """Who is signed in."""

    role: Literal["admin", "kiosk"]
    """`admin` may do everything, `kiosk` may watch and talk."""
    tenant: str
    """The shop whose personalities and figures are shown."""
    here: bool
    """Whether it is the shop whose assistant runs on this machine."""
    name: str
    """What the token is called."""
    csrf: str
    """To be sent as header `X-CSRF-Token` with everything that changes something; empty for bearer tokens."""


def routes(service: Service) -> APIRouter:
    """``/api/session``."""
    router = APIRouter(tags=["session"])
    secure = service.settings.http.scheme == "https"

    @router.post("/api/session", summary="Sign in")
    async def sign_in(body: SignIn, request: Request, response: Response) -> SignedIn:
        """Sets the session's cookie. Wrong tokens are slowed down by the address they come from."""
        caller = await known(service.doors, body.token.strip(), address(request.scope))
        session, cookie = await service.doors.sessions.begin(caller, secure=secure)
        response.headers["Set-Cookie"] = cookie
        return _signed_in(caller, session)

    @router.get(
        "/api/session",
        summary="Who is signed in",
        response_model=SignedIn,
        responses={204: {"description": "Nobody is signed in."}},
    )
    async def look(request: Request) -> Any:
        """By cookie or by bearer token. 204 for a browser that is not signed in: to ask is no mistake."""
        caller: Caller | None = request.state.caller
        return Response(status_code=204) if caller is None else _signed_in(caller, request.state.session)

    @router.delete("/api/session", status_code=204, summary="Sign out")
    async def sign_out(_: CallerNow, response: Response) -> None:
        """Has the browser forget the cookie."""
        response.delete_cookie(COOKIE, path="/", secure=secure, httponly=True, samesite="strict")

    return router


def _signed_in(caller: Caller, session: Session | None) -> SignedIn:
    return SignedIn(
        role=caller.role,
        tenant=caller.tenant,
        here=caller.here,
        name=caller.name,
        csrf=session.csrf if session is not None else "",
    )
