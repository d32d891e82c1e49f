"""A Hugging Face hub on loopback, with switches for bad days.

As the real one: large files are answered with a redirect to a store (here ``/cdn/``) and ``X-Linked-ETag`` (their
sha256), small files directly with the id of their git blob as ``ETag``; ``Range`` and ``If-Range`` are honoured.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import unquote


@dataclass
class Request:
    path: str
    range: str
    if_range: str
    authorization: str = ""
    status: int = 0


@dataclass
class BadDay:
    """What goes wrong; a count is taken down by one each time it strikes, -1 strikes for ever."""

    break_at: int | None = None
    """Bytes after which the connection is cut."""
    breaks: int = -1
    stall_at: int | None = None
    """Bytes after which nothing more comes, though the connection stays."""
    stalls: int = -1
    cut_content_to: int | None = None
    """Bytes of a truncated file that is sent with a matching length."""
    extra: int = 0
    """Bytes sent beyond what was announced (no length is sent)."""
    flip: bool = False
    """One byte of every file is wrong, headers included in the lie."""
    busy: int = 0
    """503 so many times."""
    portal: bool = False
    """A web page answers everything."""
    loop: bool = False
    """Redirects lead in circles."""
    ignore_range: bool = False
    shifted_range: bool = False
    """A range is answered with another one."""
    no_digest: bool = False


@dataclass
class FakeHub:
    """``files`` maps ``owner/name/path`` to content. Use it as a context manager; ``url`` is for ``HF_ENDPOINT``."""

    files: dict[str, bytes] = field(default_factory=dict)
    small: int = 1000
    """Files up to this many bytes are sent directly."""
    bad: BadDay = field(default_factory=BadDay)
    requests: list[Request] = field(default_factory=list)
    gated: dict[str, str] = field(default_factory=dict)
    """Token that a repository (``owner/name``) asks for: nobody's is answered with 401, another's with 403."""
    elsewhere: str = ""
    """Address of the store of large files, "" for this server."""

    def __enter__(self) -> Self:
        hub = self

        class Handler(_Handler):
            fake = hub

        self.released = threading.Event()
        self.stalled = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="fake hub")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def sent(self, path: str) -> list[Request]:
        """Requests that delivered content of a file."""
        return [request for request in self.requests if request.path.endswith(path) and request.status in (200, 206)]


class _Handler(BaseHTTPRequestHandler):
    fake: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        hub, bad = self.fake, self.fake.bad
        self.close_connection = True
        path = unquote(self.path).lstrip("/")
        self._request = Request(
            path,
            self.headers.get("Range", ""),
            self.headers.get("If-Range", ""),
            self.headers.get("Authorization", ""),
        )
        hub.requests.append(self._request)
        if bad.portal:
            self._answer(200, b"<html>Please log in</html>", {"Content-Type": "text/html; charset=utf-8"})
        elif bad.loop:
            self._answer(302, b"", {"Location": self.path})
        elif bad.busy:
            bad.busy -= 1
            self._answer(503, b"busy", {})
        elif path.startswith("cdn/"):
            self._content(hub.files.get(path.removeprefix("cdn/")), '"of-the-store"')
        else:
            owner, name, _, _, inside = path.split("/", 4)
            token = hub.gated.get(f"{owner}/{name}")
            if token is not None and self._request.authorization != f"Bearer {token}":
                self._answer(403 if self._request.authorization else 401, b"Access is restricted", {})
            else:
                self._resolve(f"{owner}/{name}/{inside}")

    def _resolve(self, key: str) -> None:
        content = self.fake.files.get(key)
        if content is None:
            self._answer(404, b"Entry not found", {})
        elif len(content) <= self.fake.small:
            git = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
            self._content(content, "" if self.fake.bad.no_digest else f'"{git}"')
        else:
            linked = {"X-Linked-ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Linked-Size": str(len(content))}
            self._answer(
                302,
                b"",
                {"Location": f"{self.fake.elsewhere}/cdn/{key}", **({} if self.fake.bad.no_digest else linked)},
            )

    def _content(self, content: bytes | None, etag: str) -> None:
        bad = self.fake.bad
        if content is None:
            self._answer(404, b"", {})
            return
        if bad.flip:
            content = bytes([content[0] ^ 1]) + content[1:]
        if bad.cut_content_to is not None:
            content = content[: bad.cut_content_to]
        headers = {"ETag": etag} if etag else {}
        start = 0
        matches = self.headers.get("If-Range", etag) == etag
        if self.headers.get("Range") and matches and not bad.ignore_range:
            start = int(self.headers["Range"].removeprefix("bytes=").split("-")[0])
            if start >= len(content):
                self._answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
            start -= 7 if bad.shifted_range else 0
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._answer(206 if "Content-Range" in headers else 200, content[start:], headers)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        bad = self.fake.bad
        self._request.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if not (bad.extra and status == 200):
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if status in (200, 206) and bad.break_at is not None and bad.breaks:
            bad.breaks -= 1
            body = body[: bad.break_at]
        elif status in (200, 206) and bad.stall_at is not None and bad.stalls:
            bad.stalls -= 1
            self._write(body[: bad.stall_at])
            self.fake.stalled.set()
            self.fake.released.wait()
            return
        self._write(body + bytes(bad.extra))

    def _write(self, body: bytes) -> None:
        try:
            self.wfile.write(body)
            self.wfile.flush()
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client has heard enough
