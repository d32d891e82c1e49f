"""A voice worker that somebody else looks after, such as on a box with a GPU in the back room."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from pipeline.errors import ProviderError
from providers.tts.cloning.connection import connected
from providers.tts.voice_worker.listening import Address
from providers.tts.voice_worker.messages import WorkerState

LOOK_S = 1.0
"""Seconds of the clock between two looks whether it has loaded its model."""


class RemoteWorker:
    """A ``VoiceWorker``."""

    def __init__(
        self, engine: str, address: Address, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._engine = engine
        self._address = address
        self._sleep = sleep
        self._state: WorkerState | None = None

    @property
    def state(self) -> WorkerState | None:
        """As it last told."""
        return self._state

    def address(self) -> Address:
        """Always the same; it may be out of reach."""
        return self._address

    def learn(self, state: WorkerState) -> None:
        """Raises ``ProviderError`` where another engine stands there."""
        if state.engine != self._engine:
            raise ProviderError(
                f"The voice worker at {self._address} is one of {state.engine}, not of {self._engine}.",
                remedy="Name the right address (url) in config.yaml.",
                retryable=False,
            )
        if state.failure:
            raise ProviderError(f"The voice worker at {self._address} cannot load its model: {state.failure}.")
        if state.loaded:
            self._state = state

    async def loaded(self) -> None:
        """Return when it has loaded its model."""
        while True:
            async with connected(self._engine, self._address) as connection:
                state = await connection.state()
            self.learn(state)
            if state.loaded:
                return
            await self._sleep(LOOK_S)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Nobody here unloads it."""
        yield
