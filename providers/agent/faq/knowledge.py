"""Answers questions in one language."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from pipeline.speech import Exchange, Personality
from providers.agent.faq.facts import FLEETING, FactBook, Moment
from providers.agent.faq.language import Language, Tokens
from providers.agent.faq.matcher import Match, Matcher
from providers.agent.faq.slots import Slot
from providers.agent.faq.template import Condition, Facts, Template

_SENTENCE = re.compile(r"(?<=[.!?…])\s+")
_PART = re.compile(r"[.!?…;]+\s+")
_MOST_PARTS = 3
_REMEMBERED = 2
"""Exchanges in which the thing that a pronoun stands for is looked for."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is said when all conditions hold: one of the variants."""

    conditions: tuple[Condition, ...]
    variants: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Cases of which the last always holds."""

    cases: tuple[Case, ...]

    def said(self, facts: Facts, turn: int) -> str:
        """The text for these facts; ``turn`` chooses the variant."""
        variants = self.variants(facts)
        return variants[turn % len(variants)].filled(facts)

    def variants(self, facts: Facts) -> tuple[Template, ...]:
        """The texts that may be said for these facts, one after the other in a conversation."""
        return next(case for case in self.cases if all(one.holds(facts) for one in case.conditions)).variants


@dataclass(frozen=True, slots=True)
class Found:
    """An answer and where it came from."""

    text: str
    questions: tuple[str, ...]
    """Names of the questions in the FAQ file; empty where none fits."""
    score: float
    """0 to 1: how well the best fits, also where that is not enough."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All that is known in one language."""

    language: Language
    matcher: Matcher
    facts: FactBook
    answers: Mapping[str, Answer]
    unknown: Answer
    about: Mapping[str, Answer]

    def answer(
        self, text: str, personality: Personality, history: Sequence[Exchange], now: datetime, min_score: float
    ) -> Found:
        """The answer to a question, or the honest one that there is none."""
        last = history[-1].heard_text if history else ""
        asking = _Asking(self, Moment(now, personality, last), len(history), min_score, self._about(history))
        tokens = self.language.tokens(text)
        whole = asking.match(tokens)
        if whole is not None and whole.score >= min_score:
            return asking.found([whole])
        matches = []
        for part in self._parts(text, tokens):
            matches.append(asking.match(part))
            asking = replace(asking, about=self.matcher.things(part) or asking.about)
        sure = [match for match in matches if match is not None and match.score >= min_score]
        if sure and len(sure) == len(matches):
            return asking.found(sure)
        score = whole.score if whole is not None else 0.0
        for kind, answer in self.about.items():
            if things := [slot for slot in self.matcher.things(tokens) if slot.kind == kind]:
                return Found(asking.say(answer, things[:1]), (), score)
        return Found(asking.say(self.unknown, ()), (), score)

    def phrases(self, personality: Personality, now: datetime) -> list[str]:
        """What is said now to a question that names no thing and begins a conversation, or to one not understood.

        Each variant of it, in the exact words of ``answer``; without what will be wrong in a minute.
        """
        moment = Moment(now, personality, "")
        facts = next(iter(self.facts.combinations((), moment)))
        plain = [answer for name, answer in self.answers.items() if name in self.matcher.plain]
        texts: list[str] = []
        for answer in (*plain, self.unknown):
            for turn, template in enumerate(answer.variants(facts)):
                if not template.fields & FLEETING:
                    texts.append(_Asking(self, moment, turn, 0.0, ()).say(answer, ()))
        return list(dict.fromkeys(texts))

    def _parts(self, text: str, tokens: Tokens) -> Sequence[Tokens]:
        """A question made of several: by its sentences, else by "and"; nothing where it is one."""
        sentences = [self.language.tokens(part) for part in _PART.split(text)]
        parts = [part for part in sentences if part]
        if len(parts) < 2:
            conjunctions = self.language.conjunctions
            groups = groupby(tokens, lambda token: token in conjunctions)
            parts = [tuple(group) for is_and, group in groups if not is_and]
        return parts if 2 <= len(parts) <= _MOST_PARTS else ()

    def _about(self, history: Sequence[Exchange]) -> Sequence[Slot]:
        for exchange in reversed(history[-_REMEMBERED:]):
            if things := self.matcher.things(self.language.tokens(exchange.customer_text)):
                return things
        return ()


@dataclass(frozen=True, slots=True)
class _Asking:
    """One question while it is answered."""

    knowledge: Knowledge
    moment: Moment
    turn: int
    min_score: float
    about: Sequence[Slot]

    def match(self, tokens: Tokens) -> Match | None:
        """A pronoun stands for the thing of the question before where that gives a good answer."""
        matcher = self.knowledge.matcher
        if self.about and (known := matcher.best(tokens, self.about)) and known.score >= self.min_score:
            return known
        return matcher.best(tokens)

    def found(self, matches: Sequence[Match]) -> Found:
        texts = [self.say(self.knowledge.answers[match.question], match.slots) for match in matches]
        names = tuple(match.question for match in matches)
        return Found(" ".join(dict.fromkeys(texts)), names, min(match.score for match in matches))

    def say(self, answer: Answer, slots: Sequence[Slot]) -> str:
        """For each thing asked for once; a sentence that is the same for all is said once."""
        combinations = self.knowledge.facts.combinations(slots, self.moment)
        texts = [answer.said(facts, self.turn) for facts in combinations]
        return " ".join(dict.fromkeys(sentence for text in texts for sentence in _SENTENCE.split(text)))
