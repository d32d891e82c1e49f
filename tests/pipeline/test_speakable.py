"""Text made speakable, in both languages that are put into words."""

from __future__ import annotations

import random

import pytest

from pipeline.speakable import speakable

pytestmark = pytest.mark.unit

ENGLISH = {
    # prices
    "Bread costs $2.40.": "Bread costs two dollars and forty cents.",
    "$1 or $0.99 or $1,299.00": "one dollar or ninety-nine cents or one thousand two hundred and ninety-nine dollars",
    "€3,50, 2,40 € and £1.20": "three euros and fifty cents, two euros and forty cents and one pound and twenty pence",
    "$2.5 million": "two point five million dollars",
    "$2-$3; $2–3": "two dollars to three dollars; two dollars to three",
    "-$5": "minus five dollars",
    "$2.40/kg": "two dollars and forty cents per kilogram",
    "a $100 bill": "a one hundred dollar bill",
    # times
    "9 PM": "nine PM",
    "9:30am to 5:05 p.m. Come in": "nine thirty AM to five oh five PM. Come in",
    "Open from 9 a.m. to 9 p.m.": "Open from nine AM to nine PM.",
    "21:00, 9:00, 00:00": "nine PM, nine o'clock, midnight",
    "9-5": "nine to five",
    "9 AM - 5 PM": "nine AM to five PM",
    "9-5pm": "nine to five PM",
    "9:00-17:30": "nine o'clock to five thirty PM",
    # dates
    "2026-11-22": "November twenty-second, twenty twenty-six",
    "11/22/2026": "November twenty-second, twenty twenty-six",
    "22/11/2026": "November twenty-second, twenty twenty-six",
    "Nov 22": "November twenty-second",
    "Nov. 22, 2026": "November twenty-second, twenty twenty-six",
    "22 November 2026": "November twenty-second, twenty twenty-six",
    "Nov 22-25": "November twenty-second to twenty-fifth",
    "closed on 11/22": "closed on November twenty-second",
    "in 1999, 2005 and 1900": "in nineteen ninety-nine, two thousand five and nineteen hundred",
    "the 1990s": "the nineteen nineties",
    # measures
    "500 g, 1.5 l, 1 kg, 100ml": "five hundred grams, one point five liters, one kilogram, one hundred milliliters",
    "20 °C, -5 °C": "twenty degrees Celsius, minus five degrees Celsius",
    "20-30% off": "twenty to thirty percent off",
    "2x, 2x4, 10 x 20 cm": "two times, two by four, ten by twenty centimeters",
    "½ kg, 1½ l, 3/4, 1 1/2": "half a kilogram, one and a half liters, three quarters, one and a half",
    "a 500 g pack": "a five hundred gram pack",
    "500g-1kg": "five hundred grams to one kilogram",
    # numbers
    "1st, 2nd, 3rd, 21st": "first, second, third, twenty-first",
    "Call +1 (555) 123-4567.": "Call plus one, five five five, one two three, four five six seven.",
    "555-123-4567": "five five five, one two three, four five six seven",
    "555-1234": "five five five, one two three four",
    "#5, No. 7": "number five, number seven",
    "10-20 items": "ten to twenty items",
    "1,234,567": "one million two hundred and thirty-four thousand five hundred and sixty-seven",
    "order 0042": "order zero zero four two",
    "A4, B12, 3D, v1.2.3": "A4, B12, 3D, v1.2.3",
    # Markdown
    "**Bold**, *it*, _that_ and `code`": "Bold, it, that and code",
    "[the offer](https://example.com/a)": "the offer",
    "# Hours\n\n- every day\n- from 9 to 5": "Hours. every day. from nine to five",
    "1. Go to aisle 3.": "one: Go to aisle three.",
    "| Item | Price |\n|---|---|\n| Oil | $4 |": "Item, Price. Oil, four dollars",
    "Salt &amp; <b>oil</b>": "Salt and oil",
    # addresses
    "See https://www.example.com/oil?x=1.": "See example dot com slash oil.",
    "Mail info@my-shop.com!": "Mail info at my dash shop dot com!",
    # pictures, signs, marks
    "Hello 😀👍🏽 there 🇪🇸 :)": "Hello there",
    "salt & oil + 3": "salt and oil plus three",
    "and/or pick-up/delivery": "and or pick-up or delivery",
    "What?!! Yes!!! Well... maybe… Hm…": "What? Yes! Well, maybe. Hm.",
    "USB, ATM": "USB, ATM",
    "Mr. Smith, e.g. the U.S. store. In the U.S.": "Mister Smith, for example, the U S store. In the U S.",
    "Mon-Fri 9-5, Sat: 10-4": "Monday to Friday nine to five, Saturday: ten to four",
    "24/7 – always": "twenty-four seven, always",
    "We sell oil — and salt.": "We sell oil, and salt.",
}

