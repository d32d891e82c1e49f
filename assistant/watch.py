"""What the assistant does just now, and its last turns, for those who watch from outside. It decides nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pipeline.events import (
    AnswerPaused,
    AnswerResumed,
    DeviceBack,
    DeviceLostEvent,
    EventFeed,
    EventRecord,
    FollowUp,
    Interrupted,
    Listening,
    Muted,
    NoSpeechHeard,
    ReplyText,
    Speaking,
    SpeechEnd,
    TranscriptReady,
    TurnEnd,
    WakeWord,
)
from pipeline.speech import Personality

State = Literal["starting", "listening", "hearing", "thinking", "speaking", "trouble", "muted"]
"""``muted`` stands for: it would wait for a wake word."""

MOST_TURNS = 50
"""Turns that are remembered, in memory only."""

REPLAYED = 200
"""Event lines that somebody who lost the connection is told again."""

BEHIND = 500
"""Event lines that somebody may be behind before the connection is given up: a dead browser costs no memory."""


@dataclass(frozen=True, slots=True)
class Line:
    """An event as it is sent."""

    number: int
    """Grows by one with each."""
    data: dict[str, Any]


class Watch:
    """Observes the feed."""

    def __init__(
        self,
        feed: EventFeed,
        personality: Callable[[], Personality],
        now: Callable[[], datetime],
        wake_word: str = "",
    ) -> None:
        """``personality`` says who speaks, ``now`` the time of the day with its zone; ``wake_word`` calls whoever has
        none of their own."""
        self._feed = feed
        self._personality = personality
        self._now = now
        self._wake_word = wake_word
        self._doing: State = "starting"
        self.muted = False
        self.lost = 0
        """Sound devices that are not there."""
        self.turns: deque[dict[str, Any]] = deque(maxlen=MOST_TURNS)
        """The last ones, newest first, as ``GET /api/turns`` tells them."""
        self._lines: deque[Line] = deque(maxlen=REPLAYED)
        self._number = 0
        self._watchers: set[_Watcher] = set()
        self._closed = False
        self._end = feed.subscribe(self)

    def close(self) -> None:
        """Observe no more, and let all who watch go."""
        if not self._closed:
            self._end()
        self._closed = True
        for watcher in tuple(self._watchers):
            watcher.close()

    def forget(self, before: str) -> None:
        """Remember no turn from before a day (ISO 8601), none at all for "", and no event line."""
        kept = [turn for turn in self.turns if before and turn["at"] >= before]
        self.turns.clear()
        self.turns.extend(kept)
        self._lines.clear()

    def __call__(self, record: EventRecord) -> None:
        """The next event."""
        self._note(record)
        self._number += 1
        line = Line(self._number, record.as_dict())
        self._lines.append(line)
        doing = _state_after(record, self._doing)
        changed, self._doing = doing != self._doing, doing
        if isinstance(record.event, Muted):
            changed, self.muted = True, record.event.muted
        elif isinstance(record.event, DeviceLostEvent):
            changed, self.lost = True, self.lost + 1
        elif isinstance(record.event, DeviceBack):
            changed, self.lost = True, max(0, self.lost - 1)
        for watcher in tuple(self._watchers):
            watcher.push(line)
            if changed:
                watcher.push(None)

    @property
    def state(self) -> State:
        """As the conversation goes; muted or not."""
        return "trouble" if self.lost else self._doing

    def snapshot(self) -> dict[str, Any]:
        """State, personality, turn, and whether it is muted."""
        who = self._personality()
        return {
            "state": "muted" if self.muted and self.state == "listening" else self.state,
            "muted": self.muted,
            "personality": {
                "id": who.id,
                "name": who.name,
                "language": who.language,
                "greeting": who.greeting,
                "wake_word": who.wake_word or self._wake_word,
            },
            "turn": self._feed.turn,
        }

    async def lines(self, after: int | None, wait_s: float) -> AsyncGenerator[Line | dict[str, Any] | None]:
        """A snapshot at first and when the state changes; event lines as they come, from ``after`` on if given.

        None where nothing came for ``wait_s``. Ends when whoever reads it is too far behind.
        """
        watcher = _Watcher()
        self._watchers.add(watcher)
        try:
            yield self.snapshot()
            if after is not None:
                for line in [one for one in self._lines if one.number > after]:
                    yield line
            while not watcher.closed:
                found = await watcher.next(wait_s)
                yield self.snapshot() if found is None else found or None
        finally:
            self._watchers.discard(watcher)

    def _note(self, record: EventRecord) -> None:
        """Write down what belongs to a turn."""
        event = record.event
        if record.turn == 0 or isinstance(event, Listening):
            return
        if not self.turns or self.turns[0]["turn"] != record.turn:
            self.turns.appendleft(self._new(record.turn))
        turn = self.turns[0]
        match event:
            case WakeWord(name=name):
                turn["wake_word"] = name
            case TranscriptReady(text=text, language=language):
                turn |= {"transcript": text, "language": language, "personality": self._personality().name}
            case NoSpeechHeard(reason=reason):
                turn["no_speech"] = reason
            case ReplyText(text=text, final=final):
                turn["reply"] = text if final else f"{turn['reply'] or ''} {text}".strip()
            case Speaking():
                turn["voices"].append(_voice(record))
            case Interrupted():
                turn["interrupted"] = True
            case TurnEnd():
                line = record.as_dict()
                turn |= {"response_ms": line["response_ms"], "stages_ms": line["stages_ms"]}
            case _:
                pass

    def _new(self, number: int) -> dict[str, Any]:
        return {
            "turn": number,
            "at": self._now().isoformat(timespec="seconds"),
            "personality": self._personality().name,
            "wake_word": None,
            "transcript": None,
            "language": None,
            "reply": None,
            "no_speech": None,
            "interrupted": False,
            "voices": [],
            "response_ms": None,
            "stages_ms": None,
        }


def _voice(record: EventRecord) -> dict[str, Any]:
    line = record.as_dict()
    return {key: line[key] for key in ("provider", "voice", "cached", "text", "first_audio_ms", "attempts")}


def _state_after(record: EventRecord, before: State) -> State:
    match record.event:
        case Listening():
            return "listening"
        case WakeWord() | FollowUp() | AnswerPaused():
            return "hearing"
        case SpeechEnd():
            return "thinking"
        case Speaking() | AnswerResumed():
            return "speaking"
        case _:
            return before


class _Watcher:
    """One who watches."""

    def __init__(self) -> None:
        self._waiting: deque[Line | None] = deque()
        self._news = asyncio.Event()
        self.closed = False

    def push(self, line: Line | None) -> None:
        """A line; None where the state changed."""
        if len(self._waiting) >= BEHIND:
            self.close()
        else:
            self._waiting.append(line)
        self._news.set()

    def close(self) -> None:
        """Nothing more comes."""
        self.closed = True
        self._news.set()

    async def next(self, wait_s: float) -> Line | Literal[False] | None:
        """The next one; False where none came in time."""
        if not self._waiting:
            self._news.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await self._news.wait()
            except TimeoutError:
                return False
        return self._waiting.popleft() if self._waiting else False
