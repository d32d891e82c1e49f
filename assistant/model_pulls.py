"""Fetching a model while the assistant runs: on a thread of its own, with progress, and stopped on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from assistant.jobs import Job
from assistant.licences import LicensedModels, terms_to_accept
from assistant.models.pull import Puller
from assistant.models.store import ModelStore
from assistant.sections import DeploymentSection
from pipeline.errors import LicenceRefused
from providers.model_worker import Cancelled, ModelWorker

TOLD_EVERY_BYTES = 1_000_000

LET_GO_S = 1.0
"""Seconds of the clock that a stopped job waits for its thread to let go of the model, so that it can be fetched again
at once. A server that has gone silent is not waited for."""


class PullStopped(Exception):
    """Nobody wants it any more. Raised between two blocks; what came so far is used by the next pull."""


class JobProgress:
    """A download's ``Progress``, told to a job from the thread that downloads."""

    def __init__(self, job: Job, total_bytes: int | None, loop: asyncio.AbstractEventLoop, stopped: Cancelled) -> None:
        self._job = job
        self._total = total_bytes
        self._loop = loop
        self._stopped = stopped
        self._file = ""
        self._said = ""
        self._done: dict[str, int] = {}
        """Bytes by file: one whose connection broke begins again, perhaps from its start."""
        self._told_bytes = 0

    def begin(self, label: str, total: int | None, done: int) -> None:
        """A file starts."""
        del total  # the model's own total counts
        self._file = self._said = label
        self._done[label] = done
        self._tell()

    def advance(self, count: int) -> None:
        """So many more bytes arrived."""
        self._done[self._file] += count
        if abs(sum(self._done.values()) - self._told_bytes) >= TOLD_EVERY_BYTES:
            self._tell()
        self._give_up_if_stopped()

    def end(self) -> None:
        """No more of this file comes."""
        self._tell()

    def say(self, line: str) -> None:
        """One line for people."""
        self._said = line
        self._tell()
        self._give_up_if_stopped()

    def sleep(self, seconds: float) -> None:
        """Before a server is asked again; for a ``Puller``."""
        self._stopped.wait(seconds)
        self._give_up_if_stopped()

    def _tell(self) -> None:
        self._told_bytes = sum(self._done.values())
        share = min(1.0, self._told_bytes / self._total) if self._total else None
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._job.report, share, self._said)

    def _give_up_if_stopped(self) -> None:
        if self._stopped.is_set():
            raise PullStopped


def pulling(
    store: ModelStore,
    licensed: LicensedModels,
    deployment: DeploymentSection,
    name: str,
    puller: Callable[..., Puller] = Puller,
) -> Callable[[Job], Awaitable[dict[str, Any]]]:
    """The work of a job that fetches a model. Raises ``ModelMissing`` for an unknown one and ``LicenceRefused`` where
    fetching would take terms for accepted.

    Any other model is fetched, as on the command line: what may not be used here may be for another machine. The work
    returns ``fetched`` (False: it was here, verified) and what its licence says to the use here: ``verdict`` and
    ``note``. ``puller`` is called as ``Puller`` is.
    """
    model = store.catalogue.get(name)
    if (refusal := terms_to_accept(model, deployment)) is not None:
        raise LicenceRefused(refusal.reason, remedy=refusal.remedy)

    async def pull(job: Job) -> dict[str, Any]:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def fetched(stopped: Cancelled) -> bool:
            progress = JobProgress(job, model.size_bytes, loop, stopped)
            try:
                with puller(store, progress, sleep=progress.sleep) as one:
                    return one.pull(name)
            finally:
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(ended.set)

        worker = ModelWorker(f"pull {name}")
        job.report(None, f"Is {name} here already?")
        try:
            new = await worker.run(fetched)
        except asyncio.CancelledError:
            with suppress(TimeoutError):
                async with asyncio.timeout(LET_GO_S):
                    await ended.wait()
            raise
        finally:
            worker.close(wait_s=0)
        judgement = licensed.judgement(name)
        return {
            "fetched": new,
            "verdict": str(judgement.verdict),
            "note": f"{judgement.reason} {judgement.remedy}".strip(),
        }

    return pull
