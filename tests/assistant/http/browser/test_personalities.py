"""Who speaks: made, chosen, and deleted again."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.async_api import Locator, expect

from tests.assistant.http.browser.both_sizes import on_both_sizes
from tests.assistant.http.browser.conftest import PEOPLE, Person, Visit
from tests.assistant.http.browser.test_personality_editor import WORDS
from tests.assistant.http.browser.visitor import SIZES, Size, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def entry(visitor: Visitor, name: str) -> Locator:
    return visitor.page.get_by_role("article", name=name, exact=True)


@pytest.mark.parametrize("size", SIZES)
async def test_a_personality_is_made_speaks_and_is_deleted(size: Size, visit: Visit, owner: httpx.AsyncClient) -> None:
    visitor = await visit("/#/personalities", size)
    page, name = visitor.page, f"Nina {size}"
    await expect(entry(visitor, "Robin")).to_contain_text("Piper: Kiosk, low (en-US)")
    await visitor.button("New personality").click()
    await expect(visitor.heading("New personality")).to_be_visible()
    await visitor.button("Create personality").click()
    await expect(page.get_by_label("Name")).to_have_accessible_description(re.compile("Please give it a name."))
    await expect(page.get_by_label("Name")).to_be_focused()
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Copy from").select_option("Robin")
    await page.get_by_label("Greeting").fill("Hello, I am Nina.")
    await visitor.button("Create personality").click()
    await visitor.told(f"{name} is here. Now choose its voice.")
    await expect(visitor.heading(name)).to_be_visible()
    everybody = {one["name"]: one for one in (await owner.get(PEOPLE)).json()["personalities"]}
    robin, made = everybody["Robin"], everybody[name]
    assert made["greeting"] == "Hello, I am Nina."
    assert made["system_prompt"] == robin["system_prompt"]

    await page.get_by_role("link", name="← Personalities").click()
    await entry(visitor, name).get_by_role("button", name="Have it speak now").click()
    await visitor.told(f"{name} speaks from now on.")
    await expect(entry(visitor, name)).to_contain_text("Active")
    await expect(entry(visitor, name).get_by_role("button", name=re.compile("Delete"))).to_have_count(0)
    await visitor.go_to("Now")
    await expect(page.get_by_role("region", name="State")).to_contain_text(f"{name} · English")
    await visitor.go_to("Personalities")
    await entry(visitor, "Robin").get_by_role("button", name="Have it speak now").click()
    await visitor.told("Robin speaks from now on.")

    await entry(visitor, name).get_by_role("button", name=f"Delete {name}").click()
    sure = page.get_by_role("dialog", name=f"Delete {name}")
    await expect(sure.get_by_role("button", name="Cancel")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(sure).to_have_count(0)
    await entry(visitor, name).get_by_role("button", name=f"Delete {name}").click()
    await sure.get_by_role("button", name="Delete").click()
    await visitor.told(f"{name} was deleted.")
    await expect(entry(visitor, name)).to_have_count(0)
    assert (await owner.get(f"{PEOPLE}/{made['id']}")).status_code == 404


async def test_a_switch_elsewhere_is_seen(person: Person, visit: Visit, owner: httpx.AsyncClient) -> None:
    sasha = await person("Sasha")
    visitor = await visit("/#/personalities", "phone")
    await expect(entry(visitor, "Robin")).to_contain_text("Active")
    robin = next(one for one in (await owner.get(PEOPLE)).json()["personalities"] if one["active"])
    await owner.post(f"{PEOPLE}/{sasha['id']}/activate", json={"at_once": True})
    await expect(entry(visitor, "Sasha")).to_contain_text("Active")
    await owner.post(f"{PEOPLE}/{robin['id']}/activate", json={"at_once": True})
    await expect(entry(visitor, "Robin")).to_contain_text("Active")


@on_both_sizes
async def test_what_is_taken_is_told_at_its_field(
    size: Size, person: Person, visit: Visit, owner: httpx.AsyncClient
) -> None:
    sasha, word_taken = await person(f"Sasha {size}"), WORDS[size]
    visitor = await visit("/#/personalities/new", size)
    visitor.provoked.update({409, 422})
    name = visitor.page.get_by_label("Name")
    await name.fill(sasha["name"])
    await visitor.button("Create personality").click()
    await expect(name).to_have_attribute("aria-invalid", "true")
    await expect(name).to_have_accessible_description(re.compile(sasha["name"]))
    await expect(name).to_be_focused()

    await owner.put(f"{PEOPLE}/{sasha['id']}", json={"wake_word": word_taken.lower().replace(" ", "_")})
    await name.fill("Somebody else")
    word = visitor.page.get_by_label("Wake word")
    await word.select_option(word_taken)
    await visitor.button("Create personality").click()
    await expect(word).to_have_attribute("aria-invalid", "true")
    await expect(word).to_have_accessible_description(re.compile(sasha["name"]))
    await word.select_option("None of its own")
    await expect(word).not_to_have_attribute("aria-invalid", "true")
