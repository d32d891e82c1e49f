"""One synthesis for all who ask, kept when it is whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from pipeline import speech_cache
from pipeline.audio import AudioChunk, joined
from pipeline.errors import ProviderError
from pipeline.events import EventFeed
from pipeline.fallback import FallbackVoice, Prepared
from pipeline.proper_sound import proper
from pipeline.speech import Personality, Voice, VoiceConfig, VoiceSettings
from pipeline.speech_cache import SpeechCache, sound_key
from pipeline.usage import Use
from tests.fakes.synthesizer import ScriptedSynthesizer
from tests.pipeline.scene import voice_of

pytestmark = pytest.mark.unit

TEXT = "We close at nine."
ROBIN = Personality("Robin", voice=VoiceConfig(provider="fake"))
VOICE = Voice("amy", "en", VoiceSettings(), "sample-1.wav")


class MemoryStore:
    """An ``AudioStore`` with switches for bad days."""

    def __init__(self) -> None:
        self.kept: dict[str, AudioChunk] = {}
        self.puts = 0
        self.error: Exception | None = None
        self.get_waits: asyncio.Event | None = None
        self.put_waits: asyncio.Event | None = None
        self.reads_before_waiting = False
        """``get`` looks first and answers when it may: what a slow thread does."""

    async def get(self, key: str) -> AudioChunk | None:
        found = self.kept.get(key)
        if self.get_waits is not None:
            await self.get_waits.wait()
        if self.error:
            raise self.error
        return found if self.reads_before_waiting else self.kept.get(key)

    async def has(self, key: str) -> bool:
        return key in self.kept

    async def put(self, key: str, audio: AudioChunk, provider: str, sample: str = "") -> None:
        self.puts += 1
        if self.put_waits is not None:
            await self.put_waits.wait()
        if self.error:
            raise self.error
        self.kept[key] = audio


async def pieces(count: int = 3, error: Exception | None = None) -> AsyncGenerator[AudioChunk]:
    for number in range(count):
        await asyncio.sleep(0)
        yield AudioChunk(np.full(1600, number + 1, np.int16), 16_000, number / 10)
    if error:
        raise error


async def listen(cache: SpeechCache, made: AsyncGenerator[AudioChunk]) -> list[AudioChunk]:
    return [chunk async for chunk in cache.shared("key", "fake", lambda: made)]


# ------------------------------------------------------------------------------------------------- the key


def test_whatever_shapes_the_sound_changes_the_key() -> None:
    other_settings = [replace(VoiceSettings(), **{one.name: other(one.name)}) for one in fields(VoiceSettings)]
    voices = [
        replace(VOICE, name="bob"),
        replace(VOICE, language="es"),
        replace(VOICE, sample="sample-2.wav"),
        *(replace(VOICE, settings=settings) for settings in other_settings),
    ]
    keys = {sound_key(TEXT, voice, "piper", "1") for voice in [VOICE, *voices]}
    keys |= {sound_key(TEXT, VOICE, "xtts_v2", "1"), sound_key(TEXT, VOICE, "piper", "2")}
    texts = ("We close at ten.", "We close at nine!", "we close at nine.", "Weclose at nine.")
    keys |= {sound_key(text, VOICE, "piper", "1") for text in texts}
    assert len(keys) == 1 + len(voices) + 2 + len(texts)
    assert {field.name for field in fields(Voice)} == {"name", "language", "sample", "settings"}


def other(name: str) -> Any:
    value = getattr(VoiceSettings(), name)
    return "cheerful" if isinstance(value, str) else value + 1


def test_so_does_our_own_way_to_make_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sound_key(TEXT, VOICE, "piper", "1")
    monkeypatch.setattr(speech_cache, "MAKING", speech_cache.MAKING + 1)
    assert sound_key(TEXT, VOICE, "piper", "1") != before


def test_parts_of_the_key_do_not_run_into_each_other() -> None:
    assert sound_key("a", VOICE, "b", "c") != sound_key("a", VOICE, "bc", "")


@pytest.mark.parametrize(("one", "same"), [("a  b\n", "a b"), (" a\u00a0b", "a b"), ("Cafe\u0301", "Caf\u00e9")])
def test_white_space_and_the_encoding_of_accents_do_not(one: str, same: str) -> None:
    assert sound_key(one, VOICE, "piper", "1") == sound_key(same, VOICE, "piper", "1")


def test_a_text_that_is_no_unicode_has_a_key_too() -> None:
    assert len(sound_key("\ud800", VOICE, "piper", "1")) == 64


# ------------------------------------------------------------------------------------------------- sharing


async def test_all_who_ask_hear_it_from_its_beginning_and_it_is_kept() -> None:
    store, made = MemoryStore(), []

    async def making() -> AsyncGenerator[AudioChunk]:
        made.append(1)
        async with aclosing(pieces(5)) as chunks:
            async for chunk in chunks:
                yield chunk

    async with SpeechCache(store) as cache:
        first = cache.shared("key", "fake", making)
        begun = [await anext(first), await anext(first)]
        second = [chunk async for chunk in cache.shared("key", "fake", making)]
        begun += [chunk async for chunk in first]
    assert len(made) == store.puts == 1
    assert [chunk.pcm[0] for chunk in begun] == [chunk.pcm[0] for chunk in second] == [1, 2, 3, 4, 5]
    assert store.kept["key"].duration_s == pytest.approx(0.5)


async def test_who_leaves_does_not_stop_it_for_the_others_and_the_last_one_does() -> None:
    store, engine = MemoryStore(), ScriptedSynthesizer()

    def making() -> AsyncGenerator[AudioChunk]:
        return proper(engine.synthesize(TEXT, Voice("fake-en", "en")), "fake")

    async with SpeechCache(store) as cache:
        one, other = cache.shared("key", "fake", making), cache.shared("key", "fake", making)
        await anext(one)
        await anext(other)
        await one.aclose()
        await anext(other)
        await other.aclose()
        for _ in range(5):
            await asyncio.sleep(0)
        assert engine.cancelled == [TEXT]
        assert not store.puts
        # It was given up, so the next one begins anew.
        assert len([chunk async for chunk in cache.shared("key", "fake", making)]) > 3
    assert engine.said == [TEXT, TEXT]
    assert store.puts == 1


async def test_an_error_is_everybodys_and_nothing_is_kept() -> None:
    store = MemoryStore()
    async with SpeechCache(store) as cache:
        error = ProviderError("No.")
        made = pieces(2, error)
        both = await asyncio.gather(listen(cache, made), listen(cache, made), return_exceptions=True)
        assert both == [error, error]
        assert not store.puts
        assert len(await listen(cache, pieces())) == 3
    assert store.puts == 1


async def test_who_asks_while_it_is_stored_shares_it() -> None:
    store = MemoryStore()
    store.put_waits = asyncio.Event()
    async with SpeechCache(store) as cache:
        await listen(cache, pieces())
        assert await cache.has("key")
        assert len(await listen(cache, pieces(99))) == 3
        store.put_waits.set()
    assert store.puts == 1


async def test_who_was_looking_while_it_was_stored_shares_it_too() -> None:
    store = MemoryStore()
    store.get_waits, store.reads_before_waiting = asyncio.Event(), True
    async with SpeechCache(store) as cache:

        async def late() -> list[AudioChunk]:
            assert await cache.find("key") is None
            return await listen(cache, pieces(99))

        async with asyncio.TaskGroup() as group:
            looking = group.create_task(late())
            await asyncio.sleep(0)
            await listen(cache, pieces())
            while not store.kept:
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            store.get_waits.set()
        assert len(looking.result()) == 3
        assert store.puts == 1
        await asyncio.sleep(0)
        # Afterwards nothing is left of it in memory.
        assert len(await listen(cache, pieces(7))) == 7


async def test_closing_ends_what_goes_on_and_waits_for_what_is_stored() -> None:
    store, engine = MemoryStore(), ScriptedSynthesizer()
    engine.hangs_after = 1
    store.put_waits = asyncio.Event()
    cache = SpeechCache(store)
    async with cache:
        await listen(cache, pieces())
        hanging = cache.shared("other", "fake", lambda: engine.synthesize(TEXT, Voice("fake-en", "en")))
        await anext(hanging)
        asyncio.get_running_loop().call_soon(store.put_waits.set)
    assert list(store.kept) == ["key"]
    assert engine.cancelled == [TEXT]
    with pytest.raises(ProviderError, match="stopped"):
        await anext(hanging)
    with pytest.raises(ProviderError, match="closed"):
        await listen(cache, pieces())


async def test_a_store_with_a_defect_only_makes_it_slower(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore()
    store.error = KeyError("what a customer said")
    async with SpeechCache(store) as cache:
        assert await cache.find("key") is None
        assert len(await listen(cache, pieces())) == 3
    assert caplog.text.count("The speech cache failed: KeyError") == 2
    assert "customer" not in caplog.text


async def test_a_store_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_cache, "FIND_TIMEOUT_S", 0.0)
    store = MemoryStore()
    store.get_waits = asyncio.Event()
    async with SpeechCache(store) as cache:
        assert await cache.find("key") is None


async def test_finished_sentences_come_in_small_chunks() -> None:
    store = MemoryStore()
    store.kept["key"] = AudioChunk(np.arange(4000, dtype=np.int16), 16_000)
    async with SpeechCache(store) as cache:
        chunks = await cache.find("key")
    assert chunks is not None
    assert [chunk.duration_s for chunk in chunks] == [0.1, 0.1, 0.05]
    assert [chunk.start_s for chunk in chunks] == [0.0, 0.1, 0.2]
    assert np.array_equal(joined(chunks).pcm, store.kept["key"].pcm)


# ------------------------------------------------------------------------------------------------- in front of voices


class Ledger:
    def __init__(self) -> None:
        self.uses: list[Use] = []

    def record(self, use: Use) -> None:
        self.uses.append(use)


def spoken_by(*engines: ScriptedSynthesizer, cache: SpeechCache, usage: Ledger | None = None) -> FallbackVoice:
    return voice_of(engines, EventFeed(), lambda: 0.0, cache=cache, usage=usage)


async def say(voice: FallbackVoice, text: str = TEXT) -> tuple[float, list[bool]]:
    """Seconds heard, and for each engine that spoke whether it came from the cache."""
    heard_s, cached = 0.0, []
    async for chunk, rendering in voice.say(text, "en", ROBIN):
        heard_s += chunk.duration_s
        cached += [rendering.cached] if rendering else []
    return heard_s, cached


async def test_a_hundred_equal_requests_make_one_synthesis() -> None:
    engine, store, ledger = ScriptedSynthesizer(), MemoryStore(), Ledger()
    async with SpeechCache(store) as cache:
        voice = spoken_by(engine, cache=cache, usage=ledger)
        heard = await asyncio.gather(*(say(voice) for _ in range(100)))
    assert engine.said == [TEXT]
    assert store.puts == 1
    assert len({round(heard_s, 6) for heard_s, _ in heard}) == 1
    assert len(ledger.uses) == 100


async def test_a_hit_speaks_even_while_the_engine_fails() -> None:
    engine, floor = ScriptedSynthesizer(), ScriptedSynthesizer("floor")
    async with SpeechCache(MemoryStore()) as cache:
        voice = spoken_by(engine, floor, cache=cache)
        assert await say(voice) == (pytest.approx(0.78, abs=0.2), [False])
        engine.fails_after = 0
        assert (await say(voice, "Something else."))[1] == [False]
        assert floor.said == ["Something else."]
        assert (await say(voice))[1] == [True]


async def test_an_interrupted_sentence_is_not_kept() -> None:
    engine, store = ScriptedSynthesizer(), MemoryStore()
    async with SpeechCache(store) as cache:
        voice = spoken_by(engine, cache=cache)
        async with aclosing(voice.say(TEXT, "en", ROBIN)) as chunks:
            await anext(chunks)
        assert (await say(voice))[1] == [False]
    assert engine.cancelled == [TEXT]
    assert store.puts == 1


async def test_a_sentence_that_breaks_off_is_not_kept_but_the_one_that_stands_in_is() -> None:
    engine, floor, store = ScriptedSynthesizer(), ScriptedSynthesizer("floor"), MemoryStore()
    engine.fails_after = 2
    async with SpeechCache(store) as cache:
        assert (await say(spoken_by(engine, floor, cache=cache)))[1] == [False, False]
    assert len(store.kept) == 1


async def test_another_model_is_another_sentence() -> None:
    engine = ScriptedSynthesizer()
    async with SpeechCache(MemoryStore()) as cache:
        voice = spoken_by(engine, cache=cache)
        await say(voice)
        engine.model_hash = "1"
        assert (await say(voice))[1] == [False]
        engine.model_hash = "0"
        assert (await say(voice))[1] == [True]


async def test_an_engine_that_does_not_say_what_it_sounds_like_is_not_cached() -> None:
    class Secretive(ScriptedSynthesizer):
        async def fingerprint(self, voice: Voice) -> str:
            raise ProviderError("That is my business.")

    store = MemoryStore()
    async with SpeechCache(store) as cache:
        voice = spoken_by(Secretive(), cache=cache)
        assert (await say(voice))[1] == [False]
        assert await voice.prepare(TEXT, "en", ROBIN) is Prepared.FAILED
    assert not store.puts


# ------------------------------------------------------------------------------------------------- beforehand


async def test_what_is_prepared_is_there_and_is_nobodys_request() -> None:
    engine, ledger = ScriptedSynthesizer(), Ledger()
    async with SpeechCache(MemoryStore()) as cache:
        voice = spoken_by(engine, cache=cache, usage=ledger)
        assert await voice.prepare(TEXT, "en", ROBIN) is Prepared.MADE
        assert await voice.prepare(TEXT, "en", ROBIN) is Prepared.THERE
        assert not ledger.uses
        assert (await say(voice))[1] == [True]
    assert engine.said == [TEXT]


async def test_the_cloud_is_never_asked_beforehand() -> None:
    cloud, floor = ScriptedSynthesizer(), ScriptedSynthesizer("floor")
    cloud.flags = {"needs_network": True}
    floor.flags = {"last_resort": True}
    async with SpeechCache(MemoryStore()) as cache:
        assert await spoken_by(cloud, floor, cache=cache).prepare(TEXT, "en", ROBIN) is Prepared.SKIPPED
    assert not cloud.said + floor.said


async def test_nor_is_a_voice_that_fails_and_a_failure_is_not_held_against_it() -> None:
    engine, floor = ScriptedSynthesizer(), ScriptedSynthesizer("floor")
    engine.fails_after = 0
    async with SpeechCache(MemoryStore()) as cache:
        voice = spoken_by(engine, floor, cache=cache)
        assert await voice.prepare(TEXT, "en", ROBIN) is Prepared.FAILED
        engine.fails_after = None
        assert (await say(voice, "One."))[1] == [False]
        assert not floor.said
        engine.fails_after = 0
        await say(voice, "Two.")
        asked = len(engine.said)
        assert await voice.prepare(TEXT, "en", ROBIN) is Prepared.SKIPPED
        assert len(engine.said) == asked


async def test_nothing_is_prepared_without_a_cache_or_without_words() -> None:
    engine = ScriptedSynthesizer()
    assert await voice_of([engine], EventFeed(), lambda: 0.0).prepare(TEXT, "en", ROBIN) is Prepared.SKIPPED
    async with SpeechCache(MemoryStore()) as cache:
        assert await spoken_by(engine, cache=cache).prepare(" … ", "en", ROBIN) is Prepared.SKIPPED
    assert not engine.said
