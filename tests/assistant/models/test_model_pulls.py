"""A model that is fetched as a job, from a hub that has good and bad days."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest

from assistant import model_pulls
from assistant.jobs import Job, Jobs
from assistant.licences import LicensedModels
from assistant.model_pulls import pulling
from assistant.models.pull import Puller
from assistant.sections import DeploymentSection
from pipeline.errors import LicenceRefused, ModelMissing
from tests.assistant.models.conftest import BIG, SMALL, Shop

pytestmark = pytest.mark.unit

Work = Callable[[Job], Any]


def pull(shop: Shop, name: str = "voice", **deployment: Any) -> Work:
    section = DeploymentSection(**deployment)
    client = httpx.Client(timeout=5.0, follow_redirects=True, max_redirects=5, trust_env=False)
    puller = partial(Puller, environment={"HF_ENDPOINT": shop.hub.url}, client=client)
    return pulling(shop.store, LicensedModels(shop.store, section), section, name, puller)


def recorded(work: Work) -> tuple[Work, list[tuple[float | None, str]]]:
    """A work, and what it reports."""
    told: list[tuple[float | None, str]] = []

    async def watched(job: Job) -> Any:
        report = job.report

        class Watched(Job):
            def report(self, progress: float | None, said: str) -> None:
                told.append((progress, said))
                report(progress, said)

        return await work(Watched("", "", "", ""))

    return watched, told


async def end_of(job: Job) -> Job:
    async with asyncio.timeout(10):
        while job.ended_at is None:
            await asyncio.sleep(0.005)
    return job


async def begun(event: threading.Event) -> None:
    async with asyncio.timeout(10):
        while not event.is_set():
            await asyncio.sleep(0.005)


async def thread_ended() -> None:
    async with asyncio.timeout(10):
        while any(thread.name == "pull voice" for thread in threading.enumerate()):
            await asyncio.sleep(0.005)


def is_whole(shop: Shop) -> bool:
    shop.store.verify("voice")
    return (shop.store.path("voice") / "voice.onnx").read_bytes() == BIG


@pytest.mark.parametrize("breaks", [0, 1])
async def test_it_is_fetched_with_progress(shop: Shop, monkeypatch: pytest.MonkeyPatch, breaks: int) -> None:
    """A connection that breaks is taken up again, and nothing is counted twice."""
    monkeypatch.setattr(model_pulls, "TOLD_EVERY_BYTES", 1)
    shop.hub.bad.break_at, shop.hub.bad.breaks = 100_000, breaks
    work, told = recorded(pull(shop))
    async with Jobs() as jobs:
        job = await end_of(jobs.start("pull", "voice", "shop", work))
    assert (job.state, job.result) == ("done", {"fetched": True, "verdict": "allowed", "note": ""})
    assert is_whole(shop)
    shares = [share for share, _ in told if share is not None]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares.index(1) >= len(shares) - 2
    assert 100_000 / (len(BIG) + len(SMALL)) in shares or not breaks
    assert {said for _, said in told[1:]} == {"voice/voice.onnx", "voice/voice.onnx.json"}


async def test_what_is_here_is_verified_and_not_fetched(shop: Shop) -> None:
    shop.pull("voice")
    shop.hub.requests.clear()
    async with Jobs() as jobs:
        job = await end_of(jobs.start("pull", "voice", "shop", pull(shop)))
    assert job.result is not None
    assert job.result["fetched"] is False
    assert not shop.hub.requests


async def test_what_is_wrong_is_told_with_what_to_do(shop: Shop) -> None:
    shop.hub.bad.flip = True
    async with Jobs() as jobs:
        job = await end_of(jobs.start("pull", "voice", "shop", pull(shop)))
    assert job.state == "failed"
    assert job.problem is not None
    assert job.problem["code"] == "pull"
    assert "not the published file" in job.problem["detail"]
    assert "models/voice" in job.problem["remedy"]


def test_an_unknown_one_is_refused_at_once(shop: Shop) -> None:
    with pytest.raises(ModelMissing):
        pull(shop, "voize")


async def test_terms_are_never_accepted_silently(shop: Shop) -> None:
    with pytest.raises(LicenceRefused) as refused:
        pull(shop, "cloner")
    assert "coqui_terms_accepted" in refused.value.remedy
    shop.hub.files["shop/voices/en/voice/voice.onnx"] = SMALL
    async with Jobs() as jobs:
        job = await end_of(jobs.start("pull", "cloner", "shop", pull(shop, "cloner", coqui_terms_accepted=True)))
    assert job.state == "done"


async def test_one_that_may_not_be_used_here_is_fetched_and_that_is_said(shop: Shop) -> None:
    async with Jobs() as jobs:
        job = await end_of(jobs.start("pull", "unpinned", "shop", pull(shop, "unpinned", use="commercial")))
    assert job.result is not None
    assert (job.result["fetched"], job.result["verdict"]) == (True, "refused")
    assert "does not allow commercial use" in job.result["note"]


async def test_it_can_be_cancelled_while_a_busy_server_is_waited_for(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread lets go of the model before the job has ended, so that it can be fetched again at once."""
    sleep = model_pulls.JobProgress.sleep

    def drowsy(self: model_pulls.JobProgress, seconds: float) -> None:
        try:
            sleep(self, seconds)
        finally:
            time.sleep(0.2)  # a thread that is slow to let go

    monkeypatch.setattr(model_pulls.JobProgress, "sleep", drowsy)
    shop.hub.bad.busy = 4  # the third try comes after 1 + 2 s, the fourth after 4 more
    async with Jobs() as jobs:
        job = jobs.start("pull", "voice", "shop", pull(shop))
        async with asyncio.timeout(10):
            while not shop.hub.requests:
                await asyncio.sleep(0.005)
        job.cancel()
        await end_of(job)
        assert job.state == "cancelled"
        shop.hub.bad.busy = 0
        again = await end_of(jobs.start("pull", "voice", "shop", pull(shop)))
    assert again.state == "done", again.problem
    assert is_whole(shop)


