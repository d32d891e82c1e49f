"""Who speaks beforehand, where several engines clone."""

from __future__ import annotations

import pytest

from pipeline.errors import ModelMissing
from pipeline.fallback import Prepared
from pipeline.speech import Voice
from pipeline.speech_cache import SpeechCache
from tests.fakes.synthesizer import ScriptedSynthesizer
from tests.pipeline.test_fallback import CLONED, TEXT, Shop, Store, clone, engine
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit


class Absent(ScriptedSynthesizer):
    """Not installed, or refused by its licence."""

    async def fingerprint(self, voice: Voice) -> str:
        raise ModelMissing("There is no model.")

    async def ready(self, voice: Voice) -> None:
        raise ModelMissing("There is no model.")


def second_clone() -> ScriptedSynthesizer:
    made = engine("second", only_clones=True)
    made.flags["clones"] = True
    return made


@in_virtual_time
async def test_the_quick_one_of_two_does_it_for_it_will_speak() -> None:
    slow, quick = clone(real_time_factor=3.0), second_clone()
    async with SpeechCache(Store()) as cache:
        shop = Shop(slow, quick, engine("other"), cache=cache)
        assert await shop.voice.prepare(TEXT, "en", CLONED) is Prepared.MADE
        assert (slow.said, quick.said) == ([], [TEXT])
        _, (rendering,) = await shop.say(who=CLONED)
    assert (rendering.provider, rendering.cached) == ("second", True)


@in_virtual_time
@pytest.mark.parametrize("also", [True, False])
async def test_where_one_is_not_there_the_next_does_it(*, also: bool) -> None:
    absent = Absent("clone")
    absent.only_clones, absent.flags["clones"] = True, True
    absent.fails_after, absent.error = 0, ModelMissing("There is no model.")
    others = [second_clone()] if also else []
    async with SpeechCache(Store()) as cache:
        shop = Shop(absent, *others, engine("other"), cache=cache)
        route = await shop.voice.ready("en", CLONED)
        assert route is not None
        assert await shop.voice.prepare(TEXT, "en", CLONED) is Prepared.MADE
        _, (rendering,) = await shop.say(who=CLONED)
    assert rendering.provider == route.provider == ("second" if also else "other")
    assert rendering.cached


@in_virtual_time
async def test_one_that_fails_is_not_replaced_beforehand() -> None:
    own, other = clone(fails_after=0), engine("other")
    async with SpeechCache(Store()) as cache:
        shop = Shop(own, other, cache=cache)
        await shop.say("Good morning.", who=CLONED)
        assert await shop.voice.prepare(TEXT, "en", CLONED) is Prepared.SKIPPED
    assert other.said == ["Good morning."]
