"""How Spanish says what is written in figures and signs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from num2words import num2words

from pipeline.speakable.numerals import Amount
from pipeline.speakable.signs import acronyms, slashes
from pipeline.speakable.spanish_words import (
    ABBREVIATIONS,
    CURRENCIES,
    DAYS,
    DECIMAL_POINT_REGIONS,
    DOLLAR_REGIONS,
    MONTHS,
    PESO,
    SHORT_MONTHS,
    SIGNS,
    UNITS,
)
from pipeline.speakable.wording import Clock, Currency, Date, Noun, Words

_MONTH = rf"(?P<month>{'|'.join([*MONTHS, *SHORT_MONTHS])})"
_DAY = r"(?P<day>\d{1,2})(?:º|\.º|ro|er)?"
_DENOMINATORS = {2: "medio", 3: "tercio", 4: "cuarto", 5: "quinto", 6: "sexto", 7: "séptimo", 8: "octavo", 9: "noveno",
                 10: "décimo"}  # fmt: skip
_HUNDREDS = re.compile(r"\b(\w*(?:cientos|quinientos))\b")
_DAY_NAMES = "|".join(["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"])
_SHORT_DAY = re.compile(r"\b(lun|mar|mi[ée]|jue|vie|s[áa]b|dom)\b\.?(?=\s?[-–—:]|\s\d)", re.IGNORECASE)
_AFTER_DASH_DAY = re.compile(r"(?<=[-–—])(\s?)(lun|mar|mi[ée]|jue|vie|s[áa]b|dom)\b\.?", re.IGNORECASE)
_LETTER_DAYS = re.compile(r"\b([LMXJVSD])\s?[-–—]\s?([LMXJVSD])\b(?=:?\s?\d|:)")
_DAY_RANGE = re.compile(rf"(?i:(?<=\w)\s?[-–—]\s?(?=(?:{_DAY_NAMES})\b))")
_NO_NOUN = frozenset(
    {
        *("y", "e", "o", "u", "a", "al", "de", "del", "en", "con", "por", "para", "el", "la", "los", "las"),
        *("es", "son", "que", "hasta", "más", "menos", "como"),
    }
)
_MASCULINE_IN_A = frozenset({"día", "días", "mapa", "mapas", "problema", "problemas", "programa", "programas"})


class Spanish:
    """``Wording`` for Spanish; ``region`` (ISO 3166) decides on the decimal mark and what ``$`` is."""

    words = Words("a", "por", Noun("vez", "veces", feminine=True), "por", "menos", "más", "número", "barra")
    singular_between = False
    day_first = True
    months: Mapping[str, int] = {name: index for index, name in enumerate(MONTHS, 1)} | SHORT_MONTHS
    units: Mapping[str, Noun] = UNITS
    magnitudes: Mapping[str, str] = {
        "millones": "millones de",
        "millón": "millón de",
        "M": "millones de",
        "mil": "mil",
        "k": "mil",
    }
    dates: tuple[re.Pattern[str], ...] = (
        re.compile(
            rf"(?i:{_DAY}\s(?:de\s)?{_MONTH}\b(?:\.(?=\s[a-z\d,]))?(?:,?\s(?:de\s|del\s)?(?P<year>\d{{4}})(?!\d))?)"
        ),
        re.compile(rf"(?i:{_MONTH}\.?\s(?:de\s|del\s)?(?P<year>(?:19|20)\d{{2}})(?!\d))"),
    )
    ordinal_marks = r"\.?(?:º|ª|er|ra|ro|do|da|to|ta|mo|ma|vo|va|no|na|ᵉʳ)"

    def __init__(self, *, region: str = "") -> None:
        self.decimal_comma = region not in DECIMAL_POINT_REGIONS
        own = {} if region in DOLLAR_REGIONS else {"$": PESO}
        self.currencies: Mapping[str, Currency] = CURRENCIES | own

    def number(self, amount: Amount, *, feminine: bool = False, following: str = "") -> str:
        """``2,5`` as "dos coma cinco", ``21`` before "gramos" as "veintiún", before "libras" as "veintiuna"."""
        if amount.fraction:
            part = _fraction(*amount.fraction)
            return f"{_cardinal(amount.whole)} y {part.removeprefix('un ')}" if amount.whole else part
        if amount.decimals:
            mark = "coma" if self.decimal_comma else "punto"
            return f"{_cardinal(amount.whole)} {mark} " + " ".join(_cardinal(int(digit)) for digit in amount.decimals)
        noun = following.lower() if following.lower() not in _NO_NOUN and following[:1].islower() else ""
        is_feminine = feminine or (noun.endswith(("a", "as")) and noun not in _MASCULINE_IN_A)
        words = _cardinal(amount.whole)
        return _before_noun(words, feminine=is_feminine) if noun or feminine else words

    def counted(self, amount: Amount, noun: Noun) -> str:
        """ "dos gramos", "medio litro", "un litro y medio"."""
        if amount.fraction == (1, 2):
            half = "media" if noun.feminine else "medio"
            if not amount.whole:
                return f"{half} {noun.one}"
            return f"{self.counted(Amount(amount.whole), noun)} y {half}"
        if amount.fraction and not amount.whole:
            return f"{_fraction(*amount.fraction)} de {noun.one}"
        words = self.number(amount)
        if not amount.decimals and not amount.fraction:
            words = _before_noun(words, feminine=noun.feminine)
        of = "de " if words.endswith(("millón", "millones")) else ""
        return f"{words} {of}{noun.one if amount.is_one else noun.many}"

    def price(self, amount: Amount, currency: Currency, magnitude: str) -> str:
        """ "tres euros con cincuenta", "noventa y nueve céntimos"."""
        if magnitude:
            words = "un" if amount.is_one else self.number(amount)
            return f"{words} {magnitude} {currency.unit.many}"
        if len(amount.decimals) > 2 or not currency.cent:
            return self.counted(amount, currency.unit)
        cents = Amount(int(amount.decimals.ljust(2, "0")) if amount.decimals else 0)
        if not cents.whole:
            return self.counted(Amount(amount.whole), currency.unit)
        if not amount.whole:
            return self.counted(cents, currency.cent)
        return f"{self.counted(Amount(amount.whole), currency.unit)} con {_cardinal(cents.whole)}"

    def ordinal(self, number: int, mark: str) -> str:
        """ "tercero", "tercera", "tercer"."""
        words = _ordinal(number)
        if mark.endswith(("ª", "a")):
            return " ".join(word[:-1] + "a" if word.endswith("o") else word for word in words.split())
        if mark.endswith(("er", "ᵉʳ")) and words.endswith(("primero", "tercero")):
            return words[:-1]
        return words

    def year(self, year: int) -> str:
        """ "dos mil veintiséis"."""
        return _cardinal(year)

    def decade(self, year: int) -> str | None:
        """Not written with figures and an "s" in Spanish."""
        return None

    def date(self, date: Date, before: str) -> str:
        """ "veintidós de noviembre de dos mil veintiséis"; the first day as "primero"."""
        words = MONTHS[date.month - 1]
        if date.day:
            words = f"{'primero' if date.day == 1 else _cardinal(date.day)} de {words}"
        return f"{words} de {_cardinal(date.year)}" if date.year else words

    def time(self, clock: Clock, after: str) -> str:
        """ "nueve y media de la noche"; the part of the day where the writing tells it and the text does not."""
        hour = _cardinal((clock.hour - 1) % 12 + 1)
        words = "una" if hour == "uno" else hour
        if clock.minute:
            words += " y " + {15: "cuarto", 30: "media"}.get(clock.minute, _cardinal(clock.minute))
        real = clock.hour % 12 + (12 if clock.half == "pm" else 0) if clock.half else clock.hour
        if re.match(r"\s(?:de la|del)\s", after) or (not clock.half and 0 < clock.hour <= 12):
            return words
        part = "mañana" if 0 < real < 12 else "tarde" if 12 <= real < 20 else "noche"
        if real == 12:
            return f"{words} del mediodía"
        return f"{words} de la {part}"

    def expand(self, text: str) -> str:
        """Abbreviations in full, days of the week too."""
        text = ABBREVIATIONS.apply(text)
        text = _LETTER_DAYS.sub(lambda days: f"{DAYS[days[1]]} a {DAYS[days[2]]}", text)
        text = _SHORT_DAY.sub(lambda day: DAYS[day[1].lower()], text)
        text = _AFTER_DASH_DAY.sub(lambda day: day[1] + DAYS[day[2].lower()], text)
        return acronyms(_DAY_RANGE.sub(" a ", text))

    def symbols(self, text: str) -> str:
        """Signs as words."""
        return slashes(SIGNS.apply(text), "o")


def _before_noun(words: str, *, feminine: bool) -> str:
    """A number's words as they stand before a noun: "un", "veintiún"; "una", "doscientas"."""
    if feminine:
        words = _HUNDREDS.sub(lambda hundreds: hundreds[1][:-2] + "as", words)
        return words[:-1] + "a" if words.endswith("uno") else words
    if words.endswith("veintiuno"):
        return words[:-3] + "ún"
    return words[:-1] if words.endswith("uno") else words


@lru_cache(maxsize=2048)
def _cardinal(number: int) -> str:
    return str(num2words(number, lang="es"))


@lru_cache(maxsize=256)
def _ordinal(number: int) -> str:
    return str(num2words(number, lang="es", to="ordinal"))


def _fraction(numerator: int, denominator: int) -> str:
    name = _DENOMINATORS.get(denominator, f"{_cardinal(denominator)}avo")
    if (numerator, denominator) == (1, 2):
        return "medio"
    return f"un {name}" if numerator == 1 else f"{_cardinal(numerator)} {name}s"
