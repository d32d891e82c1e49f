"""Text that arrives in pieces, cut into sentences as early as can be told.

A sentence is given out as soon as the text proves its end. The very first words may be a long clause, so that speech
starts while the sentence is still being written. Later sentences are not gathered into groups: whoever plays them has
audio in hand by then, and single sentences keep an interruption's place and the speech cache exact.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

FIRST_CLAUSE_CHARACTERS = 60
"""Shortest first clause that is given out before its sentence is complete; a shorter one would sound torn off."""

LONG_SENTENCE_CHARACTERS = 120
"""A first sentence longer than this is given out clause by clause even where it is complete."""

LONGEST_CHARACTERS = 300
"""Longest stretch of text given out at once; text without a full stop is cut at a clause or between words."""

LOOK_AHEAD_CHARACTERS = 64
"""What may be needed beyond a full stop to judge it; a cut by force waits for as much, so that pieces don't matter."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FULL_WIDTH = "。！？｡"
_TERMINATORS = ".!?…" + _FULL_WIDTH
_CLOSERS = "\"'”’»)]}*_`"
_OPENERS = "\"'“‘«([{*_`¿¡—–-"

_MARK = re.compile(rf"[{re.escape(_TERMINATORS)}]+[{re.escape(_CLOSERS)}]*|\n")
_MAYBE_END = re.compile(rf"[{re.escape(_TERMINATORS)}][{re.escape(_CLOSERS)}]*\s*$")
_CLAUSE = re.compile(rf"(?:[,;:][{re.escape(_CLOSERS)}]*|\s[–—-])(?=\s)")
_SPACES = re.compile(r"\s*")
_WORD = re.compile(r"[\w.&'’]+$")
_NEXT_WORD = re.compile(r"[\w'’]*")
_LIST_ITEM = re.compile(r"(?:[-*+•#|>]|\d{1,3}[.)]\s)")
_ACRONYM = re.compile(r"(?:[^\W\d]\.)*[^\W\d]|uu")  # "u.s", "p.m", an initial, the end of "EE. UU."
_LIST_NUMBER = re.compile(r"\s*[*_]*\d{1,3}$")

_NEVER_LAST = _words("""
    mr mrs ms mx dr prof st sra sr srta dra dña d vs approx aprox incl excl eg e.g i.e ie cf viz e.j ej p.ej
    gen col sgt capt lt rev hon messrs ave blvd rd avda av pza cía atte uds vds ud vd ee q.e.p.d dpto izq dcha
    jan feb mar apr jun jul aug sept oct nov dec ene abr ago dic
    """)
"""Abbreviations, lower case without the last full stop, that a sentence does not end with."""

_SELDOM_LAST = _words(
    "etc inc ltd co corp jr sl s.l s.a min max máx mín dept est hr hrs oz lb lbs pcs pkg qty ea tbsp tsp"
)
"""Abbreviations that a sentence ends with only where the next word is capitalised."""

_BEFORE_NUMBERS = _words("no nos nr núm nº n.º fig figs p pp pg pág págs art vol ch cap ext tel tlf apt c")
"""Abbreviations only where a number follows; otherwise words or letters that may well end a sentence."""

_SENTENCE_STARTERS = _words("""
    a an and are at but can could do does for from he here his how however i if in is it its just let my no not of on
    or our please she so some that the their then there these they this those to we what when where which who why will
    with would yes you your también el la los las un una en es está son si no sí por para pero y o que qué cómo
    cuándo dónde nuestro nuestra nuestros nuestras su sus usted puede hay
    """)
"""Words that, capitalised after an acronym or an initial, say that a new sentence begins ("the U.S. We ship")."""


class SentenceSplitter:
    """Takes pieces of a text, gives its sentences. Cutting the text into other pieces changes nothing but the clause
    at its very start: that one is given out early only while its sentence is incomplete.
    """

    def __init__(self) -> None:
        self._text = ""
        self._started = False

    def feed(self, piece: str) -> Iterator[str]:
        """Take the next piece; the sentences that it completes."""
        self._text += piece.replace("\r\n", "\n").replace("\r", "\n")
        yield from self._complete(ended=False)

    def flush(self) -> Iterator[str]:
        """The text has ended: what is left. The splitter may then be fed another text."""
        yield from self._complete(ended=True)
        self._text, self._started = "", False

    def _complete(self, *, ended: bool) -> Iterator[str]:
        taken = 0
        try:
            while (end := self._next_end(taken, ended=ended)) is not None:
                sentence = " ".join(self._text[taken:end].split())
                taken = end
                if _is_sayable(sentence):
                    self._started = True
                    yield sentence
        finally:
            self._text = self._text[taken:]

    def _next_end(self, start: int, *, ended: bool) -> int | None:
        """Where the stretch that begins at ``start`` ends, None where that cannot be told yet."""
        text = self._text
        start = _skip_spaces(text, start)
        limit = start + LONGEST_CHARACTERS
        sentence_end = _sentence_end(text, start, limit, ended=ended)
        if sentence_end is None and ended and start < len(text) <= limit:
            sentence_end = len(text)
        length = (sentence_end or limit) - start
        if sentence_end is None and _MAYBE_END.search(text, start, limit):
            length = len(text) - start
        if not self._started and length > LONG_SENTENCE_CHARACTERS:
            clause_end = _clause_end(text, start, sentence_end or limit)
            if clause_end is not None:
                return clause_end
        if sentence_end is None and len(text) > limit + (0 if ended else LOOK_AHEAD_CHARACTERS):
            return _forced_end(text, start, limit)
        return sentence_end


