"""Web and e-mail addresses, as people say them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AddressWords:
    """What the signs in an address are called."""

    dot: str
    at: str
    slash: str
    dash: str
    underscore: str


WORDS: Mapping[str, AddressWords] = {
    "en": AddressWords("dot", "at", "slash", "dash", "underscore"),
    "es": AddressWords("punto", "arroba", "barra", "guion", "guion bajo"),
    "fr": AddressWords("point", "arobase", "slash", "tiret", "tiret bas"),
    "de": AddressWords("Punkt", "ät", "Schrägstrich", "Minus", "Unterstrich"),
    "it": AddressWords("punto", "chiocciola", "barra", "trattino", "trattino basso"),
    "pt": AddressWords("ponto", "arroba", "barra", "hífen", "sublinhado"),
    "ca": AddressWords("punt", "arrova", "barra", "guió", "guió baix"),
    "nl": AddressWords("punt", "apenstaartje", "slash", "streepje", "liggend streepje"),
}
"""By language; addresses in other languages are said as in English."""

_TOP = "com|org|net|info|shop|store|app|dev|gov|edu|eu|io|es|mx|uk|us|ca|de|fr|it|pt|nl|ar|cl|pe|cat"
_ADDRESS = re.compile(
    r"(?P<mail>(?:mailto:)?[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<web>(?:https?://|ftp://|www\.)[^\s<>\"“”«»]+"
    rf"|(?<![\w.@-])[\w-]{{2,63}}(?:\.[\w-]{{2,63}}){{0,4}}\.(?:{_TOP})(?![\w.-]*\w)(?:/[^\s<>\"“”«»]*)?)",
    re.ASCII,
)
_ENDING = re.compile(r"[.,;:!?'\")\]}>*_…]+$")


def spoken_addresses(text: str, language: str) -> str:
    """The text with its addresses in words: ``www.example.com/oil`` as "example dot com slash oil"."""
    if "." not in text and "@" not in text and "://" not in text:
        return text
    words = WORDS.get(language, WORDS["en"])

    def say(found: re.Match[str]) -> str:
        address = found[0]
        ending = _ENDING.search(address)
        tail = ending[0] if ending else ""
        return _said(address[: len(address) - len(tail)], words) + tail

    return _ADDRESS.sub(say, text)


def _said(address: str, words: AddressWords) -> str:
    address = re.sub(r"^(?:mailto:|[a-z]+://)?(?:www\.)?", "", address)
    # What follows is for machines.
    address = re.split(r"[?#]", address, maxsplit=1)[0].rstrip("/")
    for sign, word in (
        (".", words.dot),
        ("@", words.at),
        ("/", words.slash),
        ("-", words.dash),
        ("_", words.underscore),
    ):
        address = address.replace(sign, f" {word} ")
    return " ".join(address.split())