async def test_closing_does_not_wait_for_a_server_that_went_silent(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_pulls, "LET_GO_S", 0.05)
    shop.hub.bad.stall_at, shop.hub.bad.stalls = 100_000, 1
    loop = asyncio.get_running_loop()
    async with Jobs() as jobs:
        job = jobs.start("pull", "voice", "shop", pull(shop))
        await begun(shop.hub.stalled)
        closing_s = loop.time()
    assert loop.time() - closing_s < 2
    assert job.state == "cancelled"
    shop.hub.released.set()
    await thread_ended()
    here = shop.part("voice", "voice.onnx").stat().st_size
    assert 0 < here <= 100_000
    assert shop.pull("voice")
    ranges = [request.range for request in shop.hub.sent("cdn/shop/voices/en/voice/voice.onnx")]
    assert ranges == ["", f"bytes={here}-"], "what came is used by the next pull"


async def test_a_stopped_pull_gives_up_between_two_blocks(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only when a server breaks off: it holds whoever reads at the first block until the job was stopped."""
    read, go_on = threading.Event(), threading.Event()
    advance = model_pulls.JobProgress.advance

    def held(self: model_pulls.JobProgress, count: int) -> None:
        read.set()
        go_on.wait(10)
        advance(self, count)

    monkeypatch.setattr(model_pulls.JobProgress, "advance", held)
    async with Jobs() as jobs:
        job = jobs.start("pull", "voice", "shop", pull(shop))
        await begun(read)
        job.cancel()
        await asyncio.sleep(0)
        go_on.set()
        await end_of(job)
    assert job.state == "cancelled"
    await thread_ended()
    assert 0 < shop.part("voice", "voice.onnx").stat().st_size < len(BIG)
