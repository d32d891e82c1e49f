"""How long a room goes on sounding after the voice, heard from the recording alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assistant.samples.spectrum import HOP_S, in_bands, powers

WINDOW = 600
"""Samples: 25 ms, short beside any echo."""

STRETCH = 8
"""Windows over which a sound must fade to count."""

LEAST = 50
"""Fading stretches, over all bands, below which nothing is said; ten seconds of speech have thousands."""

ABOVE_DB = 6.0
"""How far above the quietest moments a sound must stay to count. Noise still slows what fades into it: at 20 dB of
speech over noise a dry voice seems to fade in 0.17 to 0.31 s."""

SHARE = 75
"""Percentile of the speeds of fading. A room cannot make a sound end faster than it lets it; a voice that ends
suddenly shows the room. The middle speeds are the voice's own, the highest ones chance."""


def fading_s(samples: NDArray[np.float32]) -> float | None:
    """Seconds in which speech fades by 60 dB, None where it cannot be told.

    Where the room is longer than the voice itself this follows its reverberation time: measured with eleven voices and
    exponential tails as loud as the direct sound it was 0.10 to 0.20 dry, 0.28 to 0.32 at 0.4 s, 0.32 to 0.41 at 0.6 s.
    (The idea is that of Ratnam et al., 2003.)
    """
    levels = 10 * np.log10(in_bands(powers(samples, WINDOW))[:, 2:22] + 1e-9)
    if len(levels) < STRETCH:
        return None
    floor, top = np.percentile(levels, 5, axis=0), np.percentile(levels, 95, axis=0)
    stretches = np.lib.stride_tricks.sliding_window_view(levels, STRETCH, axis=0)
    steps = np.arange(STRETCH) - (STRETCH - 1) / 2
    speeds = stretches @ steps / (steps @ steps) / HOP_S
    fading = (np.diff(stretches, axis=2) < 0.5).all(axis=2) & (speeds < -20)
    heard = (stretches[:, :, 0] > top - 25) & (stretches[:, :, -1] > floor + ABOVE_DB)
    found = -speeds[fading & heard]
    return float(60 / np.percentile(found, SHARE)) if len(found) >= LEAST else None
