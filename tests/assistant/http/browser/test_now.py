"""What the assistant does now: seen as it happens, and steered."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, expect

from tests.assistant.http.browser.conftest import Visit
from tests.assistant.http.browser.recordings import QUESTION
from tests.assistant.http.browser.visitor import SIZES, Size, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LONG = "Dear customers, this is a long announcement. " * 6


def state(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("region", name="State").get_by_role("status")


def captions(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("log", name="Captions")


async def in_a_pause(visitor: Visitor) -> None:
    """Nobody speaks from now on, for a while: somebody has just finished."""
    microphone = visitor.page.get_by_role("meter", name="Microphone")
    await expect(microphone).to_have_attribute("aria-valuenow", re.compile(r"^-[123]?\d$"))
    await expect(microphone).to_have_attribute("aria-valuenow", re.compile(r"^-(5\d|60)$"))


@pytest.mark.parametrize("size", SIZES)
async def test_push_to_talk_a_question_is_heard_and_answered(size: Size, visit: Visit) -> None:
    visitor = await visit("/#/now", size)
    page = visitor.page
    await expect(state(visitor)).to_have_text("Ready")
    await in_a_pause(visitor)
    await visitor.button("Push to talk").click()
    await expect(state(visitor)).to_have_text("Listening")
    await expect(captions(visitor)).to_contain_text(QUESTION)
    await expect(captions(visitor)).to_contain_text(re.compile("Assistant.*close", re.S))
    await expect(page.get_by_role("region", name="State")).to_contain_text("piper · en_US-kiosk-low")
    await expect(state(visitor)).to_have_text("Ready")

    turns = visitor.card("Last turns")
    turn = turns.get_by_role("listitem").filter(has=page.get_by_text(QUESTION)).first
    await expect(turn).to_contain_text("Robin")
    bars = turn.get_by_role("img")
    await expect(bars).to_have_accessible_name(re.compile(r"^Response \d.*Speech to text \d.*Voice \d"))
    told = (await visitor.json("/api/turns"))["turns"][0]
    assert told["transcript"] == QUESTION

    await turns.get_by_role("button", name="Show as table").click()
    row = turns.get_by_role("row").nth(1)
    await expect(row.get_by_role("rowheader")).to_have_text(QUESTION)
    shown = f"{told['response_ms']:.0f} ms" if told["response_ms"] < 999.5 else f"{told['response_ms'] / 1000:.1f} s"
    await expect(row.get_by_role("cell").last).to_have_text(shown)


@pytest.mark.parametrize("size", SIZES)
async def test_staff_have_something_said_and_stop_it(size: Size, visit: Visit) -> None:
    visitor = await visit("/#/now", size)
    text = visitor.page.get_by_label("Say this now")
    await expect(state(visitor)).to_have_text("Ready")
    await visitor.button("Say it").click()
    await expect(text).to_have_accessible_description("Please enter what to say.")
    await expect(text).to_be_focused()

    await text.fill(LONG)
    await visitor.page.keyboard.press("Control+Enter")
    await visitor.told("It will be said as soon as nobody is speaking.")
    await expect(text).to_have_value("")
    await expect(state(visitor)).to_have_text("Speaking")
    await expect(captions(visitor)).to_contain_text("Dear customers")
    speaker = visitor.page.get_by_role("meter", name="Loudspeaker")
    await expect(speaker).to_have_attribute("aria-valuenow", re.compile(r"^-[1-4]?\d$"))

    await visitor.button("Stop").click()
    await expect(state(visitor)).to_have_text("Ready")
    await expect(speaker).to_have_attribute("aria-valuenow", "-60")
    await expect(visitor.card("Last turns").get_by_role("listitem").first).to_contain_text("Announcement by staff.")


async def test_who_presses_by_mistake_stops_the_hearing(visit: Visit) -> None:
    visitor = await visit("/#/now")
    await in_a_pause(visitor)
    await visitor.button("Push to talk").click()
    await expect(state(visitor)).to_have_text("Listening")
    await visitor.button("Stop").click()
    await expect(state(visitor)).to_have_text("Ready")
    assert (await visitor.json("/api/status"))["state"] == "listening"
