"""Somebody at a browser: a page of their own, and a watch over what goes wrong in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from playwright.async_api import BrowserContext, ConsoleMessage, Error, Locator, Page, Request, expect

Size = Literal["phone", "desktop"]
Theme = Literal["light", "dark"]

SIZES: tuple[Size, ...] = ("phone", "desktop")
THEMES: tuple[Theme, ...] = ("light", "dark")

VIEWPORTS: dict[Size, Any] = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 800}}

BEHIND_MORE = {"Sound check", "Health"}
"""What a phone's bar has no room for."""


@dataclass
class Visitor:
    """A page with what is told in its console, what breaks in it, and what it asks of others."""

    context: BrowserContext
    page: Page
    shop: str
    """Address of the assistant."""
    size: Size
    stranger: bool = False
    """Whether nobody else uses this browser."""
    wrong: list[str] = field(default_factory=list)
    """What went wrong that no test provoked."""
    provoked: set[int] = field(default_factory=set)
    """Statuses of answers that a test provokes, of which a browser writes a line to its console."""
    away: bool = False
    """Whether the assistant is away on purpose."""

    def watch(self) -> None:
        """Note down what goes wrong from now on."""
        self.page.on("console", self._told)
        self.page.on("pageerror", self._broke)
        self.page.on("request", self._asked)

    def _told(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        status = re.search(r"the server responded with a status of (\d+)", message.text)
        if status and int(status[1]) in self.provoked:
            return
        if self.away and "net::ERR_" in message.text:
            return
        self.wrong.append(f"console: {message.text} ({message.location['url']})")

    def _broke(self, error: Error) -> None:
        self.wrong.append(f"page error: {error.message}\n{error.stack}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.shop + "/", "data:", f"blob:{self.shop}/")):
            self.wrong.append(f"asked elsewhere: {request.url}")

    async def leave(self) -> None:
        """Close the page; the browser forgets what it kept for it."""
        if self.stranger:
            await self.context.close()
            return
        if self.page.url.startswith(self.shop):
            await self.page.evaluate("localStorage.clear(), sessionStorage.clear()")
        await self.page.close()

    async def open(self, path: str = "/") -> None:
        """Go to an address of the assistant."""
        await self.page.goto(self.shop + path)

    async def go_to(self, view: str) -> None:
        """Choose a page in the navigation, as a person does."""
        bar = self.page.get_by_role("navigation", name="Pages")
        if self.size == "phone" and view in BEHIND_MORE:
            await bar.get_by_role("button", name="More").click()
            bar = self.page.get_by_role("dialog", name="More").get_by_role("navigation")
        await bar.get_by_role("link", name=view).click()
        await expect(self.heading(view)).to_be_focused()

    def heading(self, name: str | re.Pattern[str]) -> Locator:
        """The view's own title."""
        return self.page.get_by_role("heading", level=1, name=name)

    def button(self, name: str | re.Pattern[str], *, exact: bool = True) -> Locator:
        """A button by what is written on it."""
        return self.page.get_by_role("button", name=name, exact=exact)

    def card(self, title: str) -> Locator:
        """A part of the page by its title."""
        return self.page.get_by_role("region", name=title, exact=True)

    async def told(self, text: str | re.Pattern[str]) -> None:
        """A message appears at the edge of the page; it is read and put away."""
        message = self.page.get_by_role("region", name="Messages").get_by_text(text)
        await expect(message).to_be_visible()
        await self.page.get_by_role("region", name="Messages").get_by_role("button", name="Dismiss").last.click()

    async def settled(self) -> None:
        """Everything that was asked for is there."""
        await self.page.wait_for_function(
            "() => document.querySelector('h1')"
            " && !document.querySelector('.loading:not([hidden]), [aria-busy=true]:not(button)')"
        )

    async def json(self, path: str) -> Any:
        """What the API says, asked by the same browser."""
        answer = await self.context.request.get(self.shop + path)
        assert answer.ok, await answer.text()
        return await answer.json()
