"""What customers and staff say in these tests, spoken by the bundled voice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from pipeline.audio import LISTENING_RATE_HZ
from tests import sounds

QUESTION = "What time do you close?"

WAKE_WORD = "Hey Jarvis!"

READING = (
    "Good morning, and welcome to our shop. The bakery is to the right of the entrance, and fresh bread comes out of "
    "the oven every hour. If you are looking for something, please ask me, I am glad to help you. Coffee and tea are "
    "in the fourth aisle, next to the cereal."
)
"""Long enough for a sample of a voice."""

ROOM_DB = -62.0
"""The noise of the shop."""

LASTS_S = 400.0
"""The daemon ends with its file, and no run of these tests takes that long."""


@dataclass(frozen=True)
class Recordings:
    """Sound files."""

    customers: Path
    """A question every few seconds, and never a wake word."""
    callers: Path
    """The wake word, then the question, every few seconds."""
    browser: Path
    """What the browser's microphone hears from the moment it is opened: the question, a pause, then a long text."""
    sample: Path
    """One person who reads for about ten seconds."""
    hum: Path
    """Nobody speaks."""


def make(folder: Path) -> Recordings:
    """Write them all to ``folder``."""
    question, word, reading = (sounds.piper(text) for text in (QUESTION, WAKE_WORD, READING))
    made = {
        "customers": _again(_join(question, _pause(4.0 - len(question) / LISTENING_RATE_HZ))),
        "callers": _again(_join(word, _pause(0.5), question, _pause(2.0))),
        "browser": _join(_pause(0.3), question, _pause(2.0), reading, _pause(0.5), reading),
        "sample": _join(_pause(0.2), reading, _pause(0.2)),
        "hum": sounds.hum(8.0),
    }
    for name, sound in made.items():
        noisy = 0.5 * sound + sounds.pink(len(sound) / LISTENING_RATE_HZ, ROOM_DB)
        soundfile.write(folder / f"{name}.wav", noisy, LISTENING_RATE_HZ, subtype="PCM_16")
    return Recordings(**{name: folder / f"{name}.wav" for name in made})


def _pause(seconds: float) -> sounds.Samples:
    return np.zeros(round(seconds * LISTENING_RATE_HZ), np.float32)


def _join(*parts: sounds.Samples) -> sounds.Samples:
    return np.concatenate(parts)


def _again(sound: sounds.Samples) -> sounds.Samples:
    return np.tile(sound, round(LASTS_S * LISTENING_RATE_HZ / len(sound)))
