"""Several engines, one voice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from pipeline.audio import AudioChunk
from pipeline.errors import ModelMissing, ProviderError, ProviderTimeout
from pipeline.events import EventFeed
from pipeline.fallback import NoVoice, Prepared, Rendering
from pipeline.on_demand import OnDemandSynthesizer
from pipeline.protocols import Synthesizer
from pipeline.speech import Personality, Voice, VoiceChoice, VoiceConfig, VoiceMode
from pipeline.speech_cache import SpeechCache
from pipeline.usage import Outcome, Use
from tests.fakes.synthesizer import ScriptedSynthesizer
from tests.pipeline.scene import voice_of
from tests.virtual_time import in_virtual_time, now_s

pytestmark = pytest.mark.unit

TEXT = "We close at nine."
LIMIT_S = 4.0

ROBIN = Personality("Robin", voice=VoiceConfig(provider="first"))


class Ledger:
    def __init__(self) -> None:
        self.uses: list[Use] = []

    def record(self, use: Use) -> None:
        self.uses.append(use)

    def outcomes(self) -> list[tuple[str, str]]:
        return [(use.provider, use.outcome) for use in self.uses]


class Store:
    """An ``AudioStore`` in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, AudioChunk] = {}

    async def get(self, key: str) -> AudioChunk | None:
        return self.kept.get(key)

    async def has(self, key: str) -> bool:
        return key in self.kept

    async def put(self, key: str, audio: AudioChunk, provider: str, sample: str = "") -> None:
        self.kept[key] = audio


class Shop:
    """A voice of several engines, what it told and what it counted."""

    def __init__(self, *engines: Synthesizer, cache: SpeechCache | None = None) -> None:
        self.events: list[dict[str, Any]] = []
        self.ledger = Ledger()
        feed = EventFeed()
        feed.subscribe(lambda record: self.events.append(record.as_dict()))
        self.voice = voice_of(engines, feed, now_s, cache=cache, usage=self.ledger, time_limit_s=LIMIT_S)

    async def say(
        self, text: str = TEXT, language: str = "en", who: Personality = ROBIN
    ) -> tuple[float, list[Rendering]]:
        """Seconds of sound, and who spoke."""
        sound_s, renderings = 0.0, []
        async with aclosing(self.voice.say(text, language, who)) as chunks:
            async for chunk, rendering in chunks:
                sound_s += chunk.duration_s
                renderings += [rendering] if rendering else []
        return sound_s, renderings


def engine(name: str, **switches: Any) -> ScriptedSynthesizer:
    made = ScriptedSynthesizer(name, switches.pop("languages", ("en",)))
    for switch, value in switches.items():
        setattr(made, switch, value)
    return made


def trail(rendering: Rendering) -> list[tuple[str, str | None]]:
    return [(attempt.provider, attempt.error) for attempt in rendering.attempts]


@in_virtual_time
async def test_the_first_one_speaks() -> None:
    first, second = engine("first"), engine("second")
    _, who = await Shop(first, second).say()
    assert [(one.provider, one.voice) for one in who] == [("first", "first-en")]
    assert not second.said


@in_virtual_time
async def test_the_next_one_speaks_where_one_fails() -> None:
    shop = Shop(engine("first", fails_after=0), engine("second"))
    _, who = await shop.say()
    assert trail(who[0]) == [("first", "provider"), ("second", None)]
    assert shop.ledger.outcomes() == [("first", Outcome.FAILED), ("second", Outcome.DONE)]
    failed, done = shop.ledger.uses
    assert (failed.error, failed.latency_ms, failed.audio_s, failed.characters) == ("provider", None, 0.0, len(TEXT))
    assert (done.error, done.voice, done.personality) == ("", "second-en", ROBIN)
    assert done.latency_ms == 0.0
    assert done.audio_s == pytest.approx(13 * 0.06)


