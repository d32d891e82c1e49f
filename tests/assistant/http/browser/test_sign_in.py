"""Signing in and out: a token becomes a session, which outlives the page."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.assistant.http.browser.both_sizes import on_both_sizes
from tests.assistant.http.browser.conftest import Visit
from tests.assistant.http.browser.shop import Shop
from tests.assistant.http.browser.visitor import Size, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def sign_in(visitor: Visitor, token: str) -> None:
    await visitor.page.get_by_label("Access token", exact=True).fill(token)
    await visitor.button("Sign in").click()


@on_both_sizes
async def test_a_wrong_token_is_told_at_the_field_and_the_right_one_opens_the_panel(
    size: Size, visit: Visit, shop: Shop
) -> None:
    visitor = await visit(size=size, who=None)
    page = visitor.page
    token = page.get_by_label("Access token", exact=True)
    await expect(token).to_be_focused()
    await expect(token).to_have_attribute("type", "password")

    await visitor.button("Sign in").click()
    await expect(token).to_have_accessible_description(re.compile("Please enter the access token"))

    visitor.provoked.add(401)
    await token.fill("nonsense")
    await page.keyboard.press("Enter")
    await expect(token).to_have_accessible_description(re.compile("This token is not valid"))
    await expect(token).to_have_attribute("aria-invalid", "true")

    await visitor.button("Show the token").click()
    await expect(token).to_have_attribute("type", "text")
    await sign_in(visitor, f"  {shop.admin} ")
    await expect(visitor.heading("Now")).to_be_visible()
    assert shop.admin not in await page.content()
    assert shop.admin not in str(await page.evaluate("[document.cookie, {...localStorage}, {...sessionStorage}]"))


@on_both_sizes
async def test_who_signs_out_is_out(size: Size, visit: Visit, shop: Shop) -> None:
    visitor = await visit("/#/usage", size, who=None)
    await sign_in(visitor, shop.admin)
    await expect(visitor.heading("Usage")).to_be_visible()
    await visitor.page.reload()
    await expect(visitor.heading("Usage")).to_be_visible()

    if size == "phone":
        await visitor.button("More").click()
    await visitor.button("Sign out").click()
    await expect(visitor.page.get_by_text("You are signed out.")).to_be_visible()
    assert await visitor.context.cookies() == []
    await visitor.page.reload()
    await expect(visitor.page.get_by_label("Access token", exact=True)).to_be_visible()


@on_both_sizes
async def test_the_screens_token_opens_only_what_is_for_it(size: Size, visit: Visit) -> None:
    visitor = await visit("/#/usage", size, who="kiosk")
    await expect(visitor.page.get_by_text("Your token does not give access to this page.")).to_be_visible()
    links = visitor.page.get_by_role("navigation", name="Pages").get_by_role("link")
    await expect(links).to_have_text(["Now", "Chat"])
    await visitor.go_to("Now")
    await expect(visitor.button("Push to talk")).to_be_visible()
    await expect(visitor.button("Say it")).to_have_count(0)


async def test_a_screens_link_that_is_no_good_asks_for_a_token(visit: Visit, shop: Shop) -> None:
    screen = await visit("/panel/favicon.svg", who=None)
    screen.provoked.add(401)
    await screen.open("/kiosk#token=old")
    await expect(screen.page.get_by_text("The token of this link is not valid.")).to_be_visible()
    await sign_in(screen, shop.kiosk)
    await expect(screen.heading("I am here")).to_be_visible()
