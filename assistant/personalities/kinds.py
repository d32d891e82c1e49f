"""The kinds of value in a personality: texts of bounded length without characters that could do harm, codes, times."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, StringConstraints

from pipeline.speech import primary_language

LAYOUT = "\n\t"
"""Control characters that a text of several lines may hold."""

_CODES = """
aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo
es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka
kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng
nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su
sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""

LANGUAGES = frozenset(_CODES.split())
"""All codes of ISO 639-1: a country's (``jp``, ``sp``) is easily taken for its language's, and nobody would answer."""

_TURNS_AROUND = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that change the direction of what follows: a log line or a table would show something else than is there."""


def one_line(text: str) -> str:
    """The text in Unicode's composed form. Raises ``ValueError`` where it holds control characters or line ends."""
    return _plain(text, allowed="")


def several_lines(text: str) -> str:
    """As ``one_line``, but line ends and tabs are allowed; line ends of Windows become plain ones."""
    return _plain(text.replace("\r\n", "\n"), allowed=LAYOUT)


def folded(name: str) -> str:
    """A name as it is compared: ``LUCÍA`` and ``Lucía`` are the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _plain(text: str, allowed: str) -> str:
    for character in text:
        harmful = unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in _TURNS_AROUND
        if harmful and character not in allowed:
            raise ValueError(f"must not hold the control character U+{ord(character):04X}")
    return unicodedata.normalize("NFC", text)


def _seen(name: str) -> str:
    if not any(unicodedata.category(character)[0] in "LNSP" for character in name):
        raise ValueError("must hold something that can be seen")
    return name


def _language(value: object) -> object:
    """``EN`` is ``en``; of ``es-MX`` the language counts, for a voice's accent is chosen by its ``voice_id``."""
    return primary_language(value.strip()) if isinstance(value, str) and len(value) < 40 else value


def _code(text: str) -> str:
    if text not in LANGUAGES:
        raise ValueError("must be a language's ISO 639-1 code, such as 'en' or 'es'")
    return text


def _wake_word(text: str) -> str:
    if text and not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_.-]{0,59}", text):
        raise ValueError("must be the name of a wake word, such as 'alexa'")
    return text


def _voice(text: str) -> str:
    if text and not re.fullmatch(r"\w[\w .+-]{0,99}", text):
        raise ValueError("must be the name of a voice, such as 'en_US-joe-medium'")
    return text


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=60),
    AfterValidator(one_line),
    AfterValidator(_seen),
]
"""1 to 60 characters of one line."""

Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(one_line)]
"""At most 500 characters of one line."""

Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), AfterValidator(one_line)]
"""1 to 64 characters of one line."""

Prose = Annotated[str, StringConstraints(strip_whitespace=True, max_length=8000), AfterValidator(several_lines)]
"""At most 8,000 characters."""

Language = Annotated[str, BeforeValidator(_language), AfterValidator(_code)]
"""ISO 639-1 code."""

WakeWordName = Annotated[str, AfterValidator(_wake_word)]
"""Name of a wake word model, or empty."""

VoiceId = Annotated[str, AfterValidator(_voice)]
"""An engine's name for a voice, such as ``en_US-joe-medium``, or empty; never a path."""

Address = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(one_line)]
"""Where a sample lies."""

Moment = Annotated[datetime, AfterValidator(_in_utc)]
"""With zone; one without is taken for UTC."""
