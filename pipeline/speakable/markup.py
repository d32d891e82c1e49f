"""Markdown and HTML, as language models write them, taken out of a text that is to be spoken."""

from __future__ import annotations

import html
import re

_FENCE = re.compile(r"^[ \t]*(?:```|~~~).*$", re.MULTILINE)
_DROPPED_LINE = re.compile(
    r"^[ \t]*(?:(?:[-*_=][ \t]*){3,}|\|?(?:[ \t]*:?-{2,}:?[ \t]*\|)+[ \t]*(?::?-{2,}:?)?[ \t]*"
    r"|\[[^\]\n]+\]:[ \t]\S+.*)$",
    re.MULTILINE,
)
"""Rules, the line under a table's head, and where reference links point."""

_ROW = re.compile(r"^[ \t]*\|(.*?)\|?[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^[ \t]*#{1,6}[ \t]+(.*?)[ \t#]*$", re.MULTILINE)
_QUOTE = re.compile(r"^[ \t]*>[> \t]*", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*[-*+•▪◦‣·][ \t]+(?:\[[ xX]\][ \t]+)?", re.MULTILINE)
_NUMBERED = re.compile(r"^[ \t]*(\d{1,2})[.)][ \t]+(?=\S)", re.MULTILINE)
_LINK = re.compile(r"!?\[\[?([^\[\]\n]*)\]?\](?:\([^()\n]*(?:\([^()\n]*\))?[^()\n]*\)|\[[^\[\]\n]*\])?")
_FOOTNOTE = re.compile(r"\[\^[^\]\n]{1,20}\]")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)?[^\s<>]+[.@][^\s<>]+)>")
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>|<!--.*?-->", re.DOTALL)
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+.!|>~$-])")
_EMPHASIS = re.compile(r"\*{2,}|_{2,}|~{2}|`+")
_SINGLE_EMPHASIS = re.compile(r"(?<![\w*])[*_](?=\S)|(?<=\S)[*_](?![\w*])|(?<=\w)\*(?=\w)|(?<=\w)\*$")
_BREAK = re.compile(r"[ \t]*\n\s*")
_SIGNS = re.compile(r"[`*_#|<>\[\]~\\&\n=•]|^\s*[-+·▪◦‣]|^\s*\d{1,2}[.)]\s", re.MULTILINE)


def without_markup(text: str) -> str:
    """The words of a Markdown text on one line; lines that do not end in a mark get a full stop between them."""
    if not _SIGNS.search(text):
        return text
    text = html.unescape(text.replace("\r\n", "\n").replace("\r", "\n"))
    for pattern in (_FENCE, _DROPPED_LINE, _FOOTNOTE):
        text = pattern.sub("", text)
    text = _ROW.sub(lambda row: ", ".join(cell.strip() for cell in row[1].split("|") if cell.strip()), text)
    text = _QUOTE.sub("", text)
    # An empty line before each, so that it does not count as the last line going on.
    text = _BULLET.sub("\n", text)
    text = _NUMBERED.sub(r"\n\1: ", text)
    text = _HEADING.sub(r"\n\1\n", text)
    text = _AUTOLINK.sub(lambda link: link[1].removeprefix("mailto:"), text)
    text = _TAG.sub(" ", text)
    text = _LINK.sub(r"\1", text)
    text = _EMPHASIS.sub("", text)
    text = _SINGLE_EMPHASIS.sub("", text)
    return _on_one_line(_ESCAPE.sub(r"\1", text))


def _on_one_line(text: str) -> str:
    """Lines joined: with a full stop where one ends without a mark and the next does not go on in lower case."""
    text = text.strip()

    def join(found: re.Match[str]) -> str:
        goes_on = text[found.end() : found.end() + 1].islower() and found[0].count("\n") == 1
        return " " if goes_on or text[found.start() - 1] in ".,;:!?…。！？" else ". "

    return _BREAK.sub(join, text)
