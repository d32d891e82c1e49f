"""How English says what is written in figures and signs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from num2words import num2words

from pipeline.speakable.numerals import Amount
from pipeline.speakable.signs import Replacements, acronyms, slashes
from pipeline.speakable.wording import Clock, Currency, Date, Noun, Words

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_MONTH_NUMBERS = {
    name: index for index, month in enumerate(_MONTHS, 1) for name in (month.lower(), month[:3].lower())
} | {"sept": 9}
_MONTH = (
    r"(?P<month>January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)(?=\.|\s|,|$))"
)
_DATE_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_LAST_DAY = r"(?:\s?[-–—]\s?(?P<last_day>\d{1,2})(?:st|nd|rd|th)?(?![\w:/]))?"

_DOLLAR = Currency(Noun("dollar", "dollars"), Noun("cent", "cents"))
_POUND = Currency(Noun("pound", "pounds"), Noun("penny", "pence"))
_EURO = Currency(Noun("euro", "euros"), Noun("cent", "cents"))
_YEN = Currency(Noun("yen", "yen"))
_PESO = Currency(Noun("peso", "pesos"), Noun("centavo", "centavos"))
_CENT = Currency(Noun("cent", "cents"))

_UNITS = {
    "mg": "milligram", "g": "gram", "gr": "gram", "kg": "kilogram", "kgs": "kilogram", "t": "ton",
    "ml": "milliliter", "mL": "milliliter", "cl": "centiliter", "dl": "deciliter", "l": "liter", "L": "liter",
    "mm": "millimeter", "cm": "centimeter", "m": "meter", "km": "kilometer",
    "m²": "square meter", "m2": "square meter", "sqm": "square meter", "km²": "square kilometer",
    "cm²": "square centimeter", "m³": "cubic meter", "m3": "cubic meter", "cm³": "cubic centimeter",
    "sq ft": "square foot/square feet", "sq. ft.": "square foot/square feet", "ft²": "square foot/square feet",
    "ft": "foot/feet", "ft.": "foot/feet", "yd": "yard", "yds": "yard",
    "mi": "mile", "mph": "mile per hour/miles per hour",
    "inch": "inch/inches", "″": "inch/inches", "′": "foot/feet",
    "km/h": "kilometer per hour/kilometers per hour", "kph": "kilometer per hour/kilometers per hour",
    "oz": "ounce", "oz.": "ounce", "fl oz": "fluid ounce", "fl. oz.": "fluid ounce", "lb": "pound", "lbs": "pound",
    "lb.": "pound", "lbs.": "pound", "gal": "gallon", "gal.": "gallon", "qt": "quart", "pt": "pint",
    "tbsp": "tablespoon", "tsp": "teaspoon",
    "W": "watt", "kW": "kilowatt", "kWh": "kilowatt hour", "V": "volt", "mAh": "milliamp hour", "Hz": "hertz/hertz",
    "kHz": "kilohertz/kilohertz", "MHz": "megahertz/megahertz", "GHz": "gigahertz/gigahertz",
    "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte",
    "ms": "millisecond", "sec": "second", "secs": "second", "min": "minute", "mins": "minute",
    "h": "hour", "hr": "hour", "hrs": "hour", "wk": "week", "yr": "year", "yrs": "year",
    "kcal": "kilocalorie", "cal": "calorie", "kJ": "kilojoule",
    "°C": "degree Celsius/degrees Celsius", "ºC": "degree Celsius/degrees Celsius",
    "° C": "degree Celsius/degrees Celsius", "°F": "degree Fahrenheit/degrees Fahrenheit",
    "ºF": "degree Fahrenheit/degrees Fahrenheit", "° F": "degree Fahrenheit/degrees Fahrenheit",
    "°": "degree", "%": "percent/percent", "‰": "per mille/per mille",
    "pcs": "piece", "pc": "piece", "pk": "pack", "ea": "each/each", "ct": "count/count",
}  # fmt: skip

_ABBREVIATIONS = Replacements(
    {
        r"Mr\.(?=\s)": "Mister",
        r"Mrs\.(?=\s)": "Missus",
        r"Ms\.(?=\s)": "Miz",
        r"Dr\.(?=\s[A-Z])": "Doctor",
        r"Prof\.(?=\s)": "Professor",
        r"(?<=[a-z]\s)St\.(?=[\s,]|$)(?!\s[A-Z])": "Street",
        r"St\.(?=\s[A-Z])": "Saint",
        r"(?<=\s)Ave\.": "Avenue",
        r"(?<=\s)Blvd\.": "Boulevard",
        r"(?<=\s)Rd\.": "Road",
        r"e\.\s?g\.,?": "for example,",
        r"i\.\s?e\.,?": "that is,",
        r"etc\.(?=\s*$|\s+[A-Z])": "et cetera.",
        r"etc\b\.?": "et cetera",
        r"vs\b\.?": "versus",
        r"a\.k\.a\.": "also known as",
        r"[Aa]pprox\.": "approximately",
        r"[Ii]ncl\.": "including",
        r"[Ee]xcl\.": "excluding",
        r"[Dd]ept\.": "department",
        r"[Mm]in\.(?=\s+\d)": "minimum",
        r"[Mm]ax\.(?=\s+\d)": "maximum",
        r"[Tt]el\.?:?(?=\s*[+(\d])": "telephone",
        r"[Ee]xt\.(?=\s*\d)": "extension",
        r"(?:No|Nr|Nos)\.(?=\s?\d)|№": "number ",
        r"w/o\b": "without",
        r"w/(?=\s|\w)": "with ",
        r"24/7": "twenty-four seven",
        r"N/A": "not available",
        r"℃": "°C",
        r"℉": "°F",
    }
)
_DAYS = {
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday", "Thur": "Thursday",
    "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip
_DAY = "Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun"
_SHORT_DAY = re.compile(
    rf"\b({_DAY})\b\.?(?=\s?[-–—:&]|,?\s(?:\d|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?\s\d)"
    rf"|\.?$|,\s(?:{_DAY})\b)"
)
_AFTER_DASH_DAY = re.compile(rf"(?<=[-–—&,])(\s?)({_DAY})\b\.?(?![a-z])")
_DAY_RANGE = re.compile(r"(?<=day)\s?[-–—]\s?(?=(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)")
_SIGNS = Replacements(
    {
        r"\s?&\s?": " and ",
        r"(?<=\w)\+\+": " plus plus",
        r"(?<=\w)\+(?=\W|$)|(?<!\S)\+(?=\s)|(?<=\s)\+(?=\w)|(?<=\w)\+(?=\w)": " plus ",
        r"(?<=\w)\s?=\s?(?=\w)": " equals ",
        r"#(?=\w)": "",
        r"@": " at ",
        r"%": " percent",
        r"(?<=\w)\s?×\s?(?=\w)": " times ",
        r"[~≈](?=\s?\w)": "about ",
        r"±\s?": "plus or minus ",
        r"≤\s?": "at most ",
        r"≥\s?": "at least ",
        r"°": " degrees",
        r"\$": " dollars ",
        r"€": " euros ",
        r"£": " pounds ",
        r"§\s?": "section ",
    }
)
_DENOMINATORS = {2: "half", 4: "quarter"}


class English:
    """``Wording`` for English; with ``day_first`` as it is written outside the United States."""

    words = Words("to", "by", Noun("time", "times"), "per", "minus", "plus", "number", "slash")
    singular_between = True
    decimal_comma = False
    months: Mapping[str, int] = _MONTH_NUMBERS
    units: Mapping[str, Noun] = {
        sign: Noun(*(names.split("/") if "/" in names else (names, names + "s"))) for sign, names in _UNITS.items()
    }
    currencies: Mapping[str, Currency] = {
        "$": _DOLLAR, "US$": _DOLLAR, "CA$": _DOLLAR, "A$": _DOLLAR, "USD": _DOLLAR, "CAD": _DOLLAR, "¢": _CENT,
        "€": _EURO, "EUR": _EURO, "£": _POUND, "GBP": _POUND, "¥": _YEN, "JPY": _YEN, "MX$": _PESO, "MXN": _PESO,
    }  # fmt: skip
    magnitudes: Mapping[str, str] = {
        "million": "million", "M": "million", "m": "million", "billion": "billion", "bn": "billion", "B": "billion",
        "k": "thousand", "K": "thousand", "thousand": "thousand",
    }  # fmt: skip
    dates: tuple[re.Pattern[str], ...] = (
        re.compile(rf"{_MONTH}\.?\s{_DATE_DAY}{_LAST_DAY}(?![\w:/%]|[.,]\d)(?:,?\s(?P<year>\d{{4}})(?!\d))?"),
        re.compile(rf"{_MONTH}\.?,?\s(?P<year>(?:19|20)\d{{2}})(?!\d)"),
        re.compile(
            rf"{_DATE_DAY}{_LAST_DAY}\s(?:of\s)?{_MONTH}\b(?:\.(?=\s[a-z\d,]))?(?:,?\s(?P<year>\d{{4}})(?!\d))?"
        ),
    )
    ordinal_marks = "st|nd|rd|th|ST|ND|RD|TH|º|ª"

    def __init__(self, *, day_first: bool = False) -> None:
        self.day_first = day_first

    def number(self, amount: Amount, *, feminine: bool = False, following: str = "") -> str:
        """``2.50`` as "two point five zero", 1½ as "one and a half"."""
        whole = _cardinal(amount.whole)
        if amount.fraction:
            part = _fraction(*amount.fraction)
            return f"{whole} and {part}" if amount.whole else part
        if not amount.decimals:
            return whole
        return f"{whole} point " + " ".join(_cardinal(int(digit)) for digit in amount.decimals)

    def counted(self, amount: Amount, noun: Noun) -> str:
        """ "two grams", "half a liter", "one and a half liters"."""
        if amount.fraction and not amount.whole:
            part = _fraction(*amount.fraction)
            article = "an" if noun.one[0] in "aeiou" or noun.one == "hour" else "a"
            return f"half {article} {noun.one}" if amount.fraction == (1, 2) else f"{part} of {article} {noun.one}"
        return f"{self.number(amount)} {noun.one if amount.is_one else noun.many}"

    def price(self, amount: Amount, currency: Currency, magnitude: str) -> str:
        """ "two dollars and forty cents"."""
        if magnitude:
            return f"{self.number(amount)} {magnitude} {currency.unit.many}"
        if len(amount.decimals) > 2 or not currency.cent:
            return self.counted(amount, currency.unit)
        cents = Amount(int(amount.decimals.ljust(2, "0") or 0)) if amount.decimals else Amount(0)
        parts = []
        if amount.whole or not cents.whole:
            parts.append(self.counted(Amount(amount.whole), currency.unit))
        if cents.whole:
            parts.append(self.counted(cents, currency.cent))
        return " and ".join(parts)

    def ordinal(self, number: int, mark: str) -> str:
        """ "twenty-first"."""
        return _ordinal(number)

    def year(self, year: int) -> str:
        """ "nineteen ninety-nine", "two thousand five", "twenty twenty-six"."""
        century, rest = divmod(year, 100)
        if rest == 0:
            return _cardinal(year) if century % 10 == 0 else f"{_cardinal(century)} hundred"
        if 2000 <= year < 2010:
            return f"two thousand {_cardinal(rest)}"
        return f"{_cardinal(century)} {'oh ' if rest < 10 else ''}{_cardinal(rest)}"

    def decade(self, year: int) -> str | None:
        """ "nineteen nineties"."""
        words = self.year(year)
        return words[:-1] + "ies" if words.endswith("y") else words + "s"

    def date(self, date: Date, before: str) -> str:
        """ "November twenty-second, twenty twenty-six"."""
        words = _MONTHS[date.month - 1]
        if date.day:
            words += f" {_ordinal(date.day)}"
        if date.last_day:
            words += f" to {_ordinal(date.last_day)}"
        if date.year:
            words += f"{',' if date.day else ''} {self.year(date.year)}"
        return words

    def time(self, clock: Clock, after: str) -> str:
        """ "nine thirty AM"; hours above twelve as PM."""
        if clock.hour in {0, 24} and not clock.minute and not clock.half:
            return "midnight"
        half = clock.half.upper()
        if not half and (clock.hour in {0, 24} or clock.hour > 12):
            half = "AM" if clock.hour in {0, 24} else "PM"
        hour = _cardinal((clock.hour - 1) % 12 + 1)
        if clock.minute is None or (clock.minute == 0 and half):
            minutes = ""
        elif clock.minute == 0:
            minutes = " o'clock"
        else:
            minutes = f" {'oh ' if clock.minute < 10 else ''}{_cardinal(clock.minute)}"
        return f"{hour}{minutes}{f' {half}' if half else ''}"

    def expand(self, text: str) -> str:
        """Abbreviations in full, days of the week too."""
        text = _ABBREVIATIONS.apply(text)
        text = _SHORT_DAY.sub(lambda day: _DAYS[day[1]], text)
        text = _AFTER_DASH_DAY.sub(lambda day: day[1] + _DAYS[day[2]], text)
        return acronyms(_DAY_RANGE.sub(" to ", text))

    def symbols(self, text: str) -> str:
        """Signs as words."""
        return slashes(_SIGNS.apply(text), "or")


@lru_cache(maxsize=2048)
def _cardinal(number: int) -> str:
    # The commas of "one thousand, two hundred" are pauses to an engine.
    return str(num2words(number, lang="en")).replace(",", "")


@lru_cache(maxsize=256)
def _ordinal(number: int) -> str:
    return str(num2words(number, lang="en", to="ordinal")).replace(",", "")


def _fraction(numerator: int, denominator: int) -> str:
    name = _DENOMINATORS.get(denominator) or _ordinal(denominator)
    if numerator == 1:
        return f"{'an' if denominator in {8, 11} else 'a'} {name}"
    return f"{_cardinal(numerator)} {'halves' if denominator == 2 else name + 's'}"
