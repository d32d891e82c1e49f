"""What comes back of a sound: how late and how loud, as a recording tells it.

The sound is a sweep. Correlation finds it in the recording, and what the room made of it is the impulse response (A.
Farina, Simultaneous measurement of impulse response and distortion with a swept-sine technique, AES 108, 2000). Where
the numbers come from: docs/decisions/123.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import LISTENING_RATE_HZ, SILENCE_DB, AudioChunk, Pcm, level_db

SWEEP_S = 1.0

LOW_HZ, HIGH_HZ = 300.0, 6000.0
"""What small loudspeakers can play and a microphone of speech hears."""

PEAK = 0.2
"""Of full scale: -17 dB as a whole, the level of speech."""

FADE_S = 0.02

ROOM_S = 0.6
"""Audio seconds before the sweep in which the room's noise is measured."""

LATEST_S = 1.0
"""The longest delay that is looked for."""

PARTS = 4
"""The sweep is looked for in so many parts, each a stretch of time and of frequencies of its own: a click or a voice
may look like one of them, and not like three in their order."""

AT_ONCE, NEARBY = 6.5, 9.0
"""How far three of the parts must stand out, in standard deviations: at the same place, or within ``FALTERS_S``."""

FALTERS_S = 0.05
"""How far the parts may be apart: on a busy machine sound systems lose pieces, and what follows comes sooner."""

EARLY_S = 0.03
"""How long before its strongest reflection a sound may arrive straight: 10 m of detour."""

RESPONSE_S = 0.1
"""Length of the impulse response that counts as echo; what a room does later is faint."""

LATE_MS = 250.0
"""A delay beyond this is a Bluetooth loudspeaker or a sound server with much in hand; customers wait for it."""

LOUD_DB, FAINT_DB = -6.0, -50.0
"""Of the echo over what was played: above, the loudspeaker shouts into the microphone; below, it is hardly on."""

OVER_NOISE_DB = 10.0
"""The echo over the room's noise from which answers are understood with ease."""

Signal = NDArray[np.float64]
"""Samples at ``LISTENING_RATE_HZ`` in [-1, 1), shape [samples]."""


@dataclass(frozen=True, slots=True)
class Echo:
    """What came back."""

    delay_ms: float | None
    """From the moment the sweep was handed to the loudspeaker to its arrival in the program; None where it was not
    heard."""
    echo_db: float | None
    """Level of what came back over what was played, dB."""
    noise_db: float
    """The room before the sweep, dB relative to full scale."""
    heard: bool
    verdict: Literal["good", "fair", "poor"]
    advice: str


def sweep(rate_hz: int = LISTENING_RATE_HZ) -> AudioChunk:
    """From low to high at a steady number of octaves a second, faded in and out."""
    at_s = np.arange(round(SWEEP_S * rate_hz)) / rate_hz
    octaves = np.log(HIGH_HZ / LOW_HZ)
    phase = 2 * np.pi * LOW_HZ * SWEEP_S / octaves * (np.exp(at_s / SWEEP_S * octaves) - 1)
    fade = np.minimum(1, np.minimum(at_s, SWEEP_S - at_s) / FADE_S)
    return AudioChunk((np.sin(phase) * fade * PEAK * 32767).astype(np.int16), rate_hz)


def judged(recorded: Pcm, handed_s: float) -> Echo:
    """What a recording (16 kHz) says that begins with ``ROOM_S`` of the room alone and in which the sweep was handed
    over after ``handed_s``.
    """
    noise_db = level_db(recorded[: _samples(ROOM_S)])
    sound, played = recorded / 32768.0, sweep().pcm / 32768.0
    handed = _samples(handed_s)
    delay = _delay(sound[handed : handed + len(played) + _samples(LATEST_S)], played)
    if delay is None:
        return _unheard(noise_db, muted=not recorded.any())
    response = _Response(sound, played)
    room = np.median([response.energy(at) for at in range(0, _samples(ROOM_S - RESPONSE_S), _samples(RESPONSE_S / 2))])
    echo = max(response.energy(handed + delay) - float(room), response.peak(handed + delay))
    audible_noise = float(np.mean(_in_band(sound[: _samples(ROOM_S)]) ** 2))
    over_noise_db = _db(echo * float(np.mean(played**2))) - _db(audible_noise)
    return _heard(delay / LISTENING_RATE_HZ * 1000, _db(echo), noise_db, over_noise_db)


def _samples(duration_s: float) -> int:
    return round(duration_s * LISTENING_RATE_HZ)


