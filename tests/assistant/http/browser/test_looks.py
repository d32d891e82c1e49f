"""Every view on a phone and on a desktop, light and dark."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import expect

from tests.assistant.http.browser.both_sizes import on_both_sizes
from tests.assistant.http.browser.conftest import Person, Visit
from tests.assistant.http.browser.looks import is_fit_for_everybody
from tests.assistant.http.browser.visitor import SIZES, Size

pytestmark = [pytest.mark.browser, pytest.mark.long(1), pytest.mark.asyncio(loop_scope="session")]

PLACES = {
    "personalities": "personalities",
    "personality": "personalities/{person}",
    "personality-new": "personalities/new",
    "usage": "usage",
    "sound-check": "sound-check/devices",
    "sound-check-summary": "sound-check/summary",
    "health": "health/overview",
    "health-models": "health/models",
    "health-licences": "health/licences",
    "health-incidents": "health/incidents",
}

ANNOUNCEMENT = "Dear customers, fresh bread has just come out of the oven. You find it to the right of the entrance."


@pytest.mark.parametrize("place", PLACES)
@on_both_sizes
async def test_a_view(place: str, size: Size, person: Person, visit: Visit) -> None:
    visitor = await visit(f"/#/{PLACES[place].format(person=(await person(f'Sasha {size}'))['id'])}", size)
    await is_fit_for_everybody(visitor, place)


@on_both_sizes
async def test_the_page_to_sign_in(size: Size, visit: Visit) -> None:
    visitor = await visit(size=size, who=None)
    await visitor.button("Sign in").click()
    await is_fit_for_everybody(visitor, "sign-in")


@pytest.mark.parametrize("size", SIZES)
async def test_now_and_the_kiosk_while_it_speaks(size: Size, visit: Visit, owner: httpx.AsyncClient) -> None:
    now = await visit("/#/now", size)
    screen = await visit("/kiosk", size, who="kiosk")
    await expect(screen.heading("I am here")).to_be_visible()
    await is_fit_for_everybody(screen, "kiosk")
    await owner.post("/api/say", json={"text": ANNOUNCEMENT})
    await expect(screen.heading("I am speaking")).to_be_visible()
    await is_fit_for_everybody(screen, "kiosk-speaking")
    await expect(now.page.get_by_role("log", name="Captions")).to_contain_text("fresh bread")
    await is_fit_for_everybody(now, "now")
    await now.button("Stop").click()


@on_both_sizes
async def test_a_conversation(size: Size, visit: Visit) -> None:
    visitor = await visit("/#/chat", size)
    await is_fit_for_everybody(visitor, "chat-empty")
    await visitor.button("Where can I park?").click()
    await expect(visitor.page.get_by_role("group", name="Answer")).to_be_visible()
    await is_fit_for_everybody(visitor, "chat")


async def test_what_is_behind_more(visit: Visit) -> None:
    visitor = await visit("/#/usage", "phone")
    await visitor.button("More").click()
    await is_fit_for_everybody(visitor, "more")


@on_both_sizes
async def test_a_question_back(size: Size, person: Person, visit: Visit) -> None:
    sasha = await person(f"Sasha {size}")
    visitor = await visit("/#/personalities", size)
    await visitor.button(f"Delete {sasha['name']}").click()
    await is_fit_for_everybody(visitor, "dialog")
