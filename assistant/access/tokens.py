"""Who may call: access tokens of administrators and kiosks, each of one shop."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import sqlite_utils

from assistant.access.errors import AccessError, TokenMissing
from assistant.access.token_file import TokenFile, new_token
from assistant.storage.database import Database
from assistant.storage.errors import StorageError

log = logging.getLogger(__name__)

Role = Literal["admin", "kiosk"]

INSTALLATION = "installation"
"""Id of the token that lies in a file."""

KNOWN_FOR_S = 3.0
"""Seconds of the clock for which tokens that were read are trusted: one that was taken away is refused after that."""

PATIENCE_S = 1.0
"""Seconds for which somebody who calls waits for a disk that does not answer."""

REST_S = 60.0
"""Seconds of the clock before the note of a visit is tried again."""

LONGEST = 200
"""Characters of a token at most."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a token."""

    role: Role
    """``admin`` may do everything, ``kiosk`` may watch and talk."""
    tenant: str
    """The shop it belongs to."""
    name: str
    """What the token is called."""
    token_id: str
    here: bool
    """Whether it is the shop whose assistant runs on this machine."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is listed."""

    id: str
    tenant: str
    role: str
    name: str
    created_at: str
    """ISO 8601, UTC."""
    last_used_on: str
    """Day of this machine's zone, ISO 8601; "" where it was not used yet."""

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Known:
    """A token's owner, and the hash that its sessions are signed with."""

    caller: Caller
    digest: str
    last_used_on: str = ""


class TokenStore:
    """Checks tokens, and makes and removes them.

    The installation's own one lies in a file and works whatever happens to the database; of the others only their
    SHA-256 is kept.
    """

    def __init__(
        self,
        database: Database | None,
        folder: Path,
        tenant: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``folder`` is the data folder, ``tenant`` the shop whose assistant runs here."""
        self.file = TokenFile(folder)
        self._database = database
        self._tenant = tenant
        self._clock = clock
        self._now = now
        self._known: dict[str, _Known] = {}
        """By id, as they were last read."""
        self._reading = asyncio.Lock()
        self._read_s = float("-inf")
        self._noted: dict[str, str] = {}
        """Day of the last visit by id, besides what the database says."""
        self._note_after_s = float("-inf")
        self._complained = False

    async def check(self, token: str) -> Caller | None:
        """Whose token it is; None for one that is none. Never raises."""
        if not token or len(token) > LONGEST:
            return None
        digest = _digest(token)
        own = self._own()
        if own is not None and hmac.compare_digest(own.digest, digest):
            return own.caller  # the database is not asked: it may not answer
        found = None
        for known in (await self._others()).values():  # all are compared, so that the time tells nothing
            if hmac.compare_digest(known.digest, digest):
                found = known
        if found is None:
            return None
        await self.used(found.caller.token_id)
        return found.caller

    async def by_id(self, token_id: str) -> tuple[Caller, str] | None:
        """The owner of a token and the token's SHA-256, which signs its sessions. Never raises."""
        found = self._own() if token_id == INSTALLATION else (await self._others()).get(token_id)
        return None if found is None else (found.caller, found.digest)

    async def used(self, token_id: str) -> None:
        """Note the day, once a day for an SD card's sake. Never raises."""
        today = self._now().astimezone().date().isoformat()
        known = self._known.get(token_id)
        if known is None or today in {known.last_used_on, self._noted.get(token_id)}:
            return
        if self._database is None or self._clock() < self._note_after_s:
            return
        self._noted[token_id] = today  # already now: others who come meanwhile need not wait
        note = "UPDATE access_tokens SET last_used_on = ? WHERE id = ?"
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._database.write(lambda db: db.execute(note, [today, token_id]))
        except (StorageError, TimeoutError) as error:
            log.debug("When a token was used last cannot be noted: %s", str(error) or "the disk does not answer")
            self._noted.pop(token_id, None)
            self._note_after_s = self._clock() + REST_S

    async def add(self, role: Role, name: str, tenant: str = "", *, replace: bool = False) -> tuple[Token, str]:
        """A new one; it is told here and nowhere else. Raises ``AccessError`` and ``StorageError``.

        ``replace``: those of the shop that are called the same are taken away.
        """
        token = new_token()
        listed = Token(
            secrets.token_hex(4), tenant or self._tenant, role, name, self._now().isoformat("T", "seconds"), ""
        )
        values = {**listed.as_dict(), "token_sha256": _digest(token)}

        def add(db: sqlite_utils.Database) -> None:
            if replace:
                db.execute("DELETE FROM access_tokens WHERE tenant = ? AND name = ?", [listed.tenant, name])
            db.table("access_tokens").insert(values)

        await self._opened().write(add)
        self._read_s = float("-inf")
        return listed, token

    async def everyone(self) -> list[Token]:
        """All but the installation's own, the oldest first. Raises ``AccessError`` and ``StorageError``."""
        return [_token(row) for row in await self._opened().read(_rows)]

    async def remove(self, token_id: str) -> Token:
        """Take one away. Raises ``TokenMissing``, ``AccessError`` and ``StorageError``."""

        def remove(db: sqlite_utils.Database) -> Token:
            for row in _rows(db):
                if row["id"] == token_id:
                    db.table("access_tokens").delete(token_id)
                    return _token(row)
            raise TokenMissing(f"There is no token {token_id[:40]!r}.", remedy="See: assistant token list")

        gone = await self._opened().write(remove)
        self._read_s = float("-inf")
        return gone

    def _opened(self) -> Database:
        if self._database is None:
            raise AccessError("The database cannot be opened.", remedy="Run: assistant check")
        return self._database

    def _own(self) -> _Known | None:
        """The one in the file."""
        token = self.file.known()
        if token is None:
            return None
        return _Known(Caller("admin", self._tenant, "administrator", INSTALLATION, True), _digest(token))

    async def _others(self) -> dict[str, _Known]:
        """Those in the database, as they were read a moment ago."""
        async with self._reading:  # who comes while they are being read waits, and does not take none for an answer
            if self._database is not None and self._clock() - self._read_s >= KNOWN_FOR_S:
                await self._read(self._database)
        return self._known

    async def _read(self, database: Database) -> None:
        """Where they cannot be read, those known already serve."""
        self._read_s = self._clock()  # before: a change in between is seen the next time
        try:
            async with asyncio.timeout(PATIENCE_S):
                rows = await database.read(_rows)
        except (StorageError, TimeoutError) as error:
            if not self._complained:
                said = str(error) or "The disk does not answer."
                log.error("The access tokens cannot be read, those known already serve: %s", said)
            self._complained = True
            self._read_s = self._clock()  # nobody else waits as long at once
            return
        self._complained = False
        self._known = {row["id"]: self._of(row) for row in rows}

    def _of(self, row: dict[str, Any]) -> _Known:
        role: Role = "admin" if row["role"] == "admin" else "kiosk"
        caller = Caller(role, row["tenant"], row["name"], row["id"], row["tenant"] == self._tenant)
        return _Known(caller, row["token_sha256"], row["last_used_on"])


def _rows(db: sqlite_utils.Database) -> list[dict[str, Any]]:
    return list(db.query("SELECT * FROM access_tokens ORDER BY created_at, id"))


def _token(row: dict[str, Any]) -> Token:
    return Token(**{key: row[key] for key in ("id", "tenant", "role", "name", "created_at", "last_used_on")})


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
