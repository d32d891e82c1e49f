"""Whether the loudspeaker is heard at the microphone at all, told by what a filter can explain of what is heard.

With a headset, or a microphone that cancels echoes itself, there is nothing to take out, and a suppressor that looks
for it all the same takes from whoever speaks.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

LOUD = 1e-6
"""Mean square of what is played (full scale 1) from which a step tells something: -60 dB."""

MEMORY = 0.97
"""How much of what was heard and left 10 ms before still counts: about a third of a second."""

FOUND_DB = 2.5
"""How much softer the filter must make what is heard. Measured in ``benchmarks.echo_room``: without an echo never more
than 2.0 dB but in the first moments of a voice; with one of -30 dB or louder more than 3 dB after 0.15 to 0.5 s."""

FOUND_S = 0.15
"""For how long it must do so: two voices that begin at once have so much in common for a moment, never for as long."""

LONG_MEMORY = 0.995
"""The same for two seconds, in which fainter echoes stand out."""

FAINT_DB = 0.6
"""What is enough then: without an echo 0.4 dB at most, with one of -40 dB 0.55 dB at once and 2 dB later."""

FAINT_S = 0.5
"""And for how long."""

GONE_DB = 0.3
"""Below this nothing of an echo is found."""

DOUBTFUL_S = 0.8
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
        self._lately, self._long = Explained(MEMORY), Explained(LONG_MEMORY)
        self._found = False
        """Whether there ever was an echo."""
        self._found_s = self._faint_s = 0.0
        """Seconds for which so much has been explained."""
        self._without_s = 0.0
        """Played seconds without a trace of it."""
        self._present = True

    def judge(self, heard: Step, left: Step, played: Step) -> bool:
        """Whether there is an echo, as far as is known after one more step.

        ``left`` is what the filter makes of ``heard``.
        """
        powers = float(heard @ heard), float(left @ left)
        lately_db, long_db = self._lately.update(*powers), self._long.update(*powers)
        sounds = float(played @ played) >= LOUD * len(played)
        self._found_s = self._found_s + self._step_s if lately_db >= FOUND_DB else 0.0
        self._faint_s = self._faint_s + self._step_s if long_db >= FAINT_DB else 0.0
        if self._found_s >= FOUND_S or self._faint_s >= FAINT_S:
            self._found = self._present = True
            self._without_s = 0.0
        elif lately_db >= GONE_DB:
            self._without_s = 0.0
        elif sounds:
            self._without_s += self._step_s
        if self._without_s >= (GONE_S if self._found else DOUBTFUL_S):
            self._present = False
        return self._present


class Explained:
    """How much softer a filter makes what is heard, over a while that fades."""

    def __init__(self, memory: float) -> None:
        """``memory``: how much of the moment before still counts."""
        self._memory = memory
        self._heard = self._left = LEAST

    def update(self, heard: float, left: float) -> float:
        """Decibels, after one more step of these powers."""
        self._heard = self._memory * self._heard + heard + LEAST
        self._left = self._memory * self._left + left + LEAST
        return 10 * math.log10(self._heard / self._left)
