"""The fakes keep the contracts of the real ones, and their bad days do what they say."""

from __future__ import annotations

import pytest

from pipeline.errors import DeviceLost
from pipeline.protocols import Microphone, Speaker
from tests.contracts.microphone import MicrophoneContract, fetched
from tests.contracts.speaker import SpeakerContract, tone
from tests.fakes.audio import FakeMicrophone, FakeSpeaker
from tests.providers.audio.sounds import frames

pytestmark = pytest.mark.unit


class TestFakeMicrophone(MicrophoneContract):
    def opened(self) -> Microphone:
        return FakeMicrophone(frames(1.0))

    async def test_it_can_be_lost_and_come_back(self) -> None:
        microphone = FakeMicrophone(frames(1.0), lost_after=2)
        with pytest.raises(DeviceLost):
            await fetched(microphone, 5)
        microphone.lost_after = None
        async with microphone:
            assert (await fetched(microphone, 1))[0].start_s == pytest.approx(0.064)

    async def test_dropped_chunks_leave_a_gap_and_are_counted(self) -> None:
        microphone = FakeMicrophone(frames(1.0), drop=[1, 2])
        found = await fetched(microphone, 2)
        assert found[1].start_s == pytest.approx(0.096)
        assert microphone.dropped_s == pytest.approx(0.064)


class TestFakeSpeaker(SpeakerContract):
    def opened(self) -> Speaker:
        return FakeSpeaker()

    async def test_it_can_be_lost(self) -> None:
        async with FakeSpeaker(lost_after=1) as speaker:
            await speaker.start()
            await speaker.play(tone(440, 0.1))
            with pytest.raises(DeviceLost):
                await speaker.play(tone(440, 0.1))

    async def test_it_notes_what_was_heard_and_when(self) -> None:
        async with FakeSpeaker() as speaker:
            await speaker.start()
            await speaker.play(tone(440, 0.064, 16_000))
        assert [round(piece.start_s, 3) for piece in speaker.heard] == [0.0, 0.032]
        assert speaker.calls == ["start", "play"]
