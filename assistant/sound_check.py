"""What comes back of a sound: how late and how loud the microphone hears the loudspeaker.

A sweep is played, the microphone records meanwhile, and a matched filter finds the sweep in the recording (A. Farina,
Simultaneous measurement of impulse response and distortion with a swept-sine technique, AES 108, 2000).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import LISTENING_RATE_HZ, SILENCE_DB, AudioChunk, Pcm

SWEEP_S = 1.0

LOW_HZ, HIGH_HZ = 300.0, 6000.0
"""What small loudspeakers can play and a microphone of speech hears."""

PEAK = 0.2
"""Of full scale: -14 dB at most, the level of speech."""

FADE_S = 0.02

BEFORE_S = 0.6
"""Audio seconds of the room that are heard before the sweep: its noise is measured there."""

AFTER_S = 1.0
"""Audio seconds after it, for the delay of the devices and the echo."""

WAIT_S = 15.0
"""Seconds of the clock after which the microphone counts as dead."""

CERTAIN = 8.0
"""How far the filter's peak must stand out from its usual values: of noise alone one in thousands reaches 5.5."""

LATE_MS = 250.0
"""A delay beyond this is a Bluetooth loudspeaker or a sound server with much in hand; customers wait for it."""

LOUD_DB, FAINT_DB = -6.0, -50.0
"""Of the echo over what was played: above, the loudspeaker shouts into the microphone; below, it is hardly on."""

OVER_NOISE_DB = 10.0
"""The echo over the room's noise from which the measure is trusted."""


@dataclass(frozen=True, slots=True)
class Echo:
    """What came back."""

    delay_ms: float | None
    """From the moment the sweep was handed to the loudspeaker to its arrival; None where it was not heard."""
    echo_db: float | None
    """Level of what came back over what was played, dB."""
    noise_db: float
    """The room before the sweep, dB relative to full scale."""
    heard: bool
    verdict: Literal["good", "fair", "poor"]
    advice: str


class Player(Protocol):
    """Plays a sound and returns when it has been heard: the conversation."""

    def play(self, sound: AudioChunk) -> Awaitable[object]:
        """Play it."""
        ...


class Tapped(Protocol):
    """Hands its chunks to observers: the metered microphone."""

    def tap(self, observer: Callable[[AudioChunk], None]) -> Callable[[], None]:
        """Begin; the result ends it."""
        ...


def sweep(rate_hz: int = LISTENING_RATE_HZ) -> AudioChunk:
    """From low to high at a steady number of octaves a second, faded in and out."""
    at_s = np.arange(round(SWEEP_S * rate_hz)) / rate_hz
    octaves = np.log(HIGH_HZ / LOW_HZ)
    phase = 2 * np.pi * LOW_HZ * SWEEP_S / octaves * (np.exp(at_s / SWEEP_S * octaves) - 1)
    fade = np.minimum(1, np.minimum(at_s, SWEEP_S - at_s) / FADE_S)
    return AudioChunk((np.sin(phase) * fade * PEAK * 32767).astype(np.int16), rate_hz)


async def measure_echo(player: Player, microphone: Tapped) -> Echo:
    """Play the sweep and listen; about three seconds. A customer who speaks meanwhile ends it, and nothing is heard."""
    recorded: list[AudioChunk] = []
    news = asyncio.Event()

    def hear(chunk: AudioChunk) -> None:
        recorded.append(chunk)
        news.set()

    async def until(length_s: float) -> None:
        while sum(chunk.duration_s for chunk in recorded) < length_s:
            news.clear()
            await news.wait()

    end = microphone.tap(hear)
    try:
        async with asyncio.timeout(WAIT_S):
            await until(BEFORE_S)
            before_s = sum(chunk.duration_s for chunk in recorded)
            await player.play(sweep())
            await until(sum(chunk.duration_s for chunk in recorded) + AFTER_S)
    except TimeoutError:
        return Echo(None, None, SILENCE_DB, False, "poor", "The microphone delivers no sound: is it plugged in?")
    finally:
        end()
    return judged(np.concatenate([chunk.pcm for chunk in recorded]), before_s)


def judged(recorded: Pcm, before_s: float) -> Echo:
    """What a recording (16 kHz) says in which the sweep was handed over after ``before_s`` seconds."""
    sound = recorded.astype(np.float64) / 32768
    began = round(before_s * LISTENING_RATE_HZ)
    noise_db = _db(float(np.sqrt(np.mean(sound[:began] ** 2))) if began else 0.0)
    played = sweep().as_float().astype(np.float64)
    found = _matched(sound[began:], played)
    usual = float(np.median(np.abs(found))) / 0.6745 if len(found) else 0.0
    place = int(np.argmax(np.abs(found))) if len(found) else 0
    if not usual or abs(found[place]) < CERTAIN * usual:
        return _unheard(noise_db)
    first = _first_arrival(found, place)
    span = sound[began + first : began + first + len(played)]
    echo = float(np.sqrt(max(0.0, float(np.mean(span**2)) - 10 ** (noise_db / 10))))
    echo_db = _db(echo) - _db(float(np.sqrt(np.mean(played**2))))
    return _heard(first / LISTENING_RATE_HZ * 1000, echo_db, noise_db, _db(echo))


def _matched(sound: NDArray[np.float64], played: NDArray[np.float64]) -> NDArray[np.float64]:
    """How well the sweep fits at each place: its correlation, by FFT."""
    length = len(sound) - len(played) + 1
    if length <= 0:
        return np.zeros(0)
    size = 1 << (len(sound) + len(played)).bit_length()
    product = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(played, size))
    return np.asarray(np.fft.irfft(product, size)[:length])


def _first_arrival(found: NDArray[np.float64], place: int) -> int:
    """A wall may throw back more than comes straight: the first place that is nearly as high as the highest."""
    near = np.nonzero(np.abs(found[: place + 1]) >= 0.5 * abs(found[place]))[0]
    return int(near[0])


def _unheard(noise_db: float) -> Echo:
    if noise_db <= SILENCE_DB + 1:
        advice = "The microphone delivers digital silence: it is muted, or its level is at zero."
    else:
        advice = "The microphone did not hear the loudspeaker: is it on, loud enough, and the one that is chosen?"
    return Echo(None, None, round(noise_db, 1), False, "poor", advice)


def _heard(delay_ms: float, echo_db: float, noise_db: float, level_db: float) -> Echo:
    verdict: Literal["good", "fair", "poor"] = "good"
    advice = "The loudspeaker is heard as it should be."
    if echo_db > LOUD_DB:
        verdict = "poor"
        advice = "The loudspeaker is too loud for the microphone: move them apart, or turn it down."
    elif delay_ms > LATE_MS:
        verdict = "fair"
        advice = "The sound comes late: a Bluetooth loudspeaker or a slow sound system? A cable is quicker."
    elif echo_db < FAINT_DB or level_db < noise_db + OVER_NOISE_DB:
        verdict = "fair"
        advice = "The loudspeaker can hardly be heard over the room: turn it up, or is it far away?"
    return Echo(round(delay_ms, 1), round(echo_db, 1), round(noise_db, 1), True, verdict, advice)


def _db(amplitude: float) -> float:
    return float(20 * np.log10(amplitude)) if amplitude > 1e-6 else SILENCE_DB
