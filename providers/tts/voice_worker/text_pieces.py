"""A text in pieces that a model can say at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pipeline.sentences import split

SHORT_CHARACTERS = 25
"""A shorter sentence is said together with the next: alone it would make XTTS babble."""

_ENDS = re.compile(r"[.!?…。！？｡।؟]\W*$")
_MARK = re.compile(r"[.!?…。！？｡।؟]+\W*|[,;:،؛、，；：]\s*|\s[–—-]\s")
_SPACE = re.compile(r"\s+")


def pieces(text: str, longest: int, fits: Callable[[str], bool] = lambda piece: True) -> list[str]:
    """Sentences of a text in order; none is longer than ``longest`` characters, and ``fits`` is true of each."""

    def fine(piece: str) -> bool:
        return len(piece) <= longest and fits(piece)

    found: list[str] = []
    for sentence in split(text):
        last = found[-1] if found else ""
        unfinished = last and (len(last) < SHORT_CHARACTERS or not _ENDS.search(last))
        if unfinished and fine(f"{last} {sentence}"):
            found[-1] = f"{last} {sentence}"
        else:
            found += _fitting(sentence, fine)
    return found


def _fitting(text: str, fine: Callable[[str], bool]) -> Iterator[str]:
    """The text, halved until each part is fine or a single character."""
    if fine(text) or len(text) < 2:
        yield text
        return
    cut = _middle(text)
    for part in (text[:cut].strip(), text[cut:].strip()):
        if part:
            yield from _fitting(part, fine)


def _middle(text: str) -> int:
    """Where to cut: after the mark nearest to the middle, else at such a space, else in the middle."""
    middle = len(text) // 2
    for pattern in (_MARK, _SPACE):
        ends = [found.end() for found in pattern.finditer(text)]
        near = [end for end in ends if len(text) // 4 <= end <= len(text) * 3 // 4]
        if near:
            return min(near, key=lambda end: abs(end - middle))
    return middle
