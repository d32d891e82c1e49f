"""Whether what was heard is the assistant's own voice: the last defence for what the echo canceller lets through.

An echo is a stretch of what is being said, with the words in the same order, a few of them misheard, torn off at its
ends. A customer who interrupts uses some of the same words, but asks something with them.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from functools import lru_cache

from pipeline.phrase_patterns import comparable

LEAST_WORDS, LEAST_LETTERS = 4, 18
"""Less than this is never called an echo: "yes", "stop", "aisle three?" are what customers say while they are told."""

LEAST_ALIKE, LEAST_ALIKE_LONG = 0.75, 0.65
"""Share of the letters heard that must be found again. A long transcript needs fewer: customers seldom interrupt with
much, and many words have many errors. Measured in docs/decisions/144-requests-and-echoes.md."""

LONG_WORDS = 12
"""From here on a transcript is long."""

_SHORTEST_SIMILAR = 4
"""Letters of a word that may be misheard as a similar one; short ones are similar to too many."""

_LEAST_SIMILAR = 0.6


def resembles(transcript: str, being_said: str) -> bool:
    """Whether a transcript is likely an echo of what is being said.

    Figures count as other words than number words, so hand over both as they are spoken (``speakable``).

    Args:
        transcript: What was heard.
        being_said: What was handed to the loudspeaker lately.
    """
    heard, said = comparable(transcript), comparable(being_said)
    if len(heard) < LEAST_WORDS or sum(map(len, heard)) < LEAST_LETTERS:
        return False
    return likeness(heard, said) >= (LEAST_ALIKE if len(heard) < LONG_WORDS else LEAST_ALIKE_LONG)


def likeness(heard: tuple[str, ...], said: tuple[str, ...]) -> float:
    """0 to 1: how much of ``heard``, by letters, is found in order in the stretch of ``said`` that fits it best.

    The alignment is Sellers' (1980): an edit distance for which what stands before and after the stretch costs nothing.
    """
    letters = sum(map(len, heard))
    if not letters:
        return 0.0
    costs = [0.0] * (len(said) + 1)
    for word in heard:
        diagonal, costs[0] = costs[0], costs[0] + len(word)
        for place, other in enumerate(said, start=1):
            replaced = diagonal + max(len(word), len(other)) * (1 - _similar(word, other))
            diagonal = costs[place]
            costs[place] = min(replaced, diagonal + len(word), costs[place - 1] + len(other))
    return max(0.0, 1 - min(costs) / letters)


@lru_cache(maxsize=4096)
def _similar(word: str, other: str) -> float:
    """0 to 1: whether one word may have been heard for the other."""
    if word == other:
        return 1.0
    if min(len(word), len(other)) < _SHORTEST_SIMILAR:
        return 0.0
    ratio = SequenceMatcher(None, word, other, autojunk=False).ratio()
    return ratio if ratio >= _LEAST_SIMILAR else 0.0
