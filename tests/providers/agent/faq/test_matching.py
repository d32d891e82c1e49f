"""How names and words are found that were not quite said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from providers.agent.faq.patterns import expanded
from providers.agent.faq.slots import DayName, resolve
from providers.agent.faq.template import Condition, Template
from tests.providers.agent.faq.shops import Shop, written

pytestmark = pytest.mark.unit

FAQ = """\
language: en
tables: {product: {file: products.csv, synonyms: synonyms}}
unknown: {answer: Unknown.}
questions:
  where: {ask: "where is [the] {product}", answer: "{product.name}: {product.aisle}."}
  count: {ask: "how many {product}", answer: "{product.name}? Many. Ask again."}
  gift: {ask: where are the gift cards sold, answer: Here.}
  sign: {ask: open the sign, answer: It is open.}
"""
PRODUCTS = """\
name,synonyms,aisle
coffee,,1
coffee beans,espresso,2
Batteries,accumulators,3
water,,4
WD-40,,5
gift cards,,6
café crème,,7
"""


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with written(tmp_path, FAQ, products=PRODUCTS) as shop:
        yield shop


async def test_names(shop: Shop) -> None:
    expected = {
        "where is the coffee": "Coffee: 1.",
        "Where is the coffee bean?": "Coffee beans: 2.",
        "where is the Espresso": "Coffee beans: 2.",
        "where is the battery": "Batteries: 3.",
        "where is the battrys": "Batteries: 3.",
        "where is the accumulater": "Batteries: 3.",
        "where is the wd forty": "WD-40: 5.",
        "where is the Cafe Creme": "Café crème: 7.",
        "where is the coffee and the water": "Coffee: 1. Water: 4.",
        "where is coffee, coffee beans and batteries": "Coffee: 1. Coffee beans: 2. Batteries: 3.",
        "how many coffee and water": "Coffee? Many. Ask again. Water?",
    }
    assert {question: shop.answer(question) for question in expected} == expected


async def test_no_names(shop: Shop) -> None:
    for question in ("where is the waiter", "where is wd 41", "where is the tea", "where is", "where is where"):
        assert shop.answer(question) == "Unknown.", question


async def test_a_name_may_be_an_ordinary_word_of_another_question(shop: Shop) -> None:
    assert shop.answer("where are the gift cards sold") == "Here."
    assert shop.answer("where is the gift card") == "Gift cards: 6."


async def test_words_heard_wrongly(shop: Shop) -> None:
    assert shop.answer("were is the coffee") == "Coffee: 1."
    assert shop.answer("open the signe") == "It is open."
    assert shop.answer("do not open the sign") == "Unknown."


@pytest.mark.parametrize(
    "text", ["", "?!", "🙂", "a" * 10_000, "where is the " * 500, "\x00", "{product}", "where is {product}"]
)
async def test_odd_input_is_survived(shop: Shop, text: str) -> None:
    assert shop.answer(text) == "Unknown."


def test_brackets() -> None:
    assert expanded("a [b] (c|d)") == ["a b c", "a b d", "a  c", "a  d"]
    assert set(expanded("a [b [c|d]]")) >= {"a b c", "a b d", "a b ", "a "}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (DayName(ahead=1), date(2026, 11, 26)),
        (DayName(weekday=2), date(2026, 11, 25)),
        (DayName(weekday=1), date(2026, 12, 1)),
        (DayName(holiday=("x", None, 11, 25)), date(2026, 11, 25)),
        (DayName(holiday=("x", None, 1, 1)), date(2027, 1, 1)),
        (DayName(holiday=("x", None, 2, 29)), date(2028, 2, 29)),
        (DayName(holiday=("x", 2030, 5, 1)), date(2030, 5, 1)),
    ],
)
def test_days(name: DayName, expected: date) -> None:
    assert resolve(name, date(2026, 11, 25)) == expected


def test_values_begin_sentences_with_capitals() -> None:
    text = Template.parse("{a.b} is {a.b}. {a.b}! ¿{a.b}?").filled({"a.b": "it"})
    assert text == "It is it. It! ¿It?"


@pytest.mark.parametrize("text", ["", "not", "a or b", "not not a", "A", "a.b.c", "maybe a"])
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(ValueError, match="is no condition"):
        Condition.parse(text)


async def test_cases_are_chosen_by_what_the_table_has(tmp_path: Path) -> None:
    faq = FAQ.replace(
        'count: {ask: "how many {product}", answer: "{product.name}? Many. Ask again."}',
        "count:\n    ask: how many {product}\n    cases:\n      - {when: not product.aisle, answer: None.}\n"
        "      - {when: [product.aisle, not last.answer], answer: 'Some in {product.aisle}.'}\n"
        "      - {answer: 'Again in {product.aisle}.'}",
    ).replace('answer: "{product.name}: {product.aisle}."', "answer: There.")
    async with written(tmp_path, faq, products=PRODUCTS.replace("water,,4", "water,,")) as shop:
        assert shop.answer("how many water and coffee") == "None. Some in 1."
    with pytest.raises(SettingsError, match="is no condition"):
        async with written(tmp_path, faq.replace("not product.aisle", "no aisle"), products=PRODUCTS):
            pass
