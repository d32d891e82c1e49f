"""The fake voice detector keeps the contract of the real one."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import numpy as np
import pytest

from pipeline.audio import FRAME_SAMPLES
from pipeline.errors import ProviderError
from pipeline.protocols import VoiceDetector
from tests.contracts.vad import VoiceDetectorContract, frames
from tests.fakes.vad import ScriptedVoiceDetector

pytestmark = pytest.mark.unit

SILENCE = frames(np.zeros(10 * FRAME_SAMPLES, np.int16))


class TestContract(VoiceDetectorContract):
    def opened(self) -> AbstractAsyncContextManager[VoiceDetector]:
        return ScriptedVoiceDetector()


async def test_script() -> None:
    async with ScriptedVoiceDetector([(0.064, 0.128)]) as detector:
        assert await detector.speech_probabilities(SILENCE[:6]) == [0.02, 0.02, 0.98, 0.98, 0.02, 0.02]


async def test_bad_days() -> None:
    async with ScriptedVoiceDetector() as detector:
        detector.fails_at_s = 0.1
        with pytest.raises(ProviderError):
            await detector.speech_probabilities(SILENCE)
        detector.fails_at_s, detector.hangs_at_s = None, 0.1
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await detector.speech_probabilities(SILENCE)
