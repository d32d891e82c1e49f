"""Signing in and out: by a token, once; the session outlives the page and the daemon."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.assistant.http.browser.conftest import Visit
from tests.assistant.http.browser.shop import Shop
from tests.assistant.http.browser.visitor import SIZES, Size

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("size", SIZES)
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
    await expect(token).to_have_accessible_description(re.compile("not valid"))
    await expect(token).to_have_attribute("aria-invalid", "true")

    await token.fill(f"  {shop.admin} ")
    await visitor.button("Show the token").click()
    await expect(token).to_have_attribute("type", "text")
    await visitor.button("Sign in").click()
    await expect(visitor.heading("Now")).to_be_visible()
    assert shop.admin not in await page.content()
    assert shop.admin not in str(await page.evaluate("[document.cookie, {...localStorage}, {...sessionStorage}]"))
