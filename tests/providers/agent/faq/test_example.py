"""The shop example answers all that the bundled recogniser can hear, and nothing that it does not know."""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from types import ModuleType

import pytest

from pipeline.speech import Exchange
from tests.providers.agent.faq.shops import ROOT, Shop, example

pytestmark = pytest.mark.unit


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with example() as shop:
        yield shop


@pytest.fixture(scope="module")
def grammar() -> ModuleType:
    """All sentences of the bundled Whisper."""
    path = ROOT / "models" / "training" / "whisper_kiosk" / "grammar.py"
    spec = importlib.util.spec_from_file_location("whisper_kiosk_grammar", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FIXED = {
    "what time do you close?": "closing_time",
    "when do you close?": "closing_time",
    "what time do you open?": "opening_time",
    "are you open now?": "open_now",
    "what are your opening hours?": "opening_hours",
    "where is the store manager?": "where_is_department",
    "where are the restrooms?": "where_is_department",
    "is there a restroom here?": "where_is_department",
    "i want to talk to a person.": "person",
    "can i speak to a person?": "person",
    "call an employee.": "person",
    "i want to speak to the manager.": "person",
    "do you take credit cards?": "payment",
    "can i pay with cash?": "payment",
    "where do i pay?": "where_to_pay",
    "can i return this?": "returns",
    "how do i return an item?": "returns",
    "i want to return this.": "returns",
    "where can i park?": "free_parking",
    "is there free parking?": "free_parking",
    "do you deliver?": "delivery",
    "do you have free wifi?": "wifi",
    "what is the wifi password?": "wifi",
    "what is on sale today?": "specials",
    "what is today's special?": "specials",
    "how much is it?": "price_of_what",
    "is it on sale?": "sale_of_what",
    "tell me another joke.": "joke",
    "what time is it?": "time",
    "what day is it?": "date",
    "what can you do?": "help",
    "who are you?": "name",
    "hello.": "greeting",
    "thank you very much.": "thanks",
    "goodbye.": "goodbye",
    "that is wrong.": "wrong",
    "yes please.": "agreement",
    "no thank you.": "refusal",
    "be quiet.": "stop",
    "say that again.": "repeat",
    "speak slower please.": "volume",
    "clear my list.": "shopping_list",
}
TEMPLATES = {
    "{p}.": "have_product",
    "do you have {p} and {p2}?": "have_product",
    "i need {n} {p}.": "have_product",
    "[/excuse me /hi ]where can i find the {p}?": "where_is_product",
    "which aisle is the {p} in?": "where_is_product",
    "can you tell me where the {p} is?": "where_is_product",
    "the {p} is on aisle {n}.": "where_is_product",
    "what is the price of the {p}?": "price_of_product",
    "how much does the {p} cost?": "price_of_product",
    "can you tell me the price of the {p}?": "price_of_product",
    "is the {p} on sale?": "product_on_sale",
    "is there any {p} left?": "product_left",
    "add {n} {p} to my list.": "shopping_list_product",
    "[/excuse me ]where is the {dep}?": "where_is_department",
    "is there a {dep} here?": "where_is_department",
    "take me to the {dep}.": "where_is_department",
    "when does the {dep} close?": "department_closing",
    "is the {dep} open on {day}?": "department_hours",
    "is the {dep} open now?": "department_open_now",
    "what time do you close on {day}?": "closing_time",
    "when do you close {day}?": "closing_time",
    "do you close at {h} {min} {ap}?": "closing_time",
    "what time do you open on {day}?": "opening_time",
    "are you open on {day}?": "hours_of_day",
    "{day}.": "hours_of_day",
    "are you open at {h} {min} {ap} on {day}?": "open_at_time",
    "{day} at {h} {min} {ap}.": "open_at_time",
    "at {h} {min} {ap}.": "open_at_time",
    "do you speak {lang}?": "languages",
    "{lang}.": "languages",
    "set the volume to {n}.": "volume",
    "do you have this in {size} and {color}?": "variants",
    "is it {n} dollars?": "amounts",
    "{tens} {d1}.": "numbers",
    "{d1} {d1b} {d1c}.": "numbers",
}


def test_the_tables_name_sentences_of_the_grammar(grammar: ModuleType) -> None:
    assert set(grammar.FIXED) >= set(FIXED)
    assert {text for _, text in grammar.TEMPLATES} >= set(TEMPLATES)


async def test_every_fixed_sentence_has_its_answer(shop: Shop, grammar: ModuleType) -> None:
    for sentence in grammar.FIXED:
        found = shop.ask(grammar.styled(sentence))
        assert found.questions, sentence
        if sentence in FIXED:
            assert found.questions == (FIXED[sentence],), sentence


async def test_every_template_has_its_answer(shop: Shop, grammar: ModuleType) -> None:
    rng = random.Random(7)
    for _, template in grammar.TEMPLATES:
        for _ in range(3):
            sentence = grammar.expand(template, rng)
            found = shop.ask(sentence)
            assert found.questions, sentence
            if template in TEMPLATES:
                assert found.questions == (TEMPLATES[template],), sentence


async def test_every_product_and_department_is_known(shop: Shop, grammar: ModuleType) -> None:
    for product in grammar.SLOTS["p"]:
        assert product in shop.answer(f"How much is the {product}?"), product
    for department in grammar.SLOTS["dep"]:
        assert department in shop.answer(f"Where is the {department}?"), department


SPOKEN = {
    "Hello, what time do you close please?": "We close at 9 PM today.",
    "what time does the shop shut": "We close at 9 PM today.",
    "When are you closing tonight?": "We close at 9 PM today.",
    "WHAT TIME DO YOU CLOSE ON SUNDAY": "We close at 6 PM on Sunday.",
    "When do you close on Christmas?": "We are closed on Christmas Day.",
    "Are you open this weekend?": (
        "Yes, on Saturday we are open from 9 AM to 10 PM. Yes, on Sunday we are open from 10 AM to 6 PM."
    ),
    "is the store open at 10:30 p.m.?": "No, we are closed at 10:30 PM today. We are open from 8 AM to 9 PM.",
    "Are you open at nine?": "We are open from 8 AM to 9 PM today.",
    "Are you open at half past eight in the morning on Sunday": (
        "No, we are closed at 8:30 AM on Sunday. We are open from 10 AM to 6 PM."
    ),
    "Is the pharmacy open on Sunday?": "The pharmacy is closed on Sunday.",
    "Is the bakery open now?": "Yes, the bakery is open until 8 PM.",
    "Excuse me, could you tell me where I can find the olive oil, please?": "You will find olive oil in aisle 3.",
    "Where's the tooth paste?": "You will find toothpaste in aisle 11.",
    "where can I find potatos": "You will find potatoes in aisle 2.",
    "Where are the battries?": "You will find batteries in aisle 12.",
    "do you guys sell ice-cream": "You will find ice cream in aisle 6, for $4.20 a tub.",
    "I can't find the eggs": "You will find eggs in aisle 7.",
    "How much is a dozen eggs?": "The price of eggs is $3.20 a dozen.",
    "How much are two bottles of milk?": "The price of milk is $1.40 a carton.",
    "How much is the red wine?": "The price of red wine is $6.90 a bottle this week, instead of $8.50.",
    "Which aisle has milk, eggs and bread?": (
        "You will find milk in aisle 7. You will find eggs in aisle 7. You will find bread in aisle 1."
    ),
    "I want red wine.": "You will find red wine in aisle 9, for $6.90 a bottle.",
    "red wine and milk": (
        "You will find red wine in aisle 9, for $6.90 a bottle. You will find milk in aisle 7, for $1.40 a carton."
    ),
    "Is the chocolate on sale?": "Yes, there is an offer on chocolate this week, $1.50 a bar instead of $2.10.",
    "What is on sale today?": "Our offers this week: red wine, orange juice, chocolate and cookies.",
    "Can I return milk?": (
        "You can return items within 30 days at the customer service desk. Please bring the receipt."
    ),
    "Is the deli open at 5 pm?": "Yes, the deli is open at 5 PM today.",
    "Is the restroom open at 11 pm?": "No, the store is closed at 11 PM today. We are open from 8 AM to 9 PM.",
    "Which aisle is the pharmacy in?": "You will find the pharmacy next to the checkout.",
    "When does the bakery close?": "The bakery closes at 8 PM today.",
    "When does the bakery open tomorrow?": "The bakery opens at 9 AM tomorrow.",
    "When is the bakery open?": "The bakery is open from 9 AM to 8 PM today.",
    "Does the bakery close at five pm?": "The bakery closes at 8 PM today.",
    "What time does the exit close?": "The exit has the same hours as the store. We close at 9 PM today.",
    "When does the fitting room close on Christmas?": "The whole store is closed on Christmas Day.",
    "Is the restroom open?": "Yes, the store is open until 9 PM.",
    "Is the bakery closed?": "No, the bakery is open until 8 PM.",
    "Are you closed?": "No, we are open now, until 9 PM.",
    "Where is the milk, and how much is bread?": "You will find milk in aisle 7. The price of bread is $2.20 a loaf.",
    "where is the milk and how much is it": "You will find milk in aisle 7. The price of milk is $1.40 a carton.",
    "where is the milk and the bread": "You will find milk in aisle 7. You will find bread in aisle 1.",
    "Hello. Where is the bread?": "You will find bread in aisle 1.",
    "toilets": "You will find the restroom at the back of the store on the left.",
    "where's the coffee": "You will find coffee in aisle 4.",
    "where's the coffee shop": "You will find the coffee shop next to the entrance.",
    "What is on aisle three?": (
        "In aisle 3 you will find oil, rice, pasta and sauces. The numbers hang above the aisles."
    ),
    "Where is aisle fifteen?": "There is no aisle 15. Our aisles have the numbers 1 to 12.",
    "What time is it?": "It is 2:30 PM.",
    "What day is it?": "Today is Wednesday, November 25.",
    "What's your name?": "I am Ava, the voice assistant of this store.",
}


async def test_spoken_questions_are_answered(shop: Shop) -> None:
    assert {question: shop.answer(question) for question in SPOKEN} == SPOKEN


UNRELATED = """
Who is the president of the United States? | What is the weather like today? | What's the capital of France?
How old are you? | Where do you live? | Do you have a girlfriend? | Can I bring my dog? | Where is my wife?
I lost my wallet. | Call the police! | My child is lost. | What time does the bus leave? | Are you hiring?
When does the next train leave? | Do you have a job for me? | Play some music. | Set an alarm for nine.
What is two plus two? | How tall is the Eiffel Tower? | Open the door. | Close the window.
Do you close the window at night? | What is the meaning of life? | Where is the unicorn? | How much is a car?
Do you have any bicycles? | Is it far to Berlin? | I want to return to my country. | Can I pay you a compliment?
Where can I charge my phone? | How much does a plane ticket cost? | Tell me about yourself. | I love you.
What is the price of freedom? | Where's the nearest bank? | Do you take dogs? | Are you open minded?
Turn on the light. | Can I speak to my lawyer? | Do you deliver babies? | Is there a fire? | There is a fire in aisle 3.
Someone stole my bag. | I need a doctor. | Help me find my husband. | Can you close your eyes? | Is it open source?
Is the manager married? | What time is the movie? | Do you have time for me? | Can I return tomorrow?
What is the wifi like in Spain? | Who invented bread? | Is the milk organic? | Does the bread contain gluten?
When does the movie close? | When does the airport open? | Is the restaurant open at 5 pm? | Can I return my wife?
Which aisle is the wedding in? | Can I return milk to my neighbor? | How do I return a phone call?
My dog ate the chocolate. | I do not want milk. | How do I cook rice? | I am allergic to eggs.
"""


async def test_unrelated_questions_get_the_honest_answer(shop: Shop) -> None:
    honest = ("Sorry, I do not know that.", "I am not sure what you would like to know about")
    for question in filter(None, map(str.strip, UNRELATED.replace("\n", "|").split("|"))):
        found = shop.ask(question)
        assert (question, found.questions) == (question, ())
        assert found.text.startswith(honest), question


HOURS = [  # now, question, answer
    ("2026-11-25 08:00", "are you open now", "Yes, we are open now, until 9 PM."),
    ("2026-11-25 07:59", "are you open now", "No, we are closed now. We open again today at 8 AM."),
    ("2026-11-25 21:00", "are you open now", "No, we are closed now. We open again tomorrow at 8 AM."),
    ("2026-11-25 21:30", "what time do you close", "We closed at 9 PM today. We open again tomorrow at 8 AM."),
    ("2026-11-28 23:00", "are you open tomorrow", "Yes, tomorrow we are open from 10 AM to 6 PM."),
    ("2026-11-25 21:30", "when does the deli close", "The deli closed at 8 PM today. It opens again tomorrow at 9 AM."),
    (
        "2026-11-25 21:30",
        "when does the exit close",
        "The exit has the same hours as the store. We closed at 9 PM today, and open again tomorrow at 8 AM.",
    ),
    ("2026-12-24 10:00", "what time do you close", "We close at 4 PM today."),
    ("2026-12-24 10:00", "are you open tomorrow", "No, we are closed tomorrow."),
    ("2026-12-24 17:00", "are you open", "No, we are closed now. We open again on Saturday at 9 AM."),
    ("2026-12-25 10:00", "what time do you open", "We are closed today."),
    (
        "2026-12-25 10:00",
        "is the pharmacy open now",
        "No, the pharmacy is closed now. It opens again tomorrow at 10 AM.",
    ),
    ("2026-12-20 10:00", "are you open on friday", "No, we are closed on Friday."),
    ("2026-12-28 10:00", "when do you open on new year's day", "We are closed on New Year's Day."),
]


async def test_hours_depend_on_the_day(shop: Shop) -> None:
    for now, question, answer in HOURS:
        shop.now = datetime.fromisoformat(now)
        assert (now, shop.answer(question)) == (now, answer)


async def test_a_pronoun_is_what_the_customer_spoke_of(shop: Shop) -> None:
    history = [Exchange("where is the milk", "You will find milk in aisle 7.")]
    assert shop.answer("How much is it?", history=history) == "The price of milk is $1.40 a carton."
    assert shop.answer("Is it on sale?", history=history).startswith("No, there is no offer on milk")
    assert shop.ask("Can I return this?", history=history).questions == ("returns",)
    assert shop.ask("How much is it?").questions == ("price_of_what",)
    assert shop.ask("How much is it?", history=[*history, *[Exchange("hello", "Hi.")] * 2]).questions == (
        "price_of_what",
    )


async def test_it_repeats_what_was_heard(shop: Shop) -> None:
    assert shop.answer("Repeat that.", history=[Exchange("a", "In aisle 7.")]) == "In aisle 7."


async def test_jokes_differ(shop: Shop) -> None:
    history = [Exchange("tell me a joke", "Ha.")]
    assert shop.answer("tell me a joke") != shop.answer("tell me another joke", history=history)


async def test_other_languages_get_the_personalitys_or_the_first(shop: Shop) -> None:
    assert shop.answer("Wo ist die Milch?", "de").startswith("Sorry, I do not know that.")
    assert shop.agent.capabilities.languages == {"en", "es"}


async def test_a_stricter_setting_understands_less() -> None:
    async with example(min_score=1.0) as shop:
        assert shop.ask("what time do you close").questions == ("closing_time",)
        assert shop.ask("what time do you close then").questions == ()
