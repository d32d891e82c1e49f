"""The vocoder: a pulse train and noise, both shaped frame by frame by a minimum-phase filter."""

import functools
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from piper_kiosk.bands import APERIODICITY_HZ, Array, envelope_hz, frequencies_hz, to_mel, triangles
from piper_kiosk.dimensions import HOP, SAMPLE_RATE_HZ

FFT = 512
BINS = FFT // 2 + 1
WINDOW = 2 * HOP
NOISE_LENGTH = 65521
"""Samples of stored noise, a prime: the same text gives the same samples."""
HIGHEST_HARMONIC = 0.485
"""As a share of the sample rate."""


class Vocoder(nn.Module):
    """Envelope, pitch, voicing and aperiodicity to samples. All harmonics of the pulse train have equal strength."""

    magnitude: Tensor
    phase: Tensor
    noise_share: Tensor
    forward_transform: Tensor
    inverse_transform: Tensor
    ramp: Tensor
    noise: Tensor

    def __init__(self) -> None:
        super().__init__()
        frequency = frequencies_hz(BINS)
        magnitude = 0.5 * triangles(to_mel(frequency), to_mel(envelope_hz())).T
        tables = {
            "magnitude": magnitude,
            "phase": minimum_phase(magnitude),
            "noise_share": triangles(frequency, APERIODICITY_HZ).T,
            "forward_transform": forward_transform(),
            "inverse_transform": inverse_transform(),
            "ramp": np.arange(HOP) / HOP,
            "noise": np.random.RandomState(7).randn(NOISE_LENGTH),
        }
        for name, table in tables.items():
            tensor = torch.tensor(np.ascontiguousarray(table), dtype=torch.float32)
            self.register_buffer(name, tensor, persistent=False)

    def spectrum(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Samples (t) -> real and imaginary part, both (frames + 1, bins)."""
        z = torch.cat([torch.zeros_like(x[:HOP]), x], 0).reshape(-1, HOP)
        real, imaginary = (torch.cat([z[:-1], z[1:]], 1) @ self.forward_transform).chunk(2, -1)
        return real, imaginary

    def pulses(self, f0: Tensor) -> Tensor:
        """A pulse train of a pitch (t) in Hz: the sum of all harmonics in closed form."""
        phase = torch.cumsum((f0 / SAMPLE_RATE_HZ).double(), 0)
        phase = (phase - torch.round(phase)).float()
        harmonics = torch.floor(HIGHEST_HARMONIC * SAMPLE_RATE_HZ / f0)
        tiny = phase.abs() < 1e-4
        q = torch.where(tiny, torch.full_like(phase, 0.25), phase) * math.pi
        train = torch.where(tiny, harmonics, 0.5 * (torch.sin((2 * harmonics + 1) * q) / torch.sin(q) - 1))
        return train * 2 * torch.sqrt(f0 / SAMPLE_RATE_HZ)

    def forward(
        self, envelope: Tensor, pitch: Tensor, voicing: Tensor, aperiodicity: Tensor, noise_gain: Tensor
    ) -> Tensor:
        """f frames: envelope (f, 64), log pitch (f), voicing (f), aperiodicity (f, 6) -> samples (f * 128)."""
        following = torch.cat([pitch[1:], pitch[-1:]], 0)
        f0 = torch.exp(pitch[:, None] * (1 - self.ramp) + following[:, None] * self.ramp).reshape(-1)
        index = torch.cumsum(torch.ones_like(f0, dtype=torch.int64), 0) % NOISE_LENGTH
        pulse_real, pulse_imaginary = self.spectrum(self.pulses(f0))
        noise_real, noise_imaginary = self.spectrum(self.noise[index] * noise_gain)
        share = torch.clamp(aperiodicity @ self.noise_share, 0.0, 1.0)
        share = 1 - voicing[:, None] * (1 - share)
        pulse_share = torch.sqrt(torch.clamp(1 - share * share, 0.0, 1.0))
        magnitude, angle = torch.exp(envelope @ self.magnitude), envelope @ self.phase
        c, s = torch.cos(angle) * magnitude, torch.sin(angle) * magnitude
        real = pulse_share * pulse_real + share * noise_real
        imaginary = pulse_share * pulse_imaginary + share * noise_imaginary
        return overlap_add(torch.cat([real * c - imaginary * s, real * s + imaginary * c], 1) @ self.inverse_transform)


def overlap_add(frames: Tensor) -> Tensor:
    """Frames (f, 512), 128 samples apart -> samples; the first and the last two steps are cut off."""
    steps = [F.pad(part, (0, 0, k, 3 - k)) for k, part in enumerate(frames.split(HOP, 1))]
    return functools.reduce(torch.add, steps)[1:-2].reshape(-1)


def minimum_phase(magnitude: Array) -> Array:
    """The phase that belongs to each band's log magnitude (bands, bins), through the folded cepstrum."""
    cepstrum = np.fft.irfft(magnitude, axis=1)
    cepstrum[:, 1 : FFT // 2] *= 2
    cepstrum[:, FFT // 2 + 1 :] = 0
    return np.fft.rfft(cepstrum, axis=1).imag


def forward_transform() -> Array:
    """A windowed Fourier transform as a matrix (256, 2 * 257): real, then imaginary part."""
    angles = np.arange(WINDOW)[:, None] * np.arange(BINS)[None] * 2 * np.pi / FFT
    hann = np.hanning(WINDOW + 1)[:-1, None]
    return np.concatenate([np.cos(angles), -np.sin(angles)], 1) * hann


def inverse_transform() -> Array:
    """The inverse Fourier transform as a matrix (2 * 257, 512)."""
    angles = np.arange(BINS)[:, None] * np.arange(FFT)[None] * 2 * np.pi / FFT
    weights = np.full(BINS, 2.0 / FFT)
    weights[[0, -1]] = 1.0 / FFT
    return np.concatenate([np.cos(angles) * weights[:, None], -np.sin(angles) * weights[:, None]], 0)
