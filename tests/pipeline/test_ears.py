"""The microphone's one reader, on days when sound is lost."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from pipeline.audio import FRAME_S, FRAME_SAMPLES, LISTENING_RATE_HZ, AudioChunk
from pipeline.ears import Ears
from pipeline.events import EventFeed
from pipeline.hearing import Hearing
from pipeline.segmenter import SegmenterSettings
from pipeline.speech import Utterance, UtteranceEnd
from tests.fakes.audio import FakeMicrophone
from tests.fakes.vad import ScriptedVoiceDetector
from tests.fakes.wake_word import ScriptedWakeWordDetector

pytestmark = pytest.mark.unit


def chunks(*tones: tuple[float, float], until_s: float) -> list[AudioChunk]:
    """Silence with a tone in each span."""
    at_s = np.arange(round(until_s / FRAME_S) * FRAME_SAMPLES) / LISTENING_RATE_HZ
    loud = np.zeros(len(at_s), bool)
    for start_s, end_s in tones:
        loud |= (at_s >= start_s) & (at_s < end_s)
    pcm = np.where(loud, 9000 * np.sin(2 * np.pi * 200 * at_s), 0).astype(np.int16)
    return [
        AudioChunk(part, LISTENING_RATE_HZ, number * FRAME_S)
        for number, part in enumerate(pcm.reshape(-1, FRAME_SAMPLES))
    ]


def ears(microphone: FakeMicrophone, feed: EventFeed | None = None) -> Ears:
    hearing = Hearing(ScriptedVoiceDetector(), ScriptedWakeWordDetector(1.6))
    return Ears(microphone, hearing, SegmenterSettings(), feed or EventFeed())


async def test_sound_lost_before_a_question_takes_nothing_of_it(caplog: pytest.LogCaptureFixture) -> None:
    """40 chunks (1.28 s) are dropped between wake word and question; the question is whole and where it was."""
    lost = range(round(2.0 / FRAME_S), round(2.0 / FRAME_S) + 40)
    microphone = FakeMicrophone(chunks((1.0, 1.6), (4.0, 5.0), until_s=7), drop=lost)
    listener = ears(microphone)
    with caplog.at_level(logging.WARNING):
        hit = await listener.wake_word()
        assert hit is not None
        heard = await listener.utterance(hit.word_end_s)
    assert isinstance(heard, Utterance)
    assert heard.speech_start_s == pytest.approx(4.0, abs=0.05)
    assert heard.speech_end_s == pytest.approx(5.0, abs=0.05)
    loud = np.flatnonzero(np.abs(heard.audio.pcm) > 1000)
    assert loud[0] / LISTENING_RATE_HZ + heard.audio.start_s == pytest.approx(4.0, abs=0.01)
    assert (loud[-1] - loud[0]) / LISTENING_RATE_HZ == pytest.approx(1.0, abs=0.01)
    assert heard.decided_s > heard.speech_end_s
    assert "1.28 s of sound were lost" in caplog.text


async def test_an_utterance_at_the_very_end_of_a_file() -> None:
    microphone = FakeMicrophone(chunks((1.0, 1.6), (2.0, 3.0), until_s=3.1))
    listener = ears(microphone)
    hit = await listener.wake_word()
    assert hit is not None
    heard = await listener.utterance(hit.word_end_s)
    assert isinstance(heard, Utterance)
    assert heard.ended_by is UtteranceEnd.STREAM_END


async def test_events_carry_the_time_of_the_sound() -> None:
    feed, at = EventFeed(), []
    feed.subscribe(lambda record: at.append((record.event.kind, record.at_s)))
    listener = ears(FakeMicrophone(chunks((1.0, 1.6), (2.0, 3.0), until_s=5)), feed)
    hit = await listener.wake_word()
    assert hit is not None
    await listener.utterance(hit.word_end_s)
    (_, started_s), (_, ended_s) = at
    assert started_s == pytest.approx(2.0 + SegmenterSettings().min_speech_s, abs=3 * FRAME_S)
    assert ended_s == pytest.approx(3.0 + SegmenterSettings().end_silence_s, abs=2 * FRAME_S)
    assert ended_s / FRAME_S == pytest.approx(round(ended_s / FRAME_S), abs=1e-6)
