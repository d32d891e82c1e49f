"""Long work that somebody started from the panel: it goes on by itself and tells how far it is."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from assistant.task_room import TaskRoom
from pipeline.errors import AssistantError, without_words

log = logging.getLogger(__name__)

MOST_RUNNING = 2
"""At the same time; customers come first."""

MOST_REMEMBERED = 50

ONCE = frozenset({"pull"})
"""Kinds of work that is all said by its name: who asks for it again is shown the job that goes on. Not so renderings:
two of one personality have different phrases."""


class JobsBusy(AssistantError):
    """Too much goes on already."""

    code = "busy"


State = Literal["running", "done", "failed", "cancelled"]


@dataclass(slots=True)
class Job:
    """A piece of long work, and its progress as it reports it."""

    kind: str
    """``pull`` or ``render``."""
    what: str
    """What it works on, for people."""
    tenant: str
    started_at: str
    """ISO 8601, UTC."""
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    state: State = "running"
    progress: float | None = None
    """0 to 1; None where it cannot be told."""
    said: str = ""
    """What it does just now."""
    result: dict[str, Any] | None = None
    problem: dict[str, str] | None = None
    """Why it failed: ``code``, ``detail``, ``remedy``."""
    ended_at: str | None = None
    _task: asyncio.Task[None] | None = None

    def report(self, progress: float | None, said: str) -> None:
        """How far it is; by the work itself, on the loop. What comes late, after its end, is not told any more."""
        if self.state == "running":
            self.progress, self.said = progress, said

    def cancel(self) -> None:
        """Stop it; what it has made so far stays."""
        if self._task is not None and self.state == "running":
            self._task.cancel()

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        keys = ("id", "kind", "what", "state", "progress", "said", "result", "problem", "started_at", "ended_at")
        return {key: getattr(self, key) for key in keys}


Work = Callable[[Job], Awaitable[dict[str, Any]]]
"""Does it, and returns what came of it."""


class Jobs(TaskRoom):
    """An async context manager; leaving it stops what goes on."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__()
        self._now = now
        self._jobs: OrderedDict[str, Job] = OrderedDict()

    def start(self, kind: str, what: str, tenant: str, work: Work) -> Job:
        """Begin; of the kinds in ``ONCE``, what goes on already is not begun twice. Raises ``JobsBusy``."""
        running = [job for job in self._jobs.values() if job.state == "running"]
        for job in running:
            if kind in ONCE and (job.kind, job.what, job.tenant) == (kind, what, tenant):
                return job
        if len(running) >= MOST_RUNNING:
            raise JobsBusy(
                f"{MOST_RUNNING} long pieces of work go on already.", remedy="Wait until one ends, or cancel one."
            )
        job = Job(kind, what, tenant, self._time())
        self._jobs[job.id] = job
        while len(self._jobs) > MOST_REMEMBERED:
            oldest = next(one for one in self._jobs.values() if one.state != "running")
            del self._jobs[oldest.id]
        task = self._begin(self._run(job, work), f"job {kind}")
        job._task = task
        task.add_done_callback(lambda _: self._ended(job))
        return job

    def of(self, tenant: str) -> list[Job]:
        """Those of a shop, newest first."""
        return [job for job in reversed(self._jobs.values()) if job.tenant == tenant]

    def find(self, key: str, tenant: str) -> Job | None:
        """One of a shop's."""
        job = self._jobs.get(key)
        return job if job is not None and job.tenant == tenant else None

    async def _run(self, job: Job, work: Work) -> None:
        try:
            job.result = await work(job)
        except AssistantError as error:
            job.state = "failed"
            job.problem = {"code": error.code, "detail": error.message, "remedy": error.remedy}
        except Exception as error:  # it ends the job, not the assistant
            log.error("The job %s failed: %s", job.kind, without_words(error))
            log.debug("The whole of it:", exc_info=error)
            job.state = "failed"
            job.problem = {"code": "defect", "detail": "This should not have happened.", "remedy": "See the log."}
        else:
            job.state, job.progress = "done", 1.0

    def _ended(self, job: Job) -> None:
        """Also of one that was cancelled before it began."""
        if job.state == "running":
            job.state = "cancelled"
        job.ended_at = self._time()

    def _time(self) -> str:
        return self._now().isoformat(timespec="seconds")
