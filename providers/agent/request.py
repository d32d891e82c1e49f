"""What a program outside this house is told about a question, and how its error messages are kept free of it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from pipeline.speech import Exchange, Personality, Transcript

_LONGEST_COMPLAINT = 200
"""Characters of a foreign error message that are repeated."""

_TELLING_LETTERS = 4
"""Words with fewer letters say nothing about a customer."""


def as_json(transcript: Transcript, personality: Personality, history: Sequence[Exchange]) -> bytes:
    """The request of the ``http`` and ``command`` agents, one line of UTF-8; its shape is told in docs/agents.md."""
    request: dict[str, Any] = {
        "text": transcript.text,
        "language": transcript.language,
        "confidence": transcript.confidence,
        "personality": {
            "name": personality.name,
            "language": personality.language,
            "prompt": personality.prompt,
        },
        "history": [{"customer": one.customer_text, "assistant": one.heard_text} for one in history],
    }
    return json.dumps(request, ensure_ascii=False).encode() + b"\n"


def complaint(message: str, transcript: Transcript, history: Sequence[Exchange]) -> str:
    """A foreign error message in one short line, without any word of the customer's.

    Error messages are logged; what a customer said must not be.
    """
    said = " ".join([transcript.text, *(one.customer_text for one in history)])
    words = {word for word in re.findall(r"\w+", said) if len(word) >= _TELLING_LETTERS or word.isdigit()}
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in message).split())
    if words:
        line = re.sub("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)), "…", line, flags=re.I)
    return line if len(line) <= _LONGEST_COMPLAINT else line[: _LONGEST_COMPLAINT - 1] + "…"
