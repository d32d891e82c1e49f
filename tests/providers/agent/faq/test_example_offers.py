"""What the shop example says a product costs."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator

import pytest

from tests.providers.agent.faq.shops import ROOT, Shop, example

pytestmark = pytest.mark.unit


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with example() as shop:
        yield shop


ABOUT_OFFERS = {
    "en": [
        "{}",
        "do you sell {}",
        "i want {}",
        "tell me about {}",
        "how much is {}",
        "is {} on sale",
        "my dog ate the {}",
    ],
    "es": [
        "{}",
        "¿tienen {}?",
        "quiero {}",
        "hábleme de {}",
        "cuánto cuesta {}",
        "está de oferta {}",
        "mi gato odia {}",
    ],
}


async def test_every_answer_with_a_price_names_the_offer(shop: Shop) -> None:
    """The usual price is said only as what the offer takes the place of."""
    with (ROOT / "shop" / "products.csv").open(encoding="utf-8") as file:
        offers = [row for row in csv.DictReader(file) if row["usual_price"]]
    assert offers
    for row in offers:
        assert float(row["price"]) < float(row["usual_price"])
        for language, name in (("en", row["name"]), ("es", row["nombre"])):
            for question in ABOUT_OFFERS[language]:
                said = shop.answer(question.format(name), language)
                before, _, after = said.partition("instead of" if language == "en" else "en lugar de")
                assert row["price"] in before, said
                assert row["usual_price"] not in before, said
                assert not after or row["usual_price"] in after, said
