"""Answers are as loud as they should be, and each begins with what the room calls for."""

from __future__ import annotations

import pytest

from pipeline.amplified_speaker import AmplifiedSpeaker
from pipeline.audio import joined
from pipeline.loudness import Loudness
from pipeline.protocols import Speaker
from tests.contracts.speaker import SpeakerContract, answer, tone
from tests.fakes.audio import FakeSpeaker

pytestmark = pytest.mark.unit


class TestAmplifiedSpeaker(SpeakerContract):
    def opened(self) -> Speaker:
        loudness = Loudness()
        loudness.louder()
        return AmplifiedSpeaker(FakeSpeaker(), loudness, lambda: -40.0)


def gain_db(inner: FakeSpeaker) -> float:
    """Of the last answer's end over the tone that was handed over."""
    return joined(inner.heard[-3:]).level_db - tone(440, 1.0).level_db


async def test_wishes_and_volume_are_heard_from_the_next_chunk_on() -> None:
    inner, loudness = FakeSpeaker(), Loudness()
    async with AmplifiedSpeaker(inner, loudness, lambda: None) as speaker:
        await speaker.start()
        await speaker.play(tone(440, 0.2))
        assert inner.heard[0].pcm.tolist() == tone(440, 0.2).pcm[: len(inner.heard[0].pcm)].tolist()
        loudness.louder()
        await speaker.play(tone(440, 0.2))
        assert gain_db(inner) == pytest.approx(4.0, abs=0.1)
        loudness.volume_db = -10.0
        await speaker.play(tone(440, 0.2))
        assert gain_db(inner) == pytest.approx(-6.0, abs=0.1)


async def test_the_room_is_heard_when_an_answer_begins_and_not_in_its_middle() -> None:
    inner, room_db = FakeSpeaker(), -40.0
    async with AmplifiedSpeaker(inner, Loudness(), lambda: room_db) as speaker:
        await speaker.start()
        room_db = -50.0
        await answer(speaker, 0.1, 0.2)
        assert gain_db(inner) == pytest.approx(5.0, abs=0.1)
        await speaker.start()
        await answer(speaker, 0.2)
        assert gain_db(inner) == pytest.approx(0.0, abs=0.1)
