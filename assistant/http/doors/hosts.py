"""Answers only to the machine's own names, so that a web page elsewhere cannot reach it under a name of its own."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant.http.problem import Refused, problem_response
from assistant.http.section import ANY, HttpSection

LOOPBACK = ("localhost", "127.0.0.1", "::1")


AUTHORITY = re.compile(r"[A-Za-z0-9._:\[\]-]+")
"""A host's name or address, perhaps with a port; nothing that one reader might understand otherwise than another."""


def own_names(section: HttpSection) -> set[str]:
    """The names by which this machine may be called, besides the address that a connection came to."""
    name = socket.gethostname().lower()
    names = {*LOOPBACK, name, name.partition(".")[0], f"{name.partition('.')[0]}.local", *section.allowed_hosts}
    if section.host not in ANY:
        names.add(section.host.lower())
    return names


def host_of(authority: str) -> str:
    """Host of ``host:port``, in lower case and without brackets; "" for what is neither."""
    if not AUTHORITY.fullmatch(authority):
        return ""
    try:
        parts = urlsplit(f"//{authority}")
        _ = parts.port  # raises where it is no number
    except ValueError:
        return ""
    return (parts.hostname or "").rstrip(".")


class HostGuard:
    """Refuses a Host or Origin that is none of ours: DNS rebinding, cross-site forms and cross-site fetches."""

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is called by our name."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is not None:
            await problem_response(refusal.problem)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refused | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        known = self._names | {str((scope.get("server") or ("",))[0])}
        if len(hosts) != 1 or host_of(hosts[0]) not in known:
            return Refused(
                421,
                "host",
                "This machine is not known by the name in the request.",
                remedy="Call it by its own name or address, or add the name to http.allowed_hosts in config.yaml.",
            )
        if scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            return None
        for origin in headers.getlist("origin"):
            if not _same_site(origin, hosts[0]):
                return _from_elsewhere()
        if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return _from_elsewhere()
        return None


def _same_site(origin: str, host: str) -> bool:
    """Whether a page's origin is this very server; a proxy in front may change scheme and port but not the host."""
    try:
        return urlsplit(origin).hostname == host_of(host) != ""
    except ValueError:
        return False


def _from_elsewhere() -> Refused:
    return Refused(
        403, "csrf", "A page of another site may not do that.", remedy="Open the panel of this machine itself."
    )
