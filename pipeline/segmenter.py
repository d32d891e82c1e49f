"""Cuts utterances: when did the customer begin to speak, and have they finished?

It sees ``VoiceFrame`` values and nothing else, counts audio seconds and never reads a clock. Two thoughts carry it:

* A frame is *voiced* when the voice detector says so **and** it stands out from the room's noise. In a fan's hum the
  detector knows better, in a crowd's babble the level does; both must agree. How sure and how loud is enough follows
  the utterance itself: next to a loud, clear speaker, what is soft and half believed is the room.
* One voiced frame proves nothing, and one unvoiced frame neither. *Evidence* grows with voiced time and shrinks with
  unvoiced time; speech begins when it reaches ``min_speech_s``, and goes on after a pause when it reaches
  ``resume_s``. So a click starts nothing, and blips in a pause do not keep it from ending.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.speech import NoSpeechReason, UtteranceEnd, VoiceFrame

ROUNDING_S = 1e-6
"""Sums of frame lengths are compared with this tolerance."""

GRACE_S = 1.0
"""Seconds by which the time-out waits for what may be becoming speech at that moment."""

ROOM_FRAMES = 60
"""Frames among which the room's quietest moments are looked for; about two seconds."""


@dataclass(frozen=True, slots=True)
class SegmenterSettings:
    """What counts as speech and when it is over. All times are audio seconds."""

    start_probability: float = 0.4
    """0 to 1: speech probability from which a frame may begin an utterance. 0 takes any sound, 1 none. Lower than
    where nobody was asked to speak: after a wake word speech is what comes."""

    stay_share: float = 0.6
    """0 to 1: share of the probability usual in this utterance that its further frames need. So the bar follows the
    speaker: a clear voice leaves what the detector half believes of the noise below it."""

    min_speech_s: float = 0.2
    """Voiced seconds that make an utterance, 0.05 to 1. Less lets clicks and coughs in, more loses "no"."""

    resume_s: float = 0.1
    """Voiced seconds that end a pause, 0 to 0.5. 0 lets any blip do it: in noise the utterance may never end."""

    end_silence_s: float = 0.7
    """Seconds without speech that end an utterance, 0.2 to 3, unless ``allow_silence`` says otherwise. Low cuts
    thoughtful speakers off, high makes all wait."""

    max_utterance_s: float = 15.0
    """Seconds after which an utterance ends whatever is heard, 1 to 30."""

    no_speech_timeout_s: float = 6.0
    """Seconds without the beginning of an utterance after which nobody is expected to speak, 1 to 60."""

    wake_tail_s: float = 0.2
    """Voiced seconds more that are asked of speech already under way in the very first frame: it may be the end of
    the wake word. 0 where no wake word came before."""

    pre_roll_s: float = 0.3
    """Seconds of sound to keep before the first voiced frame, 0 to 1: soft beginnings are found late."""

    tail_s: float = 0.3
    """Seconds of sound to keep after the last voiced frame, 0.2 to 2: recognisers want to hear that nothing follows."""

    doubt_margin_db: float = 3.0
    """Decibels above the noise floor, 0 to 12, that a frame of just ``start_probability`` needs to begin an utterance.
    One of probability 1 needs none: the less sure the detector, the more it must stand out."""

    height_share: float = 0.45
    """0 to 1: share of the speaker's own height above the noise floor, in decibels, that further frames need. 0 leaves
    it to the detector, which hears any voice in the shop; 1 takes the loudest syllables only."""

    most_height_db: float = 10.0
    """Decibels above the noise floor, 3 to 30, that are always enough for further frames."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The customer has begun to speak."""

    at_s: float
    """Audio seconds of the first voiced frame; some time ago."""


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The customer has been silent for one of the lengths asked for; perhaps the utterance is over."""

    silence_s: float
    """Seconds since the last voiced frame."""

    so_far: SpeechEnded
    """The utterance, should it end here."""


@dataclass(frozen=True, slots=True)
class SpeechResumed:
    """The customer goes on after a pause that was told."""

    silence_s: float
    """Seconds of the pause."""


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The utterance is complete."""

    start_s: float
    """Audio seconds of the first voiced frame."""

    end_s: float
    """Audio seconds of the end of the last voiced frame: the true end, before the pause that proved it."""

    speech_s: float
    """Voiced seconds, pauses not counted."""

    ended_by: UtteranceEnd
    """Why it ended."""


