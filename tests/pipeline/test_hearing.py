from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.audio import FRAME_S, FRAME_SAMPLES, LISTENING_RATE_HZ, AudioChunk
from pipeline.errors import ProviderError, ProviderTimeout
from pipeline.hearing import Heard, Hearing, HearingSettings
from pipeline.protocols import Capabilities
from tests.fakes.vad import ScriptedVoiceDetector
from tests.fakes.wake_word import ScriptedWakeWordDetector

pytestmark = pytest.mark.unit

Span = tuple[float, float]


def room(duration_s: float, *loud: Span, start_s: float = 0.0, noise: float = 30) -> list[AudioChunk]:
    """Chunks of a quiet room with something loud in some spans (audio seconds)."""
    rng = np.random.default_rng(4)
    count = round(duration_s / FRAME_S)
    pcm = rng.normal(0, noise, count * FRAME_SAMPLES)
    for begin_s, end_s in loud:
        part = slice(round(begin_s * LISTENING_RATE_HZ), round(end_s * LISTENING_RATE_HZ))
        pcm[part] += rng.normal(0, 3000, len(pcm[part]))
    frames = pcm.astype(np.int16).reshape(count, FRAME_SAMPLES)
    return [AudioChunk(frame, LISTENING_RATE_HZ, start_s + number * FRAME_S) for number, frame in enumerate(frames)]


async def heard(hearing: Hearing, chunks: Sequence[AudioChunk], *, attentive: bool = False) -> list[Heard]:
    return [await hearing.hear(chunk, attentive=attentive) for chunk in chunks]


def parts(
    *word_ends_s: float, speech: Sequence[Span] | None = None
) -> tuple[ScriptedVoiceDetector, ScriptedWakeWordDetector]:
    return ScriptedVoiceDetector(speech), ScriptedWakeWordDetector(*word_ends_s)


async def test_a_quiet_room_costs_neither_detector_anything() -> None:
    vad, words = parts()
    hearing = Hearing(vad, words)
    await heard(hearing, room(1.0))
    spent_s = vad.heard_s
    found = await heard(hearing, room(60.0, start_s=1.024))
    assert vad.heard_s == spent_s < 1.0
    assert words.heard == []
    assert {one.frame.speech_probability for one in found} == {0.0}


async def test_noise_that_is_no_speech_is_shown_to_voice_activity_only() -> None:
    vad, words = parts(speech=[])
    await heard(Hearing(vad, words), room(10.0, (3.0, 3.5), (6.0, 6.2)))
    assert 1.0 < vad.heard_s < 5.0
    assert words.heard == []


async def test_a_louder_room_is_soon_the_floor() -> None:
    vad, words = parts(speech=[])
    hearing = Hearing(vad, words)
    assert hearing.floor_db is None
    await heard(hearing, room(5.0))
    assert hearing.floor_db == pytest.approx(-61, abs=2)
    await heard(hearing, room(5.0, start_s=4.992, noise=1000))
    assert hearing.floor_db == pytest.approx(-30, abs=2)
    spent_s = vad.heard_s
    found = await heard(hearing, room(10.0, start_s=9.984, noise=1000))
    assert vad.heard_s == spent_s
    assert found[-1].frame.noise_floor_db == pytest.approx(found[-1].frame.level_db, abs=2)


async def test_a_word_is_heard_with_all_that_came_before_it() -> None:
    vad, words = parts(5.8, speech=[(5.2, 5.8)])
    found = await heard(Hearing(vad, words), room(10.0, (5.0, 5.8)))
    (hit,) = [one.hit for one in found if one.hit]
    assert hit.word_end_s == 5.8
    assert words.stream_start_s == pytest.approx(5.2 - words.context_s, abs=0.05)
    assert words.heard_s < 5.0
    for before, after in zip(words.heard, words.heard[1:], strict=False):
        assert after.start_s == pytest.approx(before.end_s)


async def test_a_word_in_the_very_first_second_is_heard() -> None:
    vad, words = parts(0.7, speech=[(0.0, 0.7)])
    found = await heard(Hearing(vad, words), room(3.0, (0.0, 0.7)))
    assert [one.hit.name for one in found if one.hit] == ["hey_shop"]


async def test_voice_activity_hears_what_led_up_to_it() -> None:
    class Recording(ScriptedVoiceDetector):
        async def speech_probabilities(self, chunks: Sequence[AudioChunk]) -> list[float]:
            seen.append((chunks[0].start_s, len(chunks)))
            return await super().speech_probabilities(chunks)

    seen: list[tuple[float, int]] = []
    await heard(Hearing(Recording([]), ScriptedWakeWordDetector(), HearingSettings(vad_lead_s=0.32)), room(5, (3, 3.2)))
    first = next(entry for entry in seen if entry[1] > 1)
    assert first == (pytest.approx(3.0 - 0.32, abs=0.05), 11)
    assert all(count == 1 for start_s, count in seen if start_s > first[0])


