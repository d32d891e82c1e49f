"""Sessions of browsers: a signed cookie, so that nothing has to be kept, and a restart signs nobody out.

The signature's key is the hash of the token that the browser signed in with: when the token goes, so do its sessions.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from assistant.access.tokens import Caller, Role, TokenStore

COOKIE = "assistant_session"

FORM = re.compile(r"v1\.([a-z0-9]{1,40})\.([0-9]{1,12})\.([A-Za-z0-9_-]{16})\.([0-9a-f]{64})", re.ASCII)
"""Version, id of the token, end (Unix seconds), a number used once, signature."""

LASTS_S: dict[Role, int] = {"admin": 12 * 3600, "kiosk": 400 * 24 * 3600}
"""Seconds without a visit after which somebody has to sign in again; browsers allow 400 days at most."""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in."""

    caller: Caller
    csrf: str
    """What the panel must send with everything that changes something; a page of another site cannot know it."""
    renew: bool
    """Half of its time is over."""

    def is_csrf(self, given: str) -> bool:
        """Whether somebody knows it."""
        return hmac.compare_digest(given.encode(errors="replace"), self.csrf.encode())


class Sessions:
    """Signs cookies and reads them."""

    def __init__(self, tokens: TokenStore, now: Callable[[], float] = time.time) -> None:
        """``now`` gives Unix seconds."""
        self._tokens = tokens
        self._now = now

    async def begin(self, caller: Caller, *, secure: bool) -> tuple[Session, str]:
        """A session for somebody whose token was checked, and the header ``Set-Cookie`` that carries it."""
        found = await self._tokens.by_id(caller.token_id)
        key = found[1] if found is not None else secrets.token_hex(32)  # taken away meanwhile: valid nowhere
        lasts_s = LASTS_S[caller.role]
        signed = f"v1.{caller.token_id}.{int(self._now()) + lasts_s}.{secrets.token_urlsafe(12)}"
        flags = f"Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"
        cookie = f"{COOKIE}={signed}.{_mac(key, signed)}; {flags}"
        return Session(caller, _csrf(key, caller.token_id), renew=False), cookie

    async def opened(self, cookie: str) -> Session | None:
        """The session of a cookie's value; None for one that is over, or none of ours. Never raises."""
        found = FORM.fullmatch(cookie) if len(cookie) < 200 else None
        if found is None:
            return None
        token_id, end, _, mac = found.groups()
        known = await self._tokens.by_id(token_id)
        if known is None:
            return None
        caller, key = known
        left_s = int(end) - self._now()
        if not hmac.compare_digest(_mac(key, cookie.rpartition(".")[0]), mac) or left_s <= 0:
            return None
        await self._tokens.used(token_id)
        lasts_s = LASTS_S[caller.role]
        # More is left than was given where the clock was set back: the browser gets a date by the right clock.
        return Session(caller, _csrf(key, token_id), renew=left_s < lasts_s / 2 or left_s > lasts_s)


def _mac(key: str, text: str) -> str:
    return hmac.new(bytes.fromhex(key), f"session {text}".encode(), hashlib.sha256).hexdigest()


def _csrf(key: str, token_id: str) -> str:
    """The same for all sessions of a token, so that several windows and a renewed cookie go together."""
    return hmac.new(bytes.fromhex(key), f"csrf {token_id}".encode(), hashlib.sha256).hexdigest()
