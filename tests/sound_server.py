"""A real sound system without a sound card: a private PulseAudio with two null sinks.

``loudspeaker`` is what the program plays into; recording its monitor is a customer hearing. ``customer`` is what a
customer speaks into; its monitor is the program's ``microphone``. Needs Debian's ``pulseaudio``,
``pulseaudio-utils``, ``libasound2-plugins`` and ``libportaudio2``; ``sound_server`` skips where one is missing.

PortAudio reads its environment once per process, when it looks for devices, so the server is one per test session
and its fixture sets the environment of this process for good. ``restore`` brings back what a test unplugged.
"""

from __future__ import annotations

import contextlib
import ctypes.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pipeline.audio import AudioChunk

RATE_HZ = 48_000
"""Rate of the null sinks."""

START_S = 10.0
"""Seconds the daemon may take to answer."""

SCRIPT = """\
load-module module-native-protocol-unix auth-anonymous=1
"""

MODULES = (
    f"module-null-sink sink_name=loudspeaker rate={RATE_HZ} channels=2",
    f"module-null-sink sink_name=customer rate={RATE_HZ} channels=2",
    "module-remap-source source_name=microphone master=customer.monitor channels=1 remix=yes",
)


FURTHER_MODULES = (
    f"module-null-sink sink_name=horn rate={RATE_HZ} channels=2",
    f"module-null-sink sink_name=till rate={RATE_HZ} channels=2",
    "module-remap-source source_name=desk master=till.monitor channels=1 remix=yes",
)

FURTHER_NAMES = """\
pcm.horn { type asym playback.pcm { type pulse device horn } }
pcm.desk { type asym capture.pcm { type pulse device desk } }
"""
"""ALSA's names for them, as sound cards have names of their own."""


