"""The real worker program as a process of its own, with an engine that hums, and a connection to it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import time
import wave
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray
from wyoming.event import Event, read_event, write_event

from providers.tts.voice_worker import messages
from providers.tts.voice_worker.messages import LOG_MARK, WorkerState
from tests.conftest import ROOT
from tests.fakes.tone_engine import CHARACTER_S, RATE_HZ

TONE = "tests.fakes.tone_engine:create"
ANSWER_S = 20.0
"""Nothing in a test may take longer; so that a test fails instead of hanging."""


def wav(
    pitch_hz: float = 440.0, seconds: float = 6.0, rate_hz: int = RATE_HZ, channels: int = 1, width: int = 2
) -> bytes:
    """A sample's file."""
    hum = 0.5 * np.sin(2 * np.pi * pitch_hz * np.arange(round(seconds * rate_hz)) / rate_hz)
    kind = {1: "u1", 2: "<i2", 4: "<i4"}[width]
    values = (hum * 100 + 128 if width == 1 else hum * (1 << (8 * width - 1))).astype(kind)
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate_hz)
        file.writeframes(np.repeat(values, channels).tobytes())
    return held.getvalue()


def name_of(file: bytes) -> str:
    return hashlib.sha256(file).hexdigest()


def hum(text: str, pitch_hz: float = 440.0, speed: float = 1.0) -> bytes:
    """What the engine says, as it must arrive."""
    letters = sum(map(str.isalnum, text))
    places = np.arange(round(letters * CHARACTER_S / speed * RATE_HZ))
    sound: NDArray[np.float32] = (float(np.float32(0.3)) * np.cos(2 * np.pi * pitch_hz * places / RATE_HZ)).astype(
        np.float32
    )
    return np.round(sound * 32768).astype("<i2").tobytes()


@dataclass
class Said:
    """An answer to ``synthesize``."""

    events: list[Event]

    @property
    def chunks(self) -> list[bytes]:
        return [event.payload or b"" for event in self.events if event.type == "audio-chunk"]

    @property
    def sound(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def code(self) -> str:
        """Of its error, "" where it was said to the end."""
        last = self.events[-1]
        return str(last.data["code"]) if last.type == "error" else ""

    @property
    def reason(self) -> str:
        return str(self.events[-1].data.get("text", ""))


class Connection:
    """Speaks the protocol, or anything else."""

    def __init__(self, opened: socket.socket) -> None:
        opened.settimeout(ANSWER_S)
        self.socket = opened
        self._file: BinaryIO = opened.makefile("rwb")  # type: ignore[assignment]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def raw(self, content: bytes) -> None:
        self.socket.sendall(content)

    def send(self, kind: str, data: Mapping[str, Any] | None = None, payload: bytes | None = None) -> None:
        write_event(Event(kind, dict(data or {}), payload), self._file)

    def next(self) -> Event | None:
        """None where the worker has closed it."""
        try:
            return read_event(self._file)
        except ConnectionError:
            return None

    def ask(self, kind: str, data: Mapping[str, Any] | None = None, payload: bytes | None = None) -> Event:
        self.send(kind, data, payload)
        answer = self.next()
        assert answer is not None, "the worker closed the connection"
        return answer

    def state(self) -> WorkerState:
        return WorkerState.of(self.ask(messages.STATE).data)

    def introduce(self, file: bytes) -> Event:
        return self.ask(messages.SAMPLE, {"sample": name_of(file)}, file)

    def request(self, text: str, file: bytes, language: str = "en", **settings: Any) -> None:
        context = {"language": language, "settings": settings}
        self.send("synthesize", {"text": text, "voice": {"name": name_of(file)}, "context": context})

    def rest(self) -> Said:
        """Up to the end of an answer."""
        events: list[Event] = []
        while not events or events[-1].type not in {"audio-stop", "error"}:
            event = self.next()
            assert event is not None, f"the worker closed the connection after {len(events)} events"
            events.append(event)
        return Said(events)

    def say(self, text: str, file: bytes, language: str = "en", **settings: Any) -> Said:
        self.request(text, file, language, **settings)
        return self.rest()


@dataclass
class Worker:
    """The process."""

    process: subprocess.Popen[str]
    address: str
    lines: list[str] = field(default_factory=list)
    """What it has written so far, as far as it was read."""

    def connect(self) -> Connection:
        if self.address.startswith("unix://"):
            opened = socket.socket(socket.AF_UNIX)
            opened.connect(self.address.removeprefix("unix://"))
            return Connection(opened)
        host, _, port = self.address.removeprefix("tcp://").rpartition(":")
        return Connection(socket.create_connection((host, int(port)), ANSWER_S))

    def state(self) -> WorkerState:
        with self.connect() as connection:
            return connection.state()

    def loaded(self) -> Self:
        """Waits until it can speak."""
        self.until(" speaks on ")
        return self

    def until(self, words: str) -> str:
        """The first line with these words that was not read yet."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if words in line:
                return line
        raise AssertionError(f"it ended without {words!r}: {self.lines}")

    def ended(self) -> int:
        """Waits for its end; its exit status."""
        assert self.process.stdout is not None
        self.lines += self.process.stdout
        return self.process.wait(ANSWER_S)

    @property
    def log(self) -> str:
        """What a daemon would write into its own log."""
        return "".join(line for line in self.lines if line.startswith(LOG_MARK))

    def memory_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(status.split("RssAnon:")[1].split()[0]) / 1000


@contextmanager
def worker(
    folder: Path,
    day: str = "",
    *options: str,
    listen: str = "",
    keep: bool = False,
    engine: str = TONE,
    stdin: int = subprocess.PIPE,
    python: Path = Path(sys.executable),
) -> Iterator[Worker]:
    """Running and listening; ``day`` is a bad day of the engine."""
    listen = listen or f"unix://{folder / 'socket'}"
    command = [str(python), "-m", "providers.tts.voice_worker", "--engine", engine, "--listen", listen]
    model = folder / "model"
    model.mkdir(exist_ok=True)
    command += ["--model", str(model), "--latents", str(folder / "latents"), *options, *(["--keep"] if keep else [])]
    process = subprocess.Popen(
        command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT,
        env={**os.environ, "TONE": day, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        started = Worker(process, "")
        started.address = started.until("listening at ").rpartition("listening at ")[2].strip()
        yield started
    finally:
        process.kill()
        process.wait(ANSWER_S)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def head(kind: Any, data: Any = None, **more: Any) -> bytes:
    """An event's first line."""
    return json.dumps({"type": kind, **({} if data is None else {"data": data}), **more}).encode() + b"\n"


def wait_until(true: Any, what: str) -> None:
    """For what only becomes visible from outside."""
    end_s = time.monotonic() + ANSWER_S
    while not true():
        assert time.monotonic() < end_s, f"not yet: {what}"
        time.sleep(0.01)
