"""Lets those who change voices take turns, in this process and in others (the daemon, the command line)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from assistant.file_lock import FileLock
from assistant.samples.errors import SampleError

LOOK_EVERY_S = 0.05
PATIENCE_S = 60.0
"""Seconds of the clock to wait for others: a sample is written within one."""


@asynccontextmanager
async def turn(
    file: Path, patience_s: float = PATIENCE_S, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[None]:
    """Nobody else has a turn meanwhile; the kernel ends it where the process dies. Raises ``SampleError``."""
    async with AsyncExitStack() as stack:
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = stack.enter_context(FileLock(file))
        except OSError as error:
            raise SampleError(
                f"Voices cannot be changed: {file} cannot be written ({error.strerror}).",
                remedy="Is the disk full or mounted read-only, or does the folder belong to another user?",
            ) from error
        give_up_s = clock() + patience_s
        while not lock.taken():
            if clock() > give_up_s:
                raise SampleError(
                    f"Another voice has been taken in or removed for {patience_s:g} seconds.", remedy="Try again."
                )
            await asyncio.sleep(LOOK_EVERY_S)
        yield
