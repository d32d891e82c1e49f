"""Trying the assistant: by typing and by talking, with the answer as sound."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Locator, expect

from tests.assistant.http.browser.both_sizes import on_both_sizes
from tests.assistant.http.browser.conftest import Visit
from tests.assistant.http.browser.recordings import QUESTION
from tests.assistant.http.browser.visitor import SIZES, Size, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SPEAKS_MS = 2100
"""So long somebody talks: the question, and a moment more."""


def conversation(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("log", name="Conversation")


def answer_player(visitor: Visitor) -> Locator:
    return conversation(visitor).get_by_role("group", name="Answer").last


async def position_s(player: Locator) -> float:
    """Where the sound is. A player's sound is no element of the page, but it hands it out."""
    return float(await player.evaluate("(player) => player.audio.currentTime"))


async def is_heard(player: Locator) -> None:
    """It plays: its position moves on."""
    await expect(player.get_by_role("button", name="Pause")).to_be_visible()
    at_s = await position_s(player)
    await player.page.wait_for_function(
        "([player, at]) => player.audio.currentTime > at + 0.2", arg=[await player.element_handle(), at_s]
    )


@on_both_sizes
async def test_a_typed_question_is_answered_aloud(size: Size, visit: Visit) -> None:
    visitor = await visit("/#/chat", size)
    question = visitor.page.get_by_label("Your question")
    await question.fill("where can I find the coffee and when do you close")
    await question.press("Enter")
    await expect(question).to_have_value("")
    await expect(conversation(visitor)).to_contain_text(re.compile("Robin.*aisle", re.S))
    player = answer_player(visitor)
    await is_heard(player)
    await expect(conversation(visitor)).to_contain_text("piper · en_US-kiosk-low")
    await expect(conversation(visitor)).to_contain_text(re.compile("newly spoken|from the cache"))
    await expect(conversation(visitor)).to_contain_text(re.compile(r"first sound after \d"))

    await player.get_by_role("button", name="Pause").click()
    at_s = await position_s(player)
    assert at_s > 0
    await player.get_by_role("button", name="Play").click()
    await is_heard(player)
    await player.get_by_role("button", name="Stop").click()
    assert await player.evaluate("({audio}) => audio.paused && audio.currentTime === 0"), "at once, not at its end"
    await expect(player.get_by_role("button", name="Play")).to_be_visible()

    await visitor.button("New conversation").click()
    await expect(conversation(visitor)).to_contain_text("Try the assistant before your customers do.")
    await expect(question).to_be_focused()


async def test_a_spoken_question_is_understood_and_answered(visit: Visit) -> None:
    visitors = [await visit("/#/chat", size) for size in SIZES]
    await asyncio.gather(*map(ask_aloud, visitors))


async def ask_aloud(visitor: Visitor) -> None:
    talk = visitor.button(re.compile("^(Hold to talk|Send the recording)$"))
    if visitor.size == "phone":  # a tap keeps it on
        await talk.tap()
        await expect(talk).to_have_accessible_name("Send the recording")
        await visitor.page.wait_for_timeout(SPEAKS_MS)
        await talk.tap()
    else:
        await talk.hover()
        await visitor.page.mouse.down()
        await expect(visitor.page.get_by_text("Recording, 1 s.")).to_be_visible()
        await visitor.page.wait_for_timeout(SPEAKS_MS - 1000)
        await visitor.page.mouse.up()
    await expect(conversation(visitor)).to_contain_text(QUESTION)
    await expect(conversation(visitor).get_by_role("group", name="Your recording")).to_be_visible()
    await expect(conversation(visitor)).to_contain_text(re.compile("Robin.*close", re.S))
    await is_heard(answer_player(visitor))


async def test_a_recording_is_discarded_and_a_click_is_none(visit: Visit) -> None:
    visitor = await visit("/#/chat")
    talk = visitor.button(re.compile("^(Hold to talk|Send the recording)$"))
    await talk.focus()
    await visitor.page.keyboard.press("Space")
    await expect(talk).to_have_attribute("aria-pressed", "true")
    await visitor.page.keyboard.press("Escape")
    await expect(talk).to_have_attribute("aria-pressed", "false")
    await expect(conversation(visitor)).to_contain_text("Try the assistant before your customers do.")


async def test_a_suggestion_asks_and_an_answer_can_be_stopped(visit: Visit) -> None:
    visitor = await visit("/#/chat", "phone")
    await visitor.button("Where can I park?").tap()
    await expect(conversation(visitor)).to_contain_text(re.compile("Robin.*behind the building", re.S))
    await is_heard(answer_player(visitor))
    await visitor.page.get_by_label("Your question").fill("what can you help me with")
    await visitor.button("Send").tap()
    await expect(conversation(visitor).get_by_role("group", name="Answer")).to_have_count(2)
    await is_heard(answer_player(visitor))
    await expect(
        conversation(visitor).get_by_role("group", name="Answer").first.get_by_role("button").first
    ).to_have_accessible_name("Play")
