"""Reads times of day as people say them: "nine thirty PM", "half past eight", "a las ocho y media"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from providers.agent.faq.language import Language, Phrasebook, Tokens

_WRITTEN = re.compile(r"(\d{1,2})[:.](\d\d)")
_NOON_MIN = 12 * 60


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """A time on the clock."""

    minutes: tuple[int, ...]
    """Minutes since midnight, 0 to 1440; two where "nine" may be in the morning or in the evening."""

    @property
    def ambiguous(self) -> bool:
        """Whether it may be either."""
        return len(self.minutes) > 1


class TimeReader:
    """Finds times in the words of one language."""

    def __init__(self, language: Language) -> None:
        words, book = language.words, language.book
        self._am, self._pm, self._oclock = book(words.am), book(words.pm), book(words.oclock)
        self._noon, self._midnight, self._before = book(words.noon), book(words.midnight), book(words.before_time)
        tokens = language.tokens
        self._minutes_before = Phrasebook((tokens(text), n) for text, n in words.minutes_before_hour.items())
        self._minutes_after = Phrasebook((tokens(text), n) for text, n in words.minutes_after_hour.items())

    def at(self, tokens: Tokens, place: int) -> tuple[int, TimeOfDay] | None:
        """How many tokens the time that begins at ``place`` has, and the time.

        A bare number is a time only behind a word such as "at"; "9 PM", "9:30" and "nine thirty" always are.
        """
        for book, minutes in ((self._noon, _NOON_MIN), (self._midnight, 2 * _NOON_MIN)):
            if found := book.at(tokens, place):
                return found[0], TimeOfDay((minutes,))
        start, extra, sure = place, 0, self._announced(tokens, place)
        if prefix := self._minutes_before.at(tokens, place):
            start, extra, sure = place + prefix[0], prefix[1], True
        if start >= len(tokens):
            return None
        end = start + 1
        if written := _WRITTEN.fullmatch(tokens[start]):
            hour, minute, sure = int(written[1]), int(written[2]), True
        elif tokens[start].isdigit():
            hour, minute = int(tokens[start]), 0
            if suffix := self._minutes_after.at(tokens, end):
                minute, end, sure = suffix[1], end + suffix[0], True
            elif end < len(tokens) and tokens[end].isdigit() and 10 <= int(tokens[end]) <= 59:
                minute, end, sure = int(tokens[end]), end + 1, True
        else:
            return None
        if oclock := self._oclock.at(tokens, end):
            end, sure = end + oclock[0], True
        half = self._half(tokens, end)
        if half is not None:
            end, sure = end + half[0], True
        if not sure or hour > 24 or minute > 59:
            return None
        return end - place, _time(hour, minute + extra, half[1] if half else None)

    def _announced(self, tokens: Tokens, place: int) -> bool:
        return any(
            (found := self._before.at(tokens, start)) is not None and start + found[0] == place
            for start in range(max(0, place - 3), place)
        )

    def _half(self, tokens: Tokens, place: int) -> tuple[int, bool] | None:
        for book, afternoon in ((self._am, False), (self._pm, True)):
            if found := book.at(tokens, place):
                return found[0], afternoon
        return None


def _time(hour: int, minute: int, afternoon: bool | None) -> TimeOfDay:
    if afternoon is not None and 1 <= hour <= 12:
        return TimeOfDay((hour % 12 * 60 + minute + (_NOON_MIN if afternoon else 0),))
    if afternoon is None and 1 <= hour <= 12:
        early = hour % 12 * 60 + minute
        return TimeOfDay((early % 1440, early + _NOON_MIN))
    return TimeOfDay(((hour * 60 + minute) % 1441,))
