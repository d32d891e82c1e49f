"""Where an engine's voice workers come from: this machine, or one in the back room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pipeline.errors import ProviderError, ProviderMissing
from providers.model_worker import ModelWorker
from providers.tts.cloning.own_worker import OwnWorker, Patience
from providers.tts.cloning.program import WorkerProgram, version_of
from providers.tts.cloning.remote_worker import RemoteWorker
from providers.tts.cloning.shelf import Model
from providers.tts.cloning.worker import VoiceWorker
from providers.tts.voice_worker.listening import Address


class Workers(Protocol):
    """All of one engine."""

    async def open(self, group: asyncio.TaskGroup, models: Sequence[Model]) -> None:
        """Look whether workers for these models can be had; ``group`` looks after them. Raises ``AssistantError``."""
        ...

    def close(self) -> None:
        """Nobody needs them any more."""
        ...

    async def for_model(self, model: Model) -> VoiceWorker:
        """The one that speaks with a model, not started by that. Raises ``ModelError``."""
        ...

    async def fingerprint(self, model: Model) -> str:
        """What shapes the sound besides text, settings and sample. Raises ``AssistantError``."""
        ...

    def known(self) -> list[VoiceWorker]:
        """Those that were asked for so far."""
        ...


@dataclass(frozen=True, slots=True)
class OwnOptions:
    """How workers of this machine are started."""

    python: Path
    """Interpreter of the environment that has the engine."""
    engine: str
    """Its name for the worker program: ``xtts_v2``, or ``module:factory``."""
    latents: Path
    """Folder for what is kept of samples."""
    device: str
    threads: int
    memory_mb: int
    install: str
    """What installs it, such as ``./install.sh xtts``."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Further variables of the process."""


class OwnWorkers:
    """One process for each model."""

    def __init__(self, name: str, options: OwnOptions, patience: Patience, clock: Callable[[], float]) -> None:
        self._name = name
        self._options = options
        self._patience = patience
        self._clock = clock
        self._version = ""
        self._workers: dict[str, OwnWorker] = {}
        self._group: asyncio.TaskGroup | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._reading: ModelWorker | None = None
        """Reads models' files, which may take many seconds."""

    async def open(self, group: asyncio.TaskGroup, models: Sequence[Model]) -> None:
        """Raises ``ProviderMissing`` where the engine is not installed, and ``ModelError``."""
        for model in models:
            model.folder()
        if not self._options.python.exists():
            raise ProviderMissing(
                f"The engine {self._name} is not installed.", remedy=f"Install it: {self._options.install}"
            )
        self._version = await version_of(self._program(Path(), ""))
        self._group = group
        self._reading = ModelWorker(f"tts-{self._name}")

    def close(self) -> None:
        """Their processes end with their tasks, which the group waits for."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        if self._reading is not None:
            self._reading.close()
        self._workers.clear()
        self._group = self._reading = None

    async def for_model(self, model: Model) -> OwnWorker:
        """Its process is started when somebody asks for it."""
        if self._group is None:
            raise ProviderError(f"The engine {self._name} is not open.", retryable=False)
        folder = model.folder()  # refused by its licence or gone meanwhile: a running worker must not speak either
        known = self._workers.get(model.name)
        if known is not None:
            return known
        digest = await self._digest(model)
        if model.name not in self._workers:  # else somebody was quicker
            worker = OwnWorker(self._name, self._program(folder, digest), self._patience, self._clock)
            self._tasks.append(self._group.create_task(worker.run(), name=f"voice worker {self._name}"))
            self._workers[model.name] = worker
        return self._workers[model.name]

    async def fingerprint(self, model: Model) -> str:
        """Version of the engine and hash of the model's files, without starting anything."""
        return f"{self._version} {await self._digest(model)}"

    def known(self) -> list[VoiceWorker]:
        """Those that were asked for so far."""
        return list(self._workers.values())

    async def _digest(self, model: Model) -> str:
        if self._reading is None:
            raise ProviderError(f"The engine {self._name} is not open.", retryable=False)
        return await self._reading.run(lambda _: model.fingerprint())

    def _program(self, folder: Path, digest: str) -> WorkerProgram:
        one = self._options
        return WorkerProgram(
            one.python, one.engine, folder, one.latents, digest, one.device, one.threads, one.memory_mb, one.environment
        )


class RemoteWorkers:
    """One worker for all, which somebody else looks after."""

    def __init__(self, name: str, address: Address) -> None:
        self._name = name
        self._worker = RemoteWorker(name, address)

    async def open(self, group: asyncio.TaskGroup, models: Sequence[Model]) -> None:
        """It may come later. Raises ``LicenceRefused``."""
        for model in models:
            model.permit()

    def close(self) -> None:
        """It goes on."""

    async def for_model(self, model: Model) -> RemoteWorker:
        """Always the same: it has its model. Raises ``LicenceRefused``."""
        model.permit()
        return self._worker

    async def fingerprint(self, model: Model) -> str:
        """As it told when somebody last spoke through it."""
        state = self._worker.state
        if state is None:
            raise ProviderError(f"The voice worker of {self._name} has not told yet what it is.")
        return f"{state.version} {state.model}"

    def known(self) -> list[VoiceWorker]:
        """The one there is."""
        return [self._worker]
