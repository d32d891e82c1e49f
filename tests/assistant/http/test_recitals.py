"""Spoken texts: made once, heard by any number, forgotten in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import numpy as np
import pytest

from assistant.http.problem import Refused
from assistant.http.recitals import MOST_IN_THE_MAKING, Recital, Recitals
from assistant.http.speaking import Spoken
from pipeline.audio import AudioChunk
from pipeline.errors import ProviderError
from pipeline.fallback import Rendering

pytestmark = pytest.mark.unit

RATE_HZ = 16_000


def piece(value: int, *, first: bool = False, length: int = 1600) -> Spoken:
    chunk = AudioChunk(np.full(length, value, np.int16), RATE_HZ)
    return Spoken(chunk, Rendering("piper", "a", 1.0) if first else None)


async def three(gate: asyncio.Event | None = None) -> AsyncGenerator[Spoken]:
    for value in range(3):
        if gate is not None and value == 1:
            await gate.wait()
        yield piece(value, first=value == 0)


async def values(recital: Recital) -> list[int]:
    return [int(one.chunk.pcm[0]) async for portion in recital.listen() for one in portion]


async def test_everybody_hears_all_of_it_from_the_beginning() -> None:
    gate = asyncio.Event()
    async with Recitals(10**6) as recitals:
        recital = recitals.begin(three(gate), "default")
        await recital.first()
        async with asyncio.TaskGroup() as group:
            early, late = group.create_task(values(recital)), group.create_task(values(recital))
            gate.set()
        assert early.result() == late.result() == await values(recital) == [0, 1, 2]
        assert recital.ended
        assert recital.duration_s == pytest.approx(0.3)


async def test_an_error_reaches_whoever_waits_and_whoever_comes_later() -> None:
    async def failing() -> AsyncGenerator[Spoken]:
        yield piece(0, first=True)
        raise ProviderError("Broken.")

    async with Recitals(10**6) as recitals:
        recital = recitals.begin(failing(), "default")
        await recital.first()
        for _ in range(2):
            with pytest.raises(ProviderError, match="Broken"):
                await values(recital)


async def test_nothing_said_is_an_error_at_first() -> None:
    async def nothing() -> AsyncGenerator[Spoken]:
        raise ProviderError("No voice.")
        yield piece(0)

    async with Recitals(10**6) as recitals:
        with pytest.raises(ProviderError, match="No voice"):
            await recitals.begin(nothing(), "default").first()


async def test_stopping_ends_the_source_even_before_it_began() -> None:
    closed = []

    async def endless() -> AsyncGenerator[Spoken]:
        try:
            yield piece(0, first=True)
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    async with Recitals(10**6) as recitals:
        begun = recitals.begin(endless(), "default")
        await begun.first()
        begun.stop()
        with pytest.raises(ProviderError, match="stopped"):
            await values(begun)
        assert closed == [True]
        never = recitals.begin(endless(), "default")
        never.stop()
        with pytest.raises(ProviderError, match="stopped"):
            await never.first()


async def test_leaving_stops_all_that_go_on() -> None:
    async with Recitals(10**6) as recitals:
        recital = recitals.begin(three(asyncio.Event()), "default")
        await recital.first()
    assert recital.ended
    assert recital.error is not None


async def test_only_those_that_are_kept_are_found_and_only_by_their_shop() -> None:
    async with Recitals(10**6) as recitals:
        kept = recitals.begin(three(), "ours", keep=True)
        passing = recitals.begin(three(), "ours")
        assert recitals.find(kept.key, "ours") is kept
        assert recitals.find(kept.key, "theirs") is None
        assert recitals.find(passing.key, "ours") is None


async def test_the_one_fetched_longest_ago_is_forgotten_first() -> None:
    size = 3 * 1600 * 2
    async with Recitals(2 * size) as recitals:
        kept = []
        for _ in range(2):
            kept.append(recitals.begin(three(), "default", keep=True))
            await values(kept[-1])
        assert recitals.find(kept[0].key, "default") is kept[0]  # now it is the second that was fetched longest ago
        kept.append(recitals.begin(three(), "default", keep=True))
        await values(kept[-1])
        await asyncio.sleep(0)
        assert [recitals.find(one.key, "default") is one for one in kept] == [True, False, True]


async def test_one_too_many_is_told_to_come_again() -> None:
    gate = asyncio.Event()
    async with Recitals(10**6) as recitals:
        for _ in range(MOST_IN_THE_MAKING):
            recitals.begin(three(gate), "default")
        source = three()
        with pytest.raises(Refused) as refused:
            recitals.begin(source, "default")
        assert refused.value.problem.code == "busy"
        await source.aclose()
        gate.set()
