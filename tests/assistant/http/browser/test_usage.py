"""What was used: the same numbers as the API tells, as pictures and as tables."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from typing import Any

import httpx
import pytest
import soundfile
from playwright.async_api import expect

from pipeline.audio import LISTENING_RATE_HZ
from tests import sounds
from tests.assistant.http.browser.conftest import Visit
from tests.assistant.http.browser.visitor import SIZES, Size

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("size", SIZES)  # one after the other: each makes the numbers grow
async def test_its_numbers_are_those_of_the_api(size: Size, visit: Visit, owner: httpx.AsyncClient) -> None:
    said = await owner.post("/api/conversation", json={"text": "what time do you close"})
    assert said.is_success
    question = io.BytesIO()
    soundfile.write(question, sounds.piper("what time do you close"), LISTENING_RATE_HZ, format="wav")
    heard = await owner.post("/api/voice/transcribe", files={"file": ("heard.wav", question.getvalue())})
    assert heard.is_success
    stats = await settled(owner)
    visitor = await visit("/#/usage", size)
    page = visitor.page
    speech = next(one for one in stats["providers"] if (one["provider"], one["stage"]) == ("piper", "tts"))
    row = page.get_by_role("table", name="All providers").get_by_role("row").filter(has_text="Piper · Speaking")
    await expect(row.get_by_role("cell")).to_have_text(
        [
            f"{speech['requests'] - speech['failures']:,}",
            f"{speech['failures']:,}",
            f"{speech['interruptions']:,}",
            f"{speech['cache_hit_rate']:.0%}",
            re.compile(r"ms|s|–"),
            re.compile(r"s|min"),
            f"{speech['characters']:,}",
        ]
    )
    figure = page.locator("dl").filter(has_text="Sentences spoken").first
    spoken = [one["requests"] - one["failures"] for one in stats["providers"] if one["stage"] == "tts"]
    await expect(figure).to_contain_text(f"Sentences spoken{sum(spoken):,}")
    cache = visitor.card("Speech cache")
    await expect(cache.get_by_role("definition").first).to_have_text(f"{stats['cache']['entries']:,}")

    # The picture is a slider over the days, and its last one is today.
    chart = page.get_by_role("slider", name="Sentences spoken, day by day")
    await chart.focus()
    await expect(chart).to_have_attribute(
        "aria-valuetext", re.compile(rf"Piper:? {speech['requests'] - speech['failures']:,}\b")
    )
    await page.keyboard.press("ArrowLeft")
    await expect(chart).to_have_attribute("aria-valuetext", re.compile(r"Piper:? 0\b"))

    work = visitor.card("Per day and provider")
    await work.get_by_role("radio", name="Characters").check()
    await work.get_by_text("Show as a table", exact=True).click()
    await expect(work.get_by_role("table")).to_contain_text(f"{speech['characters']:,}")
    await page.get_by_role("radio", name="7 days").check()
    await page.get_by_role("radio", name="Understanding").check()
    await expect(page.get_by_role("main")).to_contain_text("Utterances understood")


async def settled(owner: httpx.AsyncClient) -> dict[str, Any]:
    """The statistics, once they grow no more: after the start usual answers are made ready."""
    before: object = None
    async with asyncio.timeout(60):
        while True:
            stats: dict[str, Any] = (await owner.get("/api/stats?days=30")).json()
            now = (stats["providers"], stats["cache"]["entries"])
            if now == before:
                return stats
            before = now
            await asyncio.sleep(1.0)  # another process


async def test_it_is_downloaded_as_csv(visit: Visit, owner: httpx.AsyncClient) -> None:
    visitor = await visit("/#/usage")
    async with visitor.page.expect_download() as download:
        await visitor.button("Download as CSV").click()
    stream = await (await download.value).path()
    rows = list(csv.DictReader(io.StringIO(stream.read_text(encoding="utf-8-sig"))))
    stats = (await owner.get("/api/stats?days=30")).json()
    assert sum(int(row["characters"]) for row in rows) == sum(row["characters"] for row in stats["days"])
    assert {row["provider"] for row in rows} == {row["provider"] for row in stats["days"]}
