"""What works and what does not; fetching models; what went wrong."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.async_api import expect

from tests.assistant.http.browser.both_sizes import on_both_sizes
from tests.assistant.http.browser.conftest import Visit
from tests.assistant.http.browser.visitor import SIZES, Size

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@on_both_sizes
async def test_the_findings_are_those_of_the_api(size: Size, visit: Visit, owner: httpx.AsyncClient) -> None:
    visitor = await visit("/#/now", size)
    await visitor.go_to("Health")
    page = visitor.page
    found = (await owner.get("/api/health")).json()["findings"]
    parts = visitor.card("Parts")
    await expect(parts.get_by_role("heading", level=3)).to_have_count(len(found))
    warned = [one for one in found if one["state"] == "warns"]
    await expect(page.get_by_text(re.compile(rf"^{len(warned)} things? to know$"))).to_be_visible()
    await parts.get_by_text("Warning", exact=True).first.click()
    await expect(parts.get_by_role("heading", level=3)).to_have_count(len(warned))
    for one in warned:
        await expect(parts).to_contain_text(one["reason"])
        await expect(parts).to_contain_text(one["remedy"])
    await expect(visitor.card("Devices")).to_contain_text("Delivers sound")
    await expect(visitor.card("Voices")).to_contain_text("Piper")
    await expect(visitor.card("Disk").get_by_role("img")).to_have_accessible_name(re.compile(r"Models .*Free \d"))


@pytest.mark.parametrize("size", SIZES)
async def test_a_model_that_cannot_be_fetched_says_why(size: Size, visit: Visit) -> None:
    visitor = await visit("/#/health", size)
    page = visitor.page
    await page.get_by_role("tab", name="Models").click()
    panel = page.get_by_role("tabpanel", name="Models")
    await panel.get_by_role("searchbox", name="Search models").fill("joe medium")
    model = panel.get_by_role("listitem").filter(has_text="en_US-joe-medium")
    await expect(panel.get_by_text("1 models")).to_be_visible()
    await expect(model).to_contain_text("Not installed")
    await model.get_by_role("button", name="Download: en_US-joe-medium").click()
    await visitor.told(
        re.compile("en_US-joe-medium could not be downloaded. .*The hub cannot be reached.*models.mirror", re.S)
    )
    await expect(model.get_by_role("button", name="Download: en_US-joe-medium")).to_be_visible()

    await page.get_by_role("tab", name="Incidents").click()
    incidents = page.get_by_role("tabpanel", name="Incidents")
    await expect(incidents.get_by_role("listitem").first).to_contain_text(re.compile("Warning|Error"))


@on_both_sizes
async def test_its_pages_have_addresses_and_keys(size: Size, visit: Visit) -> None:
    visitor = await visit("/#/health/licences", size)
    page = visitor.page
    await expect(page.get_by_role("tabpanel", name="Licences")).to_contain_text("whisper-kiosk-en")
    await page.get_by_role("tab", name="Licences").press("ArrowRight")
    await expect(page.get_by_role("tab", name="Incidents")).to_be_focused()
    await page.reload()
    await expect(page.get_by_role("tab", name="Incidents")).to_have_attribute("aria-selected", "true")
    await page.get_by_role("tab", name="Incidents").press("Home")
    await expect(page.get_by_role("tabpanel", name="Overview")).to_be_visible()


async def test_everything_is_copied_for_support(visit: Visit) -> None:
    visitor = await visit("/#/health")
    await visitor.button("Copy for support").click()
    await visitor.told("It holds no tokens")
    ticket = await visitor.page.evaluate("navigator.clipboard.readText()")
    assert "[warns] voice piper" in ticket
    assert "== Machine" in ticket
