"""Text made speakable."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from pipeline.speakable.addresses import spoken_addresses
from pipeline.speakable.characters import without_pictures
from pipeline.speakable.english import English
from pipeline.speakable.markup import without_markup
from pipeline.speakable.pronunciation import pronounced
from pipeline.speakable.quantities import Quantities
from pipeline.speakable.spanish import Spanish
from pipeline.speakable.wording import Wording

_DASH = re.compile(r"\s+[-–—]+\s+|\s*—\s*|(?<=[^\W\d])–(?=[^\W\d])|\s--+\s?")
_ELLIPSIS = re.compile(r"(?:\.{2,}|…)+(?:\s*(?:\.{2,}|…))*")
_REPEATED = re.compile(r"([!?,;:¡¿])(?:\s*\1)+")
_EXCITED = re.compile(r"[!?]{2,}")
_LEFTOVERS = re.compile(r"[`|\\^<>{}*~_=#]+|\[\s*\]|\(\s*\)")
_BEFORE_MARK = re.compile(r"\s+(?=[,.;:!?](?:\s|$))")
_DOUBLE_MARK = re.compile(r"[,;:]\s*(?=[.!?])|(?<=[.!?,;:])\s*[,;:](?=\s|$)")
_LEADING_MARKS = re.compile(r"^[\s,.;:!?-]+(?=\w|[¿¡\"'“«(])")


def speakable(text: str, language: str, lexicon: Mapping[str, str] | None = None) -> str:
    """The text as it should be said: figures, signs, addresses and Markdown in words, pictures left out.

    English and Spanish are put into words completely; in other languages only Markdown, pictures and addresses are
    dealt with, and engines read numbers themselves. A region matters where one is given: ``en-GB`` puts the day
    before the month, ``es-MX`` has a decimal point and pesos. Never raises; empty where nothing is left to say.

    Args:
        text: One sentence or more.
        language: ISO 639-1 code, with or without a region (``en``, ``en-GB``, ``es_MX``).
        lexicon: Word to spoken form, for this language.
    """
    code, _, region = language.lower().replace("_", "-").partition("-")
    text = unicodedata.normalize("NFC", text)
    text = spoken_addresses(without_markup(without_pictures(text)), code)
    text = pronounced(text, lexicon or {})
    spoken = _spoken(code, region.upper())
    if spoken is not None:
        wording, quantities = spoken
        text = wording.symbols(quantities.worded(wording.expand(text)))
    return _tidy(text)


@lru_cache(maxsize=32)
def _spoken(code: str, region: str) -> tuple[Wording, Quantities] | None:
    wording: Wording
    if code == "en":
        wording = English(day_first=region not in {"", "US", "PH"})
    elif code == "es":
        wording = Spanish(region=region)
    else:
        return None
    return wording, Quantities(wording)


def _tidy(text: str) -> str:
    """Marks that an engine would stumble over, and spaces."""
    text = _ELLIPSIS.sub(lambda found: _after_ellipsis(text, found), text)
    text = _LEFTOVERS.sub(" ", text)
    text = _DASH.sub(", ", text)
    text = _EXCITED.sub(lambda found: "?" if "?" in found[0] else "!", text)
    text = _REPEATED.sub(r"\1", text)
    text = " ".join(text.split())
    text = _LEADING_MARKS.sub("", _DOUBLE_MARK.sub("", _BEFORE_MARK.sub("", text)))
    return text if any(character.isalnum() for character in text) else ""


def _after_ellipsis(text: str, found: re.Match[str]) -> str:
    rest = text[found.end() :].lstrip()
    return "," if rest[:1].islower() else ". "
