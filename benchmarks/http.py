"""Speech by HTTP: time to the first audio byte and throughput, next to Piper's own HTTP server with the same voice.

    python -m benchmarks.http [--quick]

Both servers run at the same time, each in a process of its own, and are asked in turn by 1, 4 and 16 clients: each text
once (nothing can come from a cache), then the same text again and again (ours comes from the cache; Piper's server has
none). ``--quick`` ends within a minute. The last line is one JSON object; ratios are ours divided by the peer's,
medians of the rounds' ratios, over all numbers of clients the least favourable one. The peer gets an environment of its
own in the cache folder. Both speak the bundled voice; the assistant listens to a quiet room meanwhile, as in a shop.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
VOICE = ROOT / "models" / "en_US-kiosk-low" / "en_US-kiosk-low.onnx"
PEER = "piper-tts[http]"
CLIENTS = (1, 4, 16)
AIMS = {"ttfb_ratio_uncached": 1.0, "throughput_ratio_cached": 20.0}
TEXT = (
    "We close at nine today, customer {}. The olive oil is in aisle seven, next to the bread. "
    "Can I help you with something else?"
)
START_S = 60.0


@dataclass
class Server:
    name: str
    port: int
    path: str
    headers: str
    key: str
    """What the text is called in the body."""
    extra: dict[str, str]

    def request(self, text: str) -> bytes:
        body = json.dumps({self.key: text, **self.extra}).encode()
        head = f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{self.headers}"
        return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Client:
    """One connection, opened again where the server closes it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, text: str) -> tuple[float, int]:
        """Milliseconds to the first byte of sound, and bytes of the whole."""
        began = time.perf_counter()
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self.server.port, limit=1 << 22)
        reader, writer = self._streams
        writer.write(self.server.request(text))
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        if " 200 " not in head.partition("\r\n")[0] + " ":
            sys.exit(f"{self.server.name} refused: {head}")
        first_ms, length = 0.0, 0
        async for part in _body(reader, head):
            length += len(part)
            if not first_ms and length > 44:
                first_ms = (time.perf_counter() - began) * 1000
        if "connection: close" in head or head.startswith("http/1.0"):
            self.close()
        return first_ms, length

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _body(reader: asyncio.StreamReader, head: str):
    if "transfer-encoding: chunked" in head:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            yield await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    elif "content-length: " in head:
        left = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        while left:
            part = await reader.read(min(left, 65536))
            left -= len(part)
            yield part
    else:
        while part := await reader.read(65536):
            yield part


async def load(server: Server, clients: int, texts: list[str]) -> tuple[float, float]:
    """Median milliseconds to the first byte, and requests a second."""
    waiting = list(reversed(texts))
    found: list[float] = []

    async def work() -> None:
        client = Client(server)
        while waiting:
            first_ms, length = await client.ask(waiting.pop())
            assert length > 10_000
            found.append(first_ms)
        client.close()

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(clients)))
    return statistics.median(found), len(texts) / (time.perf_counter() - began)


