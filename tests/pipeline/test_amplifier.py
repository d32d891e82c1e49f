"""Louder without clipping, clicks or a quieter peak, and nothing at all where nothing is to be done."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.amplifier import Amplifier
from pipeline.audio import FULL_SCALE, AudioChunk, Pcm, from_float, joined
from tests.contracts.speaker import tone

pytestmark = pytest.mark.unit


def speech_like(seconds: float = 2.0, rate_hz: int = 22_050, peak: float = 1.0) -> AudioChunk:
    """Syllables of 0.2 s, each ten times as strong at its beginning as at its end, with a voice's harmonics."""
    at_s = np.arange(round(seconds * rate_hz)) / rate_hz
    voice = sum(np.sin(2 * np.pi * 120 * n * at_s + n * n) / n for n in range(1, 20))
    envelope = 10 ** -((at_s % 0.2) / 0.2)
    shaped = np.asarray(voice * envelope)
    return from_float(peak * shaped / np.abs(shaped).max(), rate_hz)


def pieces(chunk: AudioChunk, samples: int) -> list[AudioChunk]:
    return [AudioChunk(chunk.pcm[at : at + samples], chunk.rate_hz) for at in range(0, len(chunk.pcm), samples)]


def peak(pcm: Pcm) -> int:
    return int(np.abs(pcm.astype(int)).max())


def test_without_a_gain_the_chunk_is_handed_on_as_it_is() -> None:
    chunk = tone(440, 0.1)
    assert Amplifier().amplified(chunk, 0.0) is chunk


@pytest.mark.parametrize("gain_db", [-30.0, -4.0, 4.0])
def test_what_has_room_is_just_louder_or_softer(gain_db: float) -> None:
    chunk = tone(440, 0.5, amplitude=0.4)
    louder = Amplifier(gain_db).amplified(chunk, gain_db)
    assert np.allclose(louder.pcm, chunk.pcm * 10 ** (gain_db / 20), atol=0.6)


@pytest.mark.parametrize("gain_db", [1.0, 4.0, 9.0, 18.0])
@pytest.mark.parametrize("samples", [60_000, 2205, 512, 37])
def test_nothing_clips_and_no_peak_gets_quieter(gain_db: float, samples: int) -> None:
    chunk = speech_like(peak=0.98)
    amplifier = Amplifier(gain_db)
    louder = joined(amplifier.amplified(piece, gain_db) for piece in pieces(chunk, samples))
    assert peak(louder.pcm) < FULL_SCALE - 1
    assert (np.abs(louder.pcm.astype(int)) >= np.abs(chunk.pcm.astype(int)) - 1).all()
    assert (np.sign(louder.pcm) * np.sign(chunk.pcm) >= 0).all()


def test_what_fills_the_whole_range_already_still_gets_louder() -> None:
    chunk = speech_like(peak=1.0)
    levels = [Amplifier(gain_db).amplified(chunk, gain_db).level_db for gain_db in (0.0, 4.0, 8.0, 12.0)]
    assert (np.diff(levels) > [2.5, 1.5, 0.5]).all(), levels


def test_how_far_peaks_are_driven_into_the_rounding_is_bounded() -> None:
    """Else a voice would become a row of rectangles."""
    chunk = tone(100, 0.5, amplitude=0.95)
    louder = Amplifier(18.0).amplified(chunk, 18.0)
    assert np.mean(np.abs(louder.pcm.astype(int)) > 0.97 * FULL_SCALE) < 0.7


def test_it_never_wraps_around() -> None:
    rng = np.random.default_rng(1)
    noise = AudioChunk(rng.integers(-32768, 32768, 20_000).astype(np.int16), 16_000)
    louder = Amplifier(18.0).amplified(noise, 18.0)
    assert (np.sign(louder.pcm) * np.sign(noise.pcm) >= 0).all()


@pytest.mark.parametrize(("first_db", "then_db"), [(0.0, 8.0), (8.0, 0.0), (0.0, -8.0), (-20.0, 4.0)])
def test_a_change_does_not_click(first_db: float, then_db: float) -> None:
    hz, rate_hz, amplitude = 200, 22_050, 0.1
    chunk = tone(hz, 0.4, rate_hz, amplitude)
    amplifier = Amplifier(first_db)
    halves = [chunk.until(0.20125), chunk.since(0.20125)]  # at a crest
    changed = joined([amplifier.amplified(halves[0], first_db), amplifier.amplified(halves[1], then_db)])
    loudest = 10 ** (max(first_db, then_db) / 20)
    steepest = amplitude * FULL_SCALE * 2 * np.pi * hz / rate_hz * loudest
    assert np.abs(np.diff(changed.pcm.astype(int))).max() < 1.2 * steepest
    assert peak(changed.pcm[-2205:]) == pytest.approx(amplitude * FULL_SCALE * 10 ** (then_db / 20), rel=0.01)


def test_the_gain_comes_back_slowly_after_a_peak() -> None:
    rate_hz = 16_000
    quiet, loud = tone(440, 0.5, rate_hz, 0.05), tone(440, 0.05, rate_hz, 0.9)
    amplifier = Amplifier(18.0)
    amplifier.amplified(loud, 18.0)
    after = amplifier.amplified(quiet, 18.0)
    first, last = (peak(after.pcm[place]) / (0.05 * FULL_SCALE) for place in (slice(0, 400), slice(-400, None)))
    assert first < 0.5 * last
    assert last == pytest.approx(10 ** (18 / 20), rel=0.01)


def test_an_empty_chunk_is_no_trouble() -> None:
    assert len(Amplifier().amplified(AudioChunk(np.zeros(0, np.int16), 16_000), 6.0).pcm) == 0
