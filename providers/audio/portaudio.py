"""The PortAudio library as a whole: loading it, scanning for devices, opening and closing streams.

PortAudio looks for devices once, when it is initialised. So it is initialised again whenever a stream is opened or
devices are listed while no other stream is open: a device that was plugged in or came back is found then. While a
stream is open that is impossible (ending PortAudio would end the stream), so whoever must find a new device leaves
microphone and loudspeaker before entering both again; ``surroundings_changed`` tells when that is worth it.

Its functions may block for long when a device is broken and must not be called from the event loop.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from pipeline.errors import DeviceError, ProviderMissing
from providers.audio.devices import DeviceInfo, Direction

INVALID_SAMPLE_RATE = -9997
INVALID_CHANNEL_COUNT = -9998
"""PortAudio's error codes, portaudio.h."""

EXPECTING_S, RESTING_S = 30.0, 30.0
"""Seconds after a change in which devices may follow, and seconds between two scans when none is expected: each scan
takes 50 to 100 ms of processor and 13 kB of memory, which PortAudio 19.6 never gives back."""

FRESH_S = 0.05
"""Seconds for which a scan serves the other device too."""

BUSY_S = 5.0
"""Seconds that a call waits for the one before it: a sound server that hangs may hold that one for ever."""


class _Library:
    """What this process has of PortAudio. All calls into it go one after another: it is not thread-safe."""

    def __init__(self) -> None:
        self.module: ModuleType | None = None
        self.open_streams = 0
        self.surroundings = ""
        """What there was when it was scanned."""
        self.scanned_s = self.expecting_s = time.monotonic()
        """When it was scanned last, and when something was to be expected."""
        self.sparing = False
        self.closing: set[int] = set()
        """Identities of streams that are just being closed; one that stays here is stuck in its driver."""
        self.known: list[DeviceInfo] = []
        """What was found last."""
        self._lock = threading.RLock()

    @contextmanager
    def alone(self, wait_s: float = BUSY_S) -> Iterator[None]:
        """Nobody else calls it meanwhile. Raises ``DeviceError`` where somebody does not come back from it.

        ``wait_s``: seconds to wait for them; -1 for ever.
        """
        if not self._lock.acquire(timeout=wait_s):
            raise DeviceError(
                f"The sound system has not answered for {BUSY_S:g} s.",
                remedy="Restart the sound server, or unplug the device that was used last.",
            )
        try:
            yield
        finally:
            self._lock.release()

    def scanned(self) -> ModuleType:
        """The module, with a fresh list of devices where that is possible."""
        surroundings, now_s = _surroundings(), time.monotonic()
        if self.module is None:
            self.module = _imported()
        elif self.open_streams or (self.sparing and surroundings == self.surroundings and self._may_rest(now_s)):
            return self.module
        else:
            self.module._terminate()
            self.module._initialize()
        if surroundings != self.surroundings:
            self.surroundings, self.expecting_s = surroundings, now_s
        self.scanned_s = time.monotonic()
        return self.module

    def _may_rest(self, now_s: float) -> bool:
        since_s = now_s - self.scanned_s
        return since_s < FRESH_S or (now_s - self.expecting_s > EXPECTING_S and since_s < RESTING_S)


_library = _Library()


def list_devices() -> list[DeviceInfo]:
    """All sound devices, by number. Raises ``ProviderMissing`` without PortAudio."""
    with _library.alone():
        sounddevice = _library.scanned()
        systems = sounddevice.query_hostapis()
        default_input, default_output = sounddevice.default.device
        _library.known = [
            DeviceInfo(
                number=found["index"],
                name=found["name"],
                system=systems[found["hostapi"]]["name"],
                input_channels=found["max_input_channels"],
                output_channels=found["max_output_channels"],
                rate_hz=round(found["default_samplerate"]),
                default_input=found["index"] == default_input,
                default_output=found["index"] == default_output,
            )
            for found in sounddevice.query_devices()
        ]
        return _library.known


def known_devices() -> list[DeviceInfo]:
    """What ``list_devices`` found last, without waiting for anybody; right for as long as a stream is open."""
    return _library.known


