"""Conversations that are held by HTTP: typed or recorded questions, answered as text and sound."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from assistant.http.problem import Refused
from assistant.http.recitals import Recital, Recitals
from assistant.http.speaking import Speaking, Spoken
from assistant.task_room import TaskRoom
from pipeline.errors import ProviderError, without_words
from pipeline.protocols import Agent
from pipeline.sentences import sentences
from pipeline.speech import Exchange, Personality, Transcript

log = logging.getLogger(__name__)

MOST_TALKS = 100
"""Conversations whose history is remembered at the same time."""


@dataclass(slots=True)
class Talk:
    """One conversation's memory."""

    id: str
    tenant: str
    personality_id: str
    history: deque[Exchange]
    last_s: float
    """Clock time of the last question."""


class Answer:
    """An answer while it arises: its text, and its sound a little later."""

    def __init__(self, talk: Talk, transcript: Transcript, personality: Personality) -> None:
        self.talk = talk
        self.transcript = transcript
        self.personality = personality
        self.recital = Recital(talk.tenant)
        """Its sound."""
        self._texts: list[str] = []
        self._ended = False
        self._error: Exception | None = None
        self._news = asyncio.Event()

    async def sentences(self) -> AsyncGenerator[str]:
        """Its sentences from the beginning, as they come. Raises what kept the agent from answering."""
        read = 0
        while True:
            if read < len(self._texts):
                read += 1
                yield self._texts[read - 1]
            elif self._error is not None:
                raise self._error
            elif self._ended:
                return
            else:
                await self._news.wait()

    @property
    def text(self) -> str:
        """As far as it is known."""
        return " ".join(self._texts)

    def add(self, sentence: str) -> None:
        """The next sentence, by the agent's side."""
        self._texts.append(sentence)
        self._tell()

    def end(self, error: Exception | None) -> None:
        """No more text comes."""
        if self._ended:
            return
        if error is None and not self._texts:
            error = ProviderError("The agent answered nothing that can be said.")
        self._ended, self._error = True, error
        if self._texts:
            self.talk.history.append(Exchange(self.transcript.text, self.text))
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Talks(TaskRoom):
    """Asks the agent and has its answer spoken; remembers the exchanges for a while. An async context manager."""

    def __init__(
        self,
        agent: Agent,
        speaking: Speaking,
        recitals: Recitals,
        *,
        turns: int,
        idle_s: float,
        clock: Callable[[], float],
    ) -> None:
        """``turns`` exchanges are remembered; after ``idle_s`` seconds without a question they are forgotten."""
        super().__init__()
        self._agent = agent
        self._speaking = speaking
        self._recitals = recitals
        self._turns = turns
        self._idle_s = idle_s
        self._clock = clock
        self._talks: OrderedDict[str, Talk] = OrderedDict()

    def talk(self, key: str | None, tenant: str, who: Personality) -> Talk:
        """The conversation of that id, a new one for None. Raises ``Refused`` for one that is forgotten."""
        now_s = self._clock()
        for old in [one for one in self._talks.values() if now_s - one.last_s > self._idle_s]:
            del self._talks[old.id]
        talk = self._talks.get(key) if key is not None else None
        if key is not None and (talk is None or talk.tenant != tenant):
            raise Refused(
                404,
                "conversation_over",
                "That conversation is over or was never begun.",
                remedy="Leave conversation_id out to begin a new one.",
            )
        if talk is None:
            talk = Talk(secrets.token_urlsafe(12), tenant, who.id, deque(maxlen=self._turns), now_s)
            self._talks[talk.id] = talk
            if len(self._talks) > MOST_TALKS:
                self._talks.popitem(last=False)
        talk.last_s = now_s
        self._talks.move_to_end(talk.id)
        return talk

    def forget(self, _: str = "") -> None:
        """End all conversations: none lasts longer than some minutes, so the day does not matter."""
        self._talks.clear()

    def answer(self, talk: Talk, transcript: Transcript, who: Personality) -> Answer:
        """Begin an answer: its text and its sound arise from now on, whether somebody reads them or not.

        Raises ``Refused`` where too many are being made.
        """
        answer = Answer(talk, transcript, who)
        answer.recital = self._recitals.begin(self._spoken(answer), talk.tenant, keep=True)
        task = self._begin(self._write(answer, tuple(talk.history)), "agent for http")
        task.add_done_callback(lambda _: answer.end(ProviderError("The agent was stopped.")))
        return answer

    async def _write(self, answer: Answer, history: Sequence[Exchange]) -> None:
        """The agent's side; what it raises belongs to those who read."""
        try:
            async with (
                aclosing(self._agent.reply(answer.transcript, answer.personality, history)) as pieces,
                aclosing(sentences(pieces)) as texts,
            ):
                async for text in texts:
                    answer.add(text)
        except Exception as error:  # noqa: BLE001 - those who read raise it
            log.error("A question by HTTP was not answered: %s", without_words(error))
            answer.end(error)
        else:
            answer.end(None)

    async def _spoken(self, answer: Answer) -> AsyncGenerator[Spoken]:
        """The answer's sound."""
        async with aclosing(answer.sentences()) as texts:
            async for text in texts:
                speaking = self._speaking.sentence(text, answer.transcript.language, answer.personality)
                async with aclosing(speaking) as chunks:
                    async for chunk in chunks:
                        yield chunk
