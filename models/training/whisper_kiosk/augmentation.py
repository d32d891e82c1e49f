"""Rooms, microphones and distances: one rendering of a sentence becomes several."""

from typing import NamedTuple

import numpy as np

from whisper_kiosk.dimensions import CHUNK_S, SAMPLE_RATE_HZ
from whisper_kiosk.noise import Rng, background, coloured
from whisper_kiosk.voices import Audio


class Heard(NamedTuple):
    """What a microphone hears of one sentence."""

    audio: Audio
    start_s: float
    """Where the speech starts in the audio."""
    end_s: float
    """Where it ends, reverberation included."""


def reverb(rng: Rng, x: Audio) -> Audio:
    """Speech in a room with a reverberation time of 0.08 to 0.5 s, same peak, longer by a third of that time."""
    reverberation_s = rng.uniform(0.08, 0.5)
    n = int(SAMPLE_RATE_HZ * reverberation_s)
    response = rng.standard_normal(n) * 10 ** (-3 * np.arange(n) / n) * rng.uniform(0.05, 0.35)
    response[0] = 1.0
    response[1 : int(SAMPLE_RATE_HZ * rng.uniform(0.002, 0.01))] = 0
    size = 1 << (len(x) + n - 1).bit_length()
    y = np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(response, size), size)[: len(x) + n // 3]
    return (y * (np.abs(x).max() / (np.abs(y).max() + 1e-9))).astype(np.float32)


def microphone(rng: Rng, x: Audio) -> Audio:
    """Speech with a tilted spectrum and sometimes a limited band: microphones differ."""
    spectrum = np.fft.rfft(x)
    f = np.fft.rfftfreq(len(x), 1 / SAMPLE_RATE_HZ)
    gain = (np.maximum(f, 100) / 1000) ** rng.uniform(-0.4, 0.4)
    if rng.random() < 0.4:
        gain *= 1 / (1 + (f / rng.uniform(3000, 7000)) ** 8)
    if rng.random() < 0.4:
        gain *= 1 / (1 + (rng.uniform(80, 250) / np.maximum(f, 1)) ** 4)
    return np.fft.irfft(spectrum * gain, len(x)).astype(np.float32)


def respeak(x: Audio, ratio: float) -> Audio:
    """Another speaker: pitch and pace changed together, a ratio above 1 is lower and slower."""
    import soxr

    return soxr.resample(x, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ * ratio).astype(np.float32)


def augment(rng: Rng, x: Audio, mild: bool = False) -> Heard:
    """Put speech into a room, before a microphone and into background noise; `mild` keeps the speaker as he is."""
    if not mild and rng.random() < 0.5:
        x = respeak(x, rng.uniform(0.9, 1.12))
    if rng.random() < 0.3:
        x = reverb(rng, x)
    if rng.random() < 0.3:
        x = microphone(rng, x)
    lead_s = rng.uniform(0, 1.5) if rng.random() < 0.75 else 0.0
    trail_s = rng.uniform(0, 1.5) if rng.random() < 0.85 else 0.0
    if lead_s == 0.0 and rng.random() < 0.6:
        x = x[int(SAMPLE_RATE_HZ * rng.uniform(0, 0.08)) :]  # the detector woke up late
    room = max(0, (CHUNK_S * SAMPLE_RATE_HZ - len(x) - 400) // 2)
    before, after = int(min(lead_s * SAMPLE_RATE_HZ, room)), int(min(trail_s * SAMPLE_RATE_HZ, room))
    level = 10 ** (rng.uniform(-32, -14) / 20)
    x = x * level / (np.sqrt(np.mean(x * x)) + 1e-9)
    y = np.concatenate([np.zeros(before, np.float32), x, np.zeros(after, np.float32)])
    dice = rng.random()
    if dice < 0.75:
        y = y + background(rng, len(y)) * level * 10 ** (-rng.uniform(10, 40) / 20)
    elif dice < 0.9:
        y = y + coloured(rng, len(y), 0) * 10 ** (-rng.uniform(60, 90) / 20)
    audio = np.clip(y, -1, 1).astype(np.float32)
    return Heard(audio, before / SAMPLE_RATE_HZ, min((before + len(x)) / SAMPLE_RATE_HZ, CHUNK_S))
