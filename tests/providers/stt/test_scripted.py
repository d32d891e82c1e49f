"""The fake transcriber keeps the contract of the real one."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import numpy as np
import pytest

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk
from pipeline.errors import ProviderError, ProviderTimeout
from pipeline.protocols import Transcriber
from pipeline.speech import NoSpeech, NoSpeechReason, Transcript, Utterance
from tests.contracts.stt import TranscriberContract, spoken
from tests.fakes.stt import ScriptedTranscriber

pytestmark = pytest.mark.unit

SOUND = spoken(AudioChunk(np.full(LISTENING_RATE_HZ, 1000, np.int16), LISTENING_RATE_HZ))


class TestContract(TranscriberContract):
    words = "What time do you close?"

    def opened(self) -> AbstractAsyncContextManager[Transcriber]:
        return ScriptedTranscriber([self.words])

    def question(self) -> Utterance:
        return SOUND


async def test_script() -> None:
    async with ScriptedTranscriber(["one", NoSpeechReason.DOUBTFUL, "two"]) as transcriber:
        found = [await transcriber.transcribe(SOUND) for _ in range(4)]
    assert [part.text if isinstance(part, Transcript) else part.reason for part in found] == [
        "one",
        NoSpeechReason.DOUBTFUL,
        "two",
        "two",
    ]


async def test_bad_days() -> None:
    async with ScriptedTranscriber(["one"]) as transcriber:
        transcriber.fails = [ProviderError("bad day")]
        with pytest.raises(ProviderError, match="bad day"):
            await transcriber.transcribe(SOUND)
        assert not isinstance(await transcriber.transcribe(SOUND), NoSpeech)
        transcriber.hangs, transcriber.time_limit_s = True, 0
        with pytest.raises(ProviderTimeout):
            await transcriber.transcribe(SOUND)
        transcriber.time_limit_s = None
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await transcriber.transcribe(SOUND)
