"""Writes down recordings: sound files named on the command line, and uploads that nobody should trust."""

from __future__ import annotations

from assistant.transcription.result import Heard, Transcription
from assistant.transcription.stream import transcribe_stream
from assistant.transcription.subtitles import srt, vtt
from assistant.transcription.upload import RecordingRefused, question_of, transcribe_recording

__all__ = [
    "Heard",
    "RecordingRefused",
    "Transcription",
    "question_of",
    "srt",
    "transcribe_recording",
    "transcribe_stream",
    "vtt",
]
