"""The thread on which the engine works."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from providers.tts.voice_worker.engine import Cancelled
from providers.tts.voice_worker.engine_thread import EngineThread

pytestmark = pytest.mark.unit


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(clock: Clock) -> Iterator[EngineThread]:
    made = EngineThread(clock)
    yield made
    made.close()


async def test_calls_are_done_in_order_on_one_thread(engine: EngineThread) -> None:
    done: list[int] = []

    def call(number: int) -> str:
        done.append(number)
        return threading.current_thread().name

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(engine.run(lambda _, number=number: call(number))) for number in range(20)]  # type: ignore[misc]
    assert done == list(range(20))
    assert {task.result() for task in tasks} == {"engine"}


async def test_what_a_call_raises_arrives_after_what_it_gave(engine: EngineThread) -> None:
    def call(_: Cancelled) -> Iterator[int]:
        yield 1
        yield 2
        raise LookupError("lost")

    found = []
    with pytest.raises(LookupError, match="lost"):
        async for item in engine.stream(call):
            found.append(item)
    assert found == [1, 2]
    assert await engine.run(lambda _: "goes on") == "goes on"


async def test_what_would_end_the_thread_does_not(engine: EngineThread) -> None:
    for error in (SystemExit, KeyboardInterrupt, GeneratorExit):

        def call(_: Cancelled, error: type[BaseException] = error) -> None:
            raise error

        with pytest.raises(RuntimeError, match=f"it raised {error.__name__}"):
            await engine.run(call)
    assert await engine.run(lambda _: "goes on") == "goes on"


async def test_the_step_grows_while_nothing_comes(engine: EngineThread, clock: Clock) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def call(_: Cancelled) -> Iterator[int]:
        for number in range(2):
            yield number
            entered.set()
            go_on.wait(20)
            go_on.clear()

    assert engine.step_s == 0
    async with aclosing(engine.stream(call)) as items:
        assert await anext(items) == 0
        assert entered.wait(20)
        clock.now_s += 7
        assert engine.step_s == 7
        entered.clear()
        go_on.set()
        assert await anext(items) == 1
        assert entered.wait(20)
        assert engine.step_s == 0
        clock.now_s -= 50
        assert engine.step_s == 0, "a clock that is set back makes nobody younger"
        go_on.set()
        assert [item async for item in items] == []
    assert engine.step_s == 0


async def test_a_call_learns_that_nobody_waits_and_is_closed_on_its_thread(engine: EngineThread) -> None:
    entered, left, closed_on = threading.Event(), threading.Event(), []
    learnt: list[bool] = []

    def call(cancelled: Cancelled) -> Iterator[int]:
        try:
            learnt.append(cancelled())
            yield 1
            entered.set()
            left.wait(20)
            learnt.append(cancelled())
            yield 2
            learnt.append(True)
        finally:
            closed_on.append(threading.current_thread().name)

    async with aclosing(engine.stream(call)) as items:
        assert await anext(items) == 1
        assert entered.wait(20)
    left.set()
    assert await engine.run(lambda _: "next") == "next"
    assert learnt == [False, True]
    assert closed_on == ["engine"]


async def test_what_nobody_waits_for_any_more_is_not_begun(engine: EngineThread) -> None:
    go_on, begun = threading.Event(), []

    async def wait() -> None:
        await engine.run(lambda _: begun.append("waited for in vain"))

    async with asyncio.TaskGroup() as group:
        first = group.create_task(engine.run(lambda _: go_on.wait(20)))
        await asyncio.sleep(0)
        second = group.create_task(wait())
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        go_on.set()
    assert first.result()
    assert await engine.run(lambda _: "next") == "next"
    assert begun == []
