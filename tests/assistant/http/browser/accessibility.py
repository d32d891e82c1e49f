"""What axe-core finds wrong in a page."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from playwright.async_api import Page

GRAVE = {"serious", "critical"}


@cache
def _axe() -> str:
    """The script itself: the page's policy forbids to load it as one, so it is handed over by the debugger."""
    found = find_spec("axe_playwright_python")
    assert found is not None and found.origin is not None
    return (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")


async def violations(page: Page) -> list[str]:
    """Grave violations, each with the rule and the elements that break it."""
    await page.evaluate(_axe())
    found: dict[str, Any] = await page.evaluate("axe.run(document, {resultTypes: ['violations'], preload: false})")
    return [
        f"{one['id']} ({one['impact']}): {one['help']}\n"
        + "\n".join(f"  {node['html'][:200]}\n    {node['failureSummary']}" for node in one["nodes"])
        for one in found["violations"]
        if one["impact"] in GRAVE
    ]
