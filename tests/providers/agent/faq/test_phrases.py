"""Answers that can be spoken before anybody asks."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from pipeline.speech import Exchange, Personality
from tests.providers.agent.faq.shops import example, written

pytestmark = pytest.mark.unit

AVA = Personality("Ava")

FAQ = """
language: en
shop: {name: the corner}
hours:
  shop: {monday: 08:00-21:00, tuesday: 08:00-21:00, wednesday: 08:00-20:00, thursday: 08:00-21:00,
         friday: 08:00-21:00, saturday: 08:00-21:00, sunday: closed}
lists: {color: [red, blue]}
questions:
  close:
    ask: when do you close [on] [{day}]
    cases:
      - when: hours.over
        answer: We closed at {hours.closes}.
      - answer: We close at {hours.closes}.
  time: {ask: what time is it, answer: "It is {now.time}."}
  joke: {ask: tell me a joke, answer: ["One, {personality.name}.", "Two."]}
  paint: {ask: "do you have {color} paint", answer: Yes.}
  again: {ask: say that again, cases: [{when: last.answer, answer: "{last.answer}"}, {answer: I have said nothing.}]}
unknown: {answer: I do not know that.}
"""


async def test_what_names_no_thing_and_holds_for_a_while(tmp_path: Path) -> None:
    async with written(tmp_path, FAQ) as shop:
        assert list(shop.agent.phrases(AVA, "en")) == [
            "We close at 8 PM.", "One, Ava.", "Two.", "I have said nothing.", "I do not know that.",
        ]  # fmt: skip
        shop.now = datetime(2026, 11, 25, 20, 30)
        assert shop.agent.phrases(AVA, "en-GB")[0] == "We closed at 8 PM."
        assert not shop.agent.phrases(AVA, "fr")
    assert not shop.agent.phrases(AVA, "en")


async def test_they_are_the_words_of_the_answers() -> None:
    async with example() as shop:
        english, spanish = shop.agent.phrases(AVA, "en"), shop.agent.phrases(AVA, "es")
        for question in ("when do you close", "what are your hours", "tell me a joke", "thank you", "are you open now"):
            assert shop.answer(question) in english
        assert shop.answer("cuéntame un chiste", "es") in spanish
        second = shop.answer("tell me a joke", history=[Exchange("Hello.", "Hello.")])
        assert second in english
        assert second != shop.answer("tell me a joke")
        assert shop.answer("what time is it") not in english
        assert shop.answer("how much is the coffee") not in english
