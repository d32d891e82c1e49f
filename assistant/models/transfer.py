"""One file from an HTTP server to the disk: resumed where it broke off, tried again, never longer than promised."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from assistant.models.digests import Digest
from assistant.models.errors import HubRefused, HubUnreachable, PullError
from assistant.models.progress import Progress, size_text

ATTEMPTS = 5
"""Tries without a megabyte of progress between them before a broken or busy connection is given up."""

CONNECT_ATTEMPTS = 2
"""Tries to reach a server at all: an unplugged cable must not cost half a minute."""

PROGRESS_BYTES = 1_000_000
"""An attempt that brought so much more counts as progress, and the count of tries starts again."""

MOST_BYTES = 8 << 30
"""No file of unknown size may be longer."""

MOST_WAIT_S = 60.0
"""A server's ``Retry-After`` is obeyed up to this."""

TIMEOUT = httpx.Timeout(30.0, connect=10.0)

AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which the same request may succeed a little later."""


@dataclass(frozen=True, slots=True)
class Published:
    """What the server says about a file before its content; kept beside the part file so that it can be resumed."""

    etag: str
    """Of the server that sends the content; "" where it gives none that is strong."""
    size: int | None
    digest: Digest | None
    """The hub's own."""


class _Again(Exception):
    """An attempt failed in a way that may pass."""

    def __init__(self, error: PullError, *, wait_s: float | None = None, attempts: int = ATTEMPTS) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait_s = wait_s
        self.attempts = attempts


