"""What comes back of a sound: how late and how loud the microphone hears the loudspeaker.

A sweep is played, the microphone records meanwhile. A matched filter finds the sweep in the recording, and what the
room made of it is the impulse response (A. Farina, Simultaneous measurement of impulse response and distortion with a
swept-sine technique, AES 108, 2000). Where the numbers come from: docs/decisions/123.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import LISTENING_RATE_HZ, SILENCE_DB, AudioChunk, Pcm, continuous, level_db
from pipeline.errors import AssistantError
from providers.model_worker import ModelWorker

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

WAIT_S = 15.0
"""Seconds of the clock that the whole may take: somebody may be speaking, and a dead microphone delivers nothing."""

DEAD_S = 2.0
"""Seconds of the clock without sound after which a microphone counts as dead."""

CERTAIN = 3.0
"""How many times as high as anywhere else the filter must rise where the sweep is; people who talk reach 2.6."""

EARLY_S = 0.03
"""How long before its strongest reflection a sound may arrive straight: 10 m of detour."""

LINGERS_S = 0.3
"""How long after its strongest part a room may still throw back something of note."""

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


class CheckInterrupted(AssistantError):
    """Somebody spoke meanwhile, or did not stop speaking."""

    code = "busy"

    def __init__(self) -> None:
        super().__init__(
            "Nothing was measured, because somebody spoke to the assistant or it was speaking itself.",
            remedy="Try again when nobody is speaking.",
        )


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


class Player(Protocol):
    """Plays sounds in between: the conversation."""

    @property
    def idle(self) -> asyncio.Event:
        """Set while nobody speaks."""
        ...

    def play(self, sound: AudioChunk, *, begins: Callable[[], None]) -> Awaitable[bool]:
        """Play it; whether it was heard to its end. ``begins`` is called when it is handed to the loudspeaker."""
        ...


class Tapped(Protocol):
    """Lets others listen: the metered microphone."""

    @property
    def age_s(self) -> float:
        """Seconds of the clock since the last chunk."""
        ...

    def tap(self, observer: Callable[[AudioChunk], None]) -> Callable[[], None]:
        """Hand chunks to ``observer``; the result ends it."""
        ...


class _Recording:
    """What the microphone hears."""

    def __init__(self) -> None:
        self._chunks: list[AudioChunk] = []
        self._news = asyncio.Event()

    def hear(self, chunk: AudioChunk) -> None:
        self._chunks.append(chunk)
        self._news.set()

    @property
    def length_s(self) -> float:
        return self._chunks[-1].end_s - self._chunks[0].start_s if self._chunks else 0.0

    async def reaches(self, length_s: float) -> None:
        while self.length_s < length_s:
            self._news.clear()
            await self._news.wait()

    def pcm(self) -> Pcm:
        return continuous(self._chunks).pcm


def sweep(rate_hz: int = LISTENING_RATE_HZ) -> AudioChunk:
    """From low to high at a steady number of octaves a second, faded in and out."""
    at_s = np.arange(round(SWEEP_S * rate_hz)) / rate_hz
    octaves = np.log(HIGH_HZ / LOW_HZ)
    phase = 2 * np.pi * LOW_HZ * SWEEP_S / octaves * (np.exp(at_s / SWEEP_S * octaves) - 1)
    fade = np.minimum(1, np.minimum(at_s, SWEEP_S - at_s) / FADE_S)
    return AudioChunk((np.sin(phase) * fade * PEAK * 32767).astype(np.int16), rate_hz)


async def measure_echo(player: Player, microphone: Tapped) -> Echo:
    """Play the sweep and listen; about three seconds. Raises ``CheckInterrupted`` where somebody speaks meanwhile."""
    recording = _Recording()
    handed_s = 0.0

    def begins() -> None:
        nonlocal handed_s
        # Chunks come whole: the one that is being recorded has been under way for as long as the last one is old.
        handed_s = recording.length_s + microphone.age_s

    try:
        async with asyncio.timeout(WAIT_S):
            await player.idle.wait()
            end = microphone.tap(recording.hear)
            try:
                await recording.reaches(ROOM_S)
                if not await player.play(sweep(), begins=begins):
                    raise CheckInterrupted
                await recording.reaches(handed_s + SWEEP_S + LATEST_S)
            finally:
                end()
    except TimeoutError as error:
        if player.idle.is_set() and (recording.length_s == 0.0 or microphone.age_s > DEAD_S):
            return Echo(None, None, SILENCE_DB, False, "poor", "The microphone delivers no sound: is it plugged in?")
        raise CheckInterrupted from error
    worker = ModelWorker("sound check")
    try:
        return await worker.run(lambda _: judged(recording.pcm(), handed_s))
    finally:
        worker.close()


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
    found = np.abs(_matched(sound, played))
    if not found.any():
        return None
    strongest = int(np.argmax(found))
    elsewhere = np.concatenate(
        [found[: max(0, strongest - _samples(EARLY_S))], found[strongest + _samples(LINGERS_S) :]]
    )
    if found[strongest] < CERTAIN * elsewhere.max(initial=0.0):
        return None
    # A wall may throw back more than comes straight.
    first = max(0, strongest - _samples(EARLY_S))
    return first + int(np.nonzero(found[first : strongest + 1] >= 0.5 * found[strongest])[0][0])


def _matched(sound: Signal, played: Signal) -> Signal:
    """How well the sweep fits at each place: its correlation, by FFT.

    Frequencies at which much is heard count less, else a single voice would outweigh the whole sweep (the smoothed
    coherence transform: C. Knapp, G. Carter, The generalized correlation method for estimation of time delay, IEEE
    Transactions ASSP 24, 1976).
    """
    size = _fft_size(len(sound))
    hz = np.fft.rfftfreq(size, 1 / LISTENING_RATE_HZ)
    window = np.hanning(512)
    pieces = [np.abs(np.fft.rfft(window * sound[at : at + 512])) ** 2 for at in range(0, len(sound) - 511, 256)]
    if not pieces:
        return np.zeros(0)
    loudness = np.sqrt(np.interp(hz, np.fft.rfftfreq(512, 1 / LISTENING_RATE_HZ), np.mean(pieces, axis=0)))
    weight = np.where((hz >= LOW_HZ) & (hz <= HIGH_HZ) & (loudness > 0), 1 / np.maximum(loudness, 1e-9), 0)
    fit = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(played, size)) * weight
    return np.asarray(np.fft.irfft(fit, size)[: max(0, len(sound) - len(played) + 1)])


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
