"""What is spoken beforehand, and that nobody notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from assistant.settings import Settings, parse
from assistant.storage.audio_files import AudioFiles
from assistant.storage.database import Database
from assistant.warming import AGAIN_S, CHECK_EVERY_S, LOOK_S, MOST, PAUSE_S, Sentence, keep_warm, usual_sentences
from pipeline.events import EventFeed, Speaking
from pipeline.fallback import FallbackVoice
from pipeline.speakable import speakable
from pipeline.speech import Personality, Transcript, VoiceConfig
from pipeline.speech_cache import SpeechCache
from pipeline.turn import Turn, TurnParts
from tests.fakes.agent import FakeAgent
from tests.fakes.audio import FakeSpeaker
from tests.fakes.synthesizer import ScriptedSynthesizer
from tests.pipeline.scene import Clock, voice_of
from tests.providers.agent.faq.shops import example

pytestmark = pytest.mark.unit

AVA = Personality("Ava", voice=VoiceConfig(provider="fake"), greeting="Hello, I am Ava. Ask me!")
LOS = Personality("Luz", language="es", languages=("en",), voice=VoiceConfig(provider="fake"), greeting="¡Hola!")
PHRASES = ("One.", "Two.", "Three.")


def settings(**sections: object) -> Settings:
    return parse(dict(sections), "test")


class Shift:
    """A kiosk that warms its cache; its sleeps are counted and pass at once."""

    def __init__(self, voice: FallbackVoice, kiosk: Kiosk) -> None:
        self.voice = voice
        self.kiosk = kiosk
        self.clock = kiosk.clock
        self.idle = asyncio.Event()
        self.idle.set()
        self.sentences: list[Sentence] = [(text, "en", AVA) for text in PHRASES]
        self.slept: list[float] = []
        self.checks = asyncio.Semaphore(0)
        """Released at the end of each look for what is missing."""
        self.go_on = asyncio.Semaphore(0)
        """Acquired before the next one."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        if seconds == LOOK_S:
            return
        await self.kiosk.stored()
        self.clock.s += seconds
        self.slept.append(seconds)
        if seconds >= CHECK_EVERY_S:
            self.checks.release()
            await self.go_on.acquire()

    @asynccontextmanager
    async def begun(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            work = keep_warm(
                self.voice, lambda: self.sentences, speakable, self.idle, sleep=self.sleep, clock=self.clock
            )
            task = group.create_task(work)
            yield
            task.cancel()

    async def checked(self, times: int = 1) -> None:
        for number in range(times):
            if number:
                self.go_on.release()
            await self.checks.acquire()

    async def again(self) -> None:
        self.go_on.release()
        await self.checks.acquire()


class Kiosk:
    """A real cache in front of a scripted voice."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = ScriptedSynthesizer(languages=("en", "es"))
        self.clock = Clock()
        self.feed = EventFeed()
        self.files: AudioFiles
        self.cache: SpeechCache

    @asynccontextmanager
    async def opened(self, max_bytes: int = 10**8) -> AsyncIterator[FallbackVoice]:
        async with (
            Database(self.folder / "assistant.db") as database,
            AudioFiles(
                database, self.folder / "speech", keep_s=86_400, max_bytes=max_bytes, now=self.clock
            ) as self.files,
            SpeechCache(self.files) as self.cache,
        ):
            yield voice_of([self.engine], self.feed, self.clock, cache=self.cache)

    async def stored(self) -> None:
        """Return when all that was made lies on the disk."""
        while self.cache._going_on:
            await asyncio.sleep(0.001)


@pytest.fixture
def kiosk(tmp_path: Path) -> Kiosk:
    return Kiosk(tmp_path)


async def test_each_sentence_is_made_once_with_pauses(kiosk: Kiosk) -> None:
    async with kiosk.opened() as voice:
        shift = Shift(voice, kiosk)
        async with shift.begun():
            await shift.checked()
            assert kiosk.engine.said == list(PHRASES)
            assert shift.slept == [PAUSE_S] * 3 + [CHECK_EVERY_S]
            await shift.again()
    assert kiosk.engine.said == list(PHRASES)


async def test_what_expires_or_is_new_is_made_at_the_next_look(kiosk: Kiosk) -> None:
    async with kiosk.opened() as voice:
        shift = Shift(voice, kiosk)
        async with shift.begun():
            await shift.checked()
            shift.sentences.append(("Four.", "en", AVA))
            await shift.again()
            assert kiosk.engine.said[3:] == ["Four."]
            kiosk.clock.s += 86_400
            await shift.again()
            assert kiosk.engine.said[4:] == [*PHRASES, "Four."]
            other = Personality("Bob", voice=VoiceConfig(provider="fake", voice_id="bob-en"))
            shift.sentences = [("One.", "en", other)]
            await shift.again()
            assert kiosk.engine.said[8:] == ["One."]


async def test_it_gives_way_at_once_and_begins_the_sentence_anew(kiosk: Kiosk) -> None:
    engine = kiosk.engine
    engine.hangs_after = 1
    async with kiosk.opened() as voice:
        shift = Shift(voice, kiosk)
        async with shift.begun():
            while not engine.said:
                await asyncio.sleep(0.001)
            shift.idle.clear()
            while not engine.cancelled:
                await asyncio.sleep(0)
            for _ in range(50):
                await asyncio.sleep(0)
            assert engine.said == engine.cancelled == ["One."]
            engine.hangs_after = None
            shift.idle.set()
            await shift.checked()
    assert engine.said == ["One.", *PHRASES]


async def test_nothing_is_made_while_somebody_talks(kiosk: Kiosk) -> None:
    async with kiosk.opened() as voice:
        shift = Shift(voice, kiosk)
        shift.idle.clear()
        async with shift.begun():
            for _ in range(50):
                await asyncio.sleep(0)
            assert not kiosk.engine.said


async def test_a_voice_that_fails_is_left_alone_longer_and_longer(kiosk: Kiosk) -> None:
    kiosk.engine.fails_after = 0
    async with kiosk.opened() as voice:
        shift = Shift(voice, kiosk)
        async with shift.begun():
            await shift.checked(6)
            assert kiosk.engine.said == ["One."] * 6
            assert shift.slept == [600, 1200, 2400, 3600, 3600, 3600]
            kiosk.engine.fails_after = None
            await shift.again()
            assert shift.slept[-1] == CHECK_EVERY_S
    assert kiosk.engine.said[6:] == list(PHRASES)


async def test_a_cache_that_is_too_small_does_not_keep_it_busy(kiosk: Kiosk) -> None:
    async with kiosk.opened(max_bytes=20_000) as voice:
        shift = Shift(voice, kiosk)
        async with shift.begun():
            await shift.checked()
            await shift.again()
            await shift.again()
            assert kiosk.engine.said == list(PHRASES)
            kiosk.clock.s += AGAIN_S
            await shift.again()
            assert len(kiosk.engine.said) > 3


async def test_an_agent_that_knows_nothing_beforehand_ends_nothing() -> None:
    class Broken(FakeAgent):
        def phrases(self, personality: Personality, language: str) -> Sequence[str]:
            raise KeyError(language)

    found = usual_sentences(AVA, (AVA,), Broken(), settings())
    assert [text for text, _, _ in found[:2]] == ["Hello, I am Ava.", "Ask me!"]


def test_who_says_what_in_which_language() -> None:
    class Knowing(FakeAgent):
        def phrases(self, personality: Personality, language: str) -> Sequence[str]:
            return [f"{personality.name} in {language}. Yes."]

    own = settings(cache={"phrases": ["Oferta. Hoy."]}, conversation={"apologies": {"en": "Sorry. Ask us."}})
    found = usual_sentences(LOS, (LOS, AVA), Knowing(), own)
    assert [(text, language, who.name) for text, language, who in found] == [
        ("¡Hola!", "es", "Luz"),
        ("Hello, I am Ava.", "en", "Ava"),
        ("Ask me!", "en", "Ava"),
        ("Oferta.", "es", "Luz"),
        ("Hoy.", "es", "Luz"),
        ("Perdón, no le he entendido. ¿Puede repetirlo, por favor?", "es", "Luz"),
        ("Luz in es.", "es", "Luz"),
        ("Yes.", "es", "Luz"),
        ("Sorry, I did not understand that. Please say it again.", "en", "Luz"),
        ("Sorry. Ask us.", "en", "Luz"),
        ("Luz in en.", "en", "Luz"),
        ("Yes.", "en", "Luz"),
    ]


def test_it_has_bounds() -> None:
    class Talkative(FakeAgent):
        def phrases(self, personality: Personality, language: str) -> Sequence[str]:
            return [f"Answer {number}." for number in range(10_000)]

    assert len(usual_sentences(AVA, (), Talkative(), settings())) == MOST


@pytest.mark.parametrize("language", ["en", "es"])
async def test_a_turn_speaks_what_was_warmed_from_the_cache(kiosk: Kiosk, language: str) -> None:
    """Real FAQ, real splitting, real wording, real cache: nothing that the shop usually says is made while it waits."""
    questions = {
        "en": ["when do you close", "what are your hours", "can i return something", "xyzzy", "do you deliver"],
        "es": ["a qué hora cierran", "puedo pagar con tarjeta", "cuénteme un chiste", "xyzzy"],
    }[language]
    who = Personality("Ava", language=language, voice=VoiceConfig(provider="fake"), greeting="Hello. I am Ava.")
    spoken: list[Speaking] = []
    kiosk.feed.subscribe(lambda record: spoken.append(record.event) if isinstance(record.event, Speaking) else None)
    own = settings()
    async with example() as shop, kiosk.opened() as voice:
        shift = Shift(voice, kiosk)
        shift.sentences = usual_sentences(who, (who,), shop.agent, own)
        async with shift.begun():
            await shift.checked()
        made = len(kiosk.engine.said)
        assert made > 30
        talk = own.conversation
        parts = TurnParts(None, shop.agent, voice, FakeSpeaker(), speakable, talk.apologies, talk.repeat_requests)  # type: ignore[arg-type]
        for question in questions:
            turn = Turn(parts, kiosk.feed, kiosk.clock, who, (), 0.0)
            turn.transcript = Transcript(question, language, 0.9, "fake", 1.0)
            async with turn._aloud():
                await turn._reply()
        turn = Turn(parts, kiosk.feed, kiosk.clock, who, (), 0.0)
        async with turn._aloud():
            await turn._say_one_of(talk.repeat_requests, language)
            await turn._say_one_of(talk.apologies, language)
        await Turn(parts, kiosk.feed, kiosk.clock, who, (), 0.0).announce(who.greeting)
    assert len(spoken) >= len(questions) + 4
    assert [one.text for one in spoken if not one.cached] == []
    assert len(kiosk.engine.said) == made
