"""The sound check's steps for which customers say the wake word. The shop goes on hearing them, so they come last."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, expect

from tests.assistant.http.browser.conftest import Visit
from tests.assistant.http.browser.recordings import Recordings
from tests.assistant.http.browser.shop import Shop
from tests.assistant.http.browser.test_sound_check import step
from tests.assistant.http.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def go(visitor: Visitor, title: str) -> Locator:
    await (
        visitor.page.get_by_role("navigation", name="Steps of the sound check")
        .get_by_role("button", name=re.compile(title))
        .click()
    )
    return step(visitor, title)


async def test_wake_word_and_a_question_through_everything(visit: Visit, shop: Shop, sound_files: Recordings) -> None:
    shop.kill()
    await shop.open(sound_files.callers)
    visitor = await visit("/#/sound-check/wake-word", "phone")
    word = step(visitor, "Wake word")
    await expect(word).to_contain_text("“Hey Jarvis”")
    await word.get_by_role("button", name="Start", exact=True).click()
    await expect(word.get_by_role("listitem").nth(0)).to_contain_text(re.compile(r"\d\d%|100%"))
    for _ in range(2):
        await word.get_by_role("button", name="I said it, not heard").click()
    await expect(word).to_contain_text("Needs attention")
    await expect(word).to_contain_text(re.compile(r"\d\d% · not heard · not heard"))

    trial = await go(visitor, "Trial question")
    await trial.get_by_role("button", name="Start with the wake word").click()
    asked = trial.get_by_role("group", name="Was it right?")
    await asked.get_by_role("button", name="Understood and answered well").click()
    await expect(trial).to_contain_text("What time do you close?")
    await expect(trial).to_contain_text("The whole path works, from microphone to loudspeaker.")

    summary = await go(visitor, "Summary")
    for title, state in (("Wake word", "Needs attention"), ("Trial question", "Passed"), ("Level", "Not done")):
        row = summary.get_by_role("listitem").filter(has=visitor.page.get_by_role("heading", name=title))
        await expect(row).to_contain_text(state)
    await summary.get_by_label("Checked by").fill("Kim")
    await visitor.page.reload()
    await expect(summary.get_by_label("Checked by")).to_have_value("Kim")
    await summary.get_by_role("button", name="Copy as text").click()
    await visitor.told("Copied.")
    text = await visitor.page.evaluate("navigator.clipboard.readText()")
    assert re.search(r"Checked by: Kim.*Wake word: Needs attention.*Trial question: Passed", text, re.S)