def sentences_of(text: str) -> list[str]:
    """Sentences of a whole text."""
    splitter = SentenceSplitter()
    return [*splitter.feed(text), *splitter.flush()]


async def sentences(pieces: AsyncIterator[str]) -> AsyncGenerator[str]:
    """Sentences of a text that arrives in pieces, each as soon as its end is certain.

    Closing it closes ``pieces`` too, so that an interrupted agent stops writing.
    """
    splitter = SentenceSplitter()
    try:
        async for piece in pieces:
            for sentence in splitter.feed(piece):
                yield sentence
        for sentence in splitter.flush():
            yield sentence
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()


def split(text: str) -> list[str]:
    """Sentences of a text that is there as a whole, none longer than ``LONGEST_CHARACTERS``."""
    splitter = SentenceSplitter()
    return [*splitter.feed(text), *splitter.flush()]


def _sentence_end(text: str, start: int, limit: int, *, ended: bool) -> int | None:
    """Just after the first mark that ends a sentence, None where none does before ``limit`` or as far as is known."""
    for mark in _MARK.finditer(text, start, min(limit, len(text))):
        verdict = _ends_line(text, mark) if mark[0] == "\n" else _ends_sentence(text, start, mark)
        if verdict is None and not ended:
            return None
        if verdict and _is_sayable(text[start : mark.end()]):
            return mark.end()
    return None


def _ends_line(text: str, mark: re.Match[str]) -> bool | None:
    """Whether a line break ends a sentence: not where the next line goes on in lower case. None: not known yet."""
    after = _skip_spaces(text, mark.end())
    if after >= len(text):
        return None
    is_break = "\n" in text[mark.end() : after] or _LIST_ITEM.match(text, after)
    return bool(is_break) or not text[after].islower()


def _ends_sentence(text: str, start: int, mark: re.Match[str]) -> bool | None:
    """Whether a full stop or its like ends a sentence. None: not known yet."""
    after = _skip_spaces(text, mark.end())
    if after >= len(text):
        return None
    if mark[0][0] in _FULL_WIDTH or after == mark.end():
        return mark[0][0] in _FULL_WIDTH
    following = _skip_openers(text, after)
    if following >= len(text):
        return None
    lower = text[following].islower()
    if mark[0].rstrip(_CLOSERS) == ".":
        return not (lower and _is_quoted(mark)) and _full_stop_ends(text, start, mark.start(), following)
    return not (lower and (_is_quoted(mark) or mark[0][0] in ".…"))


def _is_quoted(mark: re.Match[str]) -> bool:
    return mark[0][-1] in "\"'”’»"


def _full_stop_ends(text: str, start: int, stop: int, following: int) -> bool | None:
    """Whether a single full stop at ``stop`` ends a sentence, when the next word begins at ``following``."""
    upcoming = text[following]
    word = _last_word(text, start, stop)
    if (
        _LIST_NUMBER.match(text, start, stop)
        or word in _NEVER_LAST
        or (word in _BEFORE_NUMBERS and upcoming.isdigit())
        or (upcoming.islower() and (word in _SELDOM_LAST or _ACRONYM.fullmatch(word)))
    ):
        return False
    if not _ACRONYM.fullmatch(word) or word in {"a.m", "p.m"} or text[stop - 1] == "m":
        return True
    return _starts_sentence(text, following)


def _starts_sentence(text: str, following: int) -> bool | None:
    """Whether the word after an acronym says that a new sentence begins. None: it is not complete yet."""
    found = _NEXT_WORD.match(text, following)
    assert found is not None
    if found.end() == len(text):
        return None
    return found[0].lower() in _SENTENCE_STARTERS or not found[0]


def _clause_end(text: str, start: int, limit: int) -> int | None:
    """Just after the first clause that is long enough to begin with, None where there is none."""
    clause = _CLAUSE.search(text, min(len(text), start + FIRST_CLAUSE_CHARACTERS - 1), min(limit, len(text)))
    return clause.end() if clause else None


def _forced_end(text: str, start: int, limit: int) -> int:
    """Where a stretch without an end is cut: after its last clause, else between words, else anywhere."""
    ends = [clause.end() for clause in _CLAUSE.finditer(text, start + LONGEST_CHARACTERS // 3, limit)]
    if ends:
        return ends[-1]
    space = max(text.rfind(blank, start + 1, limit) for blank in " \n\t")
    return space if space > start else limit


def _last_word(text: str, start: int, stop: int) -> str:
    found = _WORD.search(text, max(start, stop - 20), stop)
    return found[0].lower().lstrip("'’.") if found else ""


def _skip_spaces(text: str, start: int) -> int:
    found = _SPACES.match(text, start)
    assert found is not None
    return found.end()


def _skip_openers(text: str, start: int) -> int:
    while start < len(text) and text[start] in _OPENERS:
        start += 1
    return start


def _is_sayable(text: str) -> bool:
    """Whether there is a letter or digit, or a symbol that stands for a word."""
    return any(character.isalnum() or character in "%&+=$€£@" for character in text)
