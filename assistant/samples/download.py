"""Fetches a recording from a web server that the settings name, and from nowhere else.

The name is looked up once and the connection goes to that very address, so that nobody can send us elsewhere between
the look-up and the connection (DNS rebinding). Only public addresses are connected to, no redirect is followed, no
proxy is asked, the certificate must be the name's, and size and time are limited.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urlsplit

from assistant.samples.errors import SampleError, SampleRefused
from providers.model_worker import ModelWorker

TIME_LIMIT_S = 30.0
"""Seconds of the clock for the whole of it."""

PORTS = frozenset({443})

Resolve = Callable[[str, int], list[str]]
"""Addresses of a name, as numbers; blocks."""

_TUNNELS = [ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48")]
"""IPv6 that a gateway turns into IPv4 (RFC 6052, 8215)."""


@dataclass(frozen=True, slots=True)
class _Target:
    host: str
    port: int
    path: str
    """With query."""

    def __str__(self) -> str:
        return f"https://{self.host}"


class Downloader:
    """An async context manager: it has a thread that asks for addresses."""

    def __init__(
        self,
        hosts: Collection[str],
        most_bytes: int,
        *,
        time_limit_s: float = TIME_LIMIT_S,
        ports: Collection[int] = PORTS,
        resolve: Resolve | None = None,
        permitted: Callable[[str], bool] | None = None,
        trust: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        """What stands after ``hosts`` and ``most_bytes`` is for tests, which have a server on this machine only."""
        self._hosts = frozenset(hosts)
        self._most_bytes = most_bytes
        self._time_limit_s = time_limit_s
        self._ports = frozenset(ports)
        self._resolve = resolve or _resolved
        self._permitted = permitted or is_public
        self._trust = trust
        self._worker = ModelWorker("samples-names")

    async def __aenter__(self) -> Downloader:
        self._worker = ModelWorker("samples-names")
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the thread."""
        self._worker.close()

    async def fetch(self, url: str, into: BinaryIO) -> None:
        """Write what lies there into a file. Raises ``SampleError``."""
        target = self._target(url)
        try:
            async with asyncio.timeout(self._time_limit_s):
                number = await self._number(target)
                await self._get(target, number, into)
        except TimeoutError as error:
            raise SampleError(f"{target} did not send the recording within {self._time_limit_s:g} s.") from error

    def _target(self, url: str) -> _Target:
        """Raises ``SampleError`` for any address that the settings do not allow."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port or 443
        except ValueError as error:
            raise SampleError("The voice sample's web address cannot be read.") from error
        if parts.scheme != "https" or parts.username is not None or parts.password is not None:
            raise SampleError("A voice sample is fetched by https only, without user and password in its address.")
        if host not in self._hosts:
            raise SampleError(
                f"Voice samples may not be fetched from {host[:100]}.",
                remedy="Upload the recording instead, or name the server in config.yaml: samples.hosts.",
            )
        if port not in self._ports:
            raise SampleError(f"Voice samples may not be fetched from port {port} of {host}.")
        query = f"?{parts.query}" if parts.query else ""
        return _Target(host, port, f"{parts.path or '/'}{query}")

    async def _number(self, target: _Target) -> str:
        try:
            numbers = await self._worker.run(lambda _: self._resolve(target.host, target.port))
        except (OSError, UnicodeError) as error:
            raise SampleError(f"{target.host} has no address.", remedy="Is the network there?") from error
        # One that is not public among several would do for somebody who controls the name.
        if not numbers or not all(self._permitted(number) for number in numbers):
            raise SampleError(f"{target.host} is not a server on the public internet; nothing is fetched from there.")
        return numbers[0]

    async def _get(self, target: _Target, number: str, into: BinaryIO) -> None:
        import httpx

        host = f"[{number}]" if ":" in number else number
        transport = httpx.AsyncHTTPTransport(verify=self._trust(), trust_env=False, retries=0)
        headers = {"Host": target.host, "Accept": "audio/*, application/octet-stream", "Accept-Encoding": "identity"}
        try:
            async with (
                httpx.AsyncClient(transport=transport, trust_env=False, follow_redirects=False) as client,
                client.stream(
                    "GET",
                    f"https://{host}:{target.port}{target.path}",
                    headers=headers,
                    extensions={"sni_hostname": target.host},
                ) as answer,
            ):
                if answer.status_code != 200:
                    raise SampleError(f"{target} answered {answer.status_code} instead of sending the recording.")
                if answer.headers.get("content-encoding", "identity") != "identity":
                    raise SampleError(f"{target} sends the recording packed; it is not unpacked.")
                received = 0
                async for data in answer.aiter_raw():
                    received += len(data)
                    if received > self._most_bytes:
                        raise SampleRefused(
                            f"{target} sends more than {self._most_bytes / 1e6:.0f} MB.", reason="too_large"
                        )
                    into.write(data)
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise SampleError(
                f"{target} could not send the recording ({type(error).__name__}: {str(error)[:200]}).",
                remedy="Is the network there, and is the server's certificate valid?",
            ) from error


def is_public(number: str) -> bool:
    """Whether an address leads to the public internet, also where IPv4 is wrapped in IPv6."""
    try:
        address = ipaddress.ip_address(number)
    except ValueError:  # with a zone: a link of this machine
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if any(address in network for network in _TUNNELS):
            return is_public(str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))
        for inner in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())):
            if inner is not None and not is_public(str(inner)):
                return False
        if int(address) >> 32 == 0:  # ::a.b.c.d, of old
            return False
    usable = not (address.is_multicast or address.is_reserved or address.is_unspecified)
    return address.is_global and usable


def _resolved(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
