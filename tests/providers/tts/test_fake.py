"""The fake voice keeps the contract of the real ones, and has its bad days."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest

from pipeline.errors import ProviderError
from pipeline.protocols import Synthesizer
from pipeline.speech import Voice
from tests.contracts.synthesizer import SHORT, SynthesizerContract, said
from tests.fakes.synthesizer import ScriptedSynthesizer

pytestmark = pytest.mark.unit

VOICE = Voice("fake-en", "en")


class TestContract(SynthesizerContract):
    def opened(self) -> AbstractAsyncContextManager[Synthesizer]:
        return ScriptedSynthesizer()


@pytest.mark.parametrize("chunks", [0, 3])
async def test_it_fails_as_told(chunks: int) -> None:
    fake = ScriptedSynthesizer()
    fake.fails_after = chunks
    heard = []
    with pytest.raises(ProviderError):
        async for chunk in fake.synthesize(SHORT, VOICE):
            heard.append(chunk)
    assert len(heard) == chunks
    assert fake.cancelled == []


async def test_it_hangs_as_told() -> None:
    fake = ScriptedSynthesizer()
    fake.hangs_after = 1
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await said(fake, SHORT, VOICE)
    assert fake.cancelled == [SHORT]


async def test_it_is_slow_as_told() -> None:
    slept: list[float] = []

    async def sleep(duration_s: float) -> None:
        slept.append(duration_s)

    fake = ScriptedSynthesizer(sleep=sleep)
    fake.first_chunk_s, fake.chunk_s = 2.0, 0.5
    await said(fake, SHORT, VOICE)
    assert slept[:3] == [2.0, 0.5, 0.5]
