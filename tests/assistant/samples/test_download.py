"""Recordings from web servers: a real one with TLS on this machine, and every way that leads elsewhere."""

from __future__ import annotations

import asyncio
import io
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from assistant.samples.download import Downloader, is_public
from assistant.samples.errors import SampleError, SampleRefused
from assistant.samples.folders import LocalFolder
from assistant.samples.store import SampleStore
from assistant.samples.wav_file import digest
from tests.assistant.samples.speech import spoken, wav

pytestmark = pytest.mark.unit

HOST = "voices.example.com"
CONTENT = b"a recording"

Answer = Callable[[asyncio.StreamWriter], None]


def sends(head: str, body: bytes = b"") -> Answer:
    return lambda writer: writer.write(f"HTTP/1.1 {head}\r\nConnection: close\r\n\r\n".encode() + body)


FINE = sends(f"200 OK\r\nContent-Length: {len(CONTENT)}", CONTENT)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}",
         "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return folder


class Web:
    """A server with TLS, and a downloader that finds it under a public name."""

    def __init__(self, certificate: Path) -> None:
        self.certificate = certificate
        self.answer: Answer = FINE
        self.asked: list[bytes] = []
        self.looked_up: list[str] = []
        self.port = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate / "cert.pem", self.certificate / "key.pem")
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context) as server:
            self.port = server.sockets[0].getsockname()[1]
            yield

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.asked.append(await reader.readuntil(b"\r\n\r\n"))
            self.answer(writer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def downloader(self, **switches: Any) -> Downloader:
        def resolve(host: str, _: int) -> list[str]:
            self.looked_up.append(host)
            return ["127.0.0.1"]

        def trust() -> ssl.SSLContext:
            return ssl.create_default_context(cafile=str(self.certificate / "cert.pem"))

        usual = {"ports": {self.port, 443}, "resolve": resolve, "permitted": lambda _: True, "trust": trust}
        return Downloader([HOST], 1000, **{**usual, **switches})

    def url(self, host: str = HOST) -> str:
        return f"https://{host}:{self.port}/ann.wav?v=1"


@pytest.fixture
async def web(certificate: Path) -> AsyncIterator[Web]:
    made = Web(certificate)
    async with made.open():
        yield made


async def fetched(downloader: Downloader, url: str) -> bytes:
    into = io.BytesIO()
    async with downloader:
        await downloader.fetch(url, into)
    return into.getvalue()


async def test_it_is_fetched_from_the_address_that_was_looked_up_once(web: Web) -> None:
    assert await fetched(web.downloader(), web.url()) == CONTENT
    assert web.looked_up == [HOST]
    assert web.asked[0].startswith(b"GET /ann.wav?v=1 HTTP/1.1\r\n")
    assert f"Host: {HOST}".encode() in web.asked[0]


async def test_a_certificate_that_nobody_vouches_for_is_refused(web: Web) -> None:
    with pytest.raises(SampleError, match="certificate"):
        await fetched(web.downloader(trust=ssl.create_default_context), web.url())
    assert web.asked == []


async def test_a_certificate_of_another_name_is_refused(web: Web) -> None:
    other = web.downloader()
    other._hosts = frozenset({"other.example.com"})
    with pytest.raises(SampleError, match="certificate"):
        await fetched(other, web.url("other.example.com"))
    assert web.asked == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (sends("302 Found\r\nLocation: https://127.0.0.1/secret"), "answered 302"),
        (sends("404 Not Found"), "answered 404"),
        (sends("200 OK\r\nContent-Encoding: gzip", b"x" * 10), "packed"),
        (sends("200 OK\r\nContent-Length: 500", b"x" * 10), "could not send"),
        (lambda writer: writer.write(b"no HTTP at all\r\n\r\n"), "could not send"),
        (lambda writer: None, "could not send"),
    ],
    ids=["redirect", "missing", "packed", "cut off", "nonsense", "nothing"],
)
async def test_what_a_server_may_do_instead(web: Web, answer: Answer, told: str) -> None:
    web.answer = answer
    with pytest.raises(SampleError, match=told):
        await fetched(web.downloader(), web.url())


async def test_more_than_is_taken_is_not_read_to_its_end(web: Web) -> None:
    web.answer = sends("200 OK", b"x" * 5_000_000)
    into = io.BytesIO()
    async with web.downloader() as downloader:
        with pytest.raises(SampleRefused, match="sends more than"):
            await downloader.fetch(web.url(), into)
    assert len(into.getvalue()) <= 1000


async def test_one_that_takes_too_long_is_given_up(web: Web) -> None:
    stay = asyncio.Event()

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await stay.wait()
        writer.close()

    web._serve = slowly  # type: ignore[method-assign]
    async with web.open():
        with pytest.raises(SampleError, match="within"):
            await fetched(web.downloader(time_limit_s=0.3), web.url())
        stay.set()


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example.com/a.wav",
        f"https://{HOST}.evil.example/a.wav",
        f"https://evil.example/{HOST}",
        f"https://user:secret@{HOST}/a.wav",
        f"https://{HOST}:22/a.wav",
        f"http://{HOST}/a.wav",
        "https://127.0.0.1/a.wav",
        f"ftp://{HOST}/a.wav",
        "https://[/a.wav",
    ],
)
async def test_other_places_are_not_even_looked_up(web: Web, url: str) -> None:
    with pytest.raises(SampleError):
        await fetched(web.downloader(), url)
    assert (web.looked_up, web.asked) == ([], [])


@pytest.mark.parametrize("numbers", [["127.0.0.1"], ["93.184.215.14", "10.0.0.7"], []])
async def test_a_name_that_leads_into_the_house_is_refused(web: Web, numbers: list[str]) -> None:
    downloader = web.downloader(permitted=None, resolve=lambda *_: numbers)
    with pytest.raises(SampleError, match="public internet"):
        await fetched(downloader, web.url())
    assert web.asked == []


@pytest.mark.parametrize(
    "number",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:10.0.0.1",
     "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1", "nonsense"],
)  # fmt: skip
def test_these_are_not_public(number: str) -> None:
    assert not is_public(number)


@pytest.mark.parametrize("number", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_these_are(number: str) -> None:
    assert is_public(number)


async def test_what_is_fetched_is_checked_like_an_upload_and_fetched_once(web: Web, tmp_path: Path) -> None:
    file = wav(spoken())
    web.answer = sends(f"200 OK\r\nContent-Length: {len(file)}", file)
    downloader = web.downloader()
    downloader._most_bytes = 5_000_000
    async with SampleStore(LocalFolder(tmp_path / "voices"), tmp_path / "fetched", downloader) as store:
        first = await store.read(web.url())
        assert first[:4] == b"RIFF"
        assert await store.read(web.url()) == first
    assert len(web.asked) == 1
    assert [path.stem for path in (tmp_path / "fetched").rglob("*.wav")] == [digest(first)]


async def test_what_is_fetched_and_no_speech_serves_nobody(web: Web, tmp_path: Path) -> None:
    async with SampleStore(LocalFolder(tmp_path / "voices"), tmp_path / "fetched", web.downloader()) as store:
        with pytest.raises(SampleRefused):
            await store.read(web.url())
    assert not list((tmp_path / "fetched").rglob("*.wav"))


async def test_where_no_server_is_named_nothing_is_fetched(tmp_path: Path) -> None:
    async with SampleStore(LocalFolder(tmp_path / "voices"), tmp_path / "fetched") as store:
        with pytest.raises(SampleError):
            await store.read(f"https://{HOST}/ann.wav")
