"""The fake end-of-turn detector keeps the contract of the real one."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest

from pipeline.errors import ProviderError
from pipeline.protocols import EndOfTurnDetector
from tests.contracts.end_of_turn import EndOfTurnDetectorContract, heard
from tests.fakes.end_of_turn import ScriptedEndOfTurnDetector

pytestmark = pytest.mark.unit


class TestContract(EndOfTurnDetectorContract):
    def opened(self) -> AbstractAsyncContextManager[EndOfTurnDetector]:
        return ScriptedEndOfTurnDetector()


async def test_script() -> None:
    async with ScriptedEndOfTurnDetector([0.1, 0.9]) as detector:
        assert [await detector.completion_probability(heard(0.1)) for _ in range(3)] == [0.1, 0.9, 0.9]
        assert (len(detector.asked), detector.answered) == (3, 3)


async def test_script_by_what_is_heard() -> None:
    async with ScriptedEndOfTurnDetector(lambda audio: audio.duration_s / 2) as detector:
        assert await detector.completion_probability(heard(1.0)) == 0.5


async def test_bad_days() -> None:
    async with ScriptedEndOfTurnDetector() as detector:
        detector.fails = ProviderError("The end-of-turn detector has a bad day.")
        with pytest.raises(ProviderError, match="bad day"):
            await detector.completion_probability(heard(0.1))
        detector.fails, detector.hangs = None, True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await detector.completion_probability(heard(0.1))
    assert detector.answered == 0
