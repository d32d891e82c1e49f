"""Recordings made by machine voices and from noise, and what rooms and bad microphones do to them."""

from __future__ import annotations

import io
import subprocess
import sys
import wave
from functools import cache
from pathlib import Path

import espeakng_loader
import numpy as np
import soxr
from numpy.typing import NDArray

from providers.tts import espeak_program

RATE_HZ = 24_000

Sound = NDArray[np.float64]
"""Shape [samples], full scale 1, at 24 kHz."""

TEXTS = (
    "Good morning and welcome to our shop. We have fresh bread, milk and apples today. Please ask me where to find "
    "anything, I am glad to help you with that. The coffee stands next to the tea.",
    "My grandfather built this house a long time ago, when the river still ran behind the garden. Every spring the "
    "water came up to the kitchen door. We children thought it was wonderful, but my mother did not.",
    "The shop closes at nine on Saturday. You will find batteries in aisle four, beside the light bulbs. If something "
    "is missing, tell one of my colleagues at the counter. Would you like a bag?",
)


@cache
def spoken(voice: str = "en-us+f2", text: int = 0) -> Sound:
    """About 13 s of an eSpeak NG voice."""
    done = subprocess.run(
        [
            sys.executable, "-I", espeak_program.__file__,
            espeakng_loader.get_library_path(), str(Path(espeakng_loader.get_data_path()).parent),
            "-v", voice, "-s", "155",
        ],
        input=TEXTS[text].encode(), capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    rate_hz = int.from_bytes(done.stdout[24:28], "little")
    sound: Sound = soxr.resample(np.frombuffer(done.stdout[44:], "<i2").astype(np.float64) / 32768, rate_hz, RATE_HZ)
    return sound


@cache
def piper(text: int, models: Path) -> Sound:
    """The same in the project's Piper voice."""
    from piper import PiperVoice

    voice = PiperVoice.load(models / "en_US-kiosk-low" / "en_US-kiosk-low.onnx")
    chunks = list(voice.synthesize(TEXTS[text]))
    joined = np.concatenate([chunk.audio_float_array for chunk in chunks]).astype(np.float64)
    sound: Sound = soxr.resample(joined, chunks[0].sample_rate, RATE_HZ)
    return sound


def unbroken(length_s: float, voice: str = "en-us+f2") -> Sound:
    """So many seconds of speech without a pause anywhere."""
    sound = np.concatenate([spoken(voice, text) for text in (0, 1, 2)])
    blocks = sound[: len(sound) // 480 * 480].reshape(-1, 480)
    return blocks[np.abs(blocks).max(axis=1) > 0.02].ravel()[: round(length_s * RATE_HZ)]


def silence(length_s: float) -> Sound:
    return np.zeros(round(length_s * RATE_HZ))


def noise(length_s: float, level: float = 0.05, seed: int = 0) -> Sound:
    return np.random.default_rng(seed).standard_normal(round(length_s * RATE_HZ)) * level


def noisy(sound: Sound, ratio_db: float) -> Sound:
    """With white noise; the ratio is that of the whole sound, pauses included."""
    level = float(np.sqrt(np.mean(sound**2))) * 10 ** (-ratio_db / 20)
    return sound + noise(len(sound) / RATE_HZ, level)[: len(sound)]


def in_room(sound: Sound, fading_s: float) -> Sound:
    """Heard in a room that fades by 60 dB in that time, as loud as the voice itself."""
    times = np.arange(round(1.3 * fading_s * RATE_HZ)) / RATE_HZ
    tail = np.random.default_rng(1).standard_normal(len(times)) * 10 ** (-3 * times / fading_s)
    tail[: round(0.005 * RATE_HZ)] = 0
    tail /= np.sqrt(np.sum(tail**2))
    tail[0] += 1
    size = 1 << (len(sound) + len(tail)).bit_length()
    heard: Sound = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(tail, size), size)[: len(sound)]
    return heard * float(np.abs(sound).max() / np.abs(heard).max())


def wav(sound: Sound) -> bytes:
    """As a plain WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(RATE_HZ)
        written.writeframes(np.clip(np.round(sound * 32768), -32768, 32767).astype("<i2").tobytes())
    return file.getvalue()
