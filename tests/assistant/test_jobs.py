"""Long work: how it goes on, ends, is stopped and remembered."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assistant.jobs import MOST_REMEMBERED, MOST_RUNNING, Job, Jobs, JobsBusy
from pipeline.errors import ModelMissing

pytestmark = pytest.mark.unit


class Work:
    """Goes on until it is let go."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.let_go = asyncio.Event()
        self.left = False

    async def __call__(self, job: Job) -> dict[str, Any]:
        job.report(0.25, "a quarter")
        self.begun.set()
        try:
            await self.let_go.wait()
        finally:
            self.left = True
        return {"made": 3}


async def at_once(_: Job) -> dict[str, Any]:
    return {}


async def end_of(job: Job) -> None:
    async with asyncio.timeout(5):
        while job.ended_at is None:
            await asyncio.sleep(0)


async def test_it_tells_how_far_it_is_and_what_came_of_it() -> None:
    times = iter(datetime(2026, 11, 26, 1, 0, tzinfo=UTC) + timedelta(seconds=n) for n in range(9))
    work = Work()
    async with Jobs(lambda: next(times)) as jobs:
        job = jobs.start("pull", "ryan", "shop", work)
        assert (job.state, job.progress, job.ended_at) == ("running", None, None)
        await work.begun.wait()
        assert (job.progress, job.said) == (0.25, "a quarter")
        work.let_go.set()
        await end_of(job)
        assert job.as_dict() == {
            "id": job.id, "kind": "pull", "what": "ryan", "state": "done", "progress": 1.0, "said": "a quarter",
            "result": {"made": 3}, "problem": None,
            "started_at": "2026-11-26T01:00:00+00:00", "ended_at": "2026-11-26T01:00:01+00:00",
        }  # fmt: skip
        job.report(0.5, "from a thread that is late")
        assert (job.progress, job.said) == (1.0, "a quarter")


async def test_a_known_error_tells_what_to_do() -> None:
    async def work(_: Job) -> dict[str, Any]:
        raise ModelMissing("It is not there.", remedy="Fetch it.")

    async with Jobs() as jobs:
        job = jobs.start("pull", "ryan", "shop", work)
        await end_of(job)
    assert job.state == "failed"
    assert job.problem == {"code": "model_missing", "detail": "It is not there.", "remedy": "Fetch it."}


async def test_a_defect_ends_the_job_alone_and_its_words_are_told_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async def work(_: Job) -> dict[str, Any]:
        raise ValueError("what a customer said")

    caplog.set_level(logging.INFO)
    async with Jobs() as jobs:
        job = jobs.start("render", "Robin", "shop", work)
        await end_of(job)
        other = jobs.start("render", "Robin", "shop", at_once)
        await end_of(other)
    assert (job.state, other.state) == ("failed", "done")
    assert job.problem is not None
    assert job.problem["code"] == "defect"
    assert "ValueError" in caplog.text
    assert "customer" not in caplog.text + str(job.as_dict())


async def test_no_more_than_two_at_a_time() -> None:
    assert MOST_RUNNING == 2
    works = [Work(), Work()]
    async with Jobs() as jobs:
        running = [jobs.start("pull", f"model {number}", "shop", work) for number, work in enumerate(works)]
        with pytest.raises(JobsBusy) as refused:
            jobs.start("pull", "a third", "shop", at_once)
        assert refused.value.code == "busy"
        works[0].let_go.set()
        await end_of(running[0])
        assert jobs.start("pull", "a third", "shop", at_once).state == "running"


async def test_a_model_is_fetched_once_but_other_phrases_are_other_work() -> None:
    async with Jobs() as jobs:
        pull = jobs.start("pull", "ryan", "shop", Work())
        assert jobs.start("pull", "ryan", "shop", Work()) is pull
        pull.cancel()
        await end_of(pull)
        assert jobs.start("pull", "ryan", "shop", at_once) is not pull
        first = jobs.start("render", "Robin", "shop", Work())
        with pytest.raises(JobsBusy):
            jobs.start("render", "Robin", "shop", Work())
        first.cancel()


async def test_what_is_cancelled_stops_and_says_so() -> None:
    work = Work()
    async with Jobs() as jobs:
        job = jobs.start("pull", "ryan", "shop", work)
        await work.begun.wait()
        job.cancel()
        await end_of(job)
        assert work.left
        assert (job.state, job.progress, job.problem) == ("cancelled", 0.25, None)
        job.cancel()  # it has ended already
        never = jobs.start("pull", "amy", "shop", Work())
        never.cancel()  # before it began
        await end_of(never)
        assert never.state == "cancelled"


async def test_leaving_stops_all_and_an_error_passes_as_it_is() -> None:
    works, jobs = [Work(), Work()], Jobs()
    with pytest.raises(RuntimeError, match="the daemon ends"):
        async with jobs:
            for number, work in enumerate(works):
                jobs.start("pull", f"model {number}", "shop", work)
                await work.begun.wait()
            raise RuntimeError("the daemon ends")
    assert all(work.left for work in works)
    assert {job.state for job in jobs.of("shop")} == {"cancelled"}


async def test_a_shop_sees_its_own_newest_first() -> None:
    async with Jobs() as jobs:
        mine = [jobs.start("render", name, "mine", at_once) for name in ("a", "b")]
        for job in mine:
            await end_of(job)
        theirs = jobs.start("render", "c", "theirs", at_once)
        await end_of(theirs)
        assert jobs.of("mine") == mine[::-1]
        assert jobs.of("theirs") == [theirs]
        assert jobs.find(mine[0].id, "mine") is mine[0]
        assert jobs.find(mine[0].id, "theirs") is None
        assert jobs.find("nothing", "mine") is None


async def test_the_oldest_are_forgotten_but_none_that_goes_on() -> None:
    work = Work()
    async with Jobs() as jobs:
        going_on = jobs.start("pull", "ryan", "shop", work)
        for number in range(MOST_REMEMBERED + 3):
            await end_of(jobs.start("render", str(number), "shop", at_once))
        known = jobs.of("shop")
        assert len(known) == MOST_REMEMBERED
        assert known[-1] is going_on
        assert known[0].what == str(MOST_REMEMBERED + 2)