class SoundServer:
    """The daemon and what a test can do with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "PULSE_SERVER": f"unix:{folder}/pulse/native",
            "PULSE_SINK": "loudspeaker",
            "PULSE_SOURCE": "microphone",
            "PULSE_COOKIE": str(folder / "cookie"),
        }
        """What makes a program use this server and nothing else."""
        self._daemon: subprocess.Popen[bytes] | None = None
        self._keep_awake: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start the daemon and plug everything in."""
        script = self.folder / "start.pa"
        script.write_text(SCRIPT)
        options = ["--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes", "--log-level=0"]
        with (self.folder / "log").open("wb") as log:
            self._daemon = subprocess.Popen(
                ["pulseaudio", "-n", "-F", str(script), *options],
                env={"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(self.folder), "HOME": str(self.folder)},
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        give_up_at = time.monotonic() + START_S
        while self._control("info", check=False).returncode != 0:
            if self._daemon.poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError(f"PulseAudio does not start: {(self.folder / 'log').read_text()}")
            time.sleep(0.05)  # another process: nothing to await
        self.plug_in()

    def stop(self) -> None:
        """End the daemon."""
        self._end_keep_awake()
        if self._daemon is not None:
            self._daemon.send_signal(signal.SIGCONT)
            self._daemon.terminate()
            self._daemon.wait(5)
            self._daemon = None

    def freeze(self) -> None:
        """The sound system hangs: it neither answers nor ends."""
        assert self._daemon is not None
        self._daemon.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        assert self._daemon is not None
        self._daemon.send_signal(signal.SIGCONT)

    def plug_in(self) -> None:
        """Connect loudspeaker, customer and microphone."""
        for module in MODULES:
            self._control("load-module", *module.split())
        self._control("set-default-sink", "loudspeaker")
        self._control("set-default-source", "microphone")
        # A null sink works in steps of up to two seconds unless somebody asks it for a short latency; a sound card
        # never does. The first step is long all the same, so it is waited for.
        for sink in ("loudspeaker", "customer"):
            self._awake(sink)
        with self.record():
            pass

    def unplug(self) -> None:
        """Pull everything out: the streams that use it die, as they do with a sound card's cable."""
        self._end_keep_awake()
        self._control("unload-module", "module-remap-source", check=False)
        self._control("unload-module", "module-null-sink", check=False)

    def restore(self) -> None:
        """Whatever was done, everything is there again."""
        if self._daemon is None or self._daemon.poll() is not None:
            self.stop()
            self.start()
            return
        self.thaw()
        sinks, sources = (self._control("list", "short", what).stdout for what in ("sinks", "sources"))
        if "horn" in sinks or "microphone" not in sources:
            self.unplug()
        if "loudspeaker" not in self._control("list", "short", "sinks").stdout:
            self.plug_in()

    def plug_in_further(self) -> dict[str, str]:
        """Connect a second loudspeaker, ``horn``, and a second microphone, ``desk``, which hears what is played into
        ``till``. Gives the environment in which ALSA, and so PortAudio, has them by these names.
        """
        for module in FURTHER_MODULES:
            self._control("load-module", *module.split())
        for sink in ("horn", "till"):
            self._awake(sink)
        with self.record("horn"):
            pass
        names = self.folder / "alsa.conf"
        names.write_text(FURTHER_NAMES)
        return {"ALSA_CONFIG_PATH": f"/usr/share/alsa/alsa.conf:{names}"}

    def pull_out(self, source: str) -> None:
        """Pull out one microphone: whoever listens to it hears no more."""
        listed = self._control("list", "short", "modules").stdout.splitlines()
        self._control("unload-module", next(line.split()[0] for line in listed if f"source_name={source}" in line))

    def say(self, chunk: AudioChunk, sink: str = "customer") -> subprocess.Popen[bytes]:
        """A customer speaks: play into the microphone. Goes on by itself; ``wait()`` on the result for its end."""
        path = self.folder / f"say-{sink}.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, chunk.rate_hz, 0, "NONE", ""))
            file.writeframes(chunk.pcm.astype("<i2").tobytes())
        return self.say_file(path, sink)

    def say_file(self, path: Path, sink: str = "customer") -> subprocess.Popen[bytes]:
        """Like ``say`` for a WAV file."""
        return subprocess.Popen(["paplay", f"--device={sink}", "--latency-msec=100", str(path)], env=self._env())

    @contextlib.contextmanager
    def record(self, sink: str = "loudspeaker") -> Iterator[Hearing]:
        """What a customer hears meanwhile: the loudspeaker's monitor, at ``RATE_HZ``."""
        path = self.folder / f"heard-{sink}.raw"
        command = ["parec", f"--device={sink}.monitor", "--latency-msec=20", "--raw", "--format=s16le"]
        with path.open("wb") as file:
            recorder = subprocess.Popen([*command, f"--rate={RATE_HZ}", "--channels=1"], env=self._env(), stdout=file)
            hearing = Hearing(path)
            try:
                hearing.wait_for(0.05)
                yield hearing
                hearing.wait_for(hearing.duration_s + 0.3)  # what is still on its way
            finally:
                recorder.terminate()
                recorder.wait(5)

    @contextlib.contextmanager
    def echo(self, *, delay_ms: int, level_db: float) -> Iterator[None]:
        """The microphone hears the loudspeaker meanwhile, later (more or less) and so much louder."""
        options = ["source=loudspeaker.monitor", "sink=customer", f"latency_msec={delay_ms}"]
        module = self._control("load-module", "module-loopback", *options).stdout.strip()
        try:
            listed = self._control("list", "short", "sink-inputs").stdout.splitlines()
            number = next(line.split()[0] for line in listed if "module-loopback" in line)
            self._control("set-sink-input-volume", number, f"{level_db}dB")
            yield
        finally:
            self._control("unload-module", module)

    def _control(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["pactl", *command], env=self._env(), check=check, capture_output=True, text=True)

    def _env(self) -> dict[str, str]:
        return os.environ | self.environment

    def _awake(self, sink: str) -> None:
        command = ["parec", f"--device={sink}.monitor", "--latency-msec=20", "--rate=8000", "--channels=1"]
        with Path(os.devnull).open("wb") as nowhere:
            self._keep_awake.append(subprocess.Popen(command, env=self._env(), stdout=nowhere, stderr=nowhere))

    def _end_keep_awake(self) -> None:
        while self._keep_awake:
            process = self._keep_awake.pop()
            process.terminate()
            process.wait(5)


class Hearing:
    """A recording under way."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def sound(self) -> AudioChunk:
        """All of it so far."""
        raw = self._path.read_bytes()
        return AudioChunk(np.frombuffer(raw[: len(raw) // 2 * 2], "<i2").astype(np.int16), RATE_HZ)

    @property
    def duration_s(self) -> float:
        """Its length so far."""
        return self._path.stat().st_size / 2 / RATE_HZ

    def wait_for(self, duration_s: float) -> None:
        """Block until it is that long."""
        give_up_at = time.monotonic() + START_S
        while self.duration_s < duration_s:
            if time.monotonic() > give_up_at:
                raise RuntimeError("the loudspeaker's monitor gives no sound")
            time.sleep(0.02)  # another process: nothing to await


def missing_parts() -> list[str]:
    """Debian packages that are needed and not there."""
    programs = {"pulseaudio": "pulseaudio", "pactl": "pulseaudio-utils", "parec": "pulseaudio-utils"}
    missing = [package for program, package in programs.items() if shutil.which(program) is None]
    if ctypes.util.find_library("portaudio") is None:
        missing.append("libportaudio2")
    if not list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so")):
        missing.append("libasound2-plugins")
    return sorted(set(missing))


@pytest.fixture(scope="session")
def running_sound_server() -> Iterator[SoundServer]:
    """One for all tests; use ``sound_server``."""
    if missing := missing_parts():
        pytest.skip(f"no sound system: install {' '.join(missing)}")
    # A short path of its own: a Unix socket's name has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="sound") as folder:
        server = SoundServer(Path(folder))
        server.start()
        os.environ.update(server.environment)
        yield server
        server.stop()


@pytest.fixture
def sound_server(running_sound_server: SoundServer) -> Iterator[SoundServer]:
    """A sound system with everything plugged in, whatever the test does to it."""
    running_sound_server.restore()
    yield running_sound_server
    running_sound_server.restore()