@in_virtual_time
async def test_a_sentence_that_broke_off_is_said_again_whole() -> None:
    whole_s, _ = await Shop(engine("only")).say()
    sound_s, who = await Shop(engine("first", fails_after=3), engine("second")).say()
    assert [one.provider for one in who] == ["first", "second"]
    assert trail(who[1]) == [("first", None), ("first", "provider"), ("second", None)]
    assert sound_s == pytest.approx(whole_s + 0.3, abs=0.01)


@pytest.mark.parametrize("after", [0, 2])
@in_virtual_time
async def test_an_engine_that_hangs_is_left_when_its_limit_has_passed(after: int) -> None:
    hanging = engine("first", hangs_after=after)
    _, who = await Shop(hanging, engine("second")).say()
    assert who[-1].provider == "second"
    assert trail(who[-1])[-2:] == [("first", "provider_timeout"), ("second", None)]
    assert now_s() == pytest.approx(LIMIT_S)
    assert who[-1].first_audio_ms == pytest.approx(LIMIT_S * 1000)
    assert hanging.cancelled == [TEXT]


@in_virtual_time
async def test_late_engines_get_a_quarter_of_the_limit() -> None:
    stuck = [engine(name, hangs_after=0) for name in ("first", "b", "c")]
    _, who = await Shop(*stuck, engine("d", first_chunk_s=0.5)).say()
    assert now_s() == pytest.approx(LIMIT_S * 1.5 + 0.5)
    assert [attempt.ms for attempt in who[0].attempts] == pytest.approx([4000, 1000, 1000, 500])


@in_virtual_time
async def test_a_quick_failure_leaves_the_rest_of_the_limit_to_the_next_one() -> None:
    shop = Shop(engine("first", fails_after=0), engine("second", first_chunk_s=3.9), engine("third"))
    _, who = await shop.say()
    assert who[0].provider == "second"


@in_virtual_time
async def test_after_a_sentence_broke_off_the_limit_begins_anew() -> None:
    """The customer has heard something meanwhile: what it took to say does not count as waiting."""
    first = engine("first", fails_after=6, chunk_s=2.0)
    _, who = await Shop(first, engine("second", first_chunk_s=3.0)).say()
    assert who[-1].provider == "second"


@in_virtual_time
async def test_a_listener_that_takes_its_time_uses_up_nobody_s_limit() -> None:
    async with aclosing(Shop(engine("first", chunk_s=3.0)).voice.say(TEXT, "en", ROBIN)) as chunks:
        heard = 0
        async for _ in chunks:
            heard += 1
            await asyncio.sleep(60.0)
    assert heard == 8


@in_virtual_time
async def test_recovery_by_the_next_sentence_and_its_events() -> None:
    first, second = engine("first"), engine("second")
    shop = Shop(first, second)
    asked = []
    # It fails at 0 s and rests for 5 s, fails at 6 s and rests for 10 s, speaks again at 17 s.
    for at_s, fails in ((0, 0), (1, None), (6, 0), (15, None), (17, None), (18, None)):
        await asyncio.sleep(at_s - now_s())
        first.fails_after, before = fails, len(first.said)
        await shop.say()
        asked.append(len(first.said) > before)
    assert asked == [True, False, True, False, True, True]
    assert [(event["provider"], event["state"]) for event in shop.events] == [("first", "failing"), ("first", "ok")]
    assert len(second.said) == 4


@in_virtual_time
async def test_an_engine_at_rest_is_asked_last_and_the_trail_says_so() -> None:
    first, second = engine("first", fails_after=0), engine("second")
    shop = Shop(first, second)
    await shop.say()
    _, who = await shop.say()
    assert trail(who[0]) == [("first", "resting"), ("second", None)]
    first.fails_after, second.fails_after = None, 0
    _, who = await shop.say()
    assert trail(who[0]) == [("first", "resting"), ("second", "provider"), ("first", None)]


CLONED = Personality("Robin", voice=VoiceConfig("clone", VoiceMode.CUSTOM, sample="voices/shop/robin/1.wav"))


