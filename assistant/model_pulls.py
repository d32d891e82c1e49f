"""Fetching a model while the assistant runs: on a thread of its own, with progress, and stopped on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from assistant.jobs import Job
from assistant.licences import LicensedModels, terms_to_accept
from assistant.models.pull import Puller
from assistant.models.store import ModelStore
from assistant.settings import DeploymentSection
from pipeline.errors import LicenceRefused
from providers.model_worker import Cancelled, ModelWorker


class PullStopped(Exception):
    """Nobody wants it any more. Raised between two blocks; what came so far is used by the next pull."""


class JobProgress:
    """A download's ``Progress``, told to a job from the thread that downloads."""

    def __init__(self, job: Job, total_bytes: int | None, stopped: Cancelled) -> None:
        self._job = job
        self._total = total_bytes
        self._stopped = stopped
        self._loop = asyncio.get_running_loop()
        self._done = 0
        self._told = -1
        self._label = ""

    def begin(self, label: str, total: int | None, done: int) -> None:
        """A file starts."""
        del total  # the model's own total counts
        self._label = label
        self._done += done
        self._tell()

    def advance(self, count: int) -> None:
        """So many more bytes arrived."""
        if self._stopped.is_set():
            raise PullStopped
        self._done += count
        if self._done // 1_000_000 != self._told:
            self._tell()

    def end(self) -> None:
        """No more of this file comes."""
        self._tell()

    def say(self, line: str) -> None:
        """One line for people."""
        self._label = line
        self._tell()

    def _tell(self) -> None:
        self._told = self._done // 1_000_000
        share = min(1.0, self._done / self._total) if self._total else None
        self._loop.call_soon_threadsafe(self._job.report, share, self._label)


def pulling(
    store: ModelStore, licensed: LicensedModels, deployment: DeploymentSection, name: str
) -> Callable[[Job], Any]:
    """The work of a job that fetches a model. Raises ``ModelMissing`` for an unknown one and ``LicenceRefused``."""
    model = store.catalogue.get(name)
    if (refusal := terms_to_accept(model, deployment)) is not None:
        raise LicenceRefused(refusal.reason, remedy=refusal.remedy)
    judgement = licensed.judgement(name)
    if judgement.refused:
        raise LicenceRefused(judgement.reason, remedy=judgement.remedy)

    async def pull(job: Job) -> dict[str, Any]:
        stopped = Cancelled()
        progress = JobProgress(job, model.size_bytes, stopped)

        def fetched(_: Cancelled) -> bool:
            with Puller(store, progress) as puller:
                return puller.pull(name)

        worker = ModelWorker(f"pull {name}")
        try:
            return {"fetched": await worker.run(fetched)}
        finally:
            stopped.set()
            worker.close(wait_s=0)

    return pull
