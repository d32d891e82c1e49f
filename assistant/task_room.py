"""Tasks that go on by themselves until they end, or until whoever began them leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self


class TaskRoom:
    """An async context manager to derive from. Tasks do not raise: what goes wrong belongs to whoever waits for it."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all, and wait for their end."""
        for task in tuple(self._tasks):
            task.cancel()
        # The group is not told of the error: it would wrap it, and no task of it is to blame.
        await self._group.__aexit__(None, None, None)

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = self._group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
