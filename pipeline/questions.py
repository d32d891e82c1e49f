"""Whether an answer asks the customer something, so that the next words need no wake word."""

from __future__ import annotations

import re

from pipeline.phrase_patterns import comparable
from pipeline.sentences import sentences_of
from pipeline.speech import primary_language

_MARKS = "?？؟՞⸮"
_GREEK_MARKS = ";\N{GREEK QUESTION MARK}"
"""What looks like a semicolon asks in Greek and nowhere else."""

_CLOSERS = re.compile(r"[^\w?？؟՞⸮;\N{GREEK QUESTION MARK}]+$")
"""Quotes, brackets, Markdown and pictures behind a question mark."""

_ASKING = {
    "en": r"(?:please )?(?:(?:say|repeat) (?:it|that)|tell me|say (?:yes|no)|choose|pick|answer)\b",
    "es": r"(?:por favor )?(?:repita(?:lo)?|repite(?:lo)?|digame(?:lo)?|dime(?:lo)?|elija|elige|conteste|contesta)\b",
}
"""How a sentence begins that asks without a question mark, as ``comparable`` words."""


def asks_something(text: str, language: str) -> bool:
    """Whether the last sentence of an answer is a question or asks the customer to say something.

    A question that the answer goes on from is none: "Why did the tomato turn red? Because …" waits for nobody.

    Args:
        text: The whole answer.
        language: ISO 639-1 code.
    """
    said = sentences_of(text)
    if not said:
        return False
    last, code = _CLOSERS.sub("", said[-1]), primary_language(language)
    if last.endswith(tuple(_MARKS + _GREEK_MARKS if code == "el" else _MARKS)):
        return True
    return code in _ASKING and re.match(_ASKING[code], " ".join(comparable(last))) is not None
