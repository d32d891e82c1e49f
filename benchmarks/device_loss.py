"""Sound devices come and go in the middle of conversations: is the assistant back in time, and does anything leak?

    python -m benchmarks.device_loss [--quick]

A daemon as in a shop on a real sound system without a card (PulseAudio). In turning order, while it listens, hears,
thinks and speaks, at a random moment: the microphone's module is unloaded (the sound server then gives the program the
loudspeaker's monitor in its place, as it does with a USB microphone), or both devices are pulled out, or the server is
killed. After a random time all is there again. Counted are the seconds from then until the assistant works, whether the
next conversation is right to the word and heard, and threads, descriptors and memory before and after.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.voice_to_voice_questions import PIPER, RATE_HZ, spoken, wake_word
from pipeline.audio import AudioChunk, from_float, level_db
from tests.conftest import ROOT
from tests.sound_server import MODULES, SoundServer, missing_parts

QUESTION = "Where can I find the olive oil?"
STAGES = ("listening", "hearing", "thinking", "speaking")
BEGINS = {"hearing": "wake_word", "thinking": "speech_end", "speaking": "speaking"}
"""The event with which each begins."""
LASTS_S = {"listening": 1.0, "hearing": 1.2, "thinking": 0.8, "speaking": 1.0}
WARM_UP = 4
"""Rounds that do not count for memory."""
PATIENCE_S = 30.0
ANSWER = """\
import json, sys, time
words = json.load(sys.stdin)["text"]
time.sleep(1)
print("You asked me this:", words, "I will tell you at once.")
"""


@dataclass
class Result:
    """What was found."""

    back_s: list[float] = field(default_factory=list)
    right: int = 0
    rounds: int = 0
    before: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)


class Server(SoundServer):
    """One that knows when the last device was there, and whose devices work at once as sound cards do."""

    here_s = 0.0

    def _control(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        if "module-null-sink" in command and command[0] == "load-module":
            # Otherwise it does nothing in its first two seconds.
            command = (*command, "norewinds=1")
        done = super()._control(*command, check=check)
        if command[0] == "load-module":
            self.here_s = time.monotonic()
        return done


class Shop:
    """The daemon, its sound system, and customers."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.server = folder, server
        self.events: list[tuple[float, dict[str, Any]]] = []
        """With the monotonic clock's time at which each was seen."""
        pause = np.zeros(RATE_HZ // 3)
        speech = np.concatenate([wake_word(), pause, spoken(QUESTION, PIPER), pause, pause, pause])
        self.customer = AudioChunk(np.clip(speech, -32768, 32767).astype(np.int16), RATE_HZ)
        (folder / "answer.py").write_text(ANSWER, encoding="utf-8")
        config = folder / "config.yaml"
        agent = json.dumps({"use": "command", "command": {"command": [sys.executable, str(folder / "answer.py")]}})
        config.write_text(f"models: {{folder: {ROOT / 'models'}}}\nhttp: {{enabled: false}}\nagent: {agent}\n", "utf-8")
        command = [sys.executable, "-m", "assistant", "--config", str(config), "run", "--events", "-"]
        self.log = (folder / "log").open("w", encoding="utf-8")
        self.daemon = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.log, text=True, cwd=ROOT, env=os.environ | server.environment
        )
        self._reader = threading.Thread(target=self._read, name="events", daemon=True)
        self._reader.start()
        self._room: subprocess.Popen[bytes] | None = None

    def _read(self) -> None:
        assert self.daemon.stdout is not None
        for line in self.daemon.stdout:
            self.events.append((time.monotonic(), json.loads(line)))

    def close(self) -> None:
        """The end of the day."""
        self.quiet()
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait(20)
        self.log.close()

    def noise(self) -> None:
        """A room is never quite silent."""
        self.quiet()
        noise = np.random.default_rng(1).standard_normal(RATE_HZ * 120) * 10 ** (-65 / 20)
        self._room = self.server.say_file(self._written("room", from_float(noise, RATE_HZ)))

    def quiet(self) -> None:
        """No room."""
        if self._room is not None:
            self._room.kill()
            self._room.wait()

    def wait_for(self, kind: str, since: int) -> dict[str, Any] | None:
        """The next event of a kind after so many; None where it does not come."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and self.daemon.poll() is None:
            for _, event in self.events[since:]:
                if event["event"] == kind:
                    return event
            time.sleep(0.01)
        return None

    def says(self) -> subprocess.Popen[bytes]:
        """A customer comes and asks."""
        return self.server.say_file(self._written("customer", self.customer))

    def settle(self) -> None:
        """Until it waits for a customer and has done so for a moment."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            told = [(at, event["event"]) for at, event in self.events if not event["event"].startswith("device_")]
            if told and told[-1][1] == "listening" and time.monotonic() - told[-1][0] > 0.5:
                return
            time.sleep(0.05)

    def conversation_is_right(self) -> bool:
        """One customer is understood, and answered aloud."""
        since = len(self.events)
        with self.server.record() as hearing:
            customer = self.says()
            ended = self.wait_for("turn_end", since)
            customer.wait()
        words = [event["text"] for _, event in self.events[since:] if event["event"] == "transcript"]
        right = ended is not None and words == [QUESTION] and level_db(hearing.sound.pcm) > -40
        if not right:
            print("  not right:", words, [event["event"] for _, event in self.events[since:]], flush=True)
        return right

    def figures(self) -> dict[str, float]:
        """What the daemon holds."""
        process = Path(f"/proc/{self.daemon.pid}")
        pages = int((process / "statm").read_text().split()[1])
        return {
            "threads": len(list((process / "task").iterdir())),
            "descriptors": len(list((process / "fd").iterdir())),
            "rss_mb": round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1),
        }

    def _written(self, name: str, sound: AudioChunk) -> Path:
        import soundfile

        path = self.folder / f"{name}.wav"
        if not path.exists():
            soundfile.write(path, sound.pcm, sound.rate_hz)
        return path


