"""Subtitles: read back they say the same at the same time."""

from __future__ import annotations

import re

import pytest

from assistant.transcription import Heard, Transcription, srt, vtt
from pipeline.speech import NoSpeech, NoSpeechReason, Transcript

pytestmark = pytest.mark.unit

LONG = (
    "Good morning, I am looking for the olive oil that was on offer last week, the one in the green bottle, and I "
    "would also like to know whether you still have the bread without salt."
)


def said(text: str, start_s: float, end_s: float) -> Heard:
    return Heard(Transcript(text, "en", 0.9, "whisper", 5.0), start_s, end_s)


def noise(start_s: float, end_s: float) -> Heard:
    return Heard(NoSpeech(NoSpeechReason.NOT_SPEECH, "whisper", 5.0), start_s, end_s)


def seconds(time: str) -> float:
    hours, minutes, rest = time.replace(",", ".").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def test_srt() -> None:
    found = Transcription((said("Hello.", 0.5, 1.25), noise(2, 3), said("Where is the milk?", 3661.0004, 3662.9996)))
    assert srt(found) == (
        "1\n00:00:00,500 --> 00:00:01,250\nHello.\n\n2\n01:01:01,000 --> 01:01:03,000\nWhere is the milk?\n"
    )


def test_vtt() -> None:
    found = Transcription((said("Milk & <eggs>", 0.5, 1.25), said("Yes.", 59.9999, 60.5)))
    assert vtt(found) == (
        "WEBVTT\n\n00:00:00.500 --> 00:00:01.250\nMilk &amp; &lt;eggs&gt;\n\n00:01:00.000 --> 00:01:00.500\nYes.\n"
    )


def test_without_words() -> None:
    for found in (Transcription(()), Transcription((noise(0, 1),))):
        assert srt(found) == ""
        assert vtt(found) == "WEBVTT\n"


def test_a_long_utterance_is_several_cues_of_two_short_lines() -> None:
    cues = [cue.splitlines() for cue in srt(Transcription((said(LONG, 10.0, 21.0),))).split("\n\n")]
    assert len(cues) == 3
    assert [cue[0] for cue in cues] == ["1", "2", "3"]
    assert " ".join(line for cue in cues for line in cue[2:]) == LONG
    assert all(len(cue) <= 4 and len(line) <= 42 for cue in cues for line in cue[2:])
    spans = [tuple(map(seconds, cue[1].split(" --> "))) for cue in cues]
    assert (spans[0][0], spans[-1][1]) == (10.0, 21.0)
    assert [span[1] for span in spans[:-1]] == [span[0] for span in spans[1:]]
    lengths = [span[1] - span[0] for span in spans]
    characters = [sum(map(len, cue[2:])) for cue in cues]
    rates = [count / length for count, length in zip(characters, lengths, strict=True)]
    assert rates == pytest.approx([rates[0]] * 3, rel=0.01)


@pytest.mark.parametrize("text", ["a --> b", "one\n\n2\n00:00:00,000 --> 00:00:09,000\ntwo"])
def test_words_cannot_make_cues(text: str) -> None:
    found = Transcription((said(text, 0.0, 1.0),))
    assert len(re.findall("-->", srt(found))) == len(re.findall("-->", vtt(found))) == 1
    assert "\n\n" not in srt(found)
