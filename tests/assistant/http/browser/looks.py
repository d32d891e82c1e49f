"""How a page looks: a picture for people to look at, and axe-core's judgement."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from tests.assistant.http.browser.visitor import THEMES, Visitor
from tests.conftest import ROOT

SCREENSHOTS = ROOT / "build" / "screenshots"

GRAVE = {"serious", "critical"}

COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules that depend on the theme."""


async def is_fit_for_everybody(visitor: Visitor, name: str) -> None:
    """In both themes nothing is gravely wrong, and nothing scrolls sideways; the pictures are called after ``name``."""
    page = visitor.page
    await visitor.settled()
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    found = []
    for theme in THEMES:
        await page.emulate_media(color_scheme=theme)
        await expect(page.locator("html")).to_have_attribute("data-theme", theme)
        found += await _violations(page, None if theme == "light" else COLOURS)
        # Written here: playwright would keep a thread for it.
        picture = await page.screenshot(full_page=True, caret="initial")
        (SCREENSHOTS / f"{name}-{visitor.size}-{theme}.png").write_bytes(picture)
    assert not found, "\n".join(found)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"


async def _violations(page: Page, rules: list[str] | None) -> list[str]:
    """Grave violations, each with the rule and the elements that break it; of ``rules`` only where they are given."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_axe())
    options = {"resultTypes": ["violations"], "preload": False} | ({"runOnly": rules} if rules else {})
    found: dict[str, Any] = await page.evaluate("(options) => axe.run(document, options)", options)
    return [
        f"{one['id']} ({one['impact']}): {one['help']}\n"
        + "\n".join(f"  {node['html'][:200]}\n    {node['failureSummary']}" for node in one["nodes"])
        for one in found["violations"]
        if one["impact"] in GRAVE
    ]


@cache
def _axe() -> str:
    """The script itself: the page's policy forbids to load it as one, so it is handed over by the debugger."""
    found = find_spec("axe_playwright_python")
    assert found is not None
    assert found.origin is not None
    return (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")
