"""Where a worker listens."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

Converse = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

LONGEST_SOCKET_PATH = 107
"""Bytes of a Unix socket's path (Linux, unix(7))."""


class ListeningError(Exception):
    """It cannot listen there."""


@dataclass(frozen=True, slots=True)
class Address:
    """``unix:///path`` or ``tcp://host:port``."""

    path: str = ""
    """Of a Unix socket, "" for TCP."""
    host: str = ""
    port: int = 0

    @classmethod
    def of(cls, text: str) -> Self:
        """Raises ``ValueError``."""
        parts = urlsplit(text)
        if parts.scheme == "unix" and parts.path.startswith("/") and not parts.netloc:
            if len(os.fsencode(parts.path)) > LONGEST_SOCKET_PATH:
                raise ValueError(f"the path of a socket may have {LONGEST_SOCKET_PATH} bytes")
            return cls(path=parts.path)
        if parts.scheme == "tcp" and parts.hostname and parts.port is not None and parts.path in {"", "/"}:
            return cls(host=parts.hostname, port=parts.port)
        raise ValueError(f"{text!r} must be unix:///path or tcp://host:port")

    def __str__(self) -> str:
        if self.path:
            return f"unix://{self.path}"
        return f"tcp://[{self.host}]:{self.port}" if ":" in self.host else f"tcp://{self.host}:{self.port}"

    @property
    def on_this_machine(self) -> bool:
        """Whether nobody else can reach it."""
        if self.path or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


@asynccontextmanager
async def listening(address: Address, converse: Converse) -> AsyncIterator[None]:
    """Accept connections. Raises ``ListeningError``."""
    try:
        server = await (_on_path(Path(address.path), converse) if address.path else _on_port(address, converse))
    except (OSError, OverflowError) as error:
        raise ListeningError(f"cannot listen at {address}: {error}") from error
    ours = _identity(address.path)
    for one in server.sockets:
        where = address if address.path else Address(host=address.host, port=one.getsockname()[1])
        log.info("listening at %s", where)
    if not address.on_this_machine:
        log.warning("whoever reaches that port can use it, for there is no password: trusted networks only")
    try:
        yield
    finally:
        server.close()
        _remove(address.path, ours)


async def _on_port(address: Address, converse: Converse) -> asyncio.Server:
    return await asyncio.start_server(converse, address.host, address.port)


async def _on_path(path: Path, converse: Converse) -> asyncio.Server:
    return await asyncio.start_unix_server(converse, sock=_bound(path))


def _bound(path: Path) -> socket.socket:
    """A socket for its owner only; one that was left behind by a process that died makes room."""
    if path.is_socket() and not _answers(path):
        path.unlink()
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        opened.bind(str(path))
    except BaseException:
        opened.close()
        raise
    finally:
        os.umask(before)
    return opened


def _identity(path: str) -> tuple[int, int] | None:
    """Tells our socket from one that another worker has put in its place meanwhile; None where there is none."""
    with suppress(OSError):
        found = Path(path).lstat()
        return (found.st_ino, found.st_ctime_ns) if path else None
    return None


def _remove(path: str, ours: tuple[int, int] | None) -> None:
    if ours is not None and _identity(path) == ours:
        Path(path).unlink()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(1.0)
        try:
            trial.connect(str(path))
        except OSError:
            return False
    return True
