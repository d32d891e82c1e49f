"""What systemd is told, over a real ``NOTIFY_SOCKET``."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assistant import restart
from assistant.systemd import LOOK_EVERY_S, MORE_S, TICKS, Notifier, Supervision
from assistant.vitals import ABANDONED_S, LATE_S, SILENT_S, STUCK_S, TURN_STUCK_S, Vitals
from pipeline.audio import AudioChunk
from pipeline.events import EventFeed, Listening, ProviderState, Speaking, SpeechEnd, WakeWord
from pipeline.meters import MeteredMicrophone
from pipeline.speech import Personality
from providers.audio.wav import FastPace, WavMicrophone
from tests.conftest import ROOT
from tests.pipeline.scene import Clock
from tests.program import as_it_comes
from tests.virtual_time import in_virtual_time, now_s

pytestmark = pytest.mark.model

STARTS_WITHIN_S = 30.0

WATCHDOG_S = 0.4


class Systemd:
    """The other end of the socket."""

    def __init__(self, folder: Path) -> None:
        self.address = folder / "notify"
        self._end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._end.bind(str(self.address))

    def messages(self) -> list[str]:
        """All that lie there."""
        found = []
        self._end.setblocking(False)
        try:
            while True:
                found.append(self._end.recv(4096).decode())
        except BlockingIOError:
            return found

    def until(self, message: str) -> list[str]:
        """All up to this one."""
        self._end.settimeout(STARTS_WITHIN_S)
        found = []
        while not found or found[-1] != message:
            found.append(self._end.recv(4096).decode())
        return found

    def falls_silent(self, wait_s: float) -> bool:
        """Whether the feeding stops: for as long as systemd would wait, and as long again, nothing feeds the dog."""
        self._end.settimeout(wait_s / 3)
        last_s = began_s = time.monotonic()
        while time.monotonic() - last_s < wait_s:
            with suppress(TimeoutError):
                if self._end.recv(4096) == b"WATCHDOG=1":
                    last_s = time.monotonic()
            if last_s - began_s > 10:
                return False
        return True

    def close(self) -> None:
        self._end.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    end = Systemd(tmp_path)
    yield end
    end.close()


@contextmanager
def daemon(folder: Path, *module: str) -> Iterator[tuple[Systemd, subprocess.Popen[str]]]:
    """One that systemd started."""
    settings = as_it_comes(folder)
    settings.write_text("http: {enabled: false}\n")
    customer = folder / "in.wav"
    soundfile.write(customer, np.zeros(16_000 * 600, np.int16), 16_000)
    systemd = Systemd(folder)
    environment = os.environ | {
        "ASSISTANT_CONFIG": str(settings), "NOTIFY_SOCKET": str(systemd.address),
        "WATCHDOG_USEC": f"{WATCHDOG_S * 1e6:.0f}",
    }  # fmt: skip
    command = [sys.executable, "-m", *module, "run", "--input", str(customer), "--output", str(folder / "out.wav")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as process:
        try:
            yield systemd, process
        finally:
            process.kill()
            systemd.close()


def test_from_start_to_end(tmp_path: Path) -> None:
    settings = tmp_path / "config.yaml"
    with daemon(tmp_path, "assistant") as (systemd, process):
        starting = [one for one in systemd.until("READY=1") if not one.startswith("EXTEND_TIMEOUT_USEC=")]
        assert starting[0] == "STATUS=Loading models."
        assert starting[-2:] == ["STATUS=Waiting for sound from the microphone wav.", "READY=1"]
        assert systemd.until("WATCHDOG=1") == ["STATUS=Listening as Robin.", "WATCHDOG=1"]

        settings.write_text("http: {enabled: false}\nconversation: {history_turns: 3}\n")
        process.send_signal(signal.SIGHUP)
        anew = systemd.until("READY=1")
        (reloading,) = [one for one in anew if one.startswith("RELOADING=1\nMONOTONIC_USEC=")]
        assert anew.index(reloading) < anew.index("STATUS=Waiting for sound from the microphone wav.")

        settings.write_text("htp: {enabled: false}\n")
        process.send_signal(signal.SIGHUP)
        assert "STATUS=Waiting for sound from the microphone wav." not in systemd.until("READY=1"), "it goes on"
        systemd.until("WATCHDOG=1")

        process.send_signal(signal.SIGTERM)
        systemd.until("STOPPING=1")
        _, log = process.communicate(timeout=20)
    assert process.returncode == 0, log
    assert log.count("The settings are taken anew.") == 1
    assert "The settings stay as they were." in log
    assert "did you mean 'http'" in log


def test_what_stands_still_is_not_fed(tmp_path: Path) -> None:
    def stops(part: str) -> bool:
        folder = tmp_path / part
        folder.mkdir()
        with daemon(folder, "tests.assistant.wedged_daemon", part) as (systemd, process):
            systemd.until("READY=1")
            systemd.until("WATCHDOG=1")
            process.send_signal(signal.SIGUSR1)
            return systemd.falls_silent(3 * WATCHDOG_S)

    parts = ["loop", "microphone", "vad-silero", "stt-faster_whisper"]
    with ThreadPoolExecutor(len(parts)) as pool:
        assert dict(zip(parts, pool.map(stops, parts), strict=True)) == dict.fromkeys(parts, True)


def test_wrong_settings_are_told_and_need_no_second_start(tmp_path: Path) -> None:
    systemd = Systemd(tmp_path)
    settings = tmp_path / "config.yaml"
    settings.write_text("htp: {}\n")
    environment = os.environ | {"ASSISTANT_CONFIG": str(settings), "NOTIFY_SOCKET": str(systemd.address)}
    command = [sys.executable, "-m", "assistant", "run"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False, timeout=30)
    (status,) = systemd.messages()
    systemd.close()
    assert status.startswith("STATUS=")
    assert "did you mean 'http'" in status
    assert ran.stderr == f"assistant: {status.removeprefix('STATUS=')}\n"
    assert ran.returncode == restart.WRONG_SETTINGS
    del environment["NOTIFY_SOCKET"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False, timeout=30)
    assert ran.returncode == 1, "as every command"


def test_the_environment_is_taken(systemd: Systemd) -> None:
    given = {"NOTIFY_SOCKET": str(systemd.address), "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
    notifier = Notifier.taken_from(given)
    assert given == {}, "programs that we start must not speak for us"
    assert notifier is not None
    assert notifier.watchdog_s == 30
    notifier.status("two\nlines")
    notifier.more_time(1.5)
    assert systemd.messages() == ["STATUS=two lines", "EXTEND_TIMEOUT_USEC=1500000"]
    assert Notifier.taken_from({}) is None
    of_another = Notifier.taken_from({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"})
    assert of_another is not None
    assert of_another.watchdog_s is None


def test_an_abstract_address_and_one_that_nobody_hears() -> None:
    name = f"assistant-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(f"\0{name}")
        Notifier(f"@{name}").ready()
        assert end.recv(100, socket.MSG_DONTWAIT) == b"READY=1"
    Notifier(f"@{name}").ready()


@dataclass
class Scene:
    """A daemon's parts, of which time passes only in the test."""

    systemd: Systemd
    path: Path

    def __post_init__(self) -> None:
        soundfile.write(self.path, np.zeros(16_000, np.int16), 16_000)
        self.microphone = MeteredMicrophone(WavMicrophone(self.path, FastPace()), now_s)
        self.idle, self.feed, self.voice_ready = asyncio.Event(), EventFeed(), asyncio.Event()
        self.idle.set()
        self.missing: dict[str, str] = {}
        vitals = Vitals(self.microphone, self.idle, lambda *_: [], now_s)
        notifier = Notifier(str(self.systemd.address))
        self.supervision = Supervision(
            notifier, vitals, self.microphone, self.feed, lambda: Personality("Robin"), lambda: self.missing
        )

    def frame(self) -> None:
        self.microphone.last_chunk_at_s = now_s()
        for observer in self.microphone._taps:
            observer(AudioChunk(np.zeros(512, np.int16), 16_000))


