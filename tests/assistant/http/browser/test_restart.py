"""The daemon dies and is started again: every window says so, comes back by itself, and nobody is signed out."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.assistant.http.browser.conftest import Visit
from tests.assistant.http.browser.recordings import Recordings
from tests.assistant.http.browser.shop import Shop
from tests.assistant.http.browser.test_now import state
from tests.assistant.http.browser.visitor import SIZES

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_everybody_is_told_and_everything_comes_back(visit: Visit, shop: Shop, sound_files: Recordings) -> None:
    windows = [await visit("/#/now", size) for size in SIZES]
    screens = [await visit("/kiosk", size, who="kiosk") for size in SIZES]
    for window in windows:
        await expect(state(window)).to_have_text("Ready")
    for screen in screens:
        await expect(screen.heading("I am here")).to_be_visible()
    for visitor in windows + screens:
        visitor.away = True

    shop.kill()
    for window in windows:
        await expect(state(window)).to_have_text("Not connected")
        await window.button("Push to talk").click()
        await window.told("cannot be reached")
    for screen in screens:
        await expect(screen.heading("Not available")).to_be_visible()
        await expect(screen.page.get_by_text("This screen comes back by itself.")).to_be_visible()

    await shop.open(sound_files.customers)
    for screen in screens:
        await expect(screen.heading("I am here")).to_be_visible()
    for window in windows:
        await expect(state(window)).to_have_text("Ready")
        await window.page.reload()
        await expect(window.heading("Now")).to_be_visible()
    for visitor in windows + screens:
        visitor.away = False
