"""Everything about one personality, changed and saved."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.async_api import Locator, expect

from tests.assistant.http.browser.both_sizes import on_both_sizes
from tests.assistant.http.browser.conftest import PEOPLE, Person, Visit
from tests.assistant.http.browser.visitor import Size, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WORDS: dict[Size, str] = {"phone": "Alexa", "desktop": "Hey Mycroft"}
"""No two personalities have the same wake word."""

SLIDERS = {
    "Pace": "speed",
    "Liveliness": "temperature",
    "Variety": "top_p",
    "Choice of sounds": "top_k",
    "Against stammering": "repetition_penalty",
    "Length": "length_penalty",
}


def unsaved(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("region", name="Unsaved changes")


async def save(visitor: Visitor) -> None:
    await unsaved(visitor).get_by_role("button", name="Save").click()


@on_both_sizes
async def test_every_field_is_kept(size: Size, person: Person, visit: Visit, owner: httpx.AsyncClient) -> None:
    sasha = await person(f"Sasha {size}")
    visitor = await visit(f"/#/personalities/{sasha['id']}", size)
    page = visitor.page
    await page.get_by_label("Name").fill(f"Lola {size}")
    await page.get_by_label("Language", exact=True).and_(page.get_by_role("main").locator("*")).select_option("Spanish")
    await page.get_by_label("Further languages").select_option("English")
    await expect(visitor.button("Remove English")).to_be_visible()
    await page.get_by_label("Wake word").select_option(WORDS[size])
    await page.get_by_label("Greeting").fill("¡Hola! Soy Lola.")
    await page.get_by_label("Instructions").fill("Be brief.")
    await page.get_by_label("Engine", exact=True).select_option("eSpeak NG")
    await page.get_by_label("Voice of the engine", exact=True).fill("es-419")
    await page.get_by_label("Stand-in engine").select_option("eSpeak NG")
    await expect(unsaved(visitor)).to_contain_text("changes are not saved")
    await save(visitor)
    await visitor.told("Saved.")
    await expect(unsaved(visitor)).to_be_hidden()
    await expect(visitor.heading(f"Lola {size}")).to_be_visible()

    kept = (await owner.get(f"{PEOPLE}/{sasha['id']}")).json()
    wanted = {
        "name": f"Lola {size}",
        "language": "es",
        "languages": ["en"],
        "wake_word": WORDS[size].lower().replace(" ", "_"),
        "system_prompt": "Be brief.",
    }
    assert {key: kept[key] for key in wanted} == wanted
    assert kept["greeting"] == "¡Hola! Soy Lola."
    assert kept["voice_config"]["provider"] == kept["voice_config"]["fallback"]["provider"] == "espeak_ng"
    assert kept["voice_config"]["voice_id"]
    await page.reload()
    await expect(page.get_by_label("Greeting")).to_have_value("¡Hola! Soy Lola.")
    await expect(page.get_by_label("Voice of the engine", exact=True)).to_have_value(kept["voice_config"]["voice_id"])


@on_both_sizes
async def test_every_slider_moves_and_goes_back(
    size: Size, person: Person, visit: Visit, owner: httpx.AsyncClient
) -> None:
    sasha = await person(f"Sasha {size}")
    visitor = await visit(f"/#/personalities/{sasha['id']}", size)
    page, tuning = visitor.page, visitor.card("Fine-tuning")
    defaults = {one["name"]: one["default"] for one in (await owner.get("/api/admin/choices")).json()["settings"]}
    await tuning.get_by_text(re.compile("Settings that Piper does not use")).click()
    for label in SLIDERS:
        slider = tuning.get_by_role("slider", name=label, exact=True)
        await slider.focus()
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("ArrowRight")
    await tuning.get_by_role("spinbutton", name="Pace").fill("9")
    await page.keyboard.press("Tab")
    await expect(tuning.get_by_role("spinbutton", name="Pace")).to_have_value("2")
    await expect(tuning.get_by_role("slider", name="Pace")).to_have_attribute("aria-valuetext", "2×")
    await page.keyboard.press("Control+s")
    await visitor.told("Saved.")
    kept = (await owner.get(f"{PEOPLE}/{sasha['id']}")).json()["voice_config"]["settings"]
    assert kept["speed"] == 2
    assert all(kept[name] > defaults[name] or kept[name] == defaults[name] == 1 for name in SLIDERS.values()), kept

    await tuning.get_by_role("button", name="Reset Pace").click()
    await expect(tuning.get_by_role("spinbutton", name="Pace")).to_have_value("1")
    await expect(tuning.get_by_role("button", name="Reset Pace")).to_be_disabled()
    await expect(tuning.get_by_role("slider", name="Pace")).to_be_focused()
    await tuning.get_by_role("button", name="Reset all").click()
    await save(visitor)
    await visitor.told("Saved.")
    kept = (await owner.get(f"{PEOPLE}/{sasha['id']}")).json()["voice_config"]["settings"]
    assert {name: kept[name] for name in SLIDERS.values()} == {name: defaults[name] for name in SLIDERS.values()}


@on_both_sizes
async def test_what_the_server_refuses_is_told_at_its_field(size: Size, person: Person, visit: Visit) -> None:
    sasha = await person(f"Sasha {size}")
    visitor = await visit(f"/#/personalities/{sasha['id']}", size)
    visitor.provoked.update({409, 422})
    name = visitor.page.get_by_label("Name")
    await name.fill("Robin")
    await save(visitor)
    await expect(name).to_have_attribute("aria-invalid", "true")
    await expect(name).to_have_accessible_description(re.compile("Robin"))
    await expect(name).to_be_focused()
    await name.fill("   ")
    await save(visitor)
    await expect(name).to_have_accessible_description(re.compile("Please give it a name."))
    await unsaved(visitor).get_by_role("button", name="Discard changes").click()
    await expect(name).to_have_value(f"Sasha {size}")


@on_both_sizes
async def test_two_people_edit_the_same_one(size: Size, person: Person, visit: Visit, owner: httpx.AsyncClient) -> None:
    sasha = await person(f"Sasha {size}")
    first, second = [await visit(f"/#/personalities/{sasha['id']}", size) for _ in range(2)]
    second.provoked.add(412)
    for visitor, name in ((first, f"Alex {size}"), (second, f"Kim {size}")):
        await visitor.page.get_by_label("Name").fill(name)
    await first.page.get_by_label("Instructions").fill("Be brief.")
    await second.page.get_by_label("Greeting").fill("Hi, I am Kim.")
    await save(first)
    await first.told("Saved.")

    await save(second)
    conflict = second.page.get_by_role("dialog", name="Somebody else was quicker")
    await expect(conflict.get_by_role("row")).to_have_text(
        [re.compile("Field.*Yours.*Theirs"), f"NameKim {size}Alex {size}"]
    )
    await expect(conflict).to_contain_text("Instructions: Be brief.")
    await conflict.get_by_role("button", name="Look first").click()
    await expect(second.page.get_by_label("Instructions")).to_have_value("Be brief.")
    await expect(second.page.get_by_label("Name")).to_have_value(f"Kim {size}")
    await save(second)
    await second.told("Saved.")
    kept = (await owner.get(f"{PEOPLE}/{sasha['id']}")).json()
    assert (kept["name"], kept["greeting"], kept["system_prompt"]) == (f"Kim {size}", "Hi, I am Kim.", "Be brief.")


@on_both_sizes
async def test_nobody_leaves_with_unsaved_changes_unasked(
    size: Size, person: Person, visit: Visit, owner: httpx.AsyncClient
) -> None:
    sasha = await person(f"Sasha {size}")
    visitor = await visit(f"/#/personalities/{sasha['id']}", size)
    page = visitor.page
    await page.get_by_label("Greeting").fill("Hey.")
    away = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Usage")
    await away.click()
    asked = page.get_by_role("dialog", name="Leave without saving?")
    await asked.get_by_role("button", name="Stay").click()
    await expect(page.get_by_label("Greeting")).to_have_value("Hey.")
    await away.click()
    await asked.get_by_role("button", name="Save and leave").click()
    await expect(visitor.heading("Usage")).to_be_visible()
    assert (await owner.get(f"{PEOPLE}/{sasha['id']}")).json()["greeting"] == "Hey."
