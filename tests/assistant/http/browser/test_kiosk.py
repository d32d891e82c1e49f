"""The screen beside the assistant."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.assistant.http.browser.conftest import Visit
from tests.assistant.http.browser.recordings import QUESTION, Recordings
from tests.assistant.http.browser.shop import Shop
from tests.assistant.http.browser.test_now import in_a_pause
from tests.assistant.http.browser.visitor import SIZES, Size

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("size", SIZES)
async def test_its_link_signs_in_and_the_conversation_is_read_along(size: Size, visit: Visit, shop: Shop) -> None:
    screen = await visit(f"/kiosk#token={shop.kiosk}", size, who=None)
    await expect(screen.heading("I am here")).to_be_visible()
    assert screen.page.url == f"{shop.address}/kiosk"
    assert shop.kiosk not in await screen.page.content()
    assert await screen.page.evaluate("history.length") <= 2
    await expect(screen.page.get_by_text("Say “Hey Jarvis” and ask your question.")).to_be_visible()

    staff = await visit("/#/now")
    await in_a_pause(staff)
    await staff.button("Push to talk").click()
    await expect(screen.heading("I am listening")).to_be_visible()
    words = screen.page.get_by_role("log")
    await expect(words).to_contain_text(QUESTION)
    await expect(words).to_contain_text(re.compile(r"close.*at|closed", re.S))
    await expect(words).to_be_in_viewport()
    await expect(screen.heading("I am here")).to_be_visible()
    await expect(words).to_contain_text(QUESTION)  # it stays for a while, to be read


async def test_a_link_that_is_no_good_asks_for_a_token(visit: Visit, shop: Shop) -> None:
    screen = await visit("/panel/favicon.svg", who=None)
    screen.provoked.add(401)
    await screen.open("/kiosk#token=old")
    await expect(screen.page.get_by_text("The token of this link is not valid.")).to_be_visible()
    await screen.page.get_by_label("Access token", exact=True).fill(shop.kiosk)
    await screen.button("Sign in").click()
    await expect(screen.heading("I am here")).to_be_visible()


async def test_it_says_when_the_assistant_is_away_and_comes_back_by_itself(
    visit: Visit, shop: Shop, sound_files: Recordings
) -> None:
    screens = [await visit("/kiosk", size, who="kiosk") for size in SIZES]
    for screen in screens:
        await expect(screen.heading("I am here")).to_be_visible()
        screen.away = True
    shop.kill()
    for screen in screens:
        await expect(screen.heading("Not available")).to_be_visible()
        await expect(screen.page.get_by_text("This screen comes back by itself.")).to_be_visible()
    await shop.open(sound_files.customers)
    for screen in screens:
        await expect(screen.heading("I am here")).to_be_visible()
        screen.away = False
