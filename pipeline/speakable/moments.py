"""Dates and times of day, as they are written."""

from __future__ import annotations

import re

from pipeline.speakable.wording import Clock, Date, Wording

Found = tuple[str, int]
"""Words, and where in the text what they stand for ends."""

_ISO_DATE = re.compile(r"(?P<year>\d{4})(?P<mark>[-/.])(?P<first>\d{1,2})(?P=mark)(?P<second>\d{1,2})(?!\d|[-/]\d)")
_NUMERIC_DATE = re.compile(
    r"(?P<first>\d{1,2})(?P<mark>[-/.])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4}|(?<=/)\d{2})(?!\d|[-/.]\d)"
)
_SHORT_DATE = re.compile(r"(?P<first>\d{1,2})/(?P<second>\d{1,2})(?![\d/])")
_DAY_FOLLOWS = re.compile(r"\b(?:on|by|until|till|before|after|since|from|el|del|al|hasta|desde)\s$", re.IGNORECASE)
_HALF_DAY_TIME = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s?([AaPp])(?:\.\s?[Mm]\.|\.?\s?[Mm](?!\w))")
_HALF_DAY_FOLLOWS = re.compile(
    r"(\d{1,2})(?:[:.](\d{2}))?(?=\s?[-–—]\s?\d{1,2}(?:[:.]\d{2})?\s?[AaPp]\.?\s?[Mm](?!\w))"
)
_DAY_TIME = re.compile(r"(\d{1,2})[:h]([0-5]\d)(?::[0-5]\d)?(?![\d:])(?:\s?(?:hrs?|hs|horas|h)\b)?")
_SENTENCE_END = re.compile(r"\s*$|\s+[\"'“(¿¡]?[A-ZÁÉÍÓÚÑ]")


class Moments:
    """Puts dates and times into one language's words."""

    def __init__(self, wording: Wording) -> None:
        self._wording = wording

    def date(self, text: str, begin: int) -> Found | None:
        """The date that begins there."""
        before = text[max(0, begin - 12) : begin]
        found = _ISO_DATE.match(text, begin)
        if found:
            date = _day(int(found["second"]), int(found["first"]), int(found["year"]))
        elif found := _NUMERIC_DATE.match(text, begin):
            date = self._numeric(found, int(found["year"]))
        elif (found := _SHORT_DATE.match(text, begin)) and _DAY_FOLLOWS.search(before):
            date = self._numeric(found, None)
        else:
            found = next((hit for form in self._wording.dates if (hit := form.match(text, begin))), None)
            date = self._named(found) if found else None
        return (self._wording.date(date, before), found.end()) if found and date else None

    def _numeric(self, found: re.Match[str], year: int | None) -> Date | None:
        first, second = int(found["first"]), int(found["second"])
        day, month = (first, second) if self._wording.day_first else (second, first)
        if month > 12 >= day:
            day, month = month, day
        return _day(day, month, year + 2000 if year is not None and year < 100 else year)

    def _named(self, found: re.Match[str]) -> Date | None:
        groups = found.groupdict()
        day, last_day, year = (int(groups[name]) if groups.get(name) else None for name in ("day", "last_day", "year"))
        if not 1 <= (day or 1) <= 31 or not 1 <= (last_day or 1) <= 31:
            return None
        return Date(self._wording.months[groups["month"].lower()], day, last_day, year)

    def time(self, text: str, begin: int) -> Found | None:
        """The time of day that begins there."""
        if found := _HALF_DAY_TIME.match(text, begin):
            clock = Clock(int(found[1]), int(found[2]) if found[2] else None, f"{found[3].lower()}m")
        elif found := _HALF_DAY_FOLLOWS.match(text, begin):
            clock = Clock(int(found[1]), int(found[2]) if found[2] else None)
        elif found := _DAY_TIME.match(text, begin):
            clock = Clock(int(found[1]), int(found[2]))
        else:
            return None
        if clock.hour > 24 or (clock.minute or 0) > 59:
            return None
        end = found.end()
        # The full stop of "p.m." at a sentence's end is the sentence's too.
        if found[0].endswith(".") and _SENTENCE_END.match(text, end):
            end -= 1
        return self._wording.time(clock, text[end : end + 12]), end


def _day(day: int, month: int, year: int | None) -> Date | None:
    return Date(month, day, None, year) if 1 <= month <= 12 and 1 <= day <= 31 else None