SPANISH = {
    "Cuesta 3,50 €.": "Cuesta tres euros con cincuenta.",
    "1 €, 21 €, 0,99 €": "un euro, veintiún euros, noventa y nueve céntimos",
    "1.234,50 €": "mil doscientos treinta y cuatro euros con cincuenta",
    "$2.40": "dos dólares con cuarenta",
    "5.40 € y 6,90 euros la botella": "cinco euros con cuarenta y seis euros con noventa la botella",
    "1.40 euros, 12.50 dólares, 3,5 pesos": "un euro con cuarenta, doce dólares con cincuenta, "
    "tres pesos con cincuenta",
    "2 euros, 1.500 euros, 2,5 millones de euros": "dos euros, mil quinientos euros, dos coma cinco millones de euros",
    "£21": "veintiuna libras",
    "$5 millones": "cinco millones de dólares",
    "5 €/kg": "cinco euros por kilo",
    "a las 9 PM.": "a las nueve de la noche.",
    "a las 9:30 p. m. Ven": "a las nueve y media de la noche. Ven",
    "a las 21:00 h": "a las nueve de la noche",
    "de 9:00 a 17:30": "de nueve a cinco y media de la tarde",
    "las 9:00 de la noche": "las nueve de la noche",
    "22 de noviembre": "veintidós de noviembre",
    "1 de mayo de 2026": "primero de mayo de dos mil veintiséis",
    "22/11/2026": "veintidós de noviembre de dos mil veintiséis",
    "2026-11-22": "veintidós de noviembre de dos mil veintiséis",
    "22-25 de noviembre": "veintidós a veinticinco de noviembre",
    "500 g, 1,5 l, 21 g, 1 h": "quinientos gramos, uno coma cinco litros, veintiún gramos, una hora",
    "20 °C y 50 %": "veinte grados y cincuenta por ciento",
    "2x1": "dos por uno",
    "½ kg, 1½ l, 3/4": "medio kilo, un litro y medio, tres cuartos",
    "1.º 3.ª 1er 3er": "primero tercera primer tercer",
    "Llame al 912 345 678.": "Llame al nueve uno dos, tres cuatro cinco, seis siete ocho.",
    "1 manzana, 21 tomates, 200 personas": "una manzana, veintiún tomates, doscientas personas",
    "lun-vie 9-17, L-V: 9-17": "lunes a viernes nueve a diecisiete, lunes a viernes: nueve a diecisiete",
    "Sr. García, p. ej. EE. UU., n.º 5": "señor García, por ejemplo, Estados Unidos, número cinco",
    "info@tienda.es y www.tienda.es/oferta": "info arroba tienda punto es y tienda punto es barra oferta",
    "sal & pimienta": "sal y pimienta",
    "¡¡Hola!! ¿¿Qué??": "¡Hola! ¿Qué?",
    "- uno\n- dos": "uno. dos",
}

PLAIN = [
    "The olive oil is in aisle seven, next to the tomatoes.",
    'He said "yes" (twice) at nine o\'clock; why not?',
    "We're open until nine PM: come in!",
    "El aceite está en el pasillo siete, junto a los tomates.",
    "¿Dónde está la sal? ¡Aquí!",
]


