"""A muted microphone delivers silence, at the pace at which it heard."""

from __future__ import annotations

import pytest

from pipeline.audio import SILENCE_DB
from pipeline.muting import MutableMicrophone
from pipeline.protocols import Microphone
from tests.contracts.microphone import MicrophoneContract, fetched
from tests.fakes.audio import FakeMicrophone
from tests.providers.audio.sounds import frames

pytestmark = pytest.mark.unit


class TestHearing(MicrophoneContract):
    def opened(self) -> Microphone:
        return MutableMicrophone(FakeMicrophone(frames(1.0)), lambda: False)


class TestMuted(MicrophoneContract):
    def opened(self) -> Microphone:
        return MutableMicrophone(FakeMicrophone(frames(1.0)), lambda: True)


async def test_what_was_said_while_it_was_muted_is_not_heard_afterwards() -> None:
    muted = iter([False, True, True, False])
    async with MutableMicrophone(FakeMicrophone(frames(1.0)), lambda: next(muted)) as microphone:
        found = await fetched(microphone, 4)
    assert [chunk.level_db == SILENCE_DB for chunk in found] == [False, True, True, False]
