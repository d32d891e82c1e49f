"""The PortAudio library as a whole: loading it, scanning for devices, opening and closing streams.

PortAudio looks for devices once, when it is initialised. So it is initialised again whenever a stream is opened or
devices are listed while no other stream is open: a device that was plugged in or came back is found then. While a
stream is open that is impossible (ending PortAudio would end the stream), so a program that lost a device leaves
its microphone and its loudspeaker before it enters both again.

Its functions may block for long when a device is broken and must not be called from the event loop.
"""

from __future__ import annotations

import ctypes
import threading
from types import ModuleType
from typing import Any

from pipeline.errors import DeviceError, ProviderMissing
from providers.audio.devices import DeviceInfo, Direction

INVALID_SAMPLE_RATE = -9997
INVALID_CHANNEL_COUNT = -9998
"""PortAudio's error codes, portaudio.h."""


class _Library:
    """What this process has of PortAudio. All calls into it go one after another: it is not thread-safe."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.module: ModuleType | None = None
        self.open_streams = 0
        self.known: list[DeviceInfo] = []
        """What was found last."""

    def scanned(self) -> ModuleType:
        """The module, with a fresh list of devices where that is possible."""
        if self.module is None:
            self.module = _imported()
        elif self.open_streams == 0:
            self.module._terminate()
            self.module._initialize()
        return self.module


_library = _Library()


def list_devices() -> list[DeviceInfo]:
    """All sound devices, by number. Raises ``ProviderMissing`` without PortAudio."""
    with _library.lock:
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
    with _library.lock:
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
    with _library.lock:
        stream.abort(ignore_errors=True)
        stream.close(ignore_errors=True)
        _library.open_streams -= 1


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
