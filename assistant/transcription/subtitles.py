"""What a recording says as subtitles. Long utterances become several cues, short enough to be read."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from assistant.transcription.result import Transcription

LINE = 42
"""Characters in a line (BBC Subtitle Guidelines: 37; Netflix Timed Text Style Guide: 42)."""

LINES = 2
"""Lines in a cue."""


@dataclass(frozen=True, slots=True)
class _Cue:
    start_s: float
    end_s: float
    text: str
    """One or two lines."""


def srt(transcription: Transcription) -> str:
    """As SubRip."""
    return "\n".join(
        f"{number}\n{_time(cue.start_s, ',')} --> {_time(cue.end_s, ',')}\n{cue.text}\n"
        for number, cue in enumerate(_cues(transcription), 1)
    )


def vtt(transcription: Transcription) -> str:
    """As WebVTT (W3C), in which ``&`` and ``<`` begin something."""
    cues = [
        f"{_time(cue.start_s, '.')} --> {_time(cue.end_s, '.')}\n{_escaped(cue.text)}\n" for cue in _cues(transcription)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _cues(transcription: Transcription) -> Iterator[_Cue]:
    """An utterance's time is shared out by characters, for nothing tells when each word was said."""
    for one in transcription.heard:
        lines = textwrap.wrap(one.text.replace("-->", "→"), LINE, break_on_hyphens=False)
        total = sum(map(len, lines))
        before = 0
        for first in range(0, len(lines), LINES):
            shown = lines[first : first + LINES]
            after = before + sum(map(len, shown))
            length_s = one.end_s - one.start_s
            start_s, end_s = (one.start_s + length_s * share / total for share in (before, after))
            yield _Cue(start_s, end_s, "\n".join(shown))
            before = after


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _time(at_s: float, mark: str) -> str:
    milliseconds = round(at_s * 1000)
    seconds, minutes = milliseconds // 1000 % 60, milliseconds // 60_000 % 60
    return f"{milliseconds // 3_600_000:02}:{minutes:02}:{seconds:02}{mark}{milliseconds % 1000:03}"
