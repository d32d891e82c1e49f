"""Sounds that are no speech, each of unit rms unless said otherwise."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from whisper_kiosk.dimensions import SAMPLE_RATE_HZ
from whisper_kiosk.voices import Audio

Rng = np.random.Generator


def _unit(x: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    scaled: npt.NDArray[np.floating] = x / (np.sqrt(np.mean(x * x)) + 1e-9)
    return scaled


def coloured(rng: Rng, n: int, power: float) -> Audio:
    """n samples of white (power 0), pink (1) or brown (2) noise."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    frequency = np.maximum(np.fft.rfftfreq(n, 1 / SAMPLE_RATE_HZ), 30.0)
    return _unit(np.fft.irfft(spectrum / frequency ** (power / 2), n)).astype(np.float32)


def chords(rng: Rng, n: int) -> Audio:
    """n samples like music: a few notes with harmonics, envelopes and pauses."""
    x, at = np.zeros(n, np.float32), 0
    root = rng.uniform(90, 400)
    while at < n:
        length = int(SAMPLE_RATE_HZ * rng.uniform(0.1, 0.9))
        t = np.arange(min(length, n - at)) / SAMPLE_RATE_HZ
        envelope = np.exp(-t * rng.uniform(0.5, 8)) * np.minimum(1, t * rng.uniform(20, 400))
        for step in rng.choice([0, 3, 4, 5, 7, 9, 10, 12, 16], rng.integers(1, 5)):
            f = root * 2 ** (step / 12)
            for h in range(1, int(rng.integers(2, 7))):
                if f * h < 7500:
                    wave = np.sin(2 * np.pi * f * h * t + rng.uniform(0, 6))
                    x[at : at + len(t)] += envelope * wave / h ** rng.uniform(0.7, 2)
        at += int(length * rng.uniform(0.5, 1.3)) + 1
    return _unit(x)


def tones(rng: Rng, n: int) -> Audio:
    """n samples of a steady tone, a sweep, a beeping tone or mains hum."""
    t = np.arange(n) / SAMPLE_RATE_HZ
    kind = rng.integers(0, 4)
    f0, f1 = rng.uniform(80, 4000, 2)
    if kind == 0:
        x = np.sin(2 * np.pi * f0 * t)
    elif kind == 1:
        x = np.sin(2 * np.pi * (f0 * t + (f1 - f0) * t * t / (2 * t[-1] + 1e-6)))
    elif kind == 2:
        x = np.sin(2 * np.pi * f0 * t) * (np.sin(2 * np.pi * rng.uniform(0.7, 6) * t) > 0)
    else:
        hum = rng.choice([50, 60])
        x = sum(np.sin(2 * np.pi * hum * k * t) / k for k in range(1, 9))
    return _unit(x).astype(np.float32)


def clicks(rng: Rng, n: int) -> Audio:
    """n samples with one to eleven decaying bursts."""
    x = np.zeros(n, np.float32)
    for _ in range(rng.integers(1, 12)):
        k = int(rng.integers(40, 4000))
        burst = coloured(rng, k, rng.uniform(0, 2)) * np.exp(-np.arange(k) / (k / rng.uniform(2, 8)))
        at = int(rng.integers(0, max(1, n - k)))
        x[at : at + k] += burst[: n - at] * rng.uniform(0.2, 1)
    return _unit(x)


def background(rng: Rng, n: int) -> Audio:
    """n samples of what may sound behind a customer: mostly noise, sometimes music, tones or clicks."""
    dice = rng.random()
    if dice < 0.75:
        return coloured(rng, n, rng.choice([0.0, 1.0, 1.0, 1.5, 2.0]))
    if dice < 0.87:
        return chords(rng, n)
    return tones(rng, n) if dice < 0.92 else clicks(rng, n)


def _swelling(rng: Rng, n: int) -> Audio:
    noise = coloured(rng, n, 1)
    swelling: Audio = noise * (0.3 + np.abs(np.sin(np.arange(n) / SAMPLE_RATE_HZ * rng.uniform(0.5, 8))))
    return swelling


_KINDS: dict[int, Callable[[Rng, int], Audio]] = {
    1: lambda rng, n: coloured(rng, n, rng.uniform(0, 2)),
    2: lambda rng, n: coloured(rng, n, rng.choice([0.0, 1.0])),
    3: chords,
    4: tones,
    5: clicks,
    6: _swelling,
}


def non_speech(rng: Rng) -> Audio:
    """0.3 to 8 s, level -50 to -8 dB, whose right transcript is empty; one in seven is silence or almost."""
    n = int(SAMPLE_RATE_HZ * rng.uniform(0.3, 8))
    kind = rng.integers(0, 7)
    if kind == 0:
        silence = np.zeros(n, np.float32)
        if rng.random() < 0.5:
            silence += coloured(rng, n, rng.choice([0.0, 1.0])) * 10 ** (-rng.uniform(60, 90) / 20)
        return silence
    x = _KINDS[int(kind)](rng, n)
    if rng.random() < 0.4:
        x = x + coloured(rng, n, 1) * 10 ** (-rng.uniform(5, 30) / 20)
    return np.clip(x * 10 ** (rng.uniform(-50, -8) / 20), -1, 1).astype(np.float32)
