"""The panel in Spanish: nothing stays English but what the assistant itself says, and that is marked as such."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.assistant.http.browser.both_sizes import on_both_sizes
from tests.assistant.http.browser.conftest import Person, Visit
from tests.assistant.http.browser.visitor import Size

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

VIEWS = ["now", "chat", "personalities", "usage", "sound-check", "health"]

PAGES = [
    "now", "chat", "personalities", "personalities/new", "personalities/{person}", "usage", "sound-check/devices",
    "sound-check/level", "sound-check/wake-word", "sound-check/sentence", "sound-check/echo", "sound-check/trial",
    "sound-check/summary", "health/overview", "health/models", "health/licences", "health/incidents",
]  # fmt: skip

TEXTS = """async (views) => {
  const found = {en: {}, es: {}};
  for (const name of ["common", "problems", "kiosk", ...views]) {
    const texts = (await import(`/panel/texts/${name}.js`)).default;
    for (const code of ["en", "es"])
      for (const [key, text] of Object.entries(texts[code]))
        found[code][key.startsWith(name + ".") ? key : `${name}.${key}`] = text;
  }
  return found;
}"""

SHOWN = """() => {
  const shown = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("[lang=en], script, noscript, [hidden]")) continue;
    shown.push(node.data.trim());
  }
  for (const element of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
    if (element.closest("[lang=en], [hidden]")) continue;
    for (const name of ["aria-label", "title", "placeholder"])
      if (element.hasAttribute(name)) shown.push(element.getAttribute(name));
  }
  return [...new Set(shown)];
}"""

ENGLISH = re.compile(r"\b(the|is|are|and|not|of|with|for|you|your|this|that|here|what|when|file|sound|voice)\b", re.I)
"""Words that no Spanish text has."""

KEY = re.compile(rf"({'|'.join(VIEWS)}|common)\.[a-z]")

LIGHT, DARK = "rgb(244, 246, 248)", "rgb(14, 18, 22)"

SAME = {"English", "Robin"}
"""What is the same in both."""

LICENCE = "CMU (flite voice rms)"
"""A licence's own name, which holds an English word."""


async def texts(page: Page) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = await page.evaluate(TEXTS, VIEWS)
    return found


def left(shown: list[str], known: dict[str, dict[str, str]]) -> list[str]:
    """What is English, or the key of a text that is missing."""
    spanish = set(known["es"].values())
    english = {text for text in known["en"].values() if text not in spanish}
    told = [text.replace(LICENCE, "") for text in shown if text not in SAME]
    return [text for text in told if text in english or ENGLISH.search(text) or KEY.match(text)]


async def test_every_text_is_there_in_both_languages_with_the_same_values(visit: Visit) -> None:
    visitor = await visit("/#/chat")
    known = await texts(visitor.page)
    servers = ("problems.", "personalities.advice.")  # in English the assistant's own words are shown
    keys = {code: {key for key in known[code] if not key.startswith(servers)} for code in known}
    assert keys["en"] == keys["es"]
    slots = {code: {key: set(re.findall(r"\{(\w+)\}", known[code][key])) for key in keys["en"]} for code in known}
    assert slots["en"] == slots["es"]
    assert len(keys["en"]) > 500


@on_both_sizes
async def test_the_whole_panel_speaks_spanish(size: Size, person: Person, visit: Visit) -> None:
    sasha = await person(f"Sasha {size}")
    visitor = await visit("/#/now", size)
    page = visitor.page
    known = await texts(page)
    if size == "phone":
        await visitor.button("More").click()
    await page.get_by_role("combobox", name="Language").select_option("Español")
    await expect(visitor.heading("Ahora")).to_be_visible()
    assert await page.get_attribute("html", "lang") == "es"
    if size == "phone":
        await visitor.button("Más").click()
        assert not left(await page.evaluate(SHOWN), known)
        await page.keyboard.press("Escape")
    english = {}
    for path in PAGES:
        address = path.format(person=sasha["id"])
        await page.evaluate("(address) => (location.hash = `#/${address}`)", address)
        await visitor.settled()
        if found := left(await page.evaluate(SHOWN), known):
            english[path] = found
    assert not english
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("lang", "es")


async def test_the_browsers_language_is_taken_at_first(visit: Visit) -> None:
    visitor = await visit(who=None, locale="es-ES")
    await expect(visitor.heading("Iniciar sesión")).to_be_visible()
    assert not left(await visitor.page.evaluate(SHOWN), await texts(visitor.page))
    await visitor.page.get_by_role("combobox", name="Idioma").select_option("English")
    await expect(visitor.heading("Sign in")).to_be_visible()


async def test_a_theme_is_chosen_and_kept(visit: Visit) -> None:
    visitor = await visit("/#/usage", theme="light")
    page, body = visitor.page, visitor.page.locator("body")
    choice = page.get_by_role("combobox", name="Appearance")
    await expect(body).to_have_css("background-color", LIGHT)
    await choice.select_option("Dark")
    await expect(body).to_have_css("background-color", DARK)
    await page.reload()
    await expect(body).to_have_css("background-color", DARK)
    await choice.select_option("As the system")
    await expect(body).to_have_css("background-color", LIGHT)
    await page.emulate_media(color_scheme="dark")
    await expect(body).to_have_css("background-color", DARK)