def clone(**switches: Any) -> ScriptedSynthesizer:
    made = engine("clone", only_clones=True, **switches)
    made.flags["clones"] = True
    return made


@in_virtual_time
async def test_one_that_is_being_started_neither_keeps_anybody_waiting_nor_has_to_rest() -> None:
    own, other = clone(starting_s=30.0), engine("other")
    shop = Shop(own, other)
    for _ in range(3):
        _, (rendering,) = await shop.say(who=CLONED)
        assert trail(rendering) == [("clone", "not_ready"), ("other", None)]
    assert now_s() == 0.0
    await shop.voice.ready("en", CLONED)
    _, (rendering,) = await shop.say(who=CLONED)
    assert trail(rendering) == [("clone", None)]
    assert shop.ledger.outcomes() == [("other", Outcome.DONE)] * 3 + [("clone", Outcome.DONE)]
    assert not shop.events


@in_virtual_time
async def test_what_cannot_be_made_ready_is_told_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(ScriptedSynthesizer):
        async def ready(self, voice: Voice) -> None:
            raise ModelMissing("There is no model.")

    shop = Shop(Broken("first"))
    await shop.voice.ready("en", ROBIN)
    assert "There is no model." in caplog.text
    await shop.voice.ready("en", Personality("Nobody", voice=VoiceConfig(provider="nobody")))


@in_virtual_time
async def test_the_cloud_is_not_made_ready() -> None:
    cloud = engine("first", starting_s=30.0)
    cloud.flags["needs_network"] = True
    shop = Shop(cloud)
    await shop.voice.ready("en", ROBIN)
    assert now_s() == 0.0
    cloud.flags["own_network"] = True
    shop = Shop(cloud)
    await shop.voice.ready("en", ROBIN)
    assert now_s() == 30.0


@in_virtual_time
async def test_one_that_is_slower_than_speech_is_asked_last_but_what_it_has_said_is_used() -> None:
    own, other = clone(real_time_factor=1.2, chunk_s=LIMIT_S + 1), engine("other")
    store = Store()
    async with SpeechCache(store) as cache:
        shop = Shop(own, other, cache=cache)
        _, (rendering,) = await shop.say(who=CLONED)
        assert trail(rendering) == [("clone", "too_slow"), ("other", None)]
        assert await shop.voice.prepare(TEXT, "en", CLONED) is Prepared.MADE
        _, (rendering,) = await shop.say(who=CLONED)
        assert (rendering.provider, rendering.cached) == ("clone", True)
        other.fails_after, own.chunk_s = 0, 0.0
        _, (rendering,) = await shop.say("We open at eight.", who=CLONED)
    assert trail(rendering) == [("clone", "too_slow"), ("other", "provider"), ("clone", None)]


@in_virtual_time
async def test_one_that_keeps_up_with_speech_speaks() -> None:
    shop = Shop(clone(real_time_factor=1.0), engine("other"))
    _, (rendering,) = await shop.say(who=CLONED)
    assert trail(rendering) == [("clone", None)]


@in_virtual_time
async def test_the_reasons_of_the_router_begin_the_trail() -> None:
    sam = Personality("Sam", voice=VoiceConfig("elsewhere", fallback=VoiceChoice("gone")))
    _, who = await Shop(engine("first")).say(who=sam)
    assert trail(who[0]) == [("elsewhere", "not_in_use"), ("gone", "not_in_use"), ("first", None)]


class Picky(ScriptedSynthesizer):
    """Fails with some of its voices."""

    def __init__(self, name: str, error: Exception, *voices: str) -> None:
        super().__init__(name)
        self.bad, self.why, self.asked = voices, error, list[str]()

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[AudioChunk]:
        self.asked.append(voice.name)
        if voice.name in self.bad:
            if isinstance(self.why, ProviderTimeout):
                await asyncio.Event().wait()
            raise self.why
        async for chunk in super().synthesize(text, voice):
            yield chunk


