"""One browser and one shop for all of these tests; every test gets pages of its own."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, async_playwright, expect

from tests.assistant.http.browser import recordings
from tests.assistant.http.browser.recordings import Recordings
from tests.assistant.http.browser.shop import Shop
from tests.assistant.http.browser.visitor import VIEWPORTS, Size, Theme, Visitor
from tests.conftest import ROOT

Visit = Callable[..., Awaitable[Visitor]]

Person = Callable[[str], Awaitable[dict[str, Any]]]

Known = Callable[[str, Size, int], Awaitable[BrowserContext]]

PEOPLE = "/api/admin/ai-personalities"

PATIENCE_MS = 15_000
"""For the slowest machine that runs these tests."""


@pytest.fixture(scope="package")
def sound_files(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    return recordings.make(tmp_path_factory.mktemp("recordings"))


@pytest.fixture(scope="package")
def screenshots() -> Path:
    folder = ROOT / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def chromium(sound_files: Recordings) -> AsyncIterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no chromium; Debian's package is called chromium")
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program,
            args=[
                "--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={sound_files.browser}",
            ],
        )  # fmt: skip
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def shop(
    chromium: Browser, sound_files: Recordings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shop]:
    """The daemon, where customers ask but never say the wake word."""
    shop = Shop(tmp_path_factory.mktemp("shop"))
    await shop.open(sound_files.customers)
    yield shop
    shop.close()
    for secret in (shop.admin, shop.kiosk):
        assert secret not in shop.log
    assert "Traceback" not in shop.log, shop.log


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def cookies(chromium: Browser, shop: Shop) -> dict[str, list[object]]:
    """A session for the owner and one for the kiosk's screen."""
    found = {}
    for who, token in (("admin", shop.admin), ("kiosk", shop.kiosk)):
        context = await chromium.new_context()
        answer = await context.request.post(f"{shop.address}/api/session", data={"token": token})
        assert answer.ok
        found[who] = await context.cookies()
        await context.close()
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def owner(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """The owner's program, which tells what the panel should show."""
    async with httpx.AsyncClient(
        base_url=shop.address, headers={"Authorization": f"Bearer {shop.admin}"}, timeout=30
    ) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def person(owner: httpx.AsyncClient) -> AsyncIterator[Person]:
    """Makes personalities that are there for one test. Name it before ``visit``: pages close before they go."""
    made: list[str] = []

    async def called(name: str) -> dict[str, Any]:
        answer = await owner.post(PEOPLE, json={"name": name, "greeting": f"Hello, I am {name}.", "language": "en"})
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["id"])
        return dict(answer.json())

    yield called
    for one in made:
        await owner.delete(f"{PEOPLE}/{one}")


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def known(chromium: Browser, cookies: dict[str, list[object]]) -> AsyncIterator[Known]:
    """Windows of those who have been here before: their browser knows the panel's files already."""
    contexts: dict[tuple[str, Size, int], BrowserContext] = {}

    async def of(who: str, size: Size, number: int) -> BrowserContext:
        key = who, size, number
        if key not in contexts:
            contexts[key] = await chromium.new_context(**settings(size, "en-US"))
            await contexts[key].add_cookies(cookies[who])  # type: ignore[arg-type]
        return contexts[key]

    yield of
    for context in contexts.values():
        await context.close()


def settings(size: Size, locale: str) -> dict[str, Any]:
    """Of a browser's window."""
    phone = size == "phone"
    granted = ["microphone", "clipboard-read", "clipboard-write"]
    return {
        "viewport": VIEWPORTS[size], "locale": locale, "permissions": granted, "has_touch": phone, "is_mobile": phone,
        "reduced_motion": "reduce",
    }  # fmt: skip


@pytest_asyncio.fixture(loop_scope="session")
async def visit(chromium: Browser, shop: Shop, known: Known) -> AsyncIterator[Visit]:
    """Opens a page for a visitor; nothing may have gone wrong in it at the end."""
    visitors: list[Visitor] = []

    async def come(
        path: str = "/",
        size: Size = "desktop",
        *,
        who: str | None = "admin",
        theme: Theme = "light",
        locale: str = "en-US",
    ) -> Visitor:
        """``who``: None is a stranger, whose browser has never been here."""
        if who is None:
            context = await chromium.new_context(**settings(size, locale))
        else:  # two at a time have a browser each: one that is behind another window may take its time
            context = await known(who, size, sum(one.size == size for one in visitors))
        context.set_default_timeout(PATIENCE_MS)
        visitor = Visitor(context, await context.new_page(), shop.address, size, stranger=who is None)
        await visitor.page.emulate_media(color_scheme=theme)
        visitor.watch()
        visitors.append(visitor)
        await visitor.open(path)
        return visitor

    yield come
    for visitor in visitors:
        await visitor.leave()
    assert not [line for visitor in visitors for line in visitor.wrong]
