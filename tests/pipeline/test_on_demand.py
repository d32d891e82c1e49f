"""Providers that cannot be entered for a while."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, aclosing
from types import TracebackType
from typing import Self

import numpy as np
import pytest

from pipeline.audio import LISTENING_RATE_HZ, AudioChunk
from pipeline.errors import AssistantError, ModelMissing, ProviderError, ProviderMissing, ProviderTimeout
from pipeline.on_demand import (
    RECOGNISER_LATE_S,
    VOICE_START_S,
    OnDemandSynthesizer,
    OnDemandTranscriber,
)
from pipeline.protocols import Synthesizer, Transcriber
from pipeline.speech import Transcript, Utterance, Voice
from tests.contracts.stt import TranscriberContract, spoken
from tests.contracts.synthesizer import SHORT, SynthesizerContract, said
from tests.fakes.stt import ScriptedTranscriber
from tests.fakes.synthesizer import ScriptedSynthesizer
from tests.virtual_time import in_virtual_time, now_s

pytestmark = pytest.mark.unit

VOICE = Voice("fake-en", "en")
GONE = ModelMissing("There is no voice.", remedy="Fetch one.")


class Slow(ScriptedSynthesizer):
    """Takes its time to enter, and notes by whom it was entered and left."""

    def __init__(self, opening_s: float = 0.0, languages: tuple[str, ...] = ("en",)) -> None:
        super().__init__("slow", languages)
        self.opening_s = opening_s
        self.tasks: list[asyncio.Task[object] | None] = []
        self.left = 0
        self.stuck_at_leaving: Exception | None = None

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.tasks.append(asyncio.current_task())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.left += 1
        self.tasks.append(asyncio.current_task())
        if self.stuck_at_leaving is not None:
            raise self.stuck_at_leaving


class TestVoiceContract(SynthesizerContract):
    def opened(self) -> AbstractAsyncContextManager[Synthesizer]:
        return OnDemandSynthesizer(ScriptedSynthesizer())


async def test_one_that_can_be_entered_is_as_if_it_were_not_wrapped() -> None:
    engine = ScriptedSynthesizer()
    async with OnDemandSynthesizer(engine) as voice:
        assert voice.failure is None
        assert voice.capabilities == engine.capabilities
        assert voice.voice_for("en") == "fake-en"
        assert voice.voice_for("es") is None
        assert await voice.fingerprint(VOICE) == "0"
        assert await said(voice, SHORT, VOICE)
        assert engine.entered == 1


async def test_what_cannot_be_entered_does_not_hinder_the_start(caplog: pytest.LogCaptureFixture) -> None:
    engine = ScriptedSynthesizer()
    engine.refuses = GONE
    async with OnDemandSynthesizer(engine) as voice:
        assert voice.failure is GONE
        assert "Fetch one." in caplog.text
        assert voice.voice_for("en") == "fake-en", "it knows"
        assert voice.voice_for("es") == "", "it may speak it; it is asked when it is needed"
        assert voice.voice_for("es", "fake-en") == "", "a voice of another language is no answer"
        for ask in (said(voice, SHORT, VOICE), voice.fingerprint(VOICE)):
            with pytest.raises(ModelMissing):
                await ask
    assert engine.entered == 2, "at the start and when it was to speak; a fingerprint opens nothing"


async def test_it_works_as_soon_as_it_can_without_a_restart() -> None:
    engine = Slow()
    engine.refuses = ProviderMissing("no package")
    async with OnDemandSynthesizer(engine) as voice:
        engine.refuses = None
        assert await said(voice, SHORT, Voice("", "en"))
        assert voice.failure is None
        assert voice.voice_for("es") is None, "now it knows"
        await said(voice, SHORT, Voice("", "en"))
        assert engine.entered == 2
    assert engine.left == 1


@pytest.mark.parametrize("defect", [RuntimeError("the customer's words"), MemoryError(), PermissionError(13, "no")])
async def test_a_defect_at_entering_is_a_failure_like_others(
    defect: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    engine = ScriptedSynthesizer()
    engine.refuses = defect
    async with OnDemandSynthesizer(engine) as voice:
        assert isinstance(voice.failure, ProviderError)
        with pytest.raises(ProviderError, match=type(defect).__name__):
            await said(voice, SHORT, VOICE)
    assert "customer's words" not in caplog.text


async def test_it_does_not_count_as_failed_for_a_language_it_does_not_speak() -> None:
    """It was asked on the chance that it can."""
    engine = ScriptedSynthesizer()
    engine.refuses = GONE
    async with OnDemandSynthesizer(engine) as voice:
        engine.refuses = None
        with pytest.raises(ModelMissing, match="does not speak 'es'"):
            await said(voice, "Hola.", Voice(voice.voice_for("es") or "", "es"))
        assert voice.voice_for("es") is None


@in_virtual_time
async def test_many_who_need_it_at_once_enter_it_once() -> None:
    engine = Slow(1.0)
    engine.refuses = GONE
    async with OnDemandSynthesizer(engine) as voice:
        engine.refuses = None
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(said(voice, SHORT, VOICE), name="sentence")
        assert engine.entered == 2


@in_virtual_time
async def test_all_who_wait_hear_why_it_could_not_be_entered() -> None:
    engine = Slow()
    engine.refuses = GONE
    async with OnDemandSynthesizer(engine) as voice:
        found = await asyncio.gather(*(said(voice, SHORT, VOICE) for _ in range(5)), return_exceptions=True)
    assert found == [GONE] * 5
    assert engine.entered == 2


@in_virtual_time
async def test_who_does_not_wait_for_its_opening_does_not_stop_it() -> None:
    """Else one that takes longer to open than a customer waits would never speak again."""
    engine = Slow(10.0)
    engine.refuses = GONE
    async with OnDemandSynthesizer(engine) as voice:
        engine.refuses = None
        for expected in (TimeoutError, TimeoutError, None):
            try:
                async with asyncio.timeout(4.0):
                    await said(voice, SHORT, VOICE)
            except TimeoutError as error:
                assert expected is type(error)
            else:
                assert expected is None
        assert engine.entered == 2
        assert now_s() == pytest.approx(10.0)


@in_virtual_time
async def test_the_start_waits_only_so_long(caplog: pytest.LogCaptureFixture) -> None:
    engine = Slow(VOICE_START_S + 5.0)
    async with OnDemandSynthesizer(engine) as voice:
        assert now_s() == pytest.approx(VOICE_START_S)
        assert isinstance(voice.failure, ProviderTimeout)
        assert "not opened within 20 s" in caplog.text
        assert await said(voice, SHORT, VOICE)
        assert now_s() == pytest.approx(VOICE_START_S + 5.0)
        assert voice.failure is None
    assert engine.entered == engine.left == 1


@in_virtual_time
async def test_a_start_that_is_given_up_leaves_nothing_behind() -> None:
    engine = Slow(10.0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            async with OnDemandSynthesizer(engine):
                pytest.fail("it cannot be open")
    assert len(asyncio.all_tasks()) == 1
    assert engine.left == 0


@in_virtual_time
async def test_closing_gives_up_an_opening_that_goes_on() -> None:
    engine = Slow(1000.0)
    async with OnDemandSynthesizer(engine) as voice:
        pass
    assert now_s() == pytest.approx(VOICE_START_S)
    assert engine.left == 0
    with pytest.raises(ProviderError, match="not open"):
        await said(voice, SHORT, VOICE)


@in_virtual_time
async def test_who_waits_while_it_is_closed_is_told() -> None:
    engine = Slow(1000.0)
    async with asyncio.TaskGroup() as group, OnDemandSynthesizer(engine) as voice:
        waiting = group.create_task(_error(voice), name="sentence")
        await asyncio.sleep(1.0)
    assert isinstance(waiting.result(), AssistantError)


async def _error(voice: OnDemandSynthesizer) -> AssistantError | None:
    try:
        await said(voice, SHORT, VOICE)
    except AssistantError as error:
        return error
    return None


async def test_it_is_entered_and_left_by_one_task() -> None:
    """Some libraries demand it."""
    engine = Slow()
    engine.refuses = GONE
    async with OnDemandSynthesizer(engine) as voice:
        engine.refuses = None
        async with asyncio.TaskGroup() as group:
            group.create_task(said(voice, SHORT, VOICE), name="sentence")
    entered, left = engine.tasks
    assert entered is left is not None


async def test_one_that_cannot_be_left_does_not_hinder_the_end(caplog: pytest.LogCaptureFixture) -> None:
    engine = Slow()
    engine.stuck_at_leaving = OSError("busy")
    async with OnDemandSynthesizer(engine):
        pass
    assert engine.left == 1
    assert "could not be closed" in caplog.text


async def test_it_may_be_entered_again() -> None:
    voice = OnDemandSynthesizer(ScriptedSynthesizer())
    for _ in range(2):
        async with voice:
            assert await said(voice, SHORT, VOICE)


async def test_leaving_midway_leaves_the_engine() -> None:
    engine = ScriptedSynthesizer()
    async with OnDemandSynthesizer(engine) as voice:
        async with aclosing(voice.synthesize(SHORT, VOICE)) as chunks:
            await anext(chunks)
        assert engine.cancelled == [SHORT]


class LateTranscriber(ScriptedTranscriber):
    def __init__(self, opening_s: float) -> None:
        super().__init__(["Hello."])
        self.opening_s = opening_s

    async def __aenter__(self) -> Self:
        await asyncio.sleep(self.opening_s)
        if self.fails:
            raise self.fails.pop()
        return self


SOUND = spoken(AudioChunk(np.full(LISTENING_RATE_HZ, 1000, np.int16), LISTENING_RATE_HZ))


class TestTranscriberContract(TranscriberContract):
    words = "What time do you close?"

    def opened(self) -> AbstractAsyncContextManager[Transcriber]:
        return OnDemandTranscriber(ScriptedTranscriber([self.words]))

    def question(self) -> Utterance:
        return SOUND


@in_virtual_time
async def test_a_recogniser_is_waited_for_at_the_start() -> None:
    async with OnDemandTranscriber(LateTranscriber(90.0)) as recogniser:
        assert now_s() == pytest.approx(90.0), "without one it would be deaf"
        assert isinstance(await recogniser.transcribe(SOUND), Transcript)


@in_virtual_time
async def test_but_not_for_long_while_a_customer_waits() -> None:
    engine = LateTranscriber(15.0)
    engine.fails = [ProviderMissing("no package")]
    async with OnDemandTranscriber(engine) as recogniser:
        with pytest.raises(ProviderTimeout):
            await recogniser.transcribe(SOUND)
        assert now_s() == pytest.approx(15.0 + RECOGNISER_LATE_S)
        assert isinstance(await recogniser.transcribe(SOUND), Transcript)


async def test_one_that_hangs_is_left_and_entered_anew() -> None:
    engine = Slow()
    async with OnDemandSynthesizer(engine) as voice:
        await voice.renew()
        assert (engine.entered, engine.left) == (2, 1)
        assert len(set(engine.tasks)) == 2, "each keeper leaves what it entered"
        assert await said(voice, SHORT, VOICE)
        engine.refuses = GONE
        with pytest.raises(ModelMissing):
            await voice.renew()
        await voice.renew()  # it is not open: nothing hangs
        engine.refuses = None
        assert await said(voice, SHORT, VOICE), "and again as soon as it can"
    assert (engine.entered, engine.left) == (4, 3)
