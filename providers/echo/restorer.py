"""Gives back some of what a suppressor of echoes takes from whoever speaks at the same time.

A suppressor that lets most of a moment through takes it for somebody's voice, and dents it all the same: then the sound
before it, in which little echo is left, is mixed in. Where the suppressor holds back, nothing is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

VOICE = 0.5
"""How much of the amplitude a suppressor must let through until anything is given back."""

SURE = 0.9
"""From here on all is given back that ever is."""

MOST = 0.65
"""Share of the sound before it at most. Measured on ``benchmarks.echo``: less writes customers down wrongly, more lets
what is left of the echo pass for speech."""

MEMORY = 0.8
"""How much the moment 10 ms before counts."""

Step = NDArray[np.float32]
"""Samples in [-1, 1), shape [step]."""


class Restorer:
    """For one suppressor."""

    def __init__(self, late: int) -> None:
        """``late``: samples by which the suppressor is late."""
        self._held = np.zeros(late, np.float32)
        self._let_through = self._before = 1e-9
        self._share = 0.0

    def restore(self, suppressed: Step, before: Step) -> Step:
        """One step of what comes out of the suppressor, with something of what went into it."""
        step = len(before)
        held = np.concatenate([self._held, before])
        before, self._held = held[:step], held[step:]
        self._let_through = MEMORY * self._let_through + float(suppressed @ suppressed)
        self._before = MEMORY * self._before + float(before @ before) + 1e-9
        passed = (self._let_through / self._before) ** 0.5
        share = MOST * min(1.0, max(0.0, (passed - VOICE) / (SURE - VOICE)))
        mixed = suppressed + (before - suppressed) * np.linspace(self._share, share, step, dtype=np.float32)
        self._share = share
        return mixed
