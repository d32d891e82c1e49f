"""Chunks through an echo canceller: nothing shifts, nothing is missing, and it rests when nothing is played."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.audio import ECHO_FRAME_SAMPLES, FRAME_S, FRAME_SAMPLES, LISTENING_RATE_HZ, AudioChunk, Pcm, level_db
from pipeline.echo_cancelling import HOLD_S, LEAD_S, EchoCancelling
from tests.contracts.echo import later, noise
from tests.fakes.echo import FakeEchoCanceller

pytestmark = pytest.mark.unit

CAPTURED_S = 5000.0
"""Where on the clock the microphone's first sample was in the air."""


class Played:
    """A loudspeaker that began with the microphone."""

    def __init__(self, pcm: Pcm) -> None:
        self.pcm = pcm

    def sounds(self, from_s: float, to_s: float) -> bool:
        return bool(self._between(from_s, round((to_s - from_s) * LISTENING_RATE_HZ)).any())

    def frame(self, at_s: float) -> Pcm:
        return self._between(at_s, ECHO_FRAME_SAMPLES)

    def _between(self, at_s: float, samples: int) -> Pcm:
        first = round((at_s - CAPTURED_S) * LISTENING_RATE_HZ)
        found = np.zeros(samples, np.int16)
        for place in range(max(0, -first), samples):
            if first + place < len(self.pcm):
                found[place] = self.pcm[first + place]
        return found


def chunks(pcm: Pcm, start_s: float = 0.0) -> list[AudioChunk]:
    return [
        AudioChunk(pcm[at : at + FRAME_SAMPLES], LISTENING_RATE_HZ, start_s + at / LISTENING_RATE_HZ)
        for at in range(0, len(pcm) - FRAME_SAMPLES + 1, FRAME_SAMPLES)
    ]


def all_clean(cancelling: EchoCancelling, heard: list[AudioChunk]) -> list[AudioChunk]:
    return [cancelling.clean(chunk, CAPTURED_S + chunk.start_s) for chunk in heard]


def voice_and_answer(seconds: float = 4.0) -> tuple[Pcm, Pcm, Pcm]:
    """A customer who speaks all the time, an answer from 1 to 2 s, and what the microphone hears."""
    voice, played = noise(seconds, 2), noise(seconds, 1)
    played[:LISTENING_RATE_HZ] = played[2 * LISTENING_RATE_HZ :] = 0
    return voice, played, voice + later(played, 0.0, 0.5)


async def opened(canceller: FakeEchoCanceller, played: Pcm) -> EchoCancelling:
    await canceller.__aenter__()
    return EchoCancelling(canceller, Played(played))


async def test_only_the_echo_goes_and_every_sample_stays_in_its_place() -> None:
    voice, played, heard = voice_and_answer()
    clean = all_clean(await opened(FakeEchoCanceller(), played), chunks(heard))
    for chunk in clean[1:]:
        place = round(chunk.start_s * LISTENING_RATE_HZ)
        assert np.abs(chunk.pcm.astype(np.int32) - voice[place : place + FRAME_SAMPLES]).max() <= 1


async def test_a_canceller_that_finds_no_echo_changes_no_sample() -> None:
    _, played, _ = voice_and_answer()
    voice = np.random.default_rng(4).normal(0, 3000, len(played)).astype(np.int16)
    clean = all_clean(await opened(FakeEchoCanceller(gain=0.0), played), chunks(voice))
    for chunk in clean[1:]:
        place = round(chunk.start_s * LISTENING_RATE_HZ)
        assert np.array_equal(chunk.pcm, voice[place : place + FRAME_SAMPLES])


@pytest.mark.parametrize("latency", [0, 128, 224])
async def test_chunks_follow_each_other_late_by_a_constant(latency: int) -> None:
    _, played, heard = voice_and_answer()
    cancelling = await opened(FakeEchoCanceller(latency=latency), played)
    given = chunks(heard)
    clean = all_clean(cancelling, given)
    assert {len(chunk.pcm) for chunk in clean} == {FRAME_SAMPLES}
    assert [chunk.start_s for chunk in clean] == pytest.approx([chunk.start_s - cancelling.late_s for chunk in given])
    assert cancelling.late_s == pytest.approx((128 + latency) / LISTENING_RATE_HZ)


