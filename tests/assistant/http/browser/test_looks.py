"""Every view on a phone and on a desktop, light and dark: a picture for people, and axe-core's judgement."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.assistant.http.browser.accessibility import violations
from tests.assistant.http.browser.conftest import Visit
from tests.assistant.http.browser.visitor import SIZES, THEMES, Size

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PLACES = {
    "sign-in": ("/", None),
    "now": ("/#/now", "admin"),
    "chat": ("/#/chat", "admin"),
    "personalities": ("/#/personalities", "admin"),
    "personality": ("/#/personalities/{personality}", "admin"),
    "personality-new": ("/#/personalities/new", "admin"),
    "usage": ("/#/usage", "admin"),
    "sound-check": ("/#/sound-check/devices", "admin"),
    "sound-check-summary": ("/#/sound-check/summary", "admin"),
    "health": ("/#/health/overview", "admin"),
    "health-models": ("/#/health/models", "admin"),
    "health-licences": ("/#/health/licences", "admin"),
    "health-incidents": ("/#/health/incidents", "admin"),
    "kiosk": ("/kiosk", "kiosk"),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("place", PLACES)
async def test_it_is_fit_for_everybody(place: str, size: Size, visit: Visit, screenshots: Path) -> None:
    path, who = PLACES[place]
    visitor = await visit("/panel/favicon.svg", size, who=who)
    if "{" in path:
        people = (await visitor.json("/api/admin/ai-personalities"))["personalities"]
        path = path.format(personality=people[0]["id"])
    await visitor.open(path)
    await visitor.settled()
    found = []
    for theme in THEMES:
        await visitor.page.emulate_media(color_scheme=theme)
        found += await violations(visitor.page)
        # Written here: playwright would keep a thread for it.
        picture = await visitor.page.screenshot(full_page=True, caret="initial")
        (screenshots / f"{place}-{size}-{theme}.png").write_bytes(picture)
    assert not found, "\n".join(found)
    assert await visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
