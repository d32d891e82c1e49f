"""A test at two windows at the same time: waiting for both takes hardly longer than waiting for one."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from tests.assistant.http.browser.visitor import SIZES


def on_both_sizes(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Run a test, which takes ``size``, on a phone and on a desktop."""

    async def both(**fixtures: Any) -> None:
        async with asyncio.TaskGroup() as group:
            for size in SIZES:
                group.create_task(_run(test(size=size, **fixtures)), name=f"{test.__name__} on a {size}")

    signature = inspect.signature(test)
    wanted = [one for one in signature.parameters.values() if one.name != "size"]
    both.__signature__ = signature.replace(parameters=wanted)  # type: ignore[attr-defined]
    both.__name__, both.__doc__, both.__module__ = test.__name__, test.__doc__, test.__module__
    return both


async def _run(test: Awaitable[None]) -> None:
    await test
