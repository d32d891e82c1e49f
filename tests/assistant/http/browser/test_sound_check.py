"""Setting up microphone and loudspeaker, here two files: the panel says so."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, expect

from tests.assistant.http.browser.both_sizes import on_both_sizes
from tests.assistant.http.browser.conftest import Visit
from tests.assistant.http.browser.visitor import SIZES, Size, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def step(visitor: Visitor, title: str) -> Locator:
    return visitor.card(title)


@on_both_sizes
async def test_devices_that_are_files_are_told_as_such(size: Size, visit: Visit) -> None:
    visitor = await visit("/#/now", size)
    await visitor.go_to("Sound check")
    devices = step(visitor, "Microphone and loudspeaker")
    await expect(devices).to_contain_text("In this run the assistant hears a sound file")
    await expect(devices).to_contain_text("In this run the assistant speaks into a sound file")
    await expect(devices.get_by_role("combobox")).to_have_count(0)
    await expect(devices).not_to_contain_text("was found")
    await devices.get_by_role("button", name="These are right").click()
    await expect(devices).to_contain_text("Could be better")
    await expect(devices).to_contain_text("A sound file stands in for the microphone.")
    await expect(devices).to_contain_text(re.compile("Loudspeaker\\s*a sound file"))


@pytest.mark.parametrize("size", SIZES)
async def test_a_sentence_is_heard_and_judged(size: Size, visit: Visit) -> None:
    visitor = await visit("/#/sound-check/sentence", size)
    sentence = step(visitor, "Test sentence")
    await sentence.get_by_label("What it says").fill("Can you hear me?")
    await sentence.get_by_role("button", name="Say it").click()
    await expect(sentence.get_by_role("status")).to_contain_text("Speaking now (Piper)")
    asked = sentence.get_by_role("group", name="Could you hear it well?")
    await asked.get_by_role("button", name="Too quiet").click()
    await expect(sentence).to_contain_text("Could be better")
    await expect(sentence).to_contain_text("Raise the volume here")
    await expect(sentence).to_contain_text(re.compile(r"Until the first sound\s*\d"))


async def test_the_volume_is_set_and_kept(visit: Visit) -> None:
    visitor = await visit("/#/sound-check/sentence", "desktop")
    sentence = step(visitor, "Test sentence")
    volume = sentence.get_by_role("slider", name="Volume in decibels")
    await expect(volume).to_have_value("0")
    try:
        async with visitor.page.expect_response("**/api/volume"):
            await volume.fill("-12")
        await visitor.page.reload()
        await expect(volume).to_have_value("-12")
        await expect(volume).to_have_attribute("aria-valuetext", "-12 dB")
    finally:
        async with visitor.page.expect_response("**/api/volume"):
            await sentence.get_by_role("button", name="Reset Volume").click()
    await expect(volume).to_have_value("0")


async def test_a_file_returns_no_echo(visit: Visit) -> None:
    visitor = await visit("/#/sound-check/echo", "desktop")
    echo = step(visitor, "Echo and delay")
    await echo.get_by_role("button", name="Measure echo").click()
    await expect(echo.get_by_role("status")).to_contain_text("Measuring, please be quiet")
    await expect(echo).to_contain_text("Needs attention")
    await expect(echo).to_contain_text("The microphone did not hear the loudspeaker")
