"""Characters: which of them an engine can take, and which are pictures."""

from __future__ import annotations

import re

_UNSPEAKABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)

_KEYCAP = re.compile("([0-9#*])\ufe0f?\u20e3")

_PICTURE = re.compile(
    "(?:[\u2190-\u21ff\u2300-\u23ff\u24c2\u2500-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff\U000e0020-\U000e007f\ufe0e\ufe0f\u20e3\u00a9\u00ae\u2122\u2117\u2120]\u200d?)+"
)
"""Arrows, technical signs, dingbats, emoji with their modifiers and joiners, and the signs of ownership."""

_SMILEY = re.compile(r"(?<!\S)(?:[:;=8][-'^]?[)(DPp]|<3|\^_?\^)(?=[\s.,!?]|$)")


def takeable(text: str) -> str:
    """The text without what makes engines stumble: control characters, lone surrogates, raw phoneme brackets.

    Empty where no letter or digit is left, so that a caller need not ask the engine.
    """
    cleaned = _UNSPEAKABLE.sub(" ", text).replace("[[", "[ [").strip()
    return cleaned if any(character.isalnum() for character in cleaned) else ""


def without_pictures(text: str) -> str:
    """The text without emoji, smileys, arrows and invisible characters."""
    text = _KEYCAP.sub(r"\1", _UNSPEAKABLE.sub(" ", text))
    return _SMILEY.sub("", _PICTURE.sub(" ", text))
