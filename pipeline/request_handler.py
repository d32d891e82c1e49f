"""Does what customers ask of the conversation itself, before the agent is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pipeline.loudness import Loudness
from pipeline.speech import Personality, Transcript, primary_language
from pipeline.spoken_requests import ReplyKind, RequestKind, SpokenRequests

SLOWER_SHARE = 0.85
"""Of the pace before, each time."""

SLOWEST = 0.7
"""Of the personality's own pace; slower sounds broken."""


@dataclass(frozen=True, slots=True)
class Handled:
    """What comes of a request."""

    text: str
    """What is said."""

    language: str
    """ISO 639-1 code of ``text``."""

    ends: bool = False
    """The customer has no more to say."""

    person_wanted: bool = False
    """Staff must be told."""


class RequestHandler:
    """Knows the customer's wishes until they leave: loudness, pace and language, and the last answer."""

    def __init__(
        self,
        requests: SpokenRequests | None = None,
        replies: Mapping[ReplyKind, Mapping[str, str]] | None = None,
        loudness: Loudness | None = None,
        speaks: Callable[[Personality, str], bool] = lambda personality, language: True,
    ) -> None:
        """``replies``: by kind and language; a kind without any is the agent's. ``speaks`` tells whether somebody can
        go on in a language (ISO 639-1): understand it, and speak it.
        """
        self._requests = requests or SpokenRequests({})
        self._replies = replies or {}
        self._loudness = loudness or Loudness()
        self._speaks = speaks
        self._pace = 1.0
        self._last: tuple[str, str] | None = None
        self.language = ""
        """ISO 639-1 code of the language that the customer asked for, empty where they did not."""

    def forget(self) -> None:
        """The customer has gone."""
        self._pace, self._last, self.language = 1.0, None, ""
        self._loudness.reset()

    def answered(self, text: str, language: str) -> None:
        """The agent's answer as far as it is known, which may have to be repeated."""
        self._last = (text, language)

    def as_wished(self, personality: Personality) -> Personality:
        """At the pace the customer wants."""
        if self._pace == 1.0:
            return personality
        settings = replace(personality.voice.settings, speed=personality.voice.settings.speed * self._pace)
        return replace(personality, voice=replace(personality.voice, settings=settings))

    def is_stop(self, text: str, language: str) -> bool:
        """Whether somebody who says this (its language as ISO 639-1 code) only wants silence."""
        request = self._requests.find(text, language)
        return request is not None and request.kind is RequestKind.STOP

    def handle(self, transcript: Transcript, personality: Personality) -> Handled | None:
        """Do what was asked; None where that is the agent's to answer."""
        request = self._requests.find(transcript.text, transcript.language, personality.name)
        if request is None:
            return None
        language = primary_language(transcript.language)
        if request.kind is RequestKind.REPEAT and self._last is not None:
            return Handled(*self._last)
        if request.kind is RequestKind.LANGUAGE:
            return self._go_on_in(request.language, language, personality)
        handled = self._say(self._done(request.kind), language)
        if handled is None:
            return None
        ends = request.kind in {RequestKind.STOP, RequestKind.GOODBYE}
        return replace(handled, ends=ends, person_wanted=request.kind is RequestKind.PERSON)

    def _done(self, kind: RequestKind) -> ReplyKind:
        """Do it; what is to be said."""
        match kind:
            case RequestKind.LOUDER:
                return ReplyKind.LOUDER if self._loudness.louder() else ReplyKind.LOUDEST
            case RequestKind.SOFTER:
                return ReplyKind.SOFTER if self._loudness.softer() else ReplyKind.SOFTEST
            case RequestKind.SLOWER:
                return ReplyKind.SLOWER if self._slow_down() else ReplyKind.SLOWEST
            case RequestKind.REPEAT:
                return ReplyKind.NOTHING_TO_REPEAT
            case _:
                return ReplyKind(kind.value)

    def _slow_down(self) -> bool:
        slower = max(SLOWEST, self._pace * SLOWER_SHARE)
        changed, self._pace = slower < self._pace, slower
        return changed

    def _go_on_in(self, wanted: str, language: str, personality: Personality) -> Handled | None:
        if not wanted or not self._speaks(personality, wanted):
            return self._say(ReplyKind.OTHER_LANGUAGE, language)
        self.language = wanted
        return self._say(ReplyKind.LANGUAGE, wanted)

    def _say(self, kind: ReplyKind, language: str) -> Handled | None:
        texts = self._replies.get(kind, {})
        spoken = language if language in texts else "en"
        return Handled(texts[spoken], spoken) if texts.get(spoken) else None
