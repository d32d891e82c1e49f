"""A kept sample as the bytes of a WAV file, and such bytes looked at again."""

from __future__ import annotations

import hashlib
import io
import wave

from assistant.samples.decoder_program import RATE_HZ
from assistant.storage.sound_bytes import wav

__all__ = ["digest", "seconds", "wav"]


def digest(content: bytes) -> str:
    """Name of a sample: SHA-256, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def seconds(content: bytes) -> float | None:
    """Its length, None for what is no sample: 24 kHz, one channel, 16 bit."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            kind = (file.getframerate(), file.getnchannels(), file.getsampwidth())
            frames = file.getnframes()
    except (wave.Error, EOFError):
        return None
    whole = len(content) >= 44 + 2 * frames
    return frames / RATE_HZ if kind == (RATE_HZ, 1, 2) and whole else None