CHOOSY = Personality("Choosy", voice=VoiceConfig("first", voice_id="odd-en"))


@in_virtual_time
async def test_of_an_engine_with_a_missing_voice_another_one_speaks() -> None:
    first, second = Picky("first", ModelMissing("no file"), "odd-en"), engine("second")
    shop = Shop(first, second)
    _, who = await shop.say(who=CHOOSY)
    assert trail(who[0]) == [("first", "model_missing"), ("first", None)]
    _, who = await shop.say(who=CHOOSY)
    assert trail(who[0]) == [("first", "resting"), ("first", None)], "only the one voice rests"
    assert not second.said


@in_virtual_time
async def test_an_engine_that_failed_is_not_asked_again_in_another_voice_before_others() -> None:
    first, second = Picky("first", ProviderError("no"), "odd-en"), engine("second")
    _, who = await Shop(first, second).say(who=CHOOSY)
    assert trail(who[0]) == [("first", "provider"), ("second", None)]
    assert first.asked == ["odd-en"]


@in_virtual_time
async def test_but_before_silence_it_is() -> None:
    """A wrong voice that an engine tells as a failure of its own must not make it mute."""
    first = Picky("first", ProviderError("no such voice"), "odd-en")
    _, who = await Shop(first, engine("second", fails_after=0)).say(who=CHOOSY)
    assert trail(who[0]) == [("first", "provider"), ("second", "provider"), ("first", None)]


@in_virtual_time
async def test_one_that_hung_is_not_waited_for_twice() -> None:
    first = Picky("first", ProviderTimeout(""), "odd-en", "first-en")
    with pytest.raises(NoVoice):
        await Shop(first, engine("second", fails_after=0)).say(who=CHOOSY)
    assert first.asked == ["odd-en"]
    assert now_s() == pytest.approx(LIMIT_S)


@pytest.mark.parametrize("error", [ZeroDivisionError(), MemoryError(), PermissionError(13, "no"), TimeoutError()])
@in_virtual_time
async def test_a_defect_in_one_engine_does_not_silence_the_others(error: Exception) -> None:
    _, who = await Shop(engine("first", fails_after=0, error=error), engine("second")).say()
    assert who[0].attempts[0].error == ("provider_timeout" if isinstance(error, TimeoutError) else "defect")
    assert who[0].provider == "second"


@in_virtual_time
async def test_an_engine_that_makes_no_sound_of_words_has_failed() -> None:
    _, who = await Shop(engine("first", mute=True), engine("second")).say()
    assert trail(who[0]) == [("first", "bad_audio"), ("second", None)]


@in_virtual_time
async def test_one_that_never_ends_is_ended() -> None:
    class Babbling(ScriptedSynthesizer):
        async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[AudioChunk]:
            while True:
                async for chunk in super().synthesize(text, voice):
                    yield chunk

    sound_s, who = await Shop(Babbling("first"), engine("second")).say()
    assert who[-1].provider == "second"
    assert sound_s < 25.0


@in_virtual_time
async def test_all_fail() -> None:
    with pytest.raises(NoVoice, match=r"first \(provider\), second \(provider_timeout\)") as raised:
        await Shop(engine("first", fails_after=0), engine("second", hangs_after=0)).say()
    assert "assistant check" in raised.value.remedy
    assert [attempt.provider for attempt in raised.value.attempts] == ["first", "second"]


@in_virtual_time
async def test_an_accent_is_better_than_silence() -> None:
    _, who = await Shop(engine("english")).say(language="fr")
    assert [(one.provider, one.voice) for one in who] == [("english", "english-en")]


@pytest.mark.parametrize("text", ["", " ", "...", "🙂", "\u200b"])
@in_virtual_time
async def test_a_text_with_nothing_to_say_asks_nobody(text: str) -> None:
    first = engine("first")
    shop = Shop(first)
    assert await shop.say(text) == (0, [])
    assert not first.said
    assert shop.ledger.uses == []