@pytest.fixture
def scene(systemd: Systemd, tmp_path: Path) -> Callable[[], Scene]:
    return lambda: Scene(systemd, tmp_path / "in.wav")


async def supervised(scene: Scene) -> AsyncGenerator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(scene.supervision.run(scene.voice_ready), name="supervision")
        yield
        task.cancel()


def test_ready_only_with_sound_and_voice(scene: Callable[[], Scene], systemd: Systemd) -> None:
    @in_virtual_time
    async def run() -> None:
        shop = scene()
        async for _ in supervised(shop):
            await asyncio.sleep(4 * MORE_S / TICKS)
            waited = systemd.messages()
            assert "READY=1" not in waited
            assert waited.count(f"EXTEND_TIMEOUT_USEC={MORE_S * 1e6:.0f}") == 4, "however long it takes"
            shop.frame()
            await asyncio.sleep(0.1)
            assert systemd.messages()[0] == "STATUS=Loading the voice."
            shop.voice_ready.set()
            await asyncio.sleep(0.1)
            assert systemd.messages() == ["READY=1", "STATUS=Listening as Robin."]

    run()


def test_silence_in_place_of_a_missing_microphone_is_no_sound(scene: Callable[[], Scene], systemd: Systemd) -> None:
    @in_virtual_time
    async def run() -> None:
        shop = scene()
        shop.voice_ready.set()
        shop.missing["microphone"] = "Waiting for the microphone since 10:32. Connect one."
        async for _ in supervised(shop):
            await asyncio.sleep(0.1)
            shop.frame()
            await asyncio.sleep(MORE_S)
            waited = systemd.messages()
            assert "READY=1" not in waited
            assert waited.count("STATUS=Waiting for the microphone since 10:32. Connect one.") == 5
            shop.missing.clear()
            shop.frame()
            await asyncio.sleep(0.1)
            assert systemd.messages() == ["READY=1", "STATUS=Listening as Robin."]

    run()


