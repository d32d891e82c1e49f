"""Ways to say something, written short: ``(repeat|say) that [again]``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

Words = tuple[str, ...]
"""A text as it is compared: words in lower case, without accents and punctuation."""

MOST_FORMS = 2000
"""A pattern that stands for more sentences is a mistake, or should be several."""

_WORD = re.compile(r"[^\W_]+")
_INNERMOST = re.compile(r"\[([^\[\]()]*)\]|\(([^\[\]()]*)\)")
_SLOT = re.compile(r"\{(\w*)\}")


def comparable(text: str) -> Words:
    """The words of a text. An apostrophe joins: ``that's`` is ``thats``."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return tuple(
        _WORD.findall("".join(one for one in decomposed if not unicodedata.combining(one) and one not in "'’"))
    )


def forms(pattern: str, slots: Mapping[str, Sequence[str]]) -> Iterator[tuple[Words, str]]:
    """Every sentence that a pattern stands for, and what fills its slot ("" where it has none).

    Args:
        pattern: ``[x]`` may be left out, ``(x|y)`` is one of them, ``{slot}`` is anything that ``slots`` has for it.
        slots: What may stand in a slot.

    Raises ``ValueError``, which says what is wrong with the pattern.
    """
    for form in expanded(pattern):
        found = _SLOT.findall(form)
        if len(found) > 1 or set("{}") & set(_SLOT.sub("", form)):
            raise ValueError(f"{pattern!r} may have one slot, such as {{language}}, and no other brace")
        if found and found[0] not in slots:
            raise ValueError(f"{pattern!r} has the slot {found[0]!r}, known are: {', '.join(slots) or 'none'}")
        for filling in slots[found[0]] if found else [""]:
            words = comparable(form.replace(f"{{{found[0]}}}", filling) if found else form)
            if words:
                yield words, filling


def expanded(pattern: str, most: int = MOST_FORMS) -> list[str]:
    """``[x]`` with and without x, ``(x|y)`` once with each. Raises ``ValueError``, also where there are too many."""
    open_forms = [pattern]
    while any(_INNERMOST.search(form) for form in open_forms):
        open_forms = [other for form in open_forms for other in _opened(form)]
        if len(open_forms) > most:
            raise ValueError(f"{pattern!r} stands for more than {most} sentences; write several instead")
    if any(set("[]()|") & set(form) for form in open_forms):
        raise ValueError(f"{pattern!r} has a bracket without its partner")
    return open_forms


def _opened(form: str) -> list[str]:
    match = _INNERMOST.search(form)
    if match is None:
        return [form]
    choices = (match[1] + "|").split("|") if match[1] is not None else match[2].split("|")
    return [form[: match.start()] + choice + form[match.end() :] for choice in choices]
