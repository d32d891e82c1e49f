"""Whether the loudspeaker is heard at the microphone at all, told by what a filter can explain of what is heard.

With a headset, or a microphone that cancels echoes itself, there is nothing to take out, and a suppressor that looks
for it all the same takes from whoever speaks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LOUD = 1e-6
"""Mean square of what is played (full scale 1) from which a step tells something: -60 dB."""

MEMORY = 0.97
"""How much of what was heard and left 10 ms before still counts: about a third of a second."""

FOUND_DB = 2.0
"""How much softer the filter must make what is heard. Measured in ``benchmarks.echo_room``: without an echo never more
than 1.5 dB, whoever speaks; with one of -30 dB or louder that much after 0.15 to 0.5 s."""

GONE_DB = 0.3
"""Below this nothing of an echo is found."""

DOUBTFUL_S = 0.6
"""Played seconds at the beginning without a trace until there is taken to be none."""

GONE_S = 4.0
"""Played seconds without a trace of it until an echo that was there is gone: longer than a customer speaks without
taking breath."""

LEAST = 1e-12
"""Stands for the power of digital silence."""

Step = NDArray[np.float32]
"""Samples in [-1, 1), shape [step]."""


class EchoPresence:
    """For one loudspeaker and one microphone. Until it knows, there is an echo."""

    def __init__(self, step_s: float) -> None:
        """``step_s``: length of a step, seconds."""
        self._step_s = step_s
        self._heard_power = self._left_power = 0.0
        self._found = False
        """Whether there ever was an echo."""
        self._without_s = 0.0
        """Played seconds without a trace of it."""
        self._present = True

    def judge(self, heard: Step, left: Step, played: Step) -> bool:
        """Whether there is an echo, as far as is known after one more step.

        ``left`` is what the filter makes of ``heard``.
        """
        self._heard_power = MEMORY * self._heard_power + float(heard @ heard)
        self._left_power = MEMORY * self._left_power + float(left @ left)
        explained_db = 10 * float(np.log10((self._heard_power + LEAST) / (self._left_power + LEAST)))
        if explained_db >= FOUND_DB:
            self._found = self._present = True
            self._without_s = 0.0
        elif explained_db >= GONE_DB and self._found:
            self._without_s = 0.0
        elif float(played @ played) >= LOUD * len(played):
            self._without_s += self._step_s
        if self._without_s >= (GONE_S if self._found else DOUBTFUL_S):
            self._present = False
        return self._present
