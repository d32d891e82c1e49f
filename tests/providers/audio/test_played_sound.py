"""What the loudspeaker gave out can be found by the clock."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.audio import LISTENING_RATE_HZ, Pcm, level_db
from providers.audio.played_sound import PlayedSound, PlayedTrack
from providers.audio.sample_clock import SampleClock

pytestmark = pytest.mark.unit

RATE_HZ = LISTENING_RATE_HZ
"""Of most loudspeakers here: their samples come out as they are."""
BLOCK = 320
HEARD_S = 1000.0


def reported(track: PlayedTrack, pcm: Pcm, rate_hz: int = RATE_HZ, wander_s: tuple[float, ...] = (0.0,)) -> None:
    """All of it in blocks; the device's accounts of its delay are wrong by ``wander_s``, in turn."""
    for number, at in enumerate(range(0, len(pcm), BLOCK)):
        track.report(pcm[at : at + BLOCK], rate_hz, HEARD_S + at / rate_hz + wander_s[number % len(wander_s)])


def ramp(count: int) -> Pcm:
    """Each sample tells its place."""
    return (np.arange(count) % 30_000 + 1).astype(np.int16)


def test_a_frame_is_what_was_heard_then() -> None:
    track, pcm = PlayedTrack(), ramp(30 * BLOCK)
    reported(track, pcm)
    assert np.array_equal(track.frame(HEARD_S + 0.1), pcm[1600:1760])


def test_frames_follow_each_other_however_the_clocks_wander() -> None:
    track, pcm = PlayedTrack(), ramp(30 * BLOCK)
    reported(track, pcm)
    wander = np.random.default_rng(3).uniform(-0.006, 0.006, 40)
    frames = [track.frame(HEARD_S + 0.05 + n * 0.01 + wander[n]) for n in range(40)]
    joined = np.concatenate(frames).astype(np.int32)
    assert set(np.diff(joined)) <= {1, 1 - 30_000}


def test_clocks_that_stray_while_it_sounds_are_brought_together() -> None:
    track, pcm = PlayedTrack(), ramp(30 * BLOCK)
    reported(track, pcm)
    track.frame(HEARD_S + 0.05)
    assert track.frame(HEARD_S + 0.06 + 0.06)[0] == pcm[round(0.12 * RATE_HZ)]


def test_single_wrong_accounts_do_not_count() -> None:
    track, pcm = PlayedTrack(), ramp(60 * BLOCK)
    reported(track, pcm, wander_s=(0.0, 0.0, 0.0, -0.012, 0.0))
    assert track.frame(HEARD_S + 0.8)[0] == pcm[round(0.8 * RATE_HZ)]


def test_silence_is_not_kept_and_is_silence() -> None:
    track = PlayedTrack()
    pcm = np.zeros(30 * BLOCK, np.int16)
    pcm[10 * BLOCK : 11 * BLOCK] = 7
    reported(track, pcm)
    assert not track.sounds(HEARD_S, HEARD_S + 0.1)
    assert track.sounds(HEARD_S + 0.1, HEARD_S + 0.25)
    assert not track.frame(HEARD_S + 0.1).any()
    assert track.frame(HEARD_S + 0.2).all()
    assert not track.sounds(HEARD_S + 0.3, HEARD_S + 0.4)


def test_what_is_not_played_yet_is_silence() -> None:
    track = PlayedTrack()
    assert not track.frame(HEARD_S).any()
    reported(track, ramp(BLOCK))
    assert not track.frame(HEARD_S + 5).any()


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 48_000])
def test_another_rate_comes_out_at_the_microphones_without_a_seam(rate_hz: int) -> None:
    track = PlayedTrack()
    reported(track, tone(rate_hz, 3.0), rate_hz)
    found = np.concatenate([track.frame(HEARD_S + 0.5 + n * 0.01) for n in range(200)])
    expected = tone(LISTENING_RATE_HZ, 3.0)[LISTENING_RATE_HZ // 2 :][: len(found)]
    assert level_db(found - expected) < level_db(expected) - (20 if rate_hz == 22_050 else 45)


def tone(rate_hz: int, seconds: float) -> Pcm:
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    return (8000 * np.sin(2 * np.pi * 700 * at)).astype(np.int16)


def test_another_loudspeaker_takes_over() -> None:
    played = PlayedSound()
    old = played.begin()
    reported(old, ramp(10 * BLOCK))
    assert played.sounds(HEARD_S, HEARD_S + 0.1)
    new = played.begin()
    assert not played.sounds(HEARD_S, HEARD_S + 0.1)
    reported(new, np.full(30 * BLOCK, 9, np.int16), 44_100)
    assert set(played.frame(HEARD_S + 0.1)) == {9}


def test_what_nobody_fetches_is_bounded() -> None:
    track = PlayedTrack()
    reported(track, np.ones(2000 * BLOCK, np.int16))  # 40 s
    assert not track.sounds(HEARD_S, HEARD_S + 20)
    assert track.sounds(HEARD_S + 38, HEARD_S + 39)


def test_a_clock_without_reports_knows_nothing() -> None:
    clock = SampleClock()
    assert clock.origin_s is None
    clock.report(2.0, 12.0)
    assert clock.origin_s == 10.0
