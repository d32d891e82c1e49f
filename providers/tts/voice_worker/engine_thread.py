"""The one thread on which the engine works."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from providers.tts.voice_worker.engine import Cancelled

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _End:
    """After the last item."""

    error: BaseException | None = None


class EngineThread:
    """Does one call after another, in the order in which they were made, and tells how long the present step takes.

    A call is an iterator that lives and is closed on this thread. It runs ahead of who listens: a sentence's sound is
    small, and the engine is free for the next one sooner. Who stops listening cancels it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._progress_s: float | None = None

    @property
    def step_s(self) -> float:
        """Seconds of the clock since the last progress of the call it is in, 0 where it is in none."""
        since = self._progress_s
        return 0.0 if since is None else max(0.0, self._clock() - since)

    def close(self) -> None:
        """End the thread after the calls made so far."""
        self._calls.put(None)

    async def run(self, call: Callable[[Cancelled], T]) -> T:
        """Do ``call`` and return its result, or raise what it raises."""
        async with aclosing(self.stream(lambda cancelled: iter([call(cancelled)]))) as results:
            return await anext(results)

    async def stream(self, call: Callable[[Cancelled], Iterator[T]]) -> AsyncGenerator[T]:
        """What ``call`` gives, as it arises. Raises what it raises."""
        loop = asyncio.get_running_loop()
        found: asyncio.Queue[Any] = asyncio.Queue()
        left = threading.Event()

        def hand_over(item: Any) -> None:
            with suppress(RuntimeError):  # the loop has ended meanwhile, and with it all who listened
                loop.call_soon_threadsafe(found.put_nowait, item)

        self._start()
        self._calls.put(lambda: self._work(call, left, hand_over))
        try:
            while not isinstance(item := await found.get(), _End):
                yield item
            if item.error is not None:
                raise item.error
        finally:
            left.set()

    def _work(
        self, call: Callable[[Cancelled], Iterator[T]], left: threading.Event, hand_over: Callable[[Any], None]
    ) -> None:
        """On the thread."""
        if left.is_set():
            return
        self._progress_s = self._clock()
        error: BaseException | None = None
        try:
            items = call(left.is_set)
            try:
                for item in items:
                    self._progress_s = self._clock()
                    hand_over(item)
                    if left.is_set():
                        break
            finally:
                if close := getattr(items, "close", None):
                    close()
        except BaseException as raised:  # noqa: BLE001 - whatever it is, it belongs to who listens
            error = raised if isinstance(raised, Exception) else RuntimeError(f"it raised {type(raised).__name__}")
        finally:
            self._progress_s = None
        hand_over(_End(error))

    def _start(self) -> None:
        if self._thread is None:
            # A daemon thread: a model stuck in native code must not keep the process from ending.
            self._thread = threading.Thread(target=self._serve, name="engine", daemon=True)
            self._thread.start()

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