def open_client(transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """A client with this module's limits; proxies come from the environment."""
    return httpx.Client(
        timeout=TIMEOUT,
        follow_redirects=True,
        max_redirects=5,
        headers={"User-Agent": "shop-assistant", "Accept-Encoding": "identity"},
        transport=transport,
    )


class Transfer:
    """Fetches files with one client. ``sleep`` (seconds) is injected so that tests wait for nothing."""

    def __init__(self, client: httpx.Client, progress: Progress, sleep: Callable[[float], None]) -> None:
        self._client = client
        self._progress = progress
        self._sleep = sleep

    def fetch(
        self, url: str, part: Path, label: str, size: int | None, headers: Mapping[str, str] | None = None
    ) -> Published:
        """Bring all of ``url`` into ``part``, going on where an earlier call was killed.

        ``size`` in bytes where it is known beforehand; ``headers`` say who asks. Raises ``HubUnreachable`` where no
        connection comes about, ``HubRefused`` where it is for others and ``PullError`` for everything else; what
        arrived stays in ``part``. The caller compares the digests.
        """
        failures = 0
        while True:
            before = _length(part)
            try:
                return self._attempt(url, part, label, size, headers or {})
            except _Again as again:
                failures = 1 if _length(part) - before >= PROGRESS_BYTES else failures + 1
                if failures >= again.attempts:
                    raise again.error from again.__cause__
                self._sleep(again.wait_s if again.wait_s is not None else float(2 ** (failures - 1)))

    def _attempt(self, url: str, part: Path, label: str, size: int | None, asker: Mapping[str, str]) -> Published:
        known = _read_note(part)
        start = _length(part) if known else 0
        if known and known.size == start:
            return known
        headers = {**asker, **({"Range": f"bytes={start}-"} if start else {})}
        if start and known and known.etag:
            headers["If-Range"] = known.etag
        with _translated(label, part), self._client.stream("GET", url, headers=headers) as response:
            self._refuse(response, part, label)
            published = _published(response, size)
            resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
            if resumed and not (known and known.digest == published.digest and _continues(response, start)):
                _forget(part)
                raise _Again(PullError(f"{label} changed on the server while it was fetched."), wait_s=0.0)
            if not resumed:
                # In this order: a part of the old content must never lie beside the note of the new.
                _forget(part)
                _write_note(part, published)
            self._save(response, part, label, published, start if resumed else 0)
            return published

    def _save(self, response: httpx.Response, part: Path, label: str, published: Published, start: int) -> None:
        limit = published.size if published.size is not None else MOST_BYTES
        done = start
        self._progress.begin(label, published.size, start)
        try:
            with part.open("ab" if start else "wb") as stream:
                for chunk in response.iter_raw():
                    done += len(chunk)
                    if done > limit:
                        raise _wrong(label, f"is longer than {size_text(limit)}")
                    stream.write(chunk)
                    self._progress.advance(len(chunk))
                stream.flush()
                os.fsync(stream.fileno())
        finally:
            self._progress.end()
        if published.size is not None and done != published.size:
            raise _Again(PullError(f"The connection broke at {size_text(done)} of {label}.", remedy=_RESUMES))

    @staticmethod
    def _refuse(response: httpx.Response, part: Path, label: str) -> None:
        """Raise unless the answer is the file."""
        status = response.status_code
        if status in AGAIN:
            busy = PullError(f"The server is busy or broken (HTTP {status}) at {label}.", remedy=_RESUMES)
            raise _Again(busy, wait_s=_retry_after(response))
        if status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            _forget(part)
            raise _Again(PullError(f"{label} cannot be continued."), wait_s=0.0)
        if status in (401, 403):
            raise HubRefused(f"The server refuses {label} (HTTP {status}).")
        if status in (404, 410):
            raise PullError(f"The server has no file {label} (HTTP {status}).")
        hops = [*response.history, response]
        downgraded = hops[0].url.scheme == "https" and any(hop.url.scheme != "https" for hop in hops)
        is_page = response.headers.get("content-type", "").lower().startswith("text/html")
        if downgraded or (is_page and not label.endswith(".html")):
            raise HubUnreachable("The network answers with a web page instead of the file.", remedy=_PORTAL)
        if status not in (200, 206):
            raise PullError(f"The server answers HTTP {status} at {label}.")


_RESUMES = "Run the command again: it goes on where it stopped."
_PORTAL = "Open a browser on this machine and log in to the network, then run the command again."


@contextmanager
def _translated(label: str, part: Path) -> Iterator[None]:
    """Turn the HTTP library's errors into ours, at the one place where it is called."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        unreachable = HubUnreachable(f"The hub cannot be reached ({_reason(error)}).")
        raise _Again(unreachable, attempts=CONNECT_ATTEMPTS) from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise PullError(
            f"The address of the hub is not valid ({error}).", remedy="Correct the environment variable HF_ENDPOINT."
        ) from error
    except httpx.TimeoutException as error:
        slow = PullError(f"The server stopped sending {label} at {size_text(_length(part))}.", remedy=_RESUMES)
        raise _Again(slow) from error
    except httpx.TransportError as error:
        broken = PullError(f"The connection broke at {size_text(_length(part))} of {label}.", remedy=_RESUMES)
        raise _Again(broken) from error
    except httpx.TooManyRedirects as error:
        raise HubUnreachable("The network leads in circles instead of to the hub.", remedy=_PORTAL) from error
    except OSError as error:
        raise PullError(f"{part.name} cannot be written ({error.strerror or error}).") from error


def _reason(error: httpx.HTTPError) -> str:
    """The cause in a technician's words."""
    if isinstance(error, httpx.ConnectTimeout):
        return "no answer"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "its certificate is not valid: a log-in page of the network, or a wrong clock?"
        cause = cause.__cause__ or cause.__context__
    text = str(error).lower()
    if "name or service" in text or "name resolution" in text or "getaddrinfo" in text or "no address" in text:
        return "its name cannot be resolved"
    return str(error) or type(error).__name__


def _published(response: httpx.Response, size: int | None) -> Published:
    """Read size and digest. The hub names them on its redirect, the store behind it sends the content."""
    hops = [*response.history, response]
    linked = next((hop for hop in hops if "x-linked-etag" in hop.headers), None)
    own = response.headers.get("etag", "") if response.url.host == hops[0].url.host else ""
    tag = linked.headers["x-linked-etag"] if linked is not None else own
    told = (linked.headers.get("x-linked-size") if linked is not None else None) or _total(response)
    announced = int(told) if told is not None and told.isdigit() else None
    label = response.url.path.rsplit("/", 1)[-1]
    if size is not None and announced is not None and announced != size:
        raise _wrong(label, f"has {announced} bytes on the server instead of {size}")
    etag = response.headers.get("etag", "")
    strong = "" if etag.startswith("W/") else etag
    return Published(strong, size if size is not None else announced, Digest.from_etag(tag))


def _total(response: httpx.Response) -> str | None:
    """Length of the whole file, also when only its end is sent."""
    if response.status_code == httpx.codes.PARTIAL_CONTENT:
        return str(response.headers.get("content-range", "")).rpartition("/")[2]
    length: str | None = response.headers.get("content-length")
    return length


def _continues(response: httpx.Response, start: int) -> bool:
    """Whether a partial answer begins where the part file ends; anything else must not be appended."""
    return str(response.headers.get("content-range", "")).startswith(f"bytes {start}-")


def _wrong(label: str, what: str) -> PullError:
    return PullError(f"{label} {what}: not the published file.")


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return min(float(text), MOST_WAIT_S) if text.isdigit() else None


def _length(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _write_note(part: Path, published: Published) -> None:
    _note(part).write_text(json.dumps(asdict(published)), encoding="utf-8")


def _read_note(part: Path) -> Published | None:
    try:
        content = json.loads(_note(part).read_text(encoding="utf-8"))
        digest = Digest(**content["digest"]) if content["digest"] else None
        return Published(str(content["etag"]), content["size"], digest)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)
