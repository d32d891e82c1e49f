"""Prices, measures, telephone numbers and plain numbers, found in a text and put into words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from pipeline.speakable.moments import Found, Moments
from pipeline.speakable.numerals import AMOUNT, FRACTION_SIGNS, Amount, fraction, grouped, read, runs
from pipeline.speakable.wording import Currency, Noun, Wording

_SIGN = r"(?P<sign>(?<![\w)])[-−+])?\s?"
_RANGE = re.compile(r"\s?[-–—−]\s?(?=(?:[A-Z]{2})?[$€£¥]?\s?\d)")
_PHONES = (
    re.compile(r"\+\d{1,3}(?:[ .-]?\(\d{1,4}\))?(?:[ .-]?\d{2,4}){2,5}(?!\d)"),
    re.compile(r"(?:1[ .-])?(?:\(\d{3}\)[ .-]?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\d-])"),
    re.compile(r"\d{3} \d{3} \d{3}(?!\d)|\d{3} \d{2} \d{2} \d{2}(?!\d)|\d{2} \d{4} \d{4}(?!\d)"),
    re.compile(r"\d{3}-\d{4}(?![\d-])|1-8\d\d(?=-[A-Z])"),
    re.compile(r"\d+(?:-\d+){2,}(?!\d)"),
)
_MIXED = rf"(?P<mixed>\d{{1,6}}\s?[{FRACTION_SIGNS}]|(?:\d{{1,6}}\s)?\d{{1,2}}/\d{{1,2}}(?![\d/])|[{FRACTION_SIGNS}])"
_BY = re.compile(rf"({AMOUNT})\s?[x×]\s?(?=\d)")
_TIMES = re.compile(rf"({AMOUNT})\s?[x×](?!\w)")
_MIXED_ALONE = re.compile(rf"{_MIXED}(?!\w)")
_YEAR = re.compile(r"((?:19|20)\d{2})(s?)(?![\w/]|[.,]\d)")
_NUMBERED = re.compile(r"#\s?(?=\d)")
_CODE = re.compile(r"(?:0\d+|\d{7,})(?!\w|[.,]\d)")
_THOUSANDS = re.compile(rf"({AMOUNT})k\b")
_FIGURES = re.compile(r"\w+(?:[.,:/]\w+)*")
_ARTICLE = re.compile(r"\b[Aa]n?\s$")
_NEXT_WORD = re.compile(r"\s([^\W\d]+)")


class Quantities:
    """Puts what is written in figures into one language's words."""

    def __init__(self, wording: Wording) -> None:
        self._wording = wording
        signs, units = _alternatives(wording.currencies), _alternatives(wording.units)
        magnitude = rf"(?:\s?(?P<magnitude>{_alternatives(wording.magnitudes)})(?!\w))?"
        self._start = re.compile(
            rf"(?<!\w)(?<!\d[.,:])(?:[-−+(#]\s?(?=\d|{signs})|(?:{signs})\s?(?=\d)|[\d{FRACTION_SIGNS}]"
            r"|[A-Z][a-z]{2,8}\.?\s(?=\d))"
        )
        self._prices = (
            re.compile(rf"{_SIGN}(?P<currency>{signs})\s?(?P<amount>{AMOUNT}){magnitude}(?!\w)"),
            re.compile(rf"{_SIGN}(?P<amount>{AMOUNT}){magnitude}\s?(?P<currency>{signs})(?!\w)"),
        )
        self._measure = re.compile(rf"{_SIGN}(?:{_MIXED}|(?P<amount>{AMOUNT}))\s?(?P<unit>{units})(?![\w²³°])")
        self._plain = re.compile(rf"{_SIGN}(?P<amount>{AMOUNT})(?!\w|:\d)(?P<slash>/(?=\d))?")
        self._ordinal = re.compile(rf"(\d{{1,4}})({wording.ordinal_marks})(?!\w)")
        self._per = re.compile(rf"\s?/\s?(?P<unit>{units})(?!\w)")
        moments = Moments(wording)
        self._rules: tuple[tuple[Callable[[str, int], Found | None], bool], ...] = (
            (moments.date, True),
            (moments.time, True),
            (self._price, True),
            (self._phone, False),
            (self._multiple, False),
            (self._measured, True),
            (self._nth, True),
            (self._part, True),
            (self._code, True),
            (self._year, True),
            (self._numbered, False),
            (self._number, True),
        )
        """In the order in which they are tried, and whether "to" may join what they find to a next number."""

    def worded(self, text: str) -> str:
        """The text with what it holds in figures in words; codes such as ``A4`` and ``1.2.3`` stay as they are."""
        return "".join(self._parts(text))

    def _parts(self, text: str) -> Iterator[str]:
        position = 0
        while start := self._start.search(text, position):
            begin = start.start()
            yield text[position:begin]
            found = self._first(text, begin)
            if found is not None:
                words, position = found
                yield words
                continue
            figures = _FIGURES.match(text, begin) if text[begin].isalnum() else None
            position = figures.end() if figures and text[begin].isdigit() else begin + 1
            yield text[begin:position]
        yield text[position:]

    def _first(self, text: str, begin: int) -> Found | None:
        for rule, may_range in self._rules:
            found = rule(text, begin)
            if found is None:
                continue
            words, end = found
            following = _RANGE.match(text, end) if may_range else None
            return (f"{words} {self._wording.words.to} ", following.end()) if following else found
        return None

    def _read(self, figures: str) -> Amount | None:
        return read(figures, decimal_comma=self._wording.decimal_comma)

    def _signed(self, found: re.Match[str], words: str) -> str:
        if not found["sign"]:
            return words
        return f"{self._wording.words.plus if found['sign'] == '+' else self._wording.words.minus} {words}"

    def _price(self, text: str, begin: int) -> Found | None:
        found = next((hit for form in self._prices if (hit := form.match(text, begin))), None)
        amount = self._read(found["amount"]) if found else None
        if not found or amount is None:
            return None
        magnitude = self._wording.magnitudes[found["magnitude"]] if found["magnitude"] else ""
        currency = self._wording.currencies[found["currency"]]
        if self._is_between(text, found):
            currency = Currency(Noun(currency.unit.one, currency.unit.one), currency.cent)
        words = self._wording.price(amount, currency, magnitude)
        return self._with_per(text, self._signed(found, words), found.end())

    def _is_between(self, text: str, found: re.Match[str]) -> bool:
        """Whether it stands between an article and its noun and the language then uses the singular."""
        article = _ARTICLE.search(text, max(0, found.start() - 4), found.start())
        return self._wording.singular_between and bool(article and _NEXT_WORD.match(text, found.end()))

    def _with_per(self, text: str, words: str, end: int) -> Found:
        per = self._per.match(text, end)
        if not per:
            return words, end
        return f"{words} {self._wording.words.per} {self._wording.units[per['unit']].one}", per.end()

    def _phone(self, text: str, begin: int) -> Found | None:
        for pattern in _PHONES:
            if found := pattern.match(text, begin):
                words = ", ".join(self._spelled(digits) for digits in runs(found[0]))
                return (f"{self._wording.words.plus} {words}" if found[0][0] == "+" else words), found.end()
        return None

    def _spelled(self, digits: str) -> str:
        return " ".join(self._wording.number(Amount(int(digit))) for digit in digits)

    def _multiple(self, text: str, begin: int) -> Found | None:
        found = _BY.match(text, begin) or _TIMES.match(text, begin)
        amount = self._read(found[1]) if found else None
        if not found or amount is None:
            return None
        if found.end() < len(text) and text[found.end()].isdigit():
            following = self._first(text, found.end())
            if following:
                return f"{self._wording.number(amount)} {self._wording.words.by} {following[0]}", following[1]
        return self._wording.counted(amount, self._wording.words.times), found.end()

    def _measured(self, text: str, begin: int) -> Found | None:
        found = self._measure.match(text, begin)
        if not found:
            return None
        amount = _mixed(found["mixed"]) if found["mixed"] else self._read(found["amount"])
        if amount is None:
            return None
        unit = self._wording.units[found["unit"]]
        if self._is_between(text, found) and not amount.fraction:
            unit = Noun(unit.one, unit.one, unit.feminine)
        words = self._wording.counted(amount, unit)
        return self._with_per(text, self._signed(found, words), found.end())

    def _nth(self, text: str, begin: int) -> Found | None:
        found = self._ordinal.match(text, begin)
        return (self._wording.ordinal(int(found[1]), found[2]), found.end()) if found else None

    def _part(self, text: str, begin: int) -> Found | None:
        found = _MIXED_ALONE.match(text, begin)
        amount = _mixed(found["mixed"]) if found else None
        return (self._wording.number(amount), found.end()) if found and amount else None

    def _code(self, text: str, begin: int) -> Found | None:
        found = _CODE.match(text, begin)
        if not found or (found[0].endswith("000") and found[0][0] != "0"):
            return None
        return ", ".join(map(self._spelled, grouped(found[0]))), found.end()

    def _year(self, text: str, begin: int) -> Found | None:
        found = _YEAR.match(text, begin)
        if not found:
            return None
        words = self._wording.decade(int(found[1])) if found[2] else self._wording.year(int(found[1]))
        return (words, found.end()) if words else None

    def _numbered(self, text: str, begin: int) -> Found | None:
        found = _NUMBERED.match(text, begin)
        return (f"{self._wording.words.number} ", found.end()) if found else None

    def _number(self, text: str, begin: int) -> Found | None:
        if (found := _THOUSANDS.match(text, begin)) and (amount := self._read(found[1])):
            return f"{self._wording.number(amount)} {self._wording.magnitudes['k']}", found.end()
        found = self._plain.match(text, begin)
        if not found:
            return None
        amount = self._read(found["amount"])
        if amount is None:
            return ", ".join(self._spelled(digits) for digits in runs(found[0])), found.end()
        if found["slash"]:
            return f"{self._signed(found, self._wording.number(amount))} {self._wording.words.slash} ", found.end()
        following = _NEXT_WORD.match(text, found.end())
        words = self._wording.number(amount, following=following[1] if following else "")
        return self._signed(found, words), found.end()


def _mixed(text: str) -> Amount | None:
    """The value of ``1 1/2``, ``1½``, ``½`` or ``1/2``, None where it is not a fraction that people name."""
    if text[-1] in FRACTION_SIGNS:
        numerator, denominator = fraction(text[-1])
        whole = text[:-1].strip()
    else:
        *rest, parts = text.split()
        whole = rest[0] if rest else ""
        numerator, denominator = map(int, parts.split("/"))
    if not 0 < numerator < denominator <= 16:
        return None
    return Amount(int(whole or 0), "", (numerator, denominator))


def _alternatives(signs: Iterable[str]) -> str:
    return "|".join(re.escape(sign) for sign in sorted(signs, key=len, reverse=True))
