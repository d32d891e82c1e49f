"""What is wrong with a FAQ file is said in one line, with the place."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from tests.providers.agent.faq.shops import Shop, written

pytestmark = pytest.mark.unit

PRODUCTS = "name,synonyms,price,sale\nmilk,whole milk,1.40,\nbread,,2.20,1.90\n"

HEAD = """\
language: en
tables:
  product: {file: products.csv, synonyms: synonyms}
unknown: {answer: I do not know.}
"""
HOURS = "hours: {shop: {monday: %s, tuesday: closed, wednesday: closed, thursday: closed, friday: closed, saturday: \
closed, sunday: closed}}\n"
GOOD = "questions:\n  price:\n    ask: how much is [the] {product}\n    answer: It is ${product.price}.\n"


def questions(text: str) -> str:
    return "questions:\n  one:\n" + "".join(f"    {line}\n" for line in text.splitlines())


WRONG = [  # file, table, what the message says
    ("language: [", PRODUCTS, r"faq\.yaml, line \d+: is no YAML"),
    ("", PRODUCTS, r"must be a mapping"),
    ("- one", PRODUCTS, r"must be a mapping"),
    (HEAD + "questoins: {}\n" + GOOD, PRODUCTS, r"line 5 \(questoins\): .* Did you mean 'questions'"),
    (HEAD + questions("asks: hello\nanswer: Hi."), PRODUCTS, r"line 6.*'ask' is missing"),
    (HEAD + questions("ask: hello\nanswers: Hi."), PRODUCTS, r"line 8.*unknown key 'answers'. Did you mean 'answer'"),
    (HEAD + questions("ask: hello"), PRODUCTS, r"line 6 \(questions.one\): a question has either `answer` or `cases`"),
    (HEAD + questions("ask: hello\nanswer: Hi.\ncases: [{answer: Ho.}]"), PRODUCTS, r"either `answer` or `cases`"),
    (
        HEAD + questions("ask: the {product}\ncases: [{when: product.sale, answer: Hi.}]"),
        PRODUCTS,
        r"the last of `cases` must have no `when`",
    ),
    (HEAD + questions("ask: []\nanswer: Hi."), PRODUCTS, r"line 7.*at least 1"),
    (HEAD + questions("ask: '...'\nanswer: Hi."), PRODUCTS, r"has no word in it"),
    (HEAD + questions("ask: (one|two\nanswer: Hi."), PRODUCTS, r"line 7.*bracket without its partner"),
    (HEAD + questions("ask: 'the {product'\nanswer: Hi."), PRODUCTS, r"line 7.*brace that is no slot"),
    (HEAD + questions("ask: the {produkt}\nanswer: Hi."), PRODUCTS, r"no table 'produkt'. Did you mean 'product'"),
    (HEAD + questions("ask: the " + "[a] " * 9 + "\nanswer: Hi."), PRODUCTS, r"stands for more than 400 sentences"),
    (HEAD + questions("ask: the {product}\nanswer: It is {product.prize}."), PRODUCTS, r"Did you mean 'product.price'"),
    (HEAD + questions("ask: the {product}\nanswer: It is {product.price."), PRODUCTS, r"line 8.*brace that is no"),
    (HEAD + questions("ask: hello\nanswer: It is {product.price}."), PRODUCTS, r"not every way to ask names a"),
    (HEAD + questions("ask: ['the {product}', hello]\nanswer: '{product.price}'"), PRODUCTS, r"Make two questions"),
    (
        HEAD + questions("ask: the {product}\nanswer: '{product.sale}'"),
        PRODUCTS,
        r"needs \{product.sale\}, which is empty in .*products.csv, line 2.*use `cases` with `when: product.sale`",
    ),
    (
        HEAD + questions("ask: hello\nanswer: '{all.product.sale}'"),
        "name,synonyms,sale\nmilk,,\n",
        r"no row has a value for \{all.product.sale\}. Use `cases` with `when: all.product.sale`",
    ),
    (HEAD + questions("ask: hello\nanswer: '{all.product.sales}'"), PRODUCTS, r"Did you mean 'all.product.sale'"),
    (HEAD + "lists: {all: [a]}\n" + GOOD, PRODUCTS, r"'all' has a meaning of its own"),
    (HEAD + questions("ask: hello\nanswer: We close at {hours.closes}."), PRODUCTS, r"no field \{hours.closes\}"),
    (HEAD + HOURS % "8-21" + GOOD, PRODUCTS, r"line 5 \(hours.shop.monday\): '8-21' are no opening hours"),
    (HEAD + "hours: {shop: {monday: closed}}\n" + GOOD, PRODUCTS, r"line 5.*'tuesday' is missing"),
    (HEAD + "special_days: {02-30: {}}\n" + GOOD, PRODUCTS, r"line 5 \(special_days.02-30\): day is out of range"),
    (HEAD + "special_days: {christmas: {}}\n" + GOOD, PRODUCTS, r"line 5 \(special_days.christmas\)"),
    (HEAD + "lists: {product: [a]}\n" + GOOD, PRODUCTS, r"'product' is a table already"),
    (HEAD + "lists: {day: [a]}\n" + GOOD, PRODUCTS, r"'day' has a meaning of its own"),
    (HEAD + "clock: 13\n" + GOOD, PRODUCTS, r"line 5 \(clock\)"),
    (HEAD + "words: {fillers: please}\n" + GOOD, PRODUCTS, r"line 5 \(words.fillers\)"),
    (HEAD.replace("en", "English", 1) + GOOD, PRODUCTS, r"line 1 \(language\)"),
    (HEAD + "shared: nowhere.yaml\n" + GOOD, PRODUCTS, r"nowhere.yaml: cannot be read \(No such file"),
    (HEAD + "language: es\n" + GOOD, PRODUCTS, r"line 5: 'language' is already in line 1"),
    (HEAD + GOOD + "  price: {ask: x, answer: y}\n", PRODUCTS, r"line 9: 'price' is already in line 6"),
    (
        HEAD + GOOD + "  cost:\n    ask: [what is it, 'How much is {product}, please?']\n    answer: Hi.\n",
        PRODUCTS,
        r"line 10 \(questions.cost.ask.1\): 'How much is \{product\}, please\?' is already asked by 'price'",
    ),
    (HEAD + GOOD, "", r"products.csv: the file is empty"),
    (HEAD + GOOD, "name,synonyms,price\n", r"products.csv: the table is empty"),
    (HEAD + GOOD, "name,price\nmilk,1\n", r"no column 'synonyms'. The head line has: name, price"),
    (HEAD + GOOD, "name,synonyms,price\nmilk,,1,2\n", r"products.csv, line 2: 4 cells, but the head line has 3"),
    (HEAD + GOOD, "name,synonyms,price\nmilk,,1\n,,2\n", r"products.csv, line 3: the column 'name' is empty"),
    (HEAD + GOOD, "name,synonyms,price\nmilk,,1\nbread,Milk,2\n", r"products.csv, line 3: 'Milk' is already in line 2"),
    (HEAD + GOOD, 'name,synonyms,price\n"milk,,1\n', r"is no CSV file"),
    (HEAD + HOURS % "closed" + GOOD, "name,synonyms,price,hours\na,,1,deli\n", r"no hours 'deli'. Known: shop"),
]  # fmt: skip


@pytest.mark.parametrize(("faq", "products", "message"), WRONG)
async def test_mistakes(faq: str, products: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        async with written(tmp_path, faq, products=products):
            pass
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("sales", "said"),
    [
        ("", "No offers."),
        ("x", "a."),
        ("xx", "a and b."),
        ("xxx", "a, b and c."),
        ("xxxxxxxxx", "a, b, c, d, e, f, g and h."),
    ],
)
async def test_rows_with_a_value_are_listed(sales: str, said: str, tmp_path: Path) -> None:
    faq = HEAD + questions(
        "ask: offers\ncases: [{when: all.product.sale, answer: '{all.product.sale}.'}, {answer: No offers.}]"
    )
    rows = [f"{name},,{sale.strip()}" for name, sale in zip("abcdefghi", sales.ljust(9), strict=True)]
    async with written(tmp_path, faq, products="\n".join(["name,synonyms,sale", *rows])) as shop:
        assert shop.answer("offers").lower() == said.lower()


async def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"faq.yaml: cannot be read \(No such file"):
        async with Shop(tmp_path, file="faq.yaml").agent:
            pass
    with pytest.raises(SettingsError, match=r"products.csv: cannot be read"):
        async with written(tmp_path, HEAD + GOOD):
            pass


async def test_files_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "products.csv").write_bytes(b"name,synonyms,price\ncaf\xe9,,1\n")
    with pytest.raises(SettingsError, match="is not UTF-8"):
        async with written(tmp_path, HEAD + GOOD):
            pass
    (tmp_path / "faq.yaml").write_bytes(b"language: \xff")
    with pytest.raises(SettingsError, match="is not UTF-8"):
        async with Shop(tmp_path, file="faq.yaml").agent:
            pass


async def test_a_spreadsheets_semicolons_and_byte_order_mark(tmp_path: Path) -> None:
    products = "\ufeffname;synonyms;price\nmilk;whole milk;1,40\n"
    async with written(tmp_path, HEAD + GOOD, products=products) as shop:
        assert shop.answer("How much is the whole milk?") == "It is $1,40."


async def test_other_languages_stand_beside(tmp_path: Path) -> None:
    (tmp_path / "faq.es.yaml").write_text(
        "language: en\nunknown: {answer: No sé.}\nquestions: {a: {ask: hola, answer: b}}"
    )
    with pytest.raises(SettingsError, match=r"faq.es.yaml: its name says 'es', its `language:` says 'en'"):
        async with written(tmp_path, HEAD + GOOD, products=PRODUCTS):
            pass


async def test_a_language_of_ones_own(tmp_path: Path) -> None:
    faq = """\