@pytest.mark.parametrize("text", ENGLISH)
def test_english(text: str) -> None:
    assert speakable(text, "en") == ENGLISH[text]


@pytest.mark.parametrize("text", SPANISH)
def test_spanish(text: str) -> None:
    assert speakable(text, "es") == SPANISH[text]


@pytest.mark.parametrize("text", PLAIN)
@pytest.mark.parametrize("language", ["en", "es", "fr", "xx", ""])
def test_plain_text_stays(text: str, language: str) -> None:
    assert speakable(text, language) == text


@pytest.mark.parametrize("texts", [ENGLISH, SPANISH])
def test_what_is_speakable_stays(texts: dict[str, str]) -> None:
    language = "en" if texts is ENGLISH else "es"
    for spoken in texts.values():
        # A list item's number is said with a colon, which no plain text has there.
        assert speakable(spoken, language) == spoken


def test_regions() -> None:
    assert speakable("3/4/2026", "en") == "March fourth, twenty twenty-six"
    assert speakable("3/4/2026", "en-GB") == "April third, twenty twenty-six"
    assert speakable("$2.40 y 1,299", "es_MX") == "dos pesos con cuarenta y mil doscientos noventa y nueve"


def test_other_languages_lose_only_markup_pictures_and_addresses() -> None:
    assert speakable("**Bonjour** à 9 h 😀 sur www.exemple.fr", "fr") == "Bonjour à 9 h sur exemple point fr"
    assert speakable("価格は500円です。", "ja") == "価格は500円です。"
    assert speakable("Öffnungszeiten: 9–17 Uhr", "de") == "Öffnungszeiten: 9–17 Uhr"


@pytest.mark.parametrize("text", ["", " ", "🙂", "...", "?!", "***", "---", "\n\n", "#", "<br>", "\x00\x07", "\ufeff"])
@pytest.mark.parametrize("language", ["en", "es", "de"])
def test_nothing_to_say(text: str, language: str) -> None:
    assert speakable(text, language) == ""


def test_lexicon() -> None:
    lexicon = {
        "Siobhan": "shuh vawn",
        "gif": "jif",
        "Aceite": "ah say tay",
        "aceite de oliva": "olive oil",
        "7-Up": "seven up",
    }
    assert speakable("SIOBHAN has a GIF, a gift.", "en", lexicon) == "shuh vawn has a jif, a gift."
    assert speakable("Aceite  de Oliva, aceite: 7-Up!", "en", lexicon) == "olive oil, ah say tay: seven up!"
    assert speakable("tomato", "en", {"tomato": "the tomato (x)"}) == "the tomato (x)"
    assert speakable("tomato", "en", {"": "x", " ": "y"}) == "tomato"
    assert speakable("C++ (new)", "en", {"C++": "see plus plus"}) == "see plus plus (new)"


def test_it_takes_anything() -> None:
    chance = random.Random(3)
    scraps = [*ENGLISH, *SPANISH, *"½⅟²٣१$€[]<|`*_~^\\-–.,\n #x\ud800\x00", "1/", "/1", "0/0", "99:99", "1" * 400]
    scraps += ["[[", "](", "am", "de", "Nov"]
    for turn in range(3000):
        text = "".join(chance.choices(scraps, k=chance.randrange(1, 9)))
        text = text[chance.randrange(4) :] if turn % 2 else text
        for language in ("en", "en-GB", "es", "es-MX", "nl"):
            spoken = speakable(text, language)
            assert spoken == spoken.strip()
            spoken.encode()


@pytest.mark.parametrize(
    "scrap", ["1", "1,", "1-", "*", "|", "[", "a.", "$", "- ", "www.", "1 ", "A.", "<", "&", "1/", "@a"]
)
def test_long_text_takes_no_endless_time(scrap: str) -> None:
    for language in ("en", "es"):
        said = speakable(scrap * 10_000, language)
        assert said == said.strip()
