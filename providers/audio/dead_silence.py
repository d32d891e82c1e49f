"""Tells a microphone that has fallen dead from a quiet room."""

from __future__ import annotations

from pipeline.audio import Pcm

REAL_S = 10.0
"""Audio seconds without digital silence that prove a real microphone: even in a quiet room it gives noise. What is
gated, or virtual, gives zeros between sounds and proves nothing."""

PAUSE_S = 0.1
"""Audio seconds of zeros that such a source leaves between sounds."""

DEAD_S = 2.0
"""Audio seconds of zeros after which a microphone that is real counts as dead: its switch, its plug, or a sound server
that gives us something else in its place."""


class DeadSilence:
    """Listens to one microphone from the moment when it was opened."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._real = 0
        """Samples in a row without a pause of zeros."""
        self._zeros = 0
        """Samples at the end that are zeros, counted by whole blocks."""
        self._proved = False

    def fell(self, pcm: Pcm) -> bool:
        """Whether it counts as dead after the next block (int16, shape [samples])."""
        if pcm.any():
            self._zeros = 0
            self._real += len(pcm)
            self._proved = self._proved or self._real >= REAL_S * self._rate_hz
            return False
        self._zeros += len(pcm)
        if self._zeros >= PAUSE_S * self._rate_hz:
            self._real = 0
        return self._proved and self._zeros >= DEAD_S * self._rate_hz
