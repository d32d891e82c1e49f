"""A shop's own pronunciations."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache


def pronounced(text: str, lexicon: Mapping[str, str]) -> str:
    """The text with each word of the lexicon as it is said.

    Whole words only, whatever their case, spaces in them of any kind; the longest entry wins; said once, so that a
    spoken form may contain its own word.
    """
    if not lexicon:
        return text
    return _replacer(tuple(sorted(lexicon.items())))(text)


@lru_cache(maxsize=16)
def _replacer(entries: tuple[tuple[str, str], ...]) -> Callable[[str], str]:
    spoken = {_key(word): said for word, said in entries if _key(word)}
    if not spoken:
        return lambda text: text
    words = sorted(spoken, key=len, reverse=True)
    alternatives = "|".join(r"\s+".join(map(re.escape, word.split())) for word in words)
    pattern = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE)
    return lambda text: pattern.sub(lambda found: spoken.get(_key(found[0]), found[0]), text)


def _key(word: str) -> str:
    return " ".join(word.split()).lower()
