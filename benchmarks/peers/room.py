"""Where customers ask: plays a question to an assistant in real time and listens to its loudspeaker, from outside."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.line import (
    ANSWER,
    END_OF_TURN,
    FRAME_SAMPLES,
    LOUDSPEAKER,
    MICROPHONE,
    RATE_HZ,
    READY,
    STOPPED,
    TRANSCRIPT,
    TURN_END,
    Line,
)

AUDIBLE = 32768 * 10 ** (-50 / 20)
"""A sample louder than that is audible: -50 dB below full scale."""
LEAD_IN_S = 0.5
"""The room before the customer speaks."""
QUIET_S = 1.0
"""The loudspeaker is silent for that long: the answer is over."""
START_S = 180.0


@dataclass(slots=True)
class Heard:
    """What one question came to. Times are seconds after the true last sample of the customer's speech."""

    audible_s: float | None = None
    """The first audible sample of the answer; None where there was none."""
    decided_s: float | None = None
    """The first decision that the customer has finished."""
    transcribed_s: float | None = None
    text: str = ""
    """What was understood."""
    account: dict[str, Any] = field(default_factory=dict)
    """The assistant's own."""

    @property
    def cut_off(self) -> bool:
        """The customer was taken to have finished, or answered, before they had."""
        return any(time_s is not None and time_s < 0 for time_s in (self.audible_s, self.decided_s))


@dataclass(slots=True)
class Loudspeaker:
    """Plays what it is handed, each piece after the last one. Times are those of the clock."""

    silent_at: float = 0.0
    audible_at: float | None = None

    def play(self, pcm: np.ndarray, rate_hz: int, now: float) -> None:
        begins = max(now, self.silent_at)
        loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > AUDIBLE)
        if self.audible_at is None and len(loud):
            self.audible_at = begins + loud[0] / rate_hz
        self.silent_at = begins + len(pcm) / rate_hz


class Assistant:
    """An assistant that runs in a process of its own."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path, *, wakes: bool) -> None:
        """``wakes``: it must be woken first."""
        assert process.stdin is not None and process.stdout is not None
        self.name, self.wakes, self._log = name, wakes, log
        self._process = process
        self._line = Line(process.stdout, process.stdin)  # type: ignore[arg-type]
        self._frames: queue.Queue[tuple[float, bytes, bytes]] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, name=name, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        while (frame := self._line.receive()) is not None:
            self._frames.put((time.monotonic(), *frame))

    def wait_until_ready(self) -> None:
        give_up = time.monotonic() + START_S
        while time.monotonic() < give_up and self._process.poll() is None:
            with contextlib.suppress(queue.Empty):
                if self._frames.get(timeout=0.5)[1] == READY:
                    return
        raise OSError(f"{self.name} does not start:\n{self._log.read_text(errors='replace')[-1500:]}")

    def ask(self, sound: np.ndarray, last_sample: int, background: np.ndarray, answer: str, patience_s: float) -> Heard:
        """Play ``sound`` (int16, background included) and then the background; ``last_sample`` is the speech's last."""
        self._line.send(ANSWER, answer.encode())
        while not self._frames.empty():
            self._frames.get_nowait()
        heard, loudspeaker = Heard(), Loudspeaker()
        began = time.monotonic()
        ended = began + (last_sample + 1) / RATE_HZ
        position = 0
        while not _over(loudspeaker, ended, patience_s):
            time.sleep(max(0.0, began + (position + FRAME_SAMPLES) / RATE_HZ - time.monotonic()))
            frame = sound[position : position + FRAME_SAMPLES]
            if len(frame) < FRAME_SAMPLES:
                places = np.arange(position + len(frame), position + FRAME_SAMPLES) % len(background)
                frame = np.concatenate([frame, background[places]])
            self._line.send(MICROPHONE, frame.astype("<i2").tobytes())
            position += FRAME_SAMPLES
            self._take(heard, loudspeaker, ended)
        if loudspeaker.audible_at is not None:
            heard.audible_s = float(loudspeaker.audible_at - ended)
        return heard

    def _take(self, heard: Heard, loudspeaker: Loudspeaker, ended: float) -> None:
        """Everything that has come from it."""
        while not self._frames.empty():
            at, kind, payload = self._frames.get_nowait()
            if kind == LOUDSPEAKER:
                pcm = np.frombuffer(payload[4:], "<i2")
                loudspeaker.play(pcm, int.from_bytes(payload[:4], "little"), at)
            elif kind == STOPPED:
                loudspeaker.silent_at = min(loudspeaker.silent_at, at)
            elif kind == END_OF_TURN and heard.decided_s is None:
                heard.decided_s = at - ended
            elif kind == TRANSCRIPT and heard.transcribed_s is None:
                heard.transcribed_s, heard.text = at - ended, payload.decode()
            elif kind == TURN_END and not heard.account:
                heard.account = json.loads(payload)

    def close(self) -> None:
        """End it, and whatever it started: programs end with their standard input."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr]
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._listener.join(10)  # whoever holds the other end of the pipe may outlive the process for a moment
        self._process.stdout.close()  # type: ignore[union-attr]


def _over(loudspeaker: Loudspeaker, ended: float, patience_s: float) -> bool:
    now = time.monotonic()
    if loudspeaker.audible_at is None:
        return now > ended + patience_s
    return now > max(loudspeaker.silent_at, ended) + QUIET_S


@contextlib.contextmanager
def assistant(
    name: str, command: list[str | Path], folder: Path, root: Path, environment: dict[str, str], *, wakes: bool
) -> Iterator[Assistant]:
    """A running one, not yet ready."""
    log = folder / f"{name.replace(' ', '-').replace('/', '-')}.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, cwd=root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        )
    one = Assistant(name, process, log, wakes=wakes)
    try:
        yield one
    finally:
        one.close()


def say(text: str) -> None:
    """A line for people."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
