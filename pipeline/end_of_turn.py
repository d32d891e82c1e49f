"""Decides how much silence proves that a customer has finished.

Three witnesses are heard: a model that knows how sentences sound when they end, the words themselves ("what time do
you" is no question yet), and the speaker's own pauses so far. Without the model plain silence decides.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from pipeline.errors import ProviderError
from pipeline.protocols import EndOfTurnDetector
from pipeline.speech import Transcript, Utterance

log = logging.getLogger(__name__)

DETECTOR_TIMEOUT_S = 0.5
"""Seconds of the clock for an answer that takes a twentieth; after that plain silence decides."""

TEXT_WAIT_S = 1.0
"""Seconds of the clock to wait for the words so far. That delays no answer, for none can begin without them; where a
recogniser takes longer they are not asked."""

PAUSE_MARGIN = 1.4
"""Whoever has made a pause is given that many times its length the next time."""

MOST_LETTERS_PER_S = 17.0
"""Letters and digits per second of speech, in any language; more was hardly said, and was guessed by the recogniser."""


class Patience(StrEnum):
    """How long a customer may think in the middle of a sentence."""

    BRISK = "brisk"
    """Quick answers; slow speakers are cut off now and then."""
    NORMAL = "normal"
    """Most people can think in peace."""
    PATIENT = "patient"
    """For people who take their time, such as in a pharmacy or where many speak a foreign language."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What patience means in figures."""

    finished_probability: float
    """0 to 1: from this on the model is believed that the customer has finished."""
    unfinished_s: float
    """Seconds of silence that end an utterance whose words break off, or that sounds so while its words are not known.
    Where the words are whole and only the sound is not, silence decides as it does without a model."""
    share: float
    """Of ``end_silence_s``, where plain silence decides."""


WAITING = {
    Patience.BRISK: Waiting(0.5, 1.0, 0.75),
    Patience.NORMAL: Waiting(0.8, 1.8, 1.0),
    Patience.PATIENT: Waiting(0.9, 3.0, 1.5),
}


class Whole(Enum):
    """What the words say about the end."""

    CERTAINLY = auto()
    """They are whole, and they are what was said."""
    APPARENTLY = auto()
    """They are whole."""
    UNKNOWN = auto()
    """They are not known yet."""
    DOUBTFUL = auto()
    """They are whole, but the recogniser may have completed them."""
    NO = auto()
    """They break off."""


@dataclass(frozen=True, slots=True)
class EndOfTurnSettings:
    """All times are audio seconds."""

    patience: Patience = Patience.NORMAL
    """How long a customer may think."""

    short_pause_s: float = 0.2
    """Silence after which the model is asked, 0.1 to 0.5; the shortest answer begins right after it."""

    prepare_after_s: float = 0.1
    """Silence after which the answer is prepared in case it was the end, 0.06 to ``short_pause_s``. Short prepares
    more in vain, long less in advance."""

    end_silence_s: float = 0.7
    """Silence that ends an utterance where no model can be asked."""


class EndOfTurn:
    """One for all turns."""

    def __init__(
        self,
        settings: EndOfTurnSettings | None = None,
        detector: EndOfTurnDetector | None = None,
        unfinished: Callable[[str, str], bool] = lambda text, language: False,
    ) -> None:
        """``unfinished`` tells of a text and its language (ISO 639-1) whether it breaks off."""
        self.settings = settings or EndOfTurnSettings()
        self.detector = detector
        """The model that is asked, None where silence alone decides."""
        self._unfinished = unfinished
        self._waiting = WAITING[self.settings.patience]

    async def silence_s(
        self, so_far: Utterance, longest_pause_s: float, words: Callable[[], Awaitable[Transcript | None]]
    ) -> float:
        """Silence that ends the utterance, in audio seconds: less than has passed already where it is over.

        ``longest_pause_s`` is the speaker's longest pause that was not the end. ``words`` gives what was said so far,
        None where that is not known.
        """
        plain_s = self.settings.end_silence_s * self._waiting.share
        plain_s = min(max(plain_s, PAUSE_MARGIN * longest_pause_s), max(plain_s, self._waiting.unfinished_s))
        if self.detector is None:
            return plain_s
        try:
            async with asyncio.timeout(DETECTOR_TIMEOUT_S):
                finished = await self.detector.completion_probability(so_far.audio)
        except (ProviderError, TimeoutError) as error:
            log.warning("Silence decides about the end of a turn, for the model cannot: %s", str(error) or "it hangs")
            return plain_s
        waits_s = max(self._waiting.unfinished_s, plain_s)
        sounds_finished = finished >= self._waiting.finished_probability
        whole = await self._whole(so_far, words)
        if whole is Whole.CERTAINLY and self.settings.patience is not Patience.PATIENT:
            return 0.0
        if sounds_finished:
            return {Whole.NO: waits_s, Whole.DOUBTFUL: (plain_s + waits_s) / 2}.get(whole, 0.0)
        return plain_s if whole in {Whole.CERTAINLY, Whole.APPARENTLY} else waits_s

    async def _whole(self, so_far: Utterance, words: Callable[[], Awaitable[Transcript | None]]) -> Whole:
        """Whether the words so far ask for more."""
        try:
            async with asyncio.timeout(TEXT_WAIT_S):
                said = await words()
        except TimeoutError:
            return Whole.UNKNOWN
        if said is None:
            return Whole.UNKNOWN
        if self._unfinished(said.text, said.language):
            return Whole.NO
        if said.sure is None:
            return Whole.APPARENTLY
        letters = sum(character.isalnum() for character in said.text)
        hasty = letters > MOST_LETTERS_PER_S * (so_far.speech_end_s - so_far.speech_start_s)
        return Whole.DOUBTFUL if hasty or not said.sure else Whole.CERTAINLY
