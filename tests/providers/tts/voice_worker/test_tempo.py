"""The pace changes, the pitch does not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from providers.tts.voice_worker.tempo import Tempo

pytestmark = pytest.mark.unit

RATE_HZ = 24_000


def vowel(length_s: float = 2.0, pitch_hz: float = 150.0) -> NDArray[np.float32]:
    at_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    waves = [np.sin(2 * np.pi * pitch_hz * number * at_s) / number for number in range(1, 8)]
    return (0.3 * np.sum(waves, axis=0)).astype(np.float32)


def changed(sound: NDArray[np.float32], speed: float, step: int = 1920) -> NDArray[np.float32]:
    tempo = Tempo(speed, RATE_HZ)
    parts = [tempo.feed(sound[start : start + step]) for start in range(0, len(sound), step)]
    return np.concatenate([*parts, tempo.flush()])


def pitch_hz(sound: NDArray[np.float32]) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum) * RATE_HZ / len(sound))


@pytest.mark.parametrize("speed", [0.5, 0.77, 1.3, 2.0])
def test_length_changes_pitch_and_loudness_do_not(speed: float) -> None:
    sound = vowel()
    said = changed(sound, speed)
    assert len(said) == round(len(sound) / speed)
    assert pitch_hz(said) == pytest.approx(150.0, abs=1.0)
    levels = np.sqrt(np.convolve(said**2, np.full(480, 1 / 480), "valid"))[480:-1440]
    assert levels.min() == pytest.approx(levels.max(), rel=0.1), "neither beats nor gaps where pieces meet"


@pytest.mark.parametrize("speed", [0.8, 1.5])
@pytest.mark.parametrize("step", [7, 480, 50_000])
def test_how_it_is_cut_makes_no_difference(speed: float, step: int) -> None:
    sound = vowel(0.5)
    assert np.array_equal(changed(sound, speed, step), changed(sound, speed))


def test_its_own_pace_hands_on_every_sample() -> None:
    sound = vowel(0.3)
    assert np.array_equal(changed(sound, 1.0), sound)


@pytest.mark.parametrize("length", [0, 1, 100, 960, 2000])
@pytest.mark.parametrize("speed", [0.5, 1.7])
def test_the_shortest_sounds(length: int, speed: float) -> None:
    said = changed(vowel()[:length], speed)
    assert len(said) == round(length / speed)
    assert np.isfinite(said).all()


def test_it_may_begin_anew() -> None:
    tempo, sound = Tempo(1.4, RATE_HZ), vowel(0.4)
    first = np.concatenate([tempo.feed(sound), tempo.flush()])
    assert np.array_equal(np.concatenate([tempo.feed(sound), tempo.flush()]), first)


def test_speech_after_silence_does_not_wait_for_the_end() -> None:
    """What was fed is said at once, but for the piece that is being laid over."""
    tempo = Tempo(1.25, RATE_HZ)
    said = len(tempo.feed(vowel(1.0)))
    assert said > 0.9 * RATE_HZ / 1.25