async def leave(shop: Shop, after: int) -> None:
    """Stop listening after so many chunks."""
    async with aclosing(shop.voice.say(TEXT, "en", ROBIN)) as chunks:
        for _ in range(after):
            await anext(chunks)


@in_virtual_time
async def test_an_interruption_is_no_failure() -> None:
    first = engine("first")
    shop = Shop(first, engine("second"))
    await leave(shop, 2)
    assert first.cancelled == [TEXT]
    assert shop.events == []
    assert shop.ledger.outcomes() == [("first", Outcome.LEFT)]
    assert shop.ledger.uses[0].audio_s == pytest.approx(0.2)
    _, who = await shop.say()
    assert trail(who[0]) == [("first", None)]


@in_virtual_time
async def test_nor_is_one_that_comes_before_the_first_sound() -> None:
    first = engine("first", hangs_after=0)
    shop = Shop(first, engine("second"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(LIMIT_S / 2):
            await shop.say()
    assert shop.events == []
    assert shop.ledger.outcomes() == [("first", Outcome.LEFT)]
    assert shop.ledger.uses[0].latency_ms is None
    assert first.cancelled == [TEXT]


@in_virtual_time
async def test_what_was_said_before_comes_from_the_cache_also_while_its_engine_rests() -> None:
    first, second = engine("first"), engine("second")
    async with SpeechCache(Store()) as cache:
        shop = Shop(first, second, cache=cache)
        before = await shop.say()
        first.fails_after = 0
        await shop.say("Something else.")
        after = await shop.say()
    assert first.said == [TEXT, "Something else."]
    assert after[0] == pytest.approx(before[0])
    assert (after[1][0].provider, after[1][0].cached, trail(after[1][0])) == ("first", True, [("first", None)])
    assert shop.ledger.outcomes()[-1] == ("first", Outcome.CACHED)
    assert shop.events[-1]["state"] == "failing", "what is in the cache proves nothing"


@in_virtual_time
async def test_what_broke_off_is_not_kept() -> None:
    store = Store()
    async with SpeechCache(store) as cache:
        shop = Shop(engine("first", fails_after=2), engine("second"), cache=cache)
        sound_s, _ = await shop.say()
    assert [sound.duration_s for sound in store.kept.values()] == pytest.approx([sound_s - 0.2])


class Mumbling(ScriptedSynthesizer):
    """Does not say what it sounds like."""

    async def fingerprint(self, voice: Voice) -> str:
        await asyncio.Event().wait()
        return ""


@in_virtual_time
async def test_an_engine_that_does_not_say_what_it_sounds_like_is_heard_all_the_same() -> None:
    store = Store()
    async with SpeechCache(store) as cache:
        await Shop(Mumbling("first"), cache=cache).say()
    assert now_s() == pytest.approx(1.0)
    assert not store.kept


@in_virtual_time
async def test_and_while_it_rests_nobody_waits_for_it() -> None:
    first = Mumbling("first")
    first.hangs_after = 0
    async with SpeechCache(Store()) as cache:
        shop = Shop(first, engine("second"), cache=cache)
        await shop.say()
        assert now_s() == pytest.approx(LIMIT_S), "waiting for its fingerprint is part of its limit"
        _, who = await shop.say("Something else.")
    assert who[0].first_audio_ms == pytest.approx(100.0)


@in_virtual_time
async def test_looking_into_the_cache_opens_no_engine() -> None:
    """It would be tried at each sentence, whether it rests or not."""
    shut = engine("first", refuses=ModelMissing("no file"))
    async with OnDemandSynthesizer(shut) as first, SpeechCache(Store()) as cache:
        shop = Shop(first, engine("second"), cache=cache)
        for _ in range(5):
            await shop.say()
    assert shut.entered == 2, "once at the start, once for the first sentence; then it rests"