language: de
words:
  fillers: [bitte]
  tomorrow: [morgen]
  weekdays: [[Montag], [Dienstag], [Mittwoch], [Donnerstag], [Freitag], [Samstag], [Sonntag]]
  say: {tomorrow: morgen, hours: "von {opens} bis {closes}", closed: geschlossen}
unknown: {answer: Das weiß ich nicht.}
hours: {shop: {monday: 08:00-20:00, tuesday: 08:00-20:00, wednesday: 08:00-20:00, thursday: 08:00-20:00, friday: \
08:00-20:00, saturday: 08:00-18:00, sunday: closed}}
questions:
  hours: {ask: "wann habt ihr [am] {day} offen", answer: "{day.on} {hours.text} Uhr."}
"""
    async with written(tmp_path, faq) as shop:
        assert shop.answer("Wann habt ihr am Samstag offen, bitte?", "de") == "Samstag von 8:00 bis 18:00 Uhr."
        assert shop.answer("Wann habt ihr morgen offen?", "de") == "Morgen von 8:00 bis 20:00 Uhr."
        assert shop.answer("Wie geht's?", "de") == "Das weiß ich nicht."


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "Europe"])
async def test_time_zones_that_are_none(zone: str) -> None:
    with pytest.raises(SettingsError, match="There is no time zone"):
        async with Shop(Path(), time_zone=zone).agent:
            pass
