"""What every ``Agent`` must do. A test class derives from the suite and says how to open its agent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing
from enum import Enum, auto
from typing import Protocol

import pytest

from pipeline.errors import ProviderError, ProviderTimeout
from pipeline.protocols import Agent
from pipeline.speech import Exchange, Personality, Transcript

SECRET = "what does zanzibar 4711 cost"
"""A question whose words no log and no error message may have."""

HISTORY = (Exchange("where is the milk", "You will find milk in aisle 7."), Exchange("is it open", "Yes."))
PERSONALITY = Personality("Ava", prompt="You sell zithers.")
QUICK = {"timeout_s": 0.3, "total_timeout_s": 0.3, "max_answer_chars": 1000}
"""Limits for those that hang: waiting is what is tested, so the test waits that long and measures nothing."""
PATIENT = {"timeout_s": 60.0, "total_timeout_s": 60.0, "max_answer_chars": 1000}


class Day(Enum):
    """How the agent's source behaves."""

    GOOD = auto()
    """An answer of several words."""
    HANGS = auto()
    """Never answers."""
    STALLS = auto()
    """Begins to answer, then hangs."""
    NOTHING = auto()
    """Answers blanks."""
    FLOODS = auto()
    """100 kB."""
    FAILS = auto()
    """Reports a failure in the customer's own words."""
    DIES = auto()
    """Begins to answer, then ends as it should not."""


class Subject(Protocol):
    """An opened agent and its source."""

    agent: Agent

    def behave(self, day: Day) -> None:
        """From the next request on."""

    async def quiet(self) -> None:
        """Return when nothing of the request goes on any more: no process, no connection."""

    def told(self) -> tuple[str, list[tuple[str, str]]] | None:
        """The last request's text and history as the source got them; None where there is no source."""


def said(text: str, language: str = "en") -> Transcript:
    return Transcript(text, language, 0.9, "fake", 1.0)


async def whole(agent: Agent, text: str = "what time do you close") -> str:
    return "".join([piece async for piece in agent.reply(said(text), PERSONALITY, HISTORY)])


class AgentContract:
    """For every agent. Derive from it and override ``opened``."""

    def opened(self, limits: dict[str, float]) -> AbstractAsyncContextManager[Subject]:
        raise NotImplementedError

    @pytest.fixture
    async def subject(self) -> AsyncIterator[Subject]:
        before = asyncio.all_tasks()
        async with self.opened(PATIENT) as subject:
            yield subject
        assert asyncio.all_tasks() <= before | {asyncio.current_task()}

    async def test_answers_in_words(self, subject: Subject) -> None:
        assert (await whole(subject.agent)).strip()

    async def test_answers_again_and_at_the_same_time(self, subject: Subject) -> None:
        alone = await whole(subject.agent)
        assert await asyncio.gather(*(whole(subject.agent) for _ in range(3))) == [alone] * 3

    async def test_history_and_text_reach_the_source(self, subject: Subject) -> None:
        await whole(subject.agent, "what time is it")
        told = subject.told()
        assert told in (None, ("what time is it", [(one.customer_text, one.heard_text) for one in HISTORY]))

    async def test_an_answer_that_nobody_wants_leaves_it_usable(self, subject: Subject) -> None:
        async with aclosing(subject.agent.reply(said("what time is it"), PERSONALITY, HISTORY)) as pieces:
            async for _ in pieces:
                break
        await subject.quiet()
        assert await whole(subject.agent)

    async def test_a_reply_that_is_never_iterated_costs_nothing(self, subject: Subject) -> None:
        async with aclosing(subject.agent.reply(said("what time is it"), PERSONALITY, HISTORY)):
            pass
        await subject.quiet()
        assert await whole(subject.agent)

    async def test_words_stay_out_of_the_log(self, subject: Subject, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        await whole(subject.agent, SECRET)
        assert "zanzibar" not in caplog.text and "4711" not in caplog.text

    async def test_has_a_name(self, subject: Subject) -> None:
        assert subject.agent.capabilities.name


class SourcedAgentContract(AgentContract):
    """For agents that ask something that may have a bad day."""

    @pytest.mark.parametrize("day", [Day.HANGS, Day.STALLS])
    async def test_one_that_hangs_is_given_up(self, day: Day) -> None:
        async with self.opened(QUICK) as subject:
            subject.behave(day)
            with pytest.raises(ProviderTimeout) as caught:
                await whole(subject.agent, SECRET)
            await subject.quiet()
        self.check_message(caught.value)

    async def test_it_is_usable_after_a_hang(self) -> None:
        async with self.opened({**PATIENT, "timeout_s": 5.0}) as subject:
            good = await whole(subject.agent)
            for day in (Day.STALLS, Day.FAILS, Day.DIES):
                subject.behave(day)
                if day is Day.STALLS:
                    await self._cancelled_after_first_piece(subject)
                else:
                    with pytest.raises(ProviderError):
                        await whole(subject.agent)
                await subject.quiet()
                subject.behave(Day.GOOD)
                assert await whole(subject.agent) == good

    async def test_cancelling_before_the_first_piece_leaves_nothing(self, subject: Subject) -> None:
        subject.behave(Day.HANGS)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await whole(subject.agent)
        await subject.quiet()
        subject.behave(Day.GOOD)
        assert await whole(subject.agent)

    @pytest.mark.parametrize("day", [Day.NOTHING, Day.FAILS, Day.DIES])
    async def test_failures_are_errors_without_the_customers_words(
        self, day: Day, subject: Subject, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        subject.behave(day)
        with pytest.raises(ProviderError) as caught:
            await whole(subject.agent, SECRET)
        assert not isinstance(caught.value, ProviderTimeout)
        self.check_message(caught.value)
        assert "zanzibar" not in caplog.text
        if day is Day.NOTHING:
            assert "answered nothing" in str(caught.value)

    async def test_an_endless_answer_is_cut(self, subject: Subject, caplog: pytest.LogCaptureFixture) -> None:
        subject.behave(Day.FLOODS)
        answer = await whole(subject.agent)
        assert 700 < len(answer) <= 1000
        assert answer.rstrip().endswith(".")
        assert "cut at 1000 characters" in caplog.text
        await subject.quiet()

    async def _cancelled_after_first_piece(self, subject: Subject) -> None:
        begun = asyncio.Event()

        async def listen() -> None:
            async with aclosing(subject.agent.reply(said("hello"), PERSONALITY, ())) as pieces:
                async for piece in pieces:
                    if piece.strip():
                        begun.set()

        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(listen(), name="listening")
            await begun.wait()
            listening.cancel()

    def check_message(self, error: ProviderError) -> None:
        """One line, and neither it nor what a traceback shows of its causes has a word of the customer's."""
        assert "\n" not in str(error)
        cause: BaseException | None = error
        while cause is not None:
            assert "zanzibar" not in str(cause) and "4711" not in str(cause)
            cause = cause.__cause__ or cause.__context__
