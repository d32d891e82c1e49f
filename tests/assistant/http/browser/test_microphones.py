"""The browser's microphone and the assistant's. Listening takes its time, so both are tried together."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest
from playwright.async_api import expect

from tests.assistant.http.browser.conftest import PEOPLE, Person, Visit
from tests.assistant.http.browser.test_chat import is_heard
from tests.assistant.http.browser.test_personality_voice import agree, recording
from tests.assistant.http.browser.test_sound_check import step
from tests.assistant.http.browser.visitor import SIZES, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.long(1), pytest.mark.asyncio(loop_scope="session")]

SPEAKS_WITHIN_MS = 30_000
"""Three seconds of speech are wanted, and customers pause between their questions."""


async def test_a_sample_is_recorded_and_levels_are_measured(
    person: Person, visit: Visit, owner: httpx.AsyncClient
) -> None:
    people = [await person(f"Sasha {size}") for size in SIZES]
    owners = [await visit(f"/#/personalities/{one['id']}", size) for one, size in zip(people, SIZES, strict=True)]
    technician = await visit("/#/sound-check/level", "phone")
    await asyncio.gather(*map(record, owners), measure(technician))
    for one in people:
        stored = (await owner.get(f"{PEOPLE}/{one['id']}")).json()["voice_config"]
        assert 6 < stored["voice_sample_duration"] < 12


async def record(visitor: Visitor) -> None:
    await visitor.page.get_by_role("tab", name="Record now").click()
    pane = visitor.page.get_by_role("tabpanel", name="Record now")
    await pane.get_by_role("button", name="Start").click()
    await expect(pane.get_by_role("status")).to_have_text(re.compile(r"Recording starts in \d"))
    await expect(pane.get_by_role("meter", name="Level of the microphone")).to_be_visible()
    await expect(pane.get_by_role("status")).to_contain_text("Speak now.")
    await expect(pane.get_by_role("status")).to_contain_text("Go on, a little more.")
    await pane.get_by_role("button", name="Stop").click()
    await expect(pane.get_by_role("status")).to_contain_text(re.compile(r"\d seconds are recorded."))
    player = recording(visitor).get_by_role("group", name="New recording")
    await player.get_by_role("button", name="Play").click()
    await is_heard(player)
    await agree(visitor)
    await visitor.button("Use this recording").click()
    await visitor.told("The recording is stored.")


async def measure(visitor: Visitor) -> None:
    level = step(visitor, "Level")
    await level.get_by_role("button", name="Measure the room").click()
    await expect(level.get_by_role("status")).to_contain_text("Measuring the room.")
    await level.get_by_role("button", name="Start, I will speak").click()
    await expect(level).to_contain_text("Passed", timeout=SPEAKS_WITHIN_MS)
    await expect(level).to_contain_text(re.compile(r"Noise of the room\s*-\d\d dB.*Voice\s*-[123]\d dB", re.S))
    await expect(level).to_contain_text("Voices arrive clearly.")
    await expect(level.get_by_role("button", name="Next step")).to_be_focused()