async def test_a_pause_in_a_word_is_no_end() -> None:
    vad, words = parts(6.0, speech=[(5.0, 5.2), (5.9, 6.0)])
    await heard(Hearing(vad, words), room(8.0, (5.0, 5.2), (5.9, 6.0)))
    assert words.stream_start_s == pytest.approx(5.0 - words.context_s, abs=0.05)


async def test_the_question_begins_exactly_where_the_word_ends() -> None:
    vad, words = parts(5.81)
    hearing = Hearing(vad, words)
    sound = room(8.0, (5.0, 7.0))
    for chunk in sound:
        one = await hearing.hear(chunk)
        if one.hit:
            break
    before = hearing.since(5.81)
    assert before[0].start_s <= 5.81 < before[0].end_s
    assert before[-1].end_s == pytest.approx(chunk.end_s)
    silent = round((5.81 - before[0].start_s) * LISTENING_RATE_HZ)
    assert not before[0].pcm[:silent].any()
    assert before[0].pcm[silent:].any()
    assert all(len(part.pcm) == FRAME_SAMPLES for part in before)


async def test_going_back_costs_nothing_and_knows_what_was_known() -> None:
    vad, words = parts(5.8)
    hearing = Hearing(vad, words)
    found = await heard(hearing, room(6.4, (5.0, 6.4)))
    spent_s = vad.heard_s
    again = await heard(hearing, hearing.since(5.8), attentive=True)
    assert vad.heard_s == spent_s
    known = [one.frame for one in found if one.frame.end_s > 5.8]
    assert [one.frame for one in again][1:] == known[1:]
    assert again[0].frame.speech_probability == known[0].speech_probability
    more = await heard(hearing, room(1.0, (0, 1.0), start_s=6.4), attentive=True)
    assert {one.frame.speech_probability for one in more} == {0.98}


async def test_what_is_no_longer_kept_is_refused() -> None:
    hearing = Hearing(*parts())
    sound = room(10.0)
    await heard(hearing, sound)
    with pytest.raises(ValueError, match="no longer"):
        await hearing.hear(sound[0], attentive=True)


async def test_while_somebody_is_expected_to_speak_voice_activity_hears_all() -> None:
    """And the wake word network what it always does: who says the word again begins anew."""
    vad, words = parts(3.0, speech=[(2.0, 3.0)])
    found = await heard(Hearing(vad, words), room(5.0, (2.0, 3.0)), attentive=True)
    assert vad.heard_s == pytest.approx(5.0, abs=FRAME_S)
    assert sum(one.hit is not None for one in found) == 1
    assert words.heard_s < 5.0


async def test_the_word_that_was_heard_is_not_fed_again() -> None:
    vad, words = parts(5.8)
    hearing = Hearing(vad, words)
    await heard(hearing, room(6.016, (5.0, 6.016)))
    await heard(hearing, room(0.64, start_s=6.016), attentive=True)
    told = len(words.heard)
    await heard(hearing, room(2.0, (0.3, 1.0), start_s=6.656))
    assert min(chunk.start_s for chunk in words.heard[told:]) >= 5.8 - FRAME_S


async def test_lost_chunks_begin_a_new_stream() -> None:
    vad, words = parts()
    hearing = Hearing(vad, words)
    await heard(hearing, room(3.0))
    await heard(hearing, room(1.0, start_s=10.0))
    assert (vad.resets, words.resets) == (1, 1)
    assert hearing.since(0.0)[0].start_s == 10.0


async def test_reset_forgets_everything() -> None:
    vad, words = parts()
    hearing = Hearing(vad, words)
    await heard(hearing, room(3.0, noise=3000))
    hearing.reset()
    assert hearing.since(0.0) == []
    assert (vad.resets, words.resets) == (1, 1)
    found = await heard(hearing, room(1.0, start_s=3.008))
    assert found[0].frame.noise_floor_db < -50


async def test_a_cancelled_call_loses_no_sound() -> None:
    vad, words = parts(5.8)
    hearing = Hearing(vad, words)
    hits = []
    for number, chunk in enumerate(room(8.0, (5.0, 5.8))):
        if number % 4 == 3:
            async with asyncio.TaskGroup() as tasks:
                abandoned = tasks.create_task(hearing.hear(chunk), name="abandoned")
                await asyncio.sleep(0)
                abandoned.cancel()
            continue
        hits.append((await hearing.hear(chunk)).hit)
    assert [hit.name for hit in hits if hit] == ["hey_shop"]
    for before, after in zip(words.heard, words.heard[1:], strict=False):
        assert after.start_s == pytest.approx(before.end_s)