def peer_python() -> Path:
    """An environment with the peer, made once in a cache folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "shop-assistant" / "benchmarks" / "piper-http"
    python = folder / "bin" / "python"
    if not (folder / "ready").is_file():
        print(f"Making an environment for {PEER} in {folder} …")
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
        install = [python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", PEER]
        subprocess.run(install, check=True, capture_output=True, timeout=600)
        (folder / "ready").touch()
    return python


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + START_S
    while time.monotonic() < give_up and process.poll() is None:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit(f"A server does not start:\n{log.read_text(errors='replace')[-2000:]}")


@contextmanager
def running(command: list[str | Path], port: int, log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
    try:
        wait_for(port, process, log)
        yield
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def both(folder: Path) -> Iterator[tuple[Server, Server]]:
    """Ours and the peer's."""
    for name in ("models", "shop"):
        (folder / name).symlink_to(ROOT / name)
    room = np.random.default_rng(0).normal(0, 10, 16_000 * 600).astype(np.int16)
    soundfile.write(folder / "room.wav", room, 16_000)
    port, peer_port = free_port(), free_port()
    config = folder / "config.yaml"
    config.write_text(
        f"http: {{port: {port}, requests_per_s: 10000}}\ncache: {{warm: false}}\ntts: {{piper: {{}}}}\n", "utf-8"
    )
    assistant = [sys.executable, "-m", "assistant", "--config", config]
    token = subprocess.run([*assistant, "token"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    ours = Server(
        "this project", port, "/api/voice/synthesize", f"Authorization: Bearer {token}\r\n", "text",
        {"voice": VOICE.stem},
    )  # fmt: skip
    theirs = Server("piper.http_server", peer_port, "/synthesize", "", "text", {})
    run = [*assistant, "run", "--input", folder / "room.wav", "--output", folder / "out.wav"]
    peer = [peer_python(), "-m", "piper.http_server", "-m", VOICE, "--host", "127.0.0.1", "--port", str(peer_port)]
    with running(run, port, folder / "ours.log"), running(peer, peer_port, folder / "peer.log"):
        yield ours, theirs


def rounds_of(pair: tuple[Server, Server], clients: int, rounds: int, count: int, *, cached: bool) -> list[tuple]:
    """(ours, theirs) of each round; each ``(median ms to the first byte, requests a second)``."""
    found = []
    for turn in range(rounds):
        both_results = []
        for server in pair if turn % 2 == 0 else reversed(pair):
            names = ["one"] * count if cached else [f"{clients} {turn} {number}" for number in range(count)]
            many = 10 if cached and server is pair[0] else 1  # ours would be over before it is measured
            texts = [TEXT.format(name) for name in names] * many
            both_results.append(asyncio.run(load(server, clients, texts)))
        found.append(tuple(both_results if turn % 2 == 0 else reversed(both_results)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    rounds, count = (2, 16) if quick else (7, 32)
    result: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch, both(Path(scratch)) as pair:
        for server in pair:  # both have loaded everything, and ours has the repeated text in its cache
            asyncio.run(load(server, 1, [TEXT.format("one")] * 3))
        print(f"{'':26} {'first byte, ms':>23}  {'requests a second':>23}")
        print(f"{'':26} {'ours':>7} {'Piper':>7} {'ratio':>7}  {'ours':>7} {'Piper':>7} {'ratio':>7}")
        for cached in (False, True):
            for clients in CLIENTS:
                found = rounds_of(pair, clients, rounds, count, cached=cached)
                figures = []
                for place in (0, 1):
                    ours, theirs = ([one[side][place] for one in found] for side in (0, 1))
                    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
                    figures += [statistics.median(ours), statistics.median(theirs), ratio]
                what = f"{'cached' if cached else 'uncached'}, {clients} client{'s' if clients > 1 else ''}"
                print("{:26} {:7.1f} {:7.1f} {:7.2f}  {:7.1f} {:7.1f} {:7.2f}".format(what, *figures), flush=True)
                kind = "cached" if cached else "uncached"
                result[f"ttfb_ratio_{kind}_{clients}"] = round(figures[2], 3)
                result[f"throughput_ratio_{kind}_{clients}"] = round(figures[5], 2)
    result["ttfb_ratio_uncached"] = max(result[f"ttfb_ratio_uncached_{clients}"] for clients in CLIENTS)
    result["throughput_ratio_uncached"] = min(result[f"throughput_ratio_uncached_{clients}"] for clients in CLIENTS)
    result["throughput_ratio_cached"] = min(result[f"throughput_ratio_cached_{clients}"] for clients in CLIENTS)
    first, cached_times = AIMS["ttfb_ratio_uncached"], AIMS["throughput_ratio_cached"]
    print(f"Aims: first byte at most {first:g} times the peer's, cached throughput at least {cached_times:g} times.")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
