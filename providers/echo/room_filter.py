"""Learns how the loudspeaker sounds at the microphone, and subtracts just that.

A Kalman filter in the frequency domain, in partitions of 10 ms: each bin knows how sure it is of what it has learnt, so
it learns quickly when only the loudspeaker is heard, and hardly anything wrong while somebody speaks over it.
G. Enzner and P. Vary, Frequency-domain adaptive Kalman filter for acoustic echo control in hands-free telephones,
Signal Processing 86, 2006; F. Kuech, E. Mabande and G. Enzner, State-space architecture of the partitioned-block-based
acoustic echo controller, ICASSP 2014.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

REACH_S = 0.25
"""Audio seconds between a sound and the last of its echo that is learnt, delays included."""

PERSISTENCE = 0.998
"""How much of what was learnt still holds 10 ms later; less follows a room that changes, and clocks that drift apart
(50 ppm are usual), and errs more."""

MEMORY = 0.6
"""How much of what is not echo was there 10 ms before already."""

FLOOR = 1e-9
"""Power of the noise that is always there, per bin."""

UNSURE = 0.05
"""How unsure it is of each bin at the beginning: the square of a gain. More learns slower, odd as it is: it then takes
what it has not learnt yet for somebody who speaks."""

FADES_S = 0.2
"""Audio seconds in which that falls by 10 dB: the later a reflection, the fainter."""

WORSE = 1.05
"""How much more power may be left than was heard; beyond it the room has changed, and all is learnt anew."""

GLANCE = 0.95
"""How much of what was left and heard 10 ms before still counts for that: about a fifth of a second."""

Step = NDArray[np.float32]
"""Samples in [-1, 1), shape [step]."""


class RoomFilter:
    """For one loudspeaker and one microphone, both at one rate."""

    def __init__(self, step: int, rate_hz: int) -> None:
        """``step``: samples that come at a time."""
        self._step = step
        self._rate_hz = rate_hz
        parts, bins = round(REACH_S * rate_hz / step), step + 1
        self._played = np.zeros(2 * step, np.float32)
        self._spectra = np.zeros((parts, bins), np.complex64)
        """Of what was played, the latest first."""
        self._gains = np.zeros((parts, bins), np.complex64)
        """What has been learnt."""
        self._unsure = np.zeros((parts, bins), np.float32)
        """Expected square of each gain's error."""
        self._other = np.full(bins, FLOOR, np.float32)
        """Power of what is not echo."""
        self._heard_power = self._left_power = 0.0
        self._forget()

    def cancel(self, heard: Step, played: Step) -> Step:
        """``heard`` without the echo that has been learnt so far."""
        step = self._step
        self._played = np.concatenate([self._played[step:], played])
        self._spectra = np.roll(self._spectra, 1, axis=0)
        self._spectra[0] = np.fft.rfft(self._played)
        echo = np.fft.irfft(np.einsum("pb,pb->b", self._gains, self._spectra))[step:]
        left = (heard - echo).astype(np.float32)
        self._heard_power = GLANCE * self._heard_power + float(heard @ heard)
        self._left_power = GLANCE * self._left_power + float(left @ left)
        if self._left_power > WORSE * self._heard_power:
            self._forget()
            return heard
        if heard.any():  # a muted microphone would teach it, beyond all doubt, that there is no echo
            self._learn(left)
        return left

    def _forget(self) -> None:
        late_s = np.arange(len(self._unsure), dtype=np.float32) * self._step / self._rate_hz
        self._unsure[:] = UNSURE * 10 ** (-late_s / FADES_S)[:, np.newaxis]
        self._gains[:] = 0
        self._heard_power = self._left_power = 0.0

    def _learn(self, left: Step) -> None:
        step = self._step
        error = np.fft.rfft(np.concatenate([np.zeros(step, np.float32), left])).astype(np.complex64)
        error_power = np.square(np.abs(error))
        self._other *= MEMORY
        self._other += (1 - MEMORY) * error_power + FLOOR
        self._unsure *= PERSISTENCE**2
        self._unsure += (1 - PERSISTENCE**2) * np.square(np.abs(self._gains))
        power = np.square(np.abs(self._spectra))
        expected = 0.5 * np.einsum("pb,pb->b", self._unsure, power) + self._other
        share = self._unsure / expected
        change = np.fft.irfft(share * self._spectra.conj() * error)
        change[:, step:] = 0  # a partition answers for its own 10 ms only
        self._gains *= PERSISTENCE
        self._gains += np.fft.rfft(change)
        self._unsure *= 1 - 0.5 * share * power
