"""Who may do what: one table. Nothing is read of a request's body before this has let it in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.access.rates import Rate, Rates
from assistant.access.sessions import COOKIE, Session, Sessions
from assistant.access.tokens import Caller, TokenStore
from assistant.http.problem import Refused, problem_response

CSRF_HEADER = "x-csrf-token"

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

OPEN = re.compile(r"/|/kiosk|/panel/.*|/healthz|/openapi\.json|/favicon\.ico")
"""What anybody may fetch: pages without data, and whether it lives."""

SIGN_IN = "/api/session"

KIOSK = re.compile(r"/api/(session|conversation|listen|stop|events|status|audio/[^/]+|voice/[^/]+)|/v1/.*")
"""What a kiosk's screen may do: watch and talk. Everything else takes an administrator."""

HERE = re.compile(
    r"/api/(say|listen|stop|mute|volume|restart|events|status|turns|health|incidents|devices|(soundcheck|models)(/.*)?)|/metrics",
    re.DOTALL,
)
"""What concerns this machine itself, and nobody of another shop that shares its database."""

FAILED_SIGN_INS = Rate(per_s=10 / 60, burst=10)
"""Wrong tokens from one address: enough for fingers, not for programs that try."""


@dataclass(frozen=True, slots=True)
class Doors:
    """What the guard asks."""

    tokens: TokenStore
    sessions: Sessions
    wrong: Rates
    """Of wrong tokens, by address."""
    requests: Rates
    """Of all requests, by token."""


class Guard:
    """Finds out who calls and lets in whoever may; ``scope["state"]["caller"]`` says who it is."""

    def __init__(self, app: ASGIApp, doors: Doors, *, secure: bool) -> None:
        """``secure``: the cookie is sent by https only."""
        self._app = app
        self._doors = doors
        self._secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        if scope["type"] != "http" or OPEN.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        session: Session | None = None
        try:
            caller, session = await self._caller(scope)
            if caller is not None:
                self._check(scope, caller)
        except Refused as refused:
            headers = {"WWW-Authenticate": "Bearer"} if refused.problem.status == 401 else {}
            await problem_response(refused.problem, headers | refused.headers)(scope, receive, send)
            return
        scope.setdefault("state", {}).update(caller=caller, session=session, address=address(scope))
        await self._app(scope, receive, self._renewing(session, send))

    async def _caller(self, scope: Scope) -> tuple[Caller | None, Session | None]:
        """Who it is and by which session. Nobody where somebody is about to sign in. Raises ``Refused``."""
        headers = Headers(scope=scope)
        signing_in = scope["path"] == SIGN_IN and scope["method"] == "POST"
        given = headers.get("authorization", "")
        if signing_in:
            return None, None
        if given:
            return await self._by_token(given, address(scope)), None
        session = await self._doors.sessions.opened(cookie_parser(headers.get("cookie", "")).get(COOKIE, ""))
        if session is None and (scope["path"], scope["method"]) == (SIGN_IN, "GET"):
            return None, None  # whoever opens the panel asks this first; it is told that nobody is signed in
        if session is None:
            raise unauthenticated()
        if scope["method"] not in SAFE and not session.is_csrf(headers.get(CSRF_HEADER, "")):
            raise Refused(
                403, "csrf", "The request does not prove that it comes from the panel.", remedy="Reload the page."
            )
        return session.caller, session

    async def _by_token(self, given: str, where: str) -> Caller:
        kind, _, token = given.partition(" ")
        return await known(self._doors, token.strip() if kind.lower() == "bearer" else "", where)

    def _check(self, scope: Scope, caller: Caller) -> None:
        """Raises ``Refused``."""
        wait_s = self._doors.requests.allow(caller.token_id)
        if wait_s is not None:
            raise too_many("Too many requests in a short time.", wait_s)
        path = scope["path"]
        if caller.role != "admin" and not KIOSK.fullmatch(path):
            raise Refused(
                403,
                "forbidden",
                "This token may watch and talk, not administer.",
                remedy="Use an administrator's token.",
            )
        if not caller.here and HERE.fullmatch(path):
            raise Refused(
                403,
                "other_tenant",
                f"Another shop's assistant runs here; this token belongs to {caller.tenant!r}.",
                remedy="Use a token of the shop whose assistant this is (deployment.tenant).",
            )

    def _renewing(self, session: Session | None, send: Send) -> Send:
        """Sends a fresh cookie where half of the session's time is over."""
        if session is None or not session.renew:
            return send

        async def renewing(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "set-cookie" not in headers:
                    _, cookie = await self._doors.sessions.begin(session.caller, secure=self._secure)
                    headers.append("set-cookie", cookie)
            await send(message)

        return renewing


async def known(doors: Doors, token: str, where: str) -> Caller:
    """Whose token it is. Raises ``Refused``; wrong ones are counted by the address they come from.

    A right one is let in all the same: tokens cannot be guessed, and a program with an old one on the same machine, or
    behind the same proxy, must shut nobody out.
    """
    caller = await doors.tokens.check(token)
    if caller is not None:
        return caller
    wait_s = doors.wrong.allow(where)
    if wait_s is not None:
        raise too_many("Too many wrong tokens came from this address.", wait_s)
    raise unauthenticated()


def address(scope: Scope) -> str:
    """Where a request comes from."""
    return str((scope.get("client") or ("",))[0])


def unauthenticated() -> Refused:
    """Nobody knows who calls."""
    return Refused(
        401,
        "unauthenticated",
        "A valid token is needed.",
        remedy="Send `Authorization: Bearer TOKEN`; `assistant token` on this machine prints it.",
    )


def too_many(detail: str, wait_s: float) -> Refused:
    """Somebody calls too often."""
    seconds = max(1, round(wait_s + 0.5))
    return Refused(429, "too_many", detail, remedy=f"Wait {seconds} s.", headers={"Retry-After": str(seconds)})