def test_while_it_waits_for_a_device_it_is_well(scene: Callable[[], Scene], systemd: Systemd) -> None:
    """As long as silence comes in place of sound; the dog is not fed where that stops too."""

    @in_virtual_time
    async def run() -> None:
        shop = scene()
        shop.voice_ready.set()
        async for _ in supervised(shop):
            await asyncio.sleep(0)
            shop.frame()
            await asyncio.sleep(0.1)
            systemd.messages()
            shop.missing["speaker"] = "Waiting for the loudspeaker since 10:32. Connect one."
            for _ in range(2):
                await asyncio.sleep(LOOK_EVERY_S - 0.1)
                shop.frame()
            assert systemd.messages() == [
                "WATCHDOG=1", "STATUS=Waiting for the loudspeaker since 10:32. Connect one.",
            ]  # fmt: skip
            await asyncio.sleep(SILENT_S + 5 * LOOK_EVERY_S)
            last = systemd.messages()
            assert last[-1].startswith("STATUS=No sound has come")
            assert last.count("WATCHDOG=1") <= 2

    run()


def test_what_it_does_is_told(scene: Callable[[], Scene], systemd: Systemd) -> None:
    @in_virtual_time
    async def run() -> None:
        shop = scene()
        shop.voice_ready.set()
        async for _ in supervised(shop):
            await asyncio.sleep(0)
            shop.frame()
            await asyncio.sleep(0.1)
            systemd.messages()
            for event in (
                WakeWord("a", 1.0),
                SpeechEnd(1.0),
                Speaking("espeak_ng", "en", cached=False, text="secret", first_audio_ms=1),
                ProviderState("piper", "failing", "no model"),
                Listening(),
                ProviderState("piper", "ok", ""),
            ):
                shop.feed.publish(event)
            assert systemd.messages() == [
                "STATUS=A customer is speaking.",
                "STATUS=Thinking.",
                "STATUS=Speaking with espeak_ng.",
                "STATUS=Speaking with espeak_ng. piper fails: no model",
                "STATUS=Listening as Robin. piper fails: no model",
                "STATUS=Listening as Robin.",
            ]

    run()


def test_trouble_is_logged_once_and_its_end(
    scene: Callable[[], Scene], systemd: Systemd, caplog: pytest.LogCaptureFixture
) -> None:
    @in_virtual_time
    async def run() -> None:
        shop = scene()
        shop.voice_ready.set()
        async for _ in supervised(shop):
            await asyncio.sleep(0)
            shop.frame()
            await asyncio.sleep(SILENT_S + 5 * LOOK_EVERY_S)
            assert systemd.messages()[-1].startswith("STATUS=No sound has come from the microphone wav for ")
            shop.frame()
            await asyncio.sleep(LOOK_EVERY_S)
            assert systemd.messages() == ["WATCHDOG=1", "STATUS=Listening as Robin."]

    run()
    assert [(one.levelname, one.message.partition(".")[0]) for one in caplog.records] == [
        ("ERROR", f"No sound has come from the microphone wav for {2 * LOOK_EVERY_S:.0f} s"),
        ("WARNING", "The assistant serves customers again"),
    ]


def test_what_counts_as_trouble(tmp_path: Path) -> None:
    clock, idle = Clock(), asyncio.Event()
    stuck: dict[str, tuple[float, bool]] = {}

    def workers(limit_s: float, abandoned_s: float) -> list[str]:
        return [name for name, (s, waited) in stuck.items() if s > (limit_s if waited else abandoned_s)]

    path = tmp_path / "in.wav"
    soundfile.write(path, np.zeros(16_000, np.int16), 16_000)
    microphone = MeteredMicrophone(WavMicrophone(path, FastPace()), clock)
    vitals = Vitals(microphone, idle, workers, clock)

    def told(late_s: float = 0.0) -> str:
        return getattr(vitals.trouble(late_s), "what", "")

    idle.set()
    assert "No sound" in told(), "before the first frame"
    microphone.last_chunk_at_s = 0.0
    assert told(LATE_S) == ""
    assert told(LATE_S + 0.1) == "The assistant was late by 1.1 s."
    clock.s = SILENT_S
    assert told() == ""
    clock.s += 0.1
    assert "No sound has come" in told()

    microphone.last_chunk_at_s = clock.s
    stuck["stt-faster_whisper"] = (ABANDONED_S + 1, True)
    stuck["storage-writer"] = (STUCK_S + 1, False)  # a disk
    assert told() == ""
    stuck["stt-faster_whisper"] = (ABANDONED_S + 1, False)
    assert told() == "Stuck: stt-faster_whisper."
    stuck["stt-faster_whisper"] = (STUCK_S + 1, True)
    assert told() == "Stuck: stt-faster_whisper."
    stuck.clear()

    clock.s = microphone.last_chunk_at_s = TURN_STUCK_S + 1
    assert told() == "", "between turns nothing need happen"
    idle.clear()
    assert told() == "A conversation has stood still for 181 s."
    feed = EventFeed()
    feed.subscribe(vitals)
    feed.publish(Listening())
    assert told() == ""
