"""A cloned voice on its bad days, with real worker processes, beside the real Piper."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any, Self

import pytest

from pipeline.audio import AudioChunk
from pipeline.circuit_breaker import LONGEST_REST_S
from pipeline.protocols import Synthesizer
from pipeline.speech import Personality, Voice, VoiceConfig, VoiceMode
from providers.registry import Resources
from providers.tts import piper, pocket, xtts
from providers.tts.piper import LAST_VOICE
from tests.conftest import ROOT
from tests.fakes.models import ListedModels
from tests.faults.kiosk import Answer, Kiosk
from tests.pipeline.scene import Clock
from tests.providers.tts.cloning.tone import Samples, sample, tone_synthesizer, workers

pytestmark = pytest.mark.model

STUMBLE = "At this sentence you will stumble, as everybody does."
NEXT = "The olive oil is in aisle seven."


def speaks_piper() -> Synthesizer:
    return piper.create(piper.Settings(), Resources(ListedModels(ROOT / "models", {"piper": [LAST_VOICE]})))


def robin(address: str, provider: str = "tone") -> Personality:
    return Personality("Robin", voice=VoiceConfig(provider, VoiceMode.CUSTOM, sample=address))


async def until(kiosk: Kiosk, clock: Clock, provider: str) -> Answer:
    """Ask until that engine alone answers; rests are over each time. The answer also has the events of those before."""
    before: list[dict[str, Any]] = []
    async with asyncio.timeout(60):
        while True:
            answer = await kiosk.ask()
            states = [event for event in answer.events if event["event"] == "provider_state"]
            answer.events = before + answer.events
            before += states
            if {event["provider"] for event in answer.speaking()} == {provider}:
                return answer
            clock.s += LONGEST_REST_S
            await asyncio.sleep(0.1)


def sentences(answer: Answer) -> list[tuple[str, str]]:
    return [(event["text"], event["provider"]) for event in answer.speaking()]


@pytest.mark.parametrize(
    ("day", "code"), [("crash=2", "provider"), ("fail=2", "provider"), ("oom=2", "provider"), ("crash=0", "provider")]
)
async def test_a_sentence_that_breaks_off_is_said_again_whole(tmp_path: Path, day: str, code: str) -> None:
    samples, clock = Samples(), Clock()
    own = tone_synthesizer(tmp_path, samples, day=f"{day} step=0.01 once={tmp_path}/happened")
    async with Kiosk([own, speaks_piper()], robin(samples.add(sample(220.0))), clock=clock) as kiosk:
        kiosk.agent.pieces = [NEXT]
        await until(kiosk, clock, "tone")
        kiosk.agent.pieces = [f"{STUMBLE} {NEXT}"]
        answer = await kiosk.ask()
        broken = [] if day.endswith("=0") else [(STUMBLE, "tone")]
        assert sentences(answer) == [*broken, (STUMBLE, "piper"), (NEXT, "piper")]
        assert ("tone", code) in [(one["provider"], one["error"]) for one in answer.speaking()[-2]["attempts"]]
        assert answer.states("tone") == ["failing"]
        later = await until(kiosk, clock, "tone")
        assert sentences(later) == [(STUMBLE, "tone"), (NEXT, "tone")]
        assert later.states("tone") == ["ok"]


async def test_one_that_hangs_is_waited_for_no_longer_than_the_limit(tmp_path: Path) -> None:
    samples, clock = Samples(), Clock()
    own = tone_synthesizer(tmp_path, samples, day=f"hang=1 once={tmp_path}/happened")
    async with Kiosk([own, speaks_piper()], robin(samples.add(sample(220.0))), clock=clock) as kiosk:
        kiosk.agent.pieces = [NEXT]
        await until(kiosk, clock, "tone")
        kiosk.agent.pieces = [STUMBLE]
        assert (await kiosk.ask()).provider == "piper"
        assert sentences(await until(kiosk, clock, "tone")) == [(STUMBLE, "tone")]


async def test_while_it_starts_the_next_one_speaks_and_it_need_not_rest(tmp_path: Path) -> None:
    samples, clock = Samples(), Clock()
    own = tone_synthesizer(tmp_path, samples, day="slow_load=1")
    async with Kiosk([own, speaks_piper()], robin(samples.add(sample(220.0))), clock=clock) as kiosk:
        for _ in range(2):
            answer = await kiosk.ask()
            assert answer.trail() == [("tone", "not_ready"), ("piper", None)]
            assert answer.states("tone") == []
        async with asyncio.timeout(30):
            while (await kiosk.ask()).provider != "tone":
                await asyncio.sleep(0.1)


async def test_one_that_cannot_be_had_is_passed_over_for_good(tmp_path: Path) -> None:
    samples, clock = Samples(), Clock()
    own = tone_synthesizer(tmp_path, samples, python=tmp_path / "none")
    async with Kiosk([own, speaks_piper()], robin(samples.add(sample(220.0))), clock=clock) as kiosk:
        assert (await kiosk.ask()).trail() == [("tone", "provider_missing"), ("piper", None)]
        assert (await kiosk.ask()).trail() == [("tone", "resting"), ("piper", None)]


async def test_a_sample_that_is_gone_concerns_nobody_else(tmp_path: Path) -> None:
    samples, clock = Samples(), Clock()
    good, bad = samples.add(sample(220.0)), samples.add(b"torn")
    own = tone_synthesizer(tmp_path, samples)
    async with Kiosk([own, speaks_piper()], robin(bad), clock=clock) as kiosk:
        async with asyncio.timeout(30):
            while (answer := await kiosk.ask()).trail()[0] == ("tone", "not_ready"):
                await asyncio.sleep(0.1)
        assert answer.trail() == [("tone", "model_damaged"), ("piper", None)]
        kiosk.turn_to(robin(good))
        assert (await kiosk.ask()).provider == "tone"


class KilledAtFirstSound:
    """A synthesizer whose worker is killed as soon as something of a certain sentence is heard, once."""

    def __init__(self, synthesizer: Synthesizer, sentence: str) -> None:
        self._synthesizer = synthesizer
        self._sentence = sentence

    def __getattr__(self, name: str) -> Any:
        return getattr(self._synthesizer, name)

    async def __aenter__(self) -> Self:
        await self._synthesizer.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._synthesizer.__aexit__(*error)

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[AudioChunk]:
        async with aclosing(self._synthesizer.synthesize(text, voice)) as chunks:
            async for chunk in chunks:
                if text == self._sentence:
                    self._sentence = ""
                    for process in workers():
                        os.kill(process, signal.SIGKILL)
                yield chunk


LONG = "The olive oil and the vinegar stand on the left side of aisle seven right behind the bread and the coffee."


@pytest.mark.parametrize("name", ["xtts_v2", "pocket_tts"])
async def test_the_real_classes_killed_in_the_middle_of_a_sentence(
    tmp_path: Path, cloning_python: Path, name: str
) -> None:
    """The sentence is said again whole by Piper, the rest of the answer too, and the worker is back for a later one."""
    samples, clock = Samples(), Clock()
    resources = Resources(ListedModels(), tmp_path, samples=samples, data=tmp_path / "data")
    own: Synthesizer
    if name == "xtts_v2":
        make_model(cloning_python, "tests.fakes.small_xtts", tmp_path / "small", "--full-vocoder", "--stop-after", "90")
        own = xtts.create(xtts.Settings(model="./small", device="cpu", threads=1), resources)
    else:
        make_model(cloning_python, "tests.fakes.small_pocket", tmp_path / "small-en")
        own = pocket.create(pocket.Settings(models={"en": "./small-en"}, threads=1), resources)
    engines = [KilledAtFirstSound(own, LONG), speaks_piper()]
    async with Kiosk(engines, robin(samples.add(sample(220.0)), name), clock=clock) as kiosk:
        kiosk.agent.pieces = [NEXT]
        assert (await until(kiosk, clock, name)).heard_s > 0.3
        kiosk.agent.pieces = [f"{LONG} {NEXT}"]
        assert sentences(await kiosk.ask()) == [(LONG, name), (LONG, "piper"), (NEXT, "piper")]
        assert sentences(await until(kiosk, clock, name)) == [(LONG, name), (NEXT, name)]


def make_model(python: Path, maker: str, folder: Path, *options: str) -> None:
    subprocess.run([python, "-m", maker, folder, *options], check=True, capture_output=True, cwd=ROOT, timeout=100)
