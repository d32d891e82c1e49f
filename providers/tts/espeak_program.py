"""The program ``espeak-ng`` for machines that have only its library: ``python -I espeak_program.py LIBRARY DATA ...``.

Takes the options of ``espeak-ng`` that the synthesizer uses, reads the text from standard input and writes a WAV
stream to standard output while it speaks. Imports nothing of this house, so that it starts in a few hundredths of a
second; a process of its own, because the library keeps one global state and may only be stopped by being killed.
Constants are those of ``espeak-ng/speak_lib.h``, version 1.52.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import struct
import sys
from collections.abc import Iterator

_OUTPUT_SYNCHRONOUS = 2
_OPTION_DONT_EXIT = 0x8000
_PARAMETER_RATE, _PARAMETER_VOLUME, _PARAMETER_PITCH = 1, 2, 3
_CHARACTERS_UTF8, _END_PAUSE = 1, 0x1000
_UNKNOWN_LENGTH = 0x7FFFF000


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.POINTER(ctypes.c_char)),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


def main() -> int:
    """Speak, or list the voices."""
    options = _options()
    library = ctypes.CDLL(options.library)
    rate_hz = library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, 0, os.fsencode(options.data), _OPTION_DONT_EXIT)
    if rate_hz <= 0:
        sys.stderr.write("the library does not find its data\n")
        return 1
    if options.voices:
        sys.stdout.write("Pty Language\n" + "".join(f" 5  {language}\n" for language in sorted(_languages(library))))
        return 0
    if not _choose(library, options.voice):
        sys.stderr.write(f"there is no voice {options.voice}\n")
        return 1
    for parameter, value in (
        (_PARAMETER_RATE, options.rate),
        (_PARAMETER_VOLUME, options.volume),
        (_PARAMETER_PITCH, options.pitch),
    ):
        library.espeak_SetParameter(parameter, value, 0)
    return _speak(library, rate_hz, sys.stdin.buffer.read())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("data")
    parser.add_argument("-v", dest="voice", default="en-us")
    parser.add_argument("-s", dest="rate", type=int, default=175)
    parser.add_argument("-a", dest="volume", type=int, default=100)
    parser.add_argument("-p", dest="pitch", type=int, default=50)
    parser.add_argument("-b", dest="encoding")  # always UTF-8 here
    parser.add_argument("--voices", action="store_true")
    parser.add_argument("--stdin", action="store_true")
    parser.add_argument("--stdout", action="store_true")
    return parser.parse_args()


def _choose(library: ctypes.CDLL, name: str) -> bool:
    """Take the voice of a name, else that of a language of the name, as the real program does (without variants)."""
    if library.espeak_SetVoiceByName(name.encode()) == 0:
        return True
    language = ctypes.create_string_buffer(name.partition("+")[0].encode())
    wanted = _Voice(languages=ctypes.cast(language, ctypes.POINTER(ctypes.c_char)))
    return bool(library.espeak_SetVoiceByProperties(ctypes.byref(wanted)) == 0)


def _languages(library: ctypes.CDLL) -> Iterator[str]:
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    for voice in library.espeak_ListVoices(None):
        if not voice:
            return
        # A priority byte, then the language's name ending in a zero byte.
        yield ctypes.string_at(ctypes.addressof(voice.contents.languages.contents) + 1).decode()


def _speak(library: ctypes.CDLL, rate_hz: int, text: bytes) -> int:
    output = sys.stdout.buffer
    size = _UNKNOWN_LENGTH
    output.write(b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt " + struct.pack("<IHH", 16, 1, 1))
    output.write(struct.pack("<IIHH", rate_hz, rate_hz * 2, 2, 16) + b"data" + struct.pack("<I", size))

    def take(samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            output.write(ctypes.string_at(samples, count * 2))
            output.flush()
        return 0

    # Kept in a name: the library holds no reference.
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)(take)
    library.espeak_SetSynthCallback(callback)
    failed = library.espeak_Synth(text, len(text) + 1, 0, 1, 0, _CHARACTERS_UTF8 | _END_PAUSE, None, None)
    library.espeak_Synchronize()
    output.flush()
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
