"""One sentence as the bytes of a WAV file, and such a file read and written so that nothing torn is taken for whole."""

from __future__ import annotations

import hashlib
import io
import os
import wave
from pathlib import Path

import numpy as np

from pipeline.audio import AudioChunk

UNFINISHED = ".part"
"""Suffix of a file that is being written."""


class NotWhatItWas(Exception):
    """A file's content is not what was written."""


def wav(audio: AudioChunk) -> bytes:
    """A whole WAV file: one channel, 16 bit."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(audio.rate_hz)
        file.writeframes(audio.pcm.astype("<i2", copy=False).tobytes())
    return buffer.getvalue()


def digest(content: bytes) -> str:
    """Name of a content; BLAKE2, which is quick on processors without help for SHA."""
    return hashlib.blake2b(content, digest_size=32).hexdigest()


def read(path: Path, expected: str) -> AudioChunk:
    """The sound in a file of that digest. Raises ``OSError`` and ``NotWhatItWas``."""
    content = path.read_bytes()
    if digest(content) != expected:
        raise NotWhatItWas(path.name)
    with wave.open(io.BytesIO(content), "rb") as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)
        return AudioChunk(pcm, file.getframerate())


def write(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all; only its owner may read it. Raises ``OSError``.

    It is not forced to the disk: after a power cut its digest tells whether it got there, and sentences can be made
    anew, while each forced write wears an SD card.
    """
    make_folder(path.parent)
    part = path.with_suffix(UNFINISHED)
    try:
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def make_folder(folder: Path) -> None:
    """A folder that only its owner may read. Raises ``OSError``."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
