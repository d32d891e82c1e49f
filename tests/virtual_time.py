"""Time that passes only when nobody has anything to do: a wait of minutes costs nothing, and its length is exact."""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Skips every wait, and tells how long it would have been."""

    def __init__(self, skipped: Callable[[float], None]) -> None:
        super().__init__()
        self._skipped = skipped

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise RuntimeError("Nothing will ever happen any more: everybody waits for somebody.")
        self._skipped(timeout)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer. Not for threads or programs: it would not wait for them."""

    def __init__(self) -> None:
        self._now_s = 0.0
        super().__init__(_Selector(self._skip))

    def time(self) -> float:
        return self._now_s

    def _skip(self, duration_s: float) -> None:
        self._now_s += duration_s


def now_s() -> float:
    """Seconds of the running loop's clock: virtual ones under ``in_virtual_time``."""
    return asyncio.get_running_loop().time()


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """A test that runs on a ``VirtualTimeLoop``."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(test(*args, **kwargs))

    return run
