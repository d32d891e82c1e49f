"""Sounds made for tests: noises, music, and speech in the bundled voice. All float32 in [-1, 1), 16 kHz."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from pipeline.audio import LISTENING_RATE_HZ
from tests.conftest import ROOT

Samples = NDArray[np.float32]


def white(seconds: float, level_db: float = -40.0, seed: int = 1) -> Samples:
    return at_level(np.random.default_rng(seed).standard_normal(round(seconds * LISTENING_RATE_HZ)), level_db)


def pink(seconds: float, level_db: float = -40.0, seed: int = 2) -> Samples:
    spectrum = np.fft.rfft(white(seconds, 0.0, seed))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    return at_level(np.fft.irfft(spectrum, round(seconds * LISTENING_RATE_HZ)), level_db)


def hum(seconds: float, level_db: float = -35.0) -> Samples:
    """Mains hum with harmonics."""
    at = _times(seconds)
    return at_level(sum(np.sin(2 * np.pi * 50 * n * at) / n for n in range(1, 9)), level_db)


def music(seconds: float, level_db: float = -25.0) -> Samples:
    """Chords of a plucked sort, two a second."""
    at = _times(seconds)
    sound = np.zeros_like(at)
    for step in range(int(seconds * 2)):
        since = at - step / 2
        root = 220 * 2 ** ([0, 5, 7, 3, 0, 8, 5, 7][step % 8] / 12)
        for ratio in (1, 5 / 4, 3 / 2, 2, 3):
            sound += np.where(since >= 0, np.exp(-4 * since.clip(0)) * np.sin(2 * np.pi * root * ratio * since), 0)
    return at_level(sound, level_db)


def clicks(seconds: float, level_db: float = -30.0) -> Samples:
    """Clicks of five milliseconds, three a second."""
    at = _times(seconds)
    return at_level(np.where((at * 3) % 1 < 0.015, white(seconds, 0.0), 0), level_db)


def crowd(seconds: float, voices: int, recordings: Path, level_db: float = -40.0) -> Samples:
    """Several people talking at once: shifted copies of one recording."""
    speech = recorded(recordings / "speech_60s.wav")
    shifts = np.random.default_rng(3).integers(len(speech), size=voices)
    return at_level(sum(np.roll(speech, shift) for shift in shifts)[: round(seconds * LISTENING_RATE_HZ)], level_db)


def at_level(sound: NDArray[np.floating], level_db: float) -> Samples:
    """The sound brought to a root mean square, in dB relative to full scale."""
    return (sound * 10 ** (level_db / 20) / np.sqrt(np.mean(np.square(sound)))).astype(np.float32)


def recorded(file: Path) -> Samples:
    samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    return mono if rate_hz == LISTENING_RATE_HZ else soxr.resample(mono, rate_hz, LISTENING_RATE_HZ)


@cache
def piper(text: str) -> Samples:
    """The bundled voice, which is 16 kHz."""
    return np.concatenate([chunk.audio_float_array for chunk in _voice().synthesize(text)])


def espeak(text: str, voice: str, folder: Path) -> Samples | None:
    """A voice of eSpeak NG, None where the program is not installed."""
    program = shutil.which("espeak-ng")
    if program is None:
        return None
    file = folder / "espeak.wav"
    subprocess.run([program, "-v", voice, "-w", str(file), text], check=True)
    return recorded(file)


@cache
def _voice():
    from piper import PiperVoice

    return PiperVoice.load(ROOT / "models" / "en_US-kiosk-low" / "en_US-kiosk-low.onnx")


def _times(seconds: float) -> NDArray[np.float64]:
    return np.arange(round(seconds * LISTENING_RATE_HZ)) / LISTENING_RATE_HZ
