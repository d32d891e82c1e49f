"""One thread for one loaded model, so that inference never runs on the event loop."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any, TypeVar

from pipeline.errors import ProviderError

log = logging.getLogger(__name__)

T = TypeVar("T")

Cancelled = threading.Event
"""Set when nobody waits for the result any more; model loops look at it between steps and give up."""


HOPELESS_S = 4.0
"""Seconds in one call after which nobody waits for its end any more when the thread is closed."""

_workers: weakref.WeakSet[ModelWorker] = weakref.WeakSet()


def stuck_workers(limit_s: float, abandoned_s: float) -> list[str]:
    """Names of the threads in use that have been in one call for longer than ``limit_s`` seconds, or ``abandoned_s``
    where nobody waits for its result any more.
    """
    return sorted(one.name for one in tuple(_workers) if one.is_stuck(limit_s, abandoned_s))


def busy_workers() -> dict[str, float]:
    """Names of the threads in use, and the seconds for which each has been in its call: 0 for one that waits."""
    found: dict[str, float] = {}
    for one in tuple(_workers):
        if one.in_use:
            found[one.name] = max(one.busy_s, found.get(one.name, 0.0))
    return found


class ModelWorker:
    """A named thread that does one call after another.

    The thread starts with the first call and ends with ``close``. Cancelling a task that awaits ``run`` or ``stream``
    sets the call's ``Cancelled`` flag; the thread itself goes on until the call looks at it.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._call: tuple[float, Cancelled] | None = None
        """The call that the thread is in, and when it began on the monotonic clock; None where it waits for one."""
        self._waited_for: set[asyncio.Future[Any]] = set()
        """Results that have not come yet."""
        _workers.add(self)

    @property
    def in_use(self) -> bool:
        """Whether it has been given anything to do, and is not closed."""
        return self._thread is not None and not self._closed

    @property
    def busy_s(self) -> float:
        """Seconds since the call began that it is in, 0 where it is in none."""
        call = self._call
        return 0.0 if call is None else time.monotonic() - call[0]

    def is_stuck(self, limit_s: float, abandoned_s: float) -> bool:
        """As ``stuck_workers`` says; what is closed is in use no more."""
        call = self._call
        if call is None or self._closed:
            return False
        began_s, cancelled = call
        return time.monotonic() - began_s > (abandoned_s if cancelled.is_set() else limit_s)

    async def run(self, call: Callable[[Cancelled], T]) -> T:
        """Do ``call`` on the thread and return its result, or raise what it raises."""
        cancelled = Cancelled()
        future = self._post(lambda: call(cancelled), cancelled)
        try:
            result: T = await future
        finally:
            cancelled.set()
        return result

    async def stream(self, call: Callable[[Cancelled], Iterator[T]]) -> AsyncGenerator[T]:
        """Iterate on the thread, one step whenever the consumer asks for the next item (so nothing runs ahead)."""
        cancelled = Cancelled()
        end = object()
        try:
            items = await self._post(lambda: iter(call(cancelled)), cancelled)
            while (item := await self._post(lambda: next(items, end), cancelled)) is not end:
                yield item
        finally:
            cancelled.set()

    def close(self, wait_s: float = 0.5) -> None:
        """End the thread after the call it is in; waits for it at most ``wait_s`` seconds, in which the loop stands.

        A thread that is still busy then is left behind with a warning: it does not keep the process from ending, and
        whoever still waits for it is told (``ProviderError``).
        """
        hopeless = self.is_stuck(HOPELESS_S, HOPELESS_S)
        self._closed = True
        self._calls.put(None)
        if self._thread is None or wait_s <= 0:
            return
        if not hopeless:
            self._thread.join(wait_s)
        if self._thread.is_alive():
            log.warning("The thread %s is still busy and is left behind.", self.name)
            for future in tuple(self._waited_for):
                _refuse(future, ProviderError(f"The thread {self.name} hung and was left behind."))

    def _post(self, call: Callable[[], Any], cancelled: Cancelled) -> asyncio.Future[Any]:
        if self._closed:
            raise RuntimeError(f"{self.name} is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waited_for.add(future)
        future.add_done_callback(self._waited_for.discard)

        def work() -> None:
            if cancelled.is_set():
                return
            self._call = time.monotonic(), cancelled
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the task that waits
                _cross(loop, future, None, error)
            else:
                _cross(loop, future, result, None)
            finally:
                self._call = None

        self._calls.put(work)
        self._start()
        return future

    def _start(self) -> None:
        if self._thread is None:
            # A daemon thread: a model stuck in native code must not keep the process from ending.
            self._thread = threading.Thread(target=self._work, name=self.name, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


def _refuse(future: asyncio.Future[Any], error: ProviderError) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # whoever waits may be leaving just now, and an error that nobody sees would be logged


def _cross(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], result: Any, error: BaseException | None
) -> None:
    """Bring a result from the thread to the loop; the loop may have ended meanwhile, then nobody wants it."""

    def settle() -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    try:
        loop.call_soon_threadsafe(settle)
    except RuntimeError:
        if not loop.is_closed():
            raise