@pytest.mark.parametrize("which", ["vad", "words"])
async def test_a_detectors_failure_is_passed_on_and_survived(which: str) -> None:
    vad, words = parts(6.8)
    (vad if which == "vad" else words).fails_at_s = 5.5
    hearing = Hearing(vad, words)
    failures, hits = 0, []
    for chunk in room(8.0, (5.0, 6.8)):
        try:
            hits.append((await hearing.hear(chunk)).hit)
        except ProviderError:
            failures += 1
            vad.fails_at_s = words.fails_at_s = None
    assert failures == 1
    assert [hit.name for hit in hits if hit] == ["hey_shop"]


@pytest.mark.parametrize(("which", "name"), [("vad", "silero"), ("words", "openwakeword")])
async def test_a_detector_that_hangs_is_an_error_that_names_it(which: str, name: str) -> None:
    """Deaf but alive would be the worst: nobody restarts it."""
    vad, words = parts(6.8)
    stuck = vad if which == "vad" else words
    stuck.hangs_at_s, stuck.capabilities = 5.5, Capabilities(name)
    hearing = Hearing(vad, words, HearingSettings(detector_timeout_s=0.02))
    async with asyncio.timeout(20):
        with pytest.raises(ProviderTimeout, match=rf"detector {name} has not answered for 0\.02 s.*restarts"):
            await heard(hearing, room(8.0, (5.0, 6.8)))


class Recovering:
    """A detector on a bad day that is over when it is entered anew."""

    def __init__(self, detector: ScriptedVoiceDetector | ScriptedWakeWordDetector) -> None:
        self._detector = detector
        self.entered = self.left = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._detector, name)

    async def __aenter__(self) -> Recovering:
        self.entered += 1
        self._detector.hangs_at_s = None
        return self

    async def __aexit__(self, *_: object) -> None:
        self.left += 1


@pytest.mark.parametrize("which", ["vad", "words"])
async def test_a_detector_that_hangs_is_replaced_and_the_word_is_heard(
    which: str, caplog: pytest.LogCaptureFixture
) -> None:
    vad, words = parts(6.8)
    (vad if which == "vad" else words).hangs_at_s = 5.5
    stuck = Recovering(vad if which == "vad" else words)
    hearing = Hearing(
        stuck if which == "vad" else vad,  # type: ignore[arg-type]
        stuck if which == "words" else words,  # type: ignore[arg-type]
        HearingSettings(detector_timeout_s=0.02),
    )
    async with asyncio.timeout(20):
        found = await heard(hearing, room(8.0, (5.0, 6.8)))
    assert [one.hit.name for one in found if one.hit] == ["hey_shop"]
    assert (stuck.left, stuck.entered) == (1, 1)
    assert "hangs; a fresh one takes its place" in caplog.text


async def test_one_that_hangs_again_and_again_is_not_replaced_for_ever() -> None:
    """Each leaves a thread and a model behind."""
    vad, words = parts(speech=[])
    stuck = Recovering(vad)
    hearing = Hearing(stuck, words, HearingSettings(detector_timeout_s=0.02))  # type: ignore[arg-type]
    chunks = room(8.0, (1.0, 8.0))
    with pytest.raises(ProviderTimeout):
        for chunk in chunks:
            vad.hangs_at_s = 0.0 if chunk.start_s > 1.0 else None
            await hearing.hear(chunk)
    assert stuck.entered == hearing.settings.most_replaced


async def test_a_quiet_room_costs_no_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    hearing = Hearing(*parts())
    await heard(hearing, room(2.0))
    limits: list[float] = []
    monkeypatch.setattr(asyncio, "timeout", limits.append)
    await heard(hearing, room(2.0, start_s=len(room(2.0)) * FRAME_S))
    assert limits == []


@pytest.mark.parametrize("start_s", [-0.016, 0.0])
async def test_somebody_speaks_in_the_very_first_moment(start_s: float) -> None:
    """Behind an echo canceller the time line begins a little before 0."""
    vad, words = parts(start_s + 1.0)
    found = await heard(Hearing(vad, words), room(2.0, (0.0, 1.0), start_s=start_s))
    assert words.heard[0].start_s == pytest.approx(start_s)
    assert [one.hit is not None for one in found].count(True) == 1
