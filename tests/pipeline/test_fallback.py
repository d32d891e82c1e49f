"""Several engines, one voice."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from pipeline.audio import AudioChunk
from pipeline.errors import ProviderError
from pipeline.events import EventFeed
from pipeline.fallback import NoVoice, Rendering
from pipeline.speech import Personality, Voice, VoiceConfig
from tests.fakes.synthesizer import ScriptedSynthesizer
from tests.pipeline.scene import Clock, voice_of

pytestmark = pytest.mark.unit

TEXT = "We close at nine."

ROBIN = Personality("Robin", voice=VoiceConfig(provider="first"))


async def say(
    *engines: ScriptedSynthesizer, language: str = "en", events: list[dict[str, Any]] | None = None, times: int = 1
) -> tuple[float, list[Rendering]]:
    """Seconds of sound, and who spoke."""
    feed = EventFeed()
    if events is not None:
        feed.subscribe(lambda record: events.append(record.as_dict()))
    voice = voice_of(engines, feed, lambda: 0.0, time_limit_s=0.05)
    sound_s, who = 0.0, []
    for _ in range(times):
        async for chunk, rendering in voice.say(TEXT, language, ROBIN):
            sound_s += chunk.duration_s
            who += [rendering] if rendering else []
    return sound_s, who


def engine(name: str, **switches: Any) -> ScriptedSynthesizer:
    made = ScriptedSynthesizer(name, switches.pop("languages", ("en",)))
    for switch, value in switches.items():
        setattr(made, switch, value)
    return made


async def test_the_first_one_speaks() -> None:
    first, second = engine("first"), engine("second")
    _, who = await say(first, second)
    assert [(one.provider, one.voice) for one in who] == [("first", "first-en")]
    assert not second.said


async def test_the_next_one_speaks_where_one_fails() -> None:
    _, who = await say(engine("first", fails_after=0), engine("second"))
    assert [one.provider for one in who] == ["second"]
    assert [(attempt.provider, attempt.error) for attempt in who[0].attempts] == [
        ("first", "provider"),
        ("second", None),
    ]


async def test_a_sentence_that_broke_off_is_said_again_whole() -> None:
    whole_s, _ = await say(engine("only"))
    sound_s, who = await say(engine("first", fails_after=3), engine("second"))
    assert [one.provider for one in who] == ["first", "second"]
    assert sound_s == pytest.approx(whole_s + 0.3, abs=0.01)


@pytest.mark.parametrize("after", [0, 2])
async def test_an_engine_that_hangs_is_left(after: int) -> None:
    hanging = engine("first", hangs_after=after)
    _, who = await say(hanging, engine("second"))
    assert who[-1].provider == "second"
    assert who[-1].attempts[-2].error == "provider_timeout"
    assert hanging.cancelled == [TEXT]


async def test_recovery_by_the_next_sentence_and_its_events() -> None:
    events: list[dict[str, Any]] = []
    first, second = engine("first", fails_after=0), engine("second")
    clock = Clock()
    voice = voice_of([first, second], feed := EventFeed(), clock)
    feed.subscribe(lambda record: events.append(record.as_dict()))
    asked = []
    # It fails at 0 s and rests for 5 s, fails at 6 s and rests for 10 s, speaks again at 17 s.
    for at_s, fails in ((0, 0), (1, None), (6, 0), (15, None), (17, None), (18, None)):
        clock.s, first.fails_after = at_s, fails
        before = len(first.said)
        async for _ in voice.say(TEXT, "en", ROBIN):
            pass
        asked.append(len(first.said) > before)
    assert asked == [True, False, True, False, True, True]
    assert [(event["provider"], event["state"]) for event in events] == [("first", "failing"), ("first", "ok")]
    assert len(second.said) == 4


async def test_an_engine_at_rest_still_speaks_where_no_other_can() -> None:
    only = engine("only", fails_after=0)
    voice = voice_of([only], EventFeed(), lambda: 0.0)
    with pytest.raises(ProviderError):
        async for _ in voice.say(TEXT, "en", ROBIN):
            pass
    only.fails_after = None
    assert [chunk async for chunk, _ in voice.say(TEXT, "en", ROBIN)]


async def test_a_defect_in_one_engine_does_not_silence_the_others() -> None:
    _, who = await say(engine("first", fails_after=0, error=ZeroDivisionError()), engine("second"))
    assert who[0].attempts[0].error == "defect"


async def test_an_engine_that_makes_no_sound_of_words_has_failed() -> None:
    class Mute(ScriptedSynthesizer):
        async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[AudioChunk]:
            for chunk in ():
                yield chunk

    _, who = await say(Mute("first"), engine("second"))
    assert [one.provider for one in who] == ["second"]


async def test_all_fail() -> None:
    with pytest.raises(ProviderError, match=r"first \(provider\), second \(provider_timeout\)") as raised:
        await say(engine("first", fails_after=0), engine("second", hangs_after=0))
    assert "assistant check" in raised.value.remedy


async def test_an_engine_without_the_language_is_passed_over() -> None:
    spanish = engine("spanish", languages=("es",))
    _, who = await say(engine("english"), spanish, language="es")
    assert [(one.provider, one.voice) for one in who] == [("spanish", "spanish-es")]


async def test_an_accent_is_better_than_silence() -> None:
    _, who = await say(engine("english"), language="fr")
    assert [(one.provider, one.voice) for one in who] == [("english", "english-en")]


async def test_without_any_voice_it_says_so() -> None:
    with pytest.raises(NoVoice, match="none speaks 'fr'|first .not_in_use."):
        await say(language="fr")