def open_stream(device: DeviceInfo, direction: Direction, **options: Any) -> Any:
    """A started ``sounddevice`` stream of 16-bit samples. Raises ``DeviceError`` with the remedy."""
    with _library.alone():
        sounddevice = _library.module or _library.scanned()
        kind = sounddevice.InputStream if direction is Direction.INPUT else sounddevice.OutputStream
        try:
            stream = kind(device=device.number, dtype="int16", **options)
            stream.start()
        except sounddevice.PortAudioError as error:
            raise _refusal(error, device, direction, options["samplerate"]) from error
        _library.open_streams += 1
        return stream


def close_stream(stream: Any) -> None:
    """Silence and close a stream; one that is broken already is closed all the same."""
    _library.closing.add(id(stream))
    # Here a sound server that hangs holds on to us (measured: PulseAudio 16, until it goes on or ends). Others must be
    # able to work meanwhile, and aborting touches nothing but this stream.
    stream.abort(ignore_errors=True)
    with _library.alone(wait_s=-1):
        stream.close(ignore_errors=True)
        _library.open_streams -= 1
        _library.closing.discard(id(stream))


def stuck_streams() -> int:
    """How many streams are being closed, or cannot be."""
    return len(_library.closing)


def surroundings_changed() -> bool:
    """Whether sound cards or a sound server came or went since devices were last looked for, as far as can be seen."""
    return _surroundings() != _library.surroundings


@contextmanager
def scanning_sparingly() -> Iterator[None]:
    """For whoever tries again and again: meanwhile devices are looked for anew only where there is cause."""
    _library.sparing = True
    try:
        yield
    finally:
        _library.sparing = False


def expect_changes() -> None:
    """A device has just gone: it, or another one, may soon be there."""
    _library.expecting_s = time.monotonic()


def _surroundings() -> str:
    found = []
    with suppress(OSError):
        found.append(Path("/proc/asound/cards").read_text("utf-8", "replace"))
    with suppress(OSError):
        found += sorted(path.name for path in Path("/dev/snd").iterdir())
    for socket in _server_sockets():
        with suppress(OSError):
            state = socket.stat()
            found.append(f"{socket} {state.st_ino} {state.st_mtime_ns}")
    return "\n".join(found)


def _server_sockets() -> list[Path]:
    """Where sound servers listen: pulseaudio(1), pipewire(1)."""
    home = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    found = [home / "pulse" / "native", home / "pipewire-0", Path("/run/pulse/native")]
    if (folder := os.environ.get("PULSE_RUNTIME_PATH")) is not None:
        found.append(Path(folder) / "native")
    if (server := os.environ.get("PULSE_SERVER", "")).startswith(("unix:", "/")):
        found.append(Path(server.removeprefix("unix:")))
    return found


def _imported() -> ModuleType:
    _silence_alsa()
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        # OSError: the Python package is there, the C library is not.
        raise ProviderMissing(
            f"Sound devices cannot be used: {error}.",
            remedy="Install PortAudio: sudo apt-get install libportaudio2 (Debian, Ubuntu), then run ./install.sh.",
        ) from error
    module: ModuleType = sounddevice
    return module


def _silence_alsa() -> None:
    """Give ALSA a place for its messages: a stream that underruns would write a line to stderr for each block."""
    try:
        alsa = ctypes.CDLL("libasound.so.2")
    except OSError:
        return  # another operating system
    alsa.snd_lib_error_set_handler(_ALSA_MESSAGES)


# Kept for the life of the process: ALSA calls it from its own threads. The variable arguments that follow are ignored.
_ALSA_MESSAGES = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p)(
    lambda _file, _line, _function, _error, _format: None
)


def _refusal(error: Exception, device: DeviceInfo, direction: Direction, rate_hz: int) -> DeviceError:
    code = error.args[1] if len(error.args) > 1 else 0
    reason = str(error.args[0] if error.args else error).rsplit(": ", 1)[-1]
    if code == INVALID_SAMPLE_RATE:
        remedy = f"Leave rate_hz out (its native rate is {device.rate_hz} Hz)."
    elif code == INVALID_CHANNEL_COUNT:
        remedy = f"It has {device.channels(direction)} channels."
    else:
        remedy = "Is another program using it? Close that, or choose the device 'pulse' or 'default', which share."
    return DeviceError(f"The {direction} {device.name!r} refuses {rate_hz} Hz ({reason}).", remedy=remedy)