async def test_it_rests_while_nothing_is_played() -> None:
    canceller = FakeEchoCanceller()
    _, played, heard = voice_and_answer()
    all_clean(await opened(canceller, played), chunks(heard))
    asked_s = canceller.steps * 0.01
    sounds_s = 0.75  # two bursts of a quarter of a second, and the pause between them
    assert sounds_s + HOLD_S - FRAME_S < asked_s < sounds_s + HOLD_S + 5 * FRAME_S


async def test_one_that_does_more_than_cancel_never_rests() -> None:
    canceller = FakeEchoCanceller(may_rest=False)
    voice = noise(1, 2)
    all_clean(await opened(canceller, np.zeros(1, np.int16)), chunks(voice))
    assert canceller.steps >= len(voice) // ECHO_FRAME_SAMPLES


async def test_going_over_does_not_click() -> None:
    """One that changes what it hears a little: the step is spread over ten milliseconds."""
    tone = (8000 * np.sin(np.arange(4 * LISTENING_RATE_HZ) * 2 * np.pi * 200 / LISTENING_RATE_HZ)).astype(np.int16)
    played = np.zeros(len(tone), np.int16)
    played[LISTENING_RATE_HZ : 2 * LISTENING_RATE_HZ] = tone[LISTENING_RATE_HZ : 2 * LISTENING_RATE_HZ]
    clean = np.concatenate([chunk.pcm for chunk in all_clean(await opened(FakeEchoCanceller(), played), chunks(tone))])
    steps = np.abs(np.diff(clean[FRAME_SAMPLES:].astype(np.int32)))
    assert steps.max() < 2 * np.abs(np.diff(tone.astype(np.int32))).max()


async def test_a_gap_begins_anew_and_with_silence() -> None:
    voice = noise(1, 2)
    cancelling = await opened(FakeEchoCanceller(), np.zeros(1, np.int16))
    all_clean(cancelling, chunks(voice))
    late = round(cancelling.late_s * LISTENING_RATE_HZ)
    (first,) = all_clean(cancelling, chunks(voice[:FRAME_SAMPLES], start_s=20.0))
    assert not first.pcm[:late].any()
    assert np.array_equal(first.pcm[late:], voice[: FRAME_SAMPLES - late])


async def test_one_that_fails_is_left_out_and_nothing_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    canceller = FakeEchoCanceller(gain=0.0)
    canceller.fails_at_step = 50
    _, played, heard = voice_and_answer()
    clean = np.concatenate([chunk.pcm for chunk in all_clean(await opened(canceller, played), chunks(heard))])
    late = 256
    assert np.abs(clean[late:].astype(np.int32) - heard[: len(clean) - late]).max() <= 1
    assert canceller.steps == 50
    assert len(caplog.records) == 1


async def test_who_wants_the_room_as_it_is_gets_it_on_the_same_time_line() -> None:
    _, played, heard = voice_and_answer()
    cancelling = await opened(FakeEchoCanceller(), played)
    given = chunks(heard)
    all_clean(cancelling, given[:40])
    assert cancelling.working
    cancelling.left_out = True
    raw = all_clean(cancelling, given[40:60])
    assert not cancelling.working
    place = round(raw[1].start_s * LISTENING_RATE_HZ)
    assert np.array_equal(np.concatenate([chunk.pcm for chunk in raw[1:]]), heard[place : place + 19 * FRAME_SAMPLES])


async def test_the_canceller_is_told_in_advance() -> None:
    """An echo that comes earlier than the devices say is an echo all the same."""
    _, played, _ = voice_and_answer()
    early = np.concatenate([played[round(0.03 * LISTENING_RATE_HZ) :], np.zeros(480, np.int16)])
    canceller = FakeEchoCanceller(gain=0.5)
    cancelling = EchoCancelling(canceller, Played(played))
    await canceller.__aenter__()
    seen = canceller.cancel

    def earlier(heard: Pcm, given: Pcm, delay_s: float) -> Pcm:
        assert delay_s == LEAD_S
        return seen(heard, given, delay_s - 0.03)

    canceller.cancel = earlier  # type: ignore[method-assign]
    clean = all_clean(cancelling, chunks((early * 0.5).astype(np.int16)))
    tail = np.concatenate([chunk.pcm for chunk in clean[2 + round(1 / FRAME_S) :]])
    assert level_db(tail) < -80
