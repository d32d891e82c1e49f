"""Texts for Google's speech service in pieces that it takes, and its answers as sound."""

from __future__ import annotations

import io
import re
import wave

import numpy as np

from pipeline.audio import AudioChunk
from pipeline.proper_sound import BadAudio

LONGEST_BYTES = 1_000
"""UTF-8 bytes in one request. The service takes 5000 (cloud.google.com/text-to-speech/quotas), but some voices refuse
long sentences, and what an interrupted customer does not hear need not be paid."""

_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]]*(?=\s)|[。！？]")


def pieces(text: str, longest_bytes: int = LONGEST_BYTES) -> list[str]:
    """The text, nothing lost, cut after sentences where that is possible, else between words, else anywhere."""
    found, rest = [], " ".join(text.split())
    while len(rest.encode()) > longest_bytes:
        head = rest.encode()[:longest_bytes].decode(errors="ignore")
        ends = [match.end() for match in _SENTENCE_END.finditer(head)]
        at = ends[-1] if ends else head.rfind(" ")
        at = at if at > 0 else len(head)
        found.append(rest[:at])
        rest = rest[at:].lstrip()
    return [*found, rest] if rest else found


def sound(answer: bytes) -> AudioChunk:
    """The samples of the WAV file as which LINEAR16 comes. Raises ``BadAudio`` where they are not whole."""
    try:
        with wave.open(io.BytesIO(answer)) as file:
            kind = (file.getnchannels(), file.getsampwidth())
            rate_hz, frames = file.getframerate(), file.getnframes()
            data = file.readframes(frames)
    except (wave.Error, EOFError) as error:
        raise BadAudio("Google answered with something that is no sound.") from error
    if kind != (1, 2):
        raise BadAudio(f"Google answered with sound of {kind[0]} channels and {8 * kind[1]} bits.")
    if not frames:
        raise BadAudio("Google answered with an empty sound.")
    if len(data) != 2 * frames:
        raise BadAudio("Google's answer was cut off.")
    return AudioChunk(np.frombuffer(data, "<i2").astype(np.int16), rate_hz)
