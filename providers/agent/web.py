"""Posts a question to a web server and reads its answer as it comes; wraps httpx for the agents that need it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, Self
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from pipeline.errors import ProviderError, SettingsError
from providers.agent.limits import AgentSettings

if TYPE_CHECKING:
    import httpx

LONGEST_BYTES = 1_000_000
"""An answer that is one piece of JSON, and a line of one that is streamed, may have as many bytes."""


def _web_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets or a port that cannot be
        usable = False
    if not usable:
        raise ValueError("must be an address such as http://127.0.0.1:8000/path")
    return url


def masked(url: str) -> str:
    """The address as it may be shown: ``http://***@host`` where it holds a user and a password."""
    user, at, _ = urlsplit(url).netloc.rpartition("@")
    return url.replace(f"{user}@", "***@", 1) if at else url


def _mask_unusable(url: Any) -> Any:
    """For addresses whose parts cannot be told: what is refused is shown, so all up to an ``@`` goes."""
    try:
        _web_address(url)
    except (ValueError, TypeError, AttributeError):
        return re.sub(r"^(\w+://)?.*@", r"\1***@", url, flags=re.DOTALL) if isinstance(url, str) else url
    return url


WebAddress = Annotated[
    str,
    AfterValidator(_web_address),
    BeforeValidator(_mask_unusable),
    PlainSerializer(masked, return_type=str, when_used="json"),
]
"""An ``http`` or ``https`` address in settings; user and password in it are masked when it is dumped
as JSON or refused. A field of it needs ``repr=False``."""


class WebSettings(AgentSettings):
    """Settings of agents that ask a server."""

    proxy: WebAddress | None = Field(default=None, repr=False)
    """Address of an HTTP proxy, such as ``http://proxy:3128``. Without it the server is reached directly, whatever the
    environment says."""


class WebAgent:
    """The connections of an agent that asks a server."""

    def __init__(self, web: WebClient) -> None:
        self._web = web

    async def __aenter__(self) -> Self:
        """Get ready to ask; the server itself is asked for nothing yet. Raises ``SettingsError``."""
        await self._web.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._web.__aexit__(kind, error, trace)


_REMEDIES = {
    401: "Check the key in config.yaml.",
    403: "Check the key in config.yaml.",
    404: "Check the address in config.yaml.",
    429: "The server is overloaded or its quota is used up.",
}


class Complaint(str):
    """What a server gives as the reason of its failure, in its own words. They may repeat the customer's, so this is
    no exception: a traceback would show them."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of a server's answer and its body to come."""

    status: int
    """HTTP status, such as 200."""

    content_type: str
    """Such as ``application/json``, in lower case, without parameters."""

    body: AsyncIterator[bytes]
    """Parts of the body as they arrive. Raises ``ProviderError`` when the connection breaks."""


class WebClient:
    """One server's connections; leaving closes them."""

    def __init__(self, name: str, url: str, headers: Mapping[str, str], proxy: str | None) -> None:
        self._name, self._proxy = name, proxy
        # What stands in the address is shown in errors and by httpx; the user is told to the server by a header.
        self._url, self._user = _without_user(url)
        # A key read from a file often ends in a line feed.
        self._headers = {key: value.strip() for key, value in headers.items()}
        self._client: httpx.AsyncClient | None = None

    @property
    def local(self) -> bool:
        """Whether the server runs on this machine."""
        host = urlsplit(self._url).hostname or ""
        if host == "localhost":
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    async def __aenter__(self) -> Self:
        import httpx

        for key, value in self._headers.items():
            if not (key + value).isascii() or not (key + value).isprintable():
                raise SettingsError(f"The header {key!r} of the agent {self._name!r} has a letter that cannot be sent.")
        # trust_env off: a proxy meant for installing packages must not stand between the shop and its own server.
        # No time limit here: the agent's own limits hold for every step.
        self._client = httpx.AsyncClient(
            headers=self._headers, auth=self._user, proxy=self._proxy, trust_env=False, timeout=httpx.Timeout(None)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    @asynccontextmanager
    async def post(self, content: bytes, accept: str) -> AsyncIterator[Answer]:
        """Send JSON; leaving the context drops whatever of the answer has not been read.

        Raises ``ProviderError`` where the server cannot be reached.
        """
        import httpx

        if self._client is None:
            raise RuntimeError(f"the agent {self._name!r} has not been entered")
        headers = {"Content-Type": "application/json", "Accept": accept}
        try:
            request = self._client.build_request("POST", self._url, content=content, headers=headers)
            response = await self._client.send(request, stream=True)
        except httpx.InvalidURL as error:
            raise ProviderError(
                f"The agent {self._name!r} cannot use the address {self._url!r}: {error}.",
                remedy="Mend it in config.yaml.",
                retryable=False,
            ) from error
        except httpx.ConnectError as error:
            raise ProviderError(
                f"The agent {self._name!r} cannot reach {self._url}.", remedy="Is the server running?"
            ) from error
        except httpx.HTTPError as error:
            raise self._broken(error) from error
        try:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            yield Answer(response.status_code, kind, self._body(response))
        finally:
            await response.aclose()

    async def _body(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        import httpx

        try:
            async for data in response.aiter_bytes():
                yield data
        except httpx.HTTPError as error:
            raise self._broken(error) from error

    def _broken(self, error: httpx.HTTPError) -> ProviderError:
        return ProviderError(
            f"The agent {self._name!r} lost its server {self._url} ({type(error).__name__}).",
            remedy="Look at the server's log.",
        )

    def refused(self, status: int, reason: str, remedy: str = "") -> ProviderError:
        """The error for a status other than 2xx; ``reason`` is what the server says, free of the customer's words."""
        said = f" ({reason})" if reason else ""
        return ProviderError(
            f"The agent {self._name!r} was refused by {self._url}: HTTP {status}{said}.",
            remedy=remedy or _REMEDIES.get(status, "Look at the server's log."),
            retryable=status >= 500 or status in (408, 429),
        )


def _without_user(url: str) -> tuple[str, tuple[str, str] | None]:
    """The address without user and password, and these."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url, None
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return bare, (unquote(parts.username or ""), unquote(parts.password or ""))


async def whole(body: AsyncIterator[bytes], name: str) -> bytes:
    """All of a body. Raises ``ProviderError`` where it is longer than ``LONGEST_BYTES``."""
    data = bytearray()
    async for part in body:
        data += part
        if len(data) > LONGEST_BYTES:
            raise ProviderError(f"The agent {name!r} answered more than {LONGEST_BYTES} bytes.")
    return bytes(data)


async def lines(body: AsyncIterator[bytes], name: str) -> AsyncGenerator[str, None]:
    """Lines of a body without their ends, however its parts are cut.

    Only line feeds end a line: httpx's own ``aiter_lines`` also splits at U+2028 and the like, which JSON allows
    inside a string. Raises ``ProviderError`` for a line longer than ``LONGEST_BYTES``.
    """
    held = bytearray()
    async for part in body:
        held += part
        *done, rest = held.split(b"\n")
        for line in done:
            yield line.decode(errors="replace").removesuffix("\r")
        held = bytearray(rest)
        if len(held) > LONGEST_BYTES:
            raise ProviderError(f"The agent {name!r} sent a line of more than {LONGEST_BYTES} bytes.")
    if held:
        yield held.decode(errors="replace")
