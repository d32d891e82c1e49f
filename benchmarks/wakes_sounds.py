"""What ``benchmarks.wakes`` listens to: long backgrounds made of short recordings, and wake words said into them."""

from __future__ import annotations

import numpy as np
import soxr

from benchmarks.idle import RECORDINGS, made_office, made_speech, recorded
from benchmarks.voice_to_voice_questions import PIPER, spoken
from pipeline.audio import LISTENING_RATE_HZ

STEP_SAMPLES = 1280
"""The wake word network's step: 80 ms."""
LEVELS_DB = (0.0, -6.0, -12.0, -20.0)
SPEEDS = (1.0, 0.95, 1.05, 0.9, 1.1)
"""Faster is higher, too."""
NOTES_HZ = ((220.0, 277.2, 329.6), (196.0, 246.9, 293.7), (174.6, 220.0, 261.6), (164.8, 207.7, 246.9))
BEAT_S = 0.5


def loops(name: str, seconds: float, *, varied: bool) -> np.ndarray:
    """One background as float32 in [-1, 1].

    No pass begins where the one before began on the grid of 80 ms. ``varied`` passes also differ in level and speed.
    """
    once = _once(name)
    passes: list[np.ndarray] = []
    length, number, wanted = 0, 0, round(seconds * LISTENING_RATE_HZ)
    while length < wanted:
        sound = once
        if varied:
            speed = SPEEDS[number // len(LEVELS_DB) % len(SPEEDS)]
            sound = once if speed == 1.0 else soxr.resample(once, LISTENING_RATE_HZ * speed, LISTENING_RATE_HZ)
            sound = sound * 10 ** (LEVELS_DB[number % len(LEVELS_DB)] / 20)
        # 37 and 64 have no common divisor: every one of 64 places on the grid is met
        begin = (number * 37 % 64) * (STEP_SAMPLES // 64)
        gap = (begin - length) % STEP_SAMPLES
        passes += [np.zeros(gap), sound]
        length, number = length + gap + len(sound), number + 1
    return np.concatenate(passes, dtype=np.float32, casting="same_kind")[:wanted]


def wake_words() -> dict[str, np.ndarray]:
    """The sound of "hey jarvis": a real person's (where the recording is there) and made voices'; float64."""
    person = recorded("wake_hey_jarvis.wav", _length_s("wake_hey_jarvis.wav"))
    said = {} if person is None else {"person": person / 32768}
    for voice in ("en-us", "en-us+f4", "en+m3", PIPER):
        said[voice] = spoken("Hey Jarvis!", voice) / 32768
    return {voice: _trimmed(sound) for voice, sound in said.items()}


def loudness(sound: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(sound))))


def _once(name: str) -> np.ndarray:
    rng = np.random.default_rng(3)
    if name == "quiet":
        return rng.normal(0, 10 ** (-70 / 20), 60 * LISTENING_RATE_HZ)
    if name == "music":
        return made_music(64.0)
    file, made = {"speech": ("speech_60s.wav", made_speech), "office": ("noise_office.mp3", made_office)}[name]
    found = recorded(file, _length_s(file))
    return (made(60.0) if found is None else found) / 32768


def _length_s(file: str) -> float:
    import soundfile

    return soundfile.info(RECORDINGS / file).duration if (RECORDINGS / file).is_file() else 0.0


def _trimmed(sound: np.ndarray) -> np.ndarray:
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    return sound[loud[0] : loud[-1] + 1]


def made_music(seconds: float) -> np.ndarray:
    """Chords, a melody with vibrato that is about as high as voices, and drums."""
    rng = np.random.default_rng(4)
    count, beat = round(seconds * LISTENING_RATE_HZ), round(BEAT_S * LISTENING_RATE_HZ)
    sound = np.zeros(count)
    at_s = np.arange(beat) / LISTENING_RATE_HZ
    for number, start in enumerate(range(0, count - beat + 1, beat)):
        chord = NOTES_HZ[number // 4 % len(NOTES_HZ)]
        notes = [(hz, 0.1, 1.5) for hz in chord] + [(chord[0] / 2, 0.2, 2.0)]
        notes.append((float(rng.choice(chord)) * float(rng.choice([1.0, 2.0])), 0.3, 1.0))
        for place, (hz, amplitude, fades) in enumerate(notes):
            phase = 2 * np.pi * hz * at_s + (0.3 * np.sin(2 * np.pi * 5.5 * at_s) if place == len(notes) - 1 else 0)
            tone = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 7))
            sound[start : start + beat] += amplitude * tone * np.exp(-fades * at_s) * np.minimum(1, at_s / 0.01)
        drum = rng.normal(0, 1, beat) * np.exp(-at_s * (60 if number % 2 else 25))
        kick = np.sin(2 * np.pi * 55 * at_s) * np.exp(-at_s * 12)
        sound[start : start + beat] += 0.25 * drum + (0.0 if number % 2 else 0.6) * kick
    return 0.1 * sound / loudness(sound)
