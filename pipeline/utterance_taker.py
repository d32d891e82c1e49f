"""Takes down one utterance: its sound, where it pauses, and when it is over."""

from __future__ import annotations

from pipeline.audio import AudioChunk, continuous
from pipeline.preparation import TurnTaking
from pipeline.segmenter import (
    NoUtterance,
    SegmenterSettings,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    Step,
    UtteranceSegmenter,
)
from pipeline.speech import Utterance, VoiceFrame


class UtteranceTaker:
    """Take a new one for the next utterance."""

    def __init__(self, settings: SegmenterSettings, taking: TurnTaking | None = None) -> None:
        """``taking`` is told of pauses and decides which of them is the end; without it silence does."""
        self._settings = settings
        self._taking = taking
        self._segmenter = UtteranceSegmenter(settings, taking.pauses_s if taking is not None else ())
        self._audio: list[AudioChunk] = []

    @property
    def speech_s(self) -> float:
        """Voiced seconds so far; 0 before ``SpeechStarted``."""
        return self._segmenter.speech_s

    async def push(self, chunk: AudioChunk, frame: VoiceFrame) -> Step | None:
        """Take the next chunk; what it decides, if anything. Nothing may follow the end."""
        self._audio.append(chunk)
        step = self._segmenter.push(frame)
        if self._taking is None:
            return step
        if isinstance(step, SpeechResumed):
            self._taking.resumed()
        elif isinstance(step, SpeechPaused):
            allowed_s = await self._taking.paused(
                self.cut(step.so_far), step.silence_s, self._segmenter.longest_pause_s
            )
            if allowed_s is not None:
                self._segmenter.allow_silence(allowed_s)
                if allowed_s <= step.silence_s:
                    return step.so_far
        return step

    def forget_before(self, start_s: float) -> None:
        """Nothing that matters was heard before ``start_s``, in audio seconds."""
        while self._audio and self._audio[0].end_s <= start_s:
            self._audio.pop(0)

    def flush(self) -> SpeechEnded | NoUtterance:
        """The stream has ended: what there was."""
        return self._segmenter.flush()

    def cut(self, ended: SpeechEnded) -> Utterance:
        """The utterance, with a little before and after it."""
        whole, settings = continuous(self._audio), self._settings
        cut = whole.since(ended.start_s - settings.pre_roll_s).until(ended.end_s + settings.tail_s)
        return Utterance(cut, ended.start_s, ended.end_s, ended.speech_s, whole.end_s, ended.ended_by)