def _delay(sound: Signal, played: Signal) -> int | None:
    """Samples until the sweep arrives; None where it is not heard."""
    edges = [len(played) * number // PARTS for number in range(PARTS + 1)]
    places = np.arange(len(played))
    parts = [np.where((places >= begin) & (places < end), played, 0.0) for begin, end in pairwise(edges)]
    fits = _fits(sound, parts)
    if not fits.any():
        return None
    usual = np.sqrt(np.mean(fits**2, axis=1, keepdims=True))
    standing_out = np.abs(fits) / np.maximum(usual, 1e-12)
    if _third(standing_out) < AT_ONCE and _third(_widened(standing_out)) < NEARBY:
        return None
    found = np.abs(np.sum(fits, axis=0))
    strongest = int(np.argmax(found))
    # A wall may throw back more than comes straight.
    first = max(0, strongest - _samples(EARLY_S))
    return first + int(np.nonzero(found[first : strongest + 1] >= 0.5 * found[strongest])[0][0])


def _fits(sound: Signal, parts: Sequence[Signal]) -> Signal:
    """How well each part of the sweep fits at each place: correlations by FFT, shape [parts, places].

    Frequencies at which much is heard count less, else a single voice would outweigh the whole sweep (the smoothed
    coherence transform: C. Knapp, G. Carter, The generalized correlation method for estimation of time delay, IEEE
    Transactions ASSP 24, 1976).
    """
    size = _fft_size(len(sound))
    hz = np.fft.rfftfreq(size, 1 / LISTENING_RATE_HZ)
    window = np.hanning(512)
    pieces = [np.abs(np.fft.rfft(window * sound[at : at + 512])) ** 2 for at in range(0, len(sound) - 511, 256)]
    if not pieces:
        return np.zeros((len(parts), 0))
    loudness = np.sqrt(np.interp(hz, np.fft.rfftfreq(512, 1 / LISTENING_RATE_HZ), np.mean(pieces, axis=0)))
    weight = np.where((hz >= LOW_HZ) & (hz <= HIGH_HZ) & (loudness > 0), 1 / np.maximum(loudness, 1e-9), 0)
    heard = np.fft.rfft(sound, size) * weight
    fits = [np.fft.irfft(heard * np.conj(np.fft.rfft(part, size)), size) for part in parts]
    return np.asarray(np.stack(fits)[:, : max(0, len(sound) - len(parts[0]) + 1)])


def _third(standing_out: Signal) -> float:
    """How far at least three parts stand out at the best place; one may lie where others are too loud."""
    return float(np.max(np.sort(standing_out, axis=0)[-3]))


def _widened(standing_out: Signal) -> Signal:
    """For each stretch of ``FALTERS_S`` the best of it and its neighbours."""
    length = _samples(FALTERS_S)
    padded = np.pad(standing_out, ((0, 0), (0, -standing_out.shape[1] % length)))
    best = padded.reshape(len(padded), -1, length).max(axis=2)
    return np.asarray(np.maximum(best, np.maximum(np.roll(best, 1, axis=1), np.roll(best, -1, axis=1))))


def _fft_size(samples: int) -> int:
    return 1 << samples.bit_length()


class _Response:
    """What the way from the loudspeaker to the microphone makes of a click, as seen through the sweep."""

    def __init__(self, sound: Signal, played: Signal) -> None:
        self._size = _fft_size(len(sound) + len(played))
        spectrum = np.fft.rfft(played, self._size)
        self._power = np.abs(spectrum) ** 2
        # Outside the sweep's band there is nothing to divide by.
        inverse = np.conj(spectrum) / (self._power + 1e-3 * self._power.max())
        heard = np.fft.rfft(sound, self._size)
        self._response = np.fft.irfft(heard * inverse, self._size)
        self._fit = np.fft.irfft(heard * np.conj(spectrum), self._size) / float(np.sum(played**2))

    def energy(self, at: int) -> float:
        """Of what begins at sample ``at``, over that of the sweep."""
        # The response of a band is no click but a short wave around it: half of it comes before.
        part = self._response[max(0, at - 32) : at + _samples(RESPONSE_S)]
        return float(np.sum(np.abs(np.fft.rfft(part, self._size)) ** 2 * self._power) / np.sum(self._power))

    def peak(self, at: int) -> float:
        """Of what comes straight alone: too little in a room, but noise hardly disturbs it."""
        return float(np.max(self._fit[at : at + _samples(EARLY_S)] ** 2))


def _in_band(sound: Signal) -> Signal:
    spectrum = np.fft.rfft(sound)
    hz = np.fft.rfftfreq(len(sound), 1 / LISTENING_RATE_HZ)
    return np.asarray(np.fft.irfft(np.where((hz >= LOW_HZ) & (hz <= HIGH_HZ), spectrum, 0), len(sound)))


def _unheard(noise_db: float, *, muted: bool) -> Echo:
    if muted:
        advice = "The microphone delivers digital silence: it is muted, or its level is at zero."
    else:
        advice = "The microphone did not hear the loudspeaker: is it on, loud enough, and the one that is chosen?"
    return Echo(None, None, round(noise_db, 1), False, "poor", advice)


def _heard(delay_ms: float, echo_db: float, noise_db: float, over_noise_db: float) -> Echo:
    verdict: Literal["good", "fair", "poor"] = "good"
    advice = "The loudspeaker is heard as it should be."
    if echo_db > LOUD_DB:
        verdict = "poor"
        advice = "The loudspeaker is too loud for the microphone: move them apart, or turn it down."
        if noise_db <= SILENCE_DB:  # no room is that quiet; PulseAudio gives who has lost a microphone such a copy
            advice = (
                "What comes back is what was played and nothing else: probably a copy of the loudspeaker (its "
                "'monitor') stands in place of a microphone. Is the microphone plugged in, and chosen?"
            )
    elif delay_ms > LATE_MS:
        verdict = "fair"
        advice = "The sound comes late: a Bluetooth loudspeaker or a slow sound system? A cable is quicker."
    elif echo_db < FAINT_DB or over_noise_db < OVER_NOISE_DB:
        verdict = "fair"
        advice = "The loudspeaker can hardly be heard over the room: turn it up, or is it far away?"
    return Echo(round(delay_ms, 1), round(echo_db, 1), round(noise_db, 1), True, verdict, advice)


def _db(power: float) -> float:
    return float(10 * np.log10(power)) if power > 10 ** (SILENCE_DB / 10) else SILENCE_DB
