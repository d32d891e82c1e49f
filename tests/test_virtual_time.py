"""The virtual clock of the tests."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.virtual_time import in_virtual_time, now_s

pytestmark = pytest.mark.unit


@in_virtual_time
async def test_hours_pass_at_once_and_exactly() -> None:
    began_s = time.monotonic()
    await asyncio.sleep(7200.0)
    assert now_s() == pytest.approx(7200.0, abs=1e-6)
    assert time.monotonic() - began_s < 60.0


@in_virtual_time
async def test_limits_run_out_in_their_order() -> None:
    order: list[str] = []

    async def wait(name: str, duration_s: float) -> None:
        await asyncio.sleep(duration_s)
        order.append(name)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(4.0):
            async with asyncio.TaskGroup() as group:
                for name, duration_s in (("c", 5.0), ("b", 3.0), ("a", 1.0)):
                    group.create_task(wait(name, duration_s), name=name)
    assert order == ["a", "b"]
    assert now_s() == pytest.approx(4.0, abs=1e-6)


def test_a_deadlock_is_an_error() -> None:
    @in_virtual_time
    async def forever() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="Nothing will ever happen"):
        forever()
