"""One thread for one model: results, errors and cancellation cross over as they should."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from pipeline.errors import ProviderError
from providers.model_worker import Cancelled, ModelWorker, busy_workers, stuck_workers

pytestmark = pytest.mark.unit


@pytest.fixture
def worker() -> Iterator[ModelWorker]:
    worker = ModelWorker("test-model")
    yield worker
    worker.close()


async def test_calls_run_one_after_another_on_the_named_thread(worker: ModelWorker) -> None:
    order: list[int] = []

    def call(number: int) -> str:
        order.append(number)
        return threading.current_thread().name

    names = await asyncio.gather(*(worker.run(lambda _, n=number: call(n)) for number in range(20)))
    assert order == list(range(20))
    assert set(names) == {"test-model"}


async def test_an_error_reaches_the_caller_and_leaves_the_worker_usable(worker: ModelWorker) -> None:
    def fail(_: Cancelled) -> None:
        raise ZeroDivisionError("model")

    with pytest.raises(ZeroDivisionError, match="model"):
        await worker.run(fail)
    assert await worker.run(lambda _: 7) == 7


async def test_cancelling_tells_the_call(worker: ModelWorker) -> None:
    loop, began, told = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def long(cancelled: Cancelled) -> None:
        loop.call_soon_threadsafe(began.set)
        if cancelled.wait(10):
            loop.call_soon_threadsafe(told.set)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(worker.run(long), name="long")
        await began.wait()
        task.cancel()
    await told.wait()
    assert await worker.run(lambda _: 7) == 7


async def test_a_cancelled_call_that_waits_is_never_begun(worker: ModelWorker) -> None:
    release, begun = threading.Event(), []
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run(lambda _: release.wait(10)), name="first")
        second = group.create_task(worker.run(lambda _: begun.append(2)), name="second")
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        release.set()
    assert await worker.run(lambda _: 7) == 7
    assert not begun


async def test_a_stream_runs_no_step_that_nobody_asked_for(worker: ModelWorker) -> None:
    steps: list[int] = []

    def count(_: Cancelled) -> Iterator[int]:
        for number in range(5):
            steps.append(number)
            yield number

    items = worker.stream(count)
    assert await anext(items) == 0
    await worker.run(lambda _: None)
    assert steps == [0]
    assert [item async for item in items] == [1, 2, 3, 4]


async def test_an_error_in_a_stream_comes_after_what_was_found(worker: ModelWorker) -> None:
    def half(_: Cancelled) -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    found = []
    with pytest.raises(ZeroDivisionError):
        async for item in worker.stream(half):
            found.append(item)
    assert found == [1]


async def test_a_stream_that_is_left_tells_the_call(worker: ModelWorker) -> None:
    flags: list[Cancelled] = []

    def endless(cancelled: Cancelled) -> Iterator[int]:
        flags.append(cancelled)
        while True:
            yield 1

    items = worker.stream(endless)
    await anext(items)
    await items.aclose()
    assert flags[0].is_set()


async def test_a_closed_worker_says_so(worker: ModelWorker) -> None:
    await worker.run(lambda _: None)
    worker.close()
    with pytest.raises(RuntimeError, match="test-model is closed"):
        await worker.run(lambda _: None)


async def test_closing_does_not_wait_for_a_call_that_hangs(
    worker: ModelWorker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop stands while a worker is closed, so that the other parts of the program could not end meanwhile."""
    waits: list[float | None] = []
    begun, release = threading.Event(), threading.Event()

    def hang(_: Cancelled) -> None:
        begun.set()
        release.wait(20)

    monkeypatch.setattr(threading.Thread, "join", lambda _, timeout=None: waits.append(timeout))
    async with asyncio.TaskGroup() as group:
        hanging = group.create_task(worker.run(hang), name="hanging")
        await asyncio.sleep(0)
        assert begun.wait(10)
        worker.close()
        hanging.cancel()
    release.set()
    assert all(wait is not None and wait <= 0.5 for wait in waits)
    assert waits
    assert "test-model is still busy" in caplog.text


async def test_a_call_without_end_is_told(worker: ModelWorker) -> None:
    began, free = threading.Event(), threading.Event()

    def call(_: Cancelled) -> None:
        began.set()
        free.wait()

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(worker.run(call), name="waiting")
        while not began.is_set():
            await asyncio.sleep(0)
        assert "test-model" in stuck_workers(0, 1000)
        assert "test-model" not in stuck_workers(1000, 0), "somebody still waits for it"
        waiting.cancel()
    assert "test-model" in stuck_workers(1000, 0)
    assert "test-model" not in stuck_workers(0, 1000)
    free.set()
    await worker.run(lambda _: None)
    assert "test-model" not in stuck_workers(0, 0), "it waits for work"


async def test_whoever_waits_for_a_thread_that_is_left_behind_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an end of their own they would wait for ever."""
    monkeypatch.setattr("providers.model_worker.HOPELESS_S", 0.0)
    worker, began, free = ModelWorker("test-model"), threading.Event(), threading.Event()

    def hang(_: Cancelled) -> None:
        began.set()
        free.wait()

    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(_refused(worker.run(call)), name="waits") for call in (hang, lambda _: None)]
        await asyncio.sleep(0)
        assert began.wait(10)
        worker.close()
    assert [task.result() for task in waiting] == ["The thread test-model hung and was left behind."] * 2
    free.set()


async def _refused(call: Coroutine[Any, Any, object]) -> str:
    with pytest.raises(ProviderError) as refused:
        await call
    return str(refused.value)


async def test_how_long_each_thread_is_busy_is_told(worker: ModelWorker) -> None:
    idle = ModelWorker("never-used")
    began, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def long(_: Cancelled) -> None:
        loop.call_soon_threadsafe(began.set)
        go_on.wait(10)

    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run(long), name="long")
        await began.wait()
        first_s = busy_workers()["test-model"]
        assert busy_workers()["test-model"] > first_s > 0
        go_on.set()
    await worker.run(lambda _: None)
    while busy_workers()["test-model"]:  # the thread notes the end of a call after it has told it
        await asyncio.sleep(0)
    assert idle.name not in busy_workers()
    worker.close()
    assert "test-model" not in busy_workers()