@dataclass(frozen=True, slots=True)
class NoUtterance:
    """There will be no utterance."""

    reason: NoSpeechReason
    """``TIMEOUT``: nobody spoke; ``TOO_SHORT``: the stream ended in what was not yet speech."""


Step = SpeechStarted | SpeechPaused | SpeechResumed | SpeechEnded | NoUtterance
"""What the segmenter may say about a frame."""


class _Speaker:
    """How the customer sounds: follows louder and surer frames within about seven, softer ones within about forty."""

    def __init__(self, frame: VoiceFrame) -> None:
        self.level_db = frame.level_db
        self.probability = frame.speech_probability

    def hear(self, frame: VoiceFrame) -> None:
        """Take a voiced frame."""
        self.level_db = _followed(self.level_db, frame.level_db)
        self.probability = _followed(self.probability, frame.speech_probability)


def _followed(value: float, target: float) -> float:
    return value + (0.15 if target > value else 0.025) * (target - value)


class UtteranceSegmenter:
    """Finds one utterance in a stream of frames. Take a new one for the next."""

    def __init__(self, settings: SegmenterSettings, pauses_s: Sequence[float] = ()) -> None:
        """``pauses_s``: lengths of silence to be told of, in ascending order."""
        self.settings = settings
        self.longest_pause_s = 0.0
        """Of the pauses after which the customer went on."""
        self._pauses_s = tuple(pauses_s)
        self._pauses_told = 0
        self._silence_s = settings.end_silence_s
        self._first_s: float | None = None
        self._started = False
        self._start_s = 0.0
        self._end_s = 0.0
        self._evidence_s = 0.0
        self._speech_s = 0.0
        self._unproved_s = 0.0
        self._speaker: _Speaker | None = None
        self._levels_db: deque[float] = deque(maxlen=ROOM_FRAMES)

    @property
    def speech_s(self) -> float:
        """Voiced seconds so far; 0 before ``SpeechStarted``."""
        return self._speech_s + self._unproved_s if self._started else 0.0

    def allow_silence(self, silence_s: float) -> None:
        """Have this much silence end the utterance. It holds until the customer goes on after a pause."""
        self._silence_s = silence_s

    def push(self, frame: VoiceFrame) -> Step | None:
        """Take the next frame; what it decides, if anything. Nothing may follow ``SpeechEnded`` or ``NoUtterance``."""
        if self._first_s is None:
            self._first_s = frame.start_s
        self._levels_db.append(frame.level_db)
        if not self._started:
            return self._waiting(frame, self._first_s)
        return self._speaking(frame)

    def flush(self) -> SpeechEnded | NoUtterance:
        """The stream has ended: what there was."""
        if self._started:
            return self._ended(UtteranceEnd.STREAM_END)
        return NoUtterance(NoSpeechReason.TOO_SHORT if self._evidence_s > 0 else NoSpeechReason.TIMEOUT)

    def _begins(self, frame: VoiceFrame) -> bool:
        """Whether a frame is voiced before anyone has spoken: the less sure, the more it must stand out."""
        bar = self.settings.start_probability
        if frame.speech_probability < bar:
            return False
        doubt = (1 - frame.speech_probability) / (1 - bar) if bar < 1 else 0.0
        return frame.level_db >= frame.noise_floor_db + doubt * self.settings.doubt_margin_db

    def _belongs(self, frame: VoiceFrame, speaker: _Speaker) -> bool:
        """Whether a frame is voiced once somebody speaks: it must be like their speech, not like the room."""
        settings = self.settings
        room_db = max(frame.noise_floor_db, self._quiet_db())
        height_db = settings.height_share * (speaker.level_db - room_db)
        needed_db = room_db + min(settings.most_height_db, max(0.0, height_db))
        return frame.speech_probability >= settings.stay_share * speaker.probability and frame.level_db >= needed_db

    def _quiet_db(self) -> float:
        """Level of the quietest moments of late: the people around, whom the noise floor leaves out, are in it."""
        return sorted(self._levels_db)[len(self._levels_db) // 10]

    def _waiting(self, frame: VoiceFrame, first_s: float) -> Step | None:
        """Nobody has spoken yet."""
        settings = self.settings
        voiced = self._begins(frame)
        if voiced:
            self._gather(frame)
        else:
            self._evidence_s = max(0.0, self._evidence_s - frame.duration_s)
        wake_tail_s = settings.wake_tail_s if self._start_s == first_s else 0.0
        if voiced and self._evidence_s >= settings.min_speech_s + wake_tail_s - ROUNDING_S:
            self._started = True
            return SpeechStarted(self._start_s)
        late_s = frame.end_s - first_s - settings.no_speech_timeout_s + ROUNDING_S
        if late_s >= (GRACE_S if self._evidence_s > 0 else 0):
            return NoUtterance(NoSpeechReason.TIMEOUT)
        return None

    def _gather(self, frame: VoiceFrame) -> None:
        """Count a voiced frame of what may become an utterance."""
        if self._evidence_s == 0 or self._speaker is None:
            self._start_s, self._speech_s = frame.start_s, 0.0
            self._speaker = _Speaker(frame)
        self._speaker.hear(frame)
        self._evidence_s += frame.duration_s
        self._speech_s += frame.duration_s
        self._end_s = frame.end_s

    def _speaking(self, frame: VoiceFrame) -> Step | None:
        """The utterance is under way, or in a pause that may be its end."""
        settings = self.settings
        assert self._speaker is not None
        allowed_s = self._silence_s
        belongs = self._belongs(frame, self._speaker)
        resumed: SpeechResumed | None = None
        if belongs:
            allowed_s += settings.resume_s  # what may be speech at the last moment gets the time to prove it
            self._speaker.hear(frame)
            self._unproved_s += frame.duration_s
            self._evidence_s = min(settings.resume_s, self._evidence_s + frame.duration_s)
            if self._evidence_s >= settings.resume_s - ROUNDING_S:
                self._speech_s += self._unproved_s
                resumed = self._resumed(frame.end_s - self._unproved_s)
                self._unproved_s = 0.0
                self._end_s = frame.end_s
        else:
            self._evidence_s = max(0.0, min(settings.resume_s, self._evidence_s) - frame.duration_s)
            if self._evidence_s == 0:
                self._unproved_s = 0.0
        if frame.end_s - self._start_s >= settings.max_utterance_s - ROUNDING_S:
            return self._ended(UtteranceEnd.HARD_CAP)
        if frame.end_s - self._end_s >= allowed_s - ROUNDING_S:
            return self._ended(UtteranceEnd.SILENCE)
        return resumed if belongs else self._paused(frame.end_s - self._end_s)

    def _paused(self, silence_s: float) -> SpeechPaused | None:
        """Tell of a pause that has just become long enough."""
        told = self._pauses_told
        while self._pauses_told < len(self._pauses_s) and silence_s >= self._pauses_s[self._pauses_told] - ROUNDING_S:
            self._pauses_told += 1
        return SpeechPaused(silence_s, self._ended(UtteranceEnd.SILENCE)) if self._pauses_told > told else None

    def _resumed(self, since_s: float) -> SpeechResumed | None:
        """Speech is proved again; what was said about the pause before it holds no more."""
        if not self._pauses_told:
            return None
        self._pauses_told = 0
        self._silence_s = self.settings.end_silence_s
        pause_s = max(0.0, since_s - self._end_s)
        self.longest_pause_s = max(self.longest_pause_s, pause_s)
        return SpeechResumed(pause_s)

    def _ended(self, by: UtteranceEnd) -> SpeechEnded:
        return SpeechEnded(self._start_s, self._end_s, self._speech_s, by)
