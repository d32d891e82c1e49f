"""Finds the question of a FAQ that a customer's words mean, or none.

The score is Dice's coefficient over weighted words: twice the weight of what both have, divided by the weight of both.
Words that hardly distinguish questions weigh little, words that no question of the FAQ has weigh double (they are what
an unrelated question consists of), and things found in tables weigh double too. Equal scores are told apart by the
order of the words (rapidfuzz' ratio).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from providers.agent.faq.language import Language, Tokens
from providers.agent.faq.patterns import Pattern
from providers.agent.faq.slots import Item, Slot, SlotFinder

_LIGHT, _PLAIN, _THING, _FOREIGN, _NEGATION = 0.25, 1.0, 2.0, 2.0, 2.5
_WORTHLESS = 0.4
"""Scores below this are not told apart."""
_SIMILAR = 80.0
_SHORTEST_SIMILAR = 4


@dataclass(frozen=True, slots=True)
class Match:
    """A question that fits."""

    question: str
    """Its name in the FAQ file."""

    score: float
    """0 to 1."""

    slots: tuple[Slot, ...]
    """What it is about."""

    order: float = 0.0
    """0 to 100: how alike the words' order is."""

    @property
    def rank(self) -> tuple[float, float, int]:
        """What decides between two matches: of equal ones, that which understood more."""
        return self.score, self.order, len(self.slots)


class Matcher:
    """All questions of one language."""

    def __init__(self, language: Language, finder: SlotFinder, patterns: Iterable[Pattern]) -> None:
        self._language, self._finder = language, finder
        self._groups: dict[frozenset[str], list[Pattern]] = {}
        for pattern in patterns:
            self._groups.setdefault(pattern.slots, []).append(pattern)
        self._known = frozenset(
            token for group in self._groups.values() for pattern in group for token in pattern.tokens
        )
        finder.common = self._known
        self._weights: dict[Pattern, float] = {}
        for group in self._groups.values():
            for pattern in group:
                self._weights[pattern] = sum(map(self._weight, pattern.tokens))

    @property
    def plain(self) -> frozenset[str]:
        """Names of the questions that can be asked without naming a thing."""
        return frozenset(pattern.question for pattern in self._groups.get(frozenset(), ()))

    def best(self, tokens: Tokens, about: Sequence[Slot] = ()) -> Match | None:
        """The question that fits best, however badly; None where none has much in common.

        ``about`` are things that a pronoun may stand for: they take the place of the first pronoun.
        """
        plain = self._language.without_fillers(tokens)
        found: Match | None = None
        for kinds, group in self._groups.items():
            items = self._finder.find(plain, kinds)
            if about:
                items = self._with_pronouns(items, [slot for slot in about if slot.kind in kinds])
            slots = tuple(item for item in items if isinstance(item, Slot))
            if {slot.kind for slot in slots} != kinds:
                continue
            words = tuple(item.token if isinstance(item, Slot) else item for item in items)
            weight = sum(map(self._weight, words))
            for pattern in group:
                both = weight + self._weights[pattern]
                least = found.score if found else _WORTHLESS
                # What they share weighs no more than the lighter of them: most patterns are out without a look.
                if 2 * min(weight, self._weights[pattern]) < least * both:
                    continue
                score = 2 * self._shared(words, pattern.tokens) / both
                if score < least:
                    continue
                candidate = Match(pattern.question, score, slots, fuzz.ratio(words, pattern.tokens))
                if found is None or candidate.rank > found.rank:
                    found = candidate
        return found

    def things(self, tokens: Tokens) -> tuple[Slot, ...]:
        """Rows of tables that a text names exactly."""
        items = self._finder.find(tokens, frozenset(self._finder.tables))
        return tuple(item for item in items if isinstance(item, Slot) and item.exact)

    def _with_pronouns(self, items: tuple[Item, ...], about: Sequence[Slot]) -> tuple[Item, ...]:
        for place, item in enumerate(items):
            if about and isinstance(item, str) and item in self._language.pronouns:
                return (*items[:place], about[0], *items[place + 1 :])
        return items

    def _weight(self, token: str) -> float:
        if token.startswith("{"):
            return _THING if token[1:-1] in self._finder.tables else _PLAIN
        if token in self._language.negations:
            return _NEGATION
        if token in self._language.light:
            return _LIGHT
        return _PLAIN if token in self._known else _FOREIGN

    def _shared(self, words: Tokens, pattern: Tokens) -> float:
        """Weight of the pattern's words that the question has; a similar word counts by its similarity.

        A word heard wrongly is not held against the question: its own weight in the denominator is what it costs.
        """
        left = list(words)
        shared, missing = 0.0, []
        for token in pattern:
            if token in left:
                left.remove(token)
                shared += self._weight(token)
            else:
                missing.append(token)
        for token in missing:
            if len(token) < _SHORTEST_SIMILAR or token.startswith("{"):
                continue
            for word in left:
                if len(word) < _SHORTEST_SIMILAR or word in self._known:
                    continue
                likeness = fuzz.ratio(token, word, score_cutoff=_SIMILAR)
                if likeness:
                    left.remove(word)
                    # The mean of both weights, so that a word nobody knows does not cost double where it is a slip.
                    shared += (self._weight(token) + self._weight(word)) / 2 * likeness / 100
                    break
        return shared