def away(shop: Shop, how: str, away_s: float) -> None:
    """Take devices away and give them back."""
    server = shop.server
    if how == "microphone":
        server.pull_out("microphone")
        time.sleep(away_s)
        server._control("load-module", *MODULES[2].split())
        return
    if how == "both":
        server.unplug()
        time.sleep(away_s)
        server.plug_in()
    else:
        assert server._daemon is not None
        server._daemon.kill()
        server.stop()
        time.sleep(away_s)
        server.start()
    shop.noise()


def hears_the_microphone(shop: Shop) -> bool:
    """Whether the sound server gives the daemon the microphone."""
    sources = {
        line.split()[0]: line.split()[1]
        for line in shop.server._control("list", "short", "sources").stdout.splitlines()
    }
    listed = shop.server._control("list", "source-outputs").stdout.split("Source Output #")
    mine = [one for one in listed if f'application.process.id = "{shop.daemon.pid}"' in one]
    return any(sources.get(one.partition("Source: ")[2].split()[0]) == "microphone" for one in mine)


def back_after_s(shop: Shop, since: int) -> float:
    """Seconds until all that was told as lost is back; where nothing was, until it gets the right microphone."""
    at = shop.server.here_s
    until = time.monotonic() + PATIENCE_S
    heard_at = None
    while time.monotonic() < until:
        if heard_at is None and hears_the_microphone(shop):
            heard_at = time.monotonic()
        told = [(seen, event["event"]) for seen, event in shop.events[since:] if event["event"].startswith("device_")]
        lost, back = (sum(kind == one for _, kind in told) for one in ("device_lost", "device_back"))
        if heard_at is not None and lost == back:
            return max((seen for seen, kind in told if kind == "device_back"), default=heard_at) - at
        time.sleep(0.02)
    return PATIENCE_S


def one_round(shop: Shop, stage: str, how: str, chance: random.Random, result: Result) -> None:
    """A loss in one stage, and a conversation after it."""
    shop.settle()
    since = len(shop.events)
    customer = None
    if stage != "listening":
        customer = shop.says()
        if shop.wait_for(BEGINS[stage], since) is None:
            print(f"  it never came to {stage}", flush=True)
    time.sleep(chance.uniform(0.0, LASTS_S[stage]))
    away(shop, how, chance.uniform(0.3, 3.0))
    back_s = back_after_s(shop, since)
    if customer is not None:
        customer.wait()
    shop.settle()
    right = shop.conversation_is_right()
    result.back_s.append(back_s)
    result.right += right
    result.rounds += 1
    print(f"{result.rounds:3} {stage:10} {how:10} back {back_s:5.2f} s  {'right' if right else 'WRONG'}  "
          f"{shop.figures()}", flush=True)  # fmt: skip


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="within a minute")
    quick = parser.parse_args().quick
    if missing := missing_parts():
        sys.exit(f"no sound system: install {' '.join(missing)}")
    chance = random.Random(7)
    losses = ["microphone", "both"] * (1 if quick else 25) + ["server"] * (1 if quick else 10)
    with tempfile.TemporaryDirectory(prefix="sound") as sound, tempfile.TemporaryDirectory() as folder:
        server, result = Server(Path(sound)), Result()
        server.start()
        try:
            shop = Shop(Path(folder), server)
        except BaseException:
            server.stop()
            raise
        try:
            shop.wait_for("listening", 0)
            shop.noise()
            time.sleep(3)
            for number, how in enumerate(losses):
                stage = STAGES[(number // 2 if how != "server" else number) % len(STAGES)]
                one_round(shop, stage, how, chance, result)
                if result.rounds == min(WARM_UP, len(losses) - 1):
                    result.before = shop.figures()
            result.after = shop.figures()
            shop.close()
        finally:
            shop.daemon.kill()
            server.stop()
            if result.right < result.rounds:
                print((Path(folder) / "log").read_text("utf-8")[-4000:])
    growth = {f"{name}_growth": round(result.after[name] - before, 1) for name, before in result.before.items()}
    report = {
        "rounds": result.rounds, "back_s_p50": round(median(result.back_s), 2),
        "back_s_max": round(max(result.back_s), 2),
        "back_in_2_s": sum(one <= 2 for one in result.back_s), "right": result.right, **growth,
    }  # fmt: skip
    print(json.dumps({"benchmark": "device_loss", "quick": quick, **report}))


if __name__ == "__main__":
    main()
