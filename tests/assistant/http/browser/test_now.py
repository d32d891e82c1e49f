"""What the assistant does now: seen as it happens, in all windows and on the screen, and steered."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.async_api import Locator, Route, expect

from tests.assistant.http.browser.conftest import Visit
from tests.assistant.http.browser.recordings import QUESTION
from tests.assistant.http.browser.shop import Shop
from tests.assistant.http.browser.visitor import SIZES, Size, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LONG = "Dear customers, this is a long announcement. " * 6


def state(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("region", name="State").get_by_role("status")


def captions(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("log", name="Captions")


async def in_a_pause(visitor: Visitor) -> None:
    """Nobody speaks from now on, for a while: somebody has just finished."""
    microphone = visitor.page.get_by_role("meter", name="Microphone")
    await expect(microphone).to_have_attribute("aria-valuenow", re.compile(r"^-[123]?\d$"))
    await expect(microphone).to_have_attribute("aria-valuenow", re.compile(r"^-(5\d|60)$"))


async def test_push_to_talk_and_everybody_reads_along(visit: Visit, shop: Shop, owner: httpx.AsyncClient) -> None:
    windows = [await visit("/#/now", size) for size in SIZES]
    screens = [await visit(f"/kiosk#token={shop.kiosk}", size, who=None) for size in SIZES]
    for screen in screens:
        await expect(screen.heading("I am here")).to_be_visible()
        await expect(screen.page.get_by_text("Say “Hey Jarvis” and ask your question.")).to_be_visible()
        assert screen.page.url == f"{shop.address}/kiosk", "the token is gone from the address"
        assert await screen.page.evaluate("history.length") <= 2
        assert shop.kiosk not in await screen.page.content()

    await in_a_pause(windows[0])
    await windows[0].button("Push to talk").click()
    for screen in screens:
        await expect(screen.heading("I am listening")).to_be_visible()
    for window in windows:
        await expect(state(window)).to_have_text("Listening")
    for window in windows:
        await expect(captions(window)).to_contain_text(QUESTION)
        await expect(captions(window)).to_contain_text(re.compile("Assistant.*close", re.S))
        await expect(window.page.get_by_role("region", name="State")).to_contain_text("piper · en_US-kiosk-low")
    for screen in screens:
        await expect(screen.page.get_by_role("log")).to_contain_text(re.compile(f"{re.escape(QUESTION)}.*close", re.S))
        await expect(screen.heading("I am here")).to_be_visible()
        await expect(screen.page.get_by_role("log")).to_be_in_viewport()  # it stays for a while, to be read

    told = (await owner.get("/api/turns")).json()["turns"][0]
    assert told["transcript"] == QUESTION
    for window in windows:
        await expect(state(window)).to_have_text("Ready")
        await turn_is_listed(window, told["response_ms"])


async def turn_is_listed(visitor: Visitor, response_ms: float) -> None:
    """Among the last turns, with where its time went, as bars and as a table."""
    turns = visitor.card("Last turns")
    turn = turns.get_by_role("listitem").filter(has=visitor.page.get_by_text(QUESTION)).first
    await expect(turn).to_contain_text("Robin")
    shown = f"{response_ms:.0f} ms" if response_ms < 999.5 else f"{response_ms / 1000:.1f} s"
    said = re.compile(rf"^Response {re.escape(shown)}: End of turn \d.*Speech to text \d.*Voice \d")
    await expect(turn.get_by_role("img")).to_have_accessible_name(said)
    await turns.get_by_role("button", name="Show as table").click()
    row = turns.get_by_role("row").nth(1)
    await expect(row.get_by_role("rowheader")).to_have_text(QUESTION)
    await expect(row.get_by_role("cell").last).to_have_text(shown)


@pytest.mark.parametrize("size", SIZES)
async def test_staff_have_something_said_and_stop_it(size: Size, visit: Visit) -> None:
    visitor = await visit("/#/now", size)
    text = visitor.page.get_by_label("Say this now")
    await expect(state(visitor)).to_have_text("Ready")
    await visitor.button("Say it").click()
    await expect(text).to_have_accessible_description("Please enter what to say.")
    await expect(text).to_be_focused()

    await text.fill(LONG)
    await visitor.page.keyboard.press("Control+Enter")
    await visitor.told("It will be said as soon as nobody is speaking.")
    await expect(text).to_have_value("")
    await expect(state(visitor)).to_have_text("Speaking")
    await expect(captions(visitor)).to_contain_text("Dear customers")
    speaker = visitor.page.get_by_role("meter", name="Loudspeaker")
    await expect(speaker).to_have_attribute("aria-valuenow", re.compile(r"^-[1-4]?\d$"))

    await visitor.button("Stop").click()
    await expect(state(visitor)).to_have_text("Ready")
    await expect(speaker).to_have_attribute("aria-valuenow", "-60")
    await expect(visitor.card("Last turns").get_by_role("listitem").first).to_contain_text("Announcement by staff.")


async def test_who_presses_by_mistake_stops_the_hearing(visit: Visit) -> None:
    visitor = await visit("/#/now", "phone")
    await in_a_pause(visitor)
    await visitor.button("Push to talk").tap()
    await expect(state(visitor)).to_have_text("Listening")
    await visitor.button("Stop").tap()
    await expect(state(visitor)).to_have_text("Ready")
    assert (await visitor.json("/api/status"))["state"] == "listening"


@pytest.mark.parametrize("size", SIZES)
async def test_that_customers_are_recorded_is_seen(size: Size, visit: Visit) -> None:
    visitor = await visit("/#/now", size)
    warning = visitor.page.get_by_text("Recording is on")
    await expect(state(visitor)).to_have_text("Ready")
    await expect(warning).to_have_count(0)

    async def recording(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, json=await answer.json() | {"recording": True})

    await visitor.page.route("**/api/status", recording)
    await visitor.page.reload()
    await expect(warning).to_be_visible()


async def test_mute_and_unmute(visit: Visit, owner: httpx.AsyncClient) -> None:
    window, other = await visit("/#/now"), await visit("/#/now")
    try:
        await window.button("Mute the microphone").click()
        await expect(state(other)).to_have_text("Muted")
        assert (await owner.get("/api/health")).json()["muted"] is True
        await other.button("Unmute the microphone").click()
        await expect(state(window)).to_have_text("Ready")
        await expect(window.button("Mute the microphone")).to_be_visible()
    finally:
        await owner.put("/api/mute", json={"muted": False})
