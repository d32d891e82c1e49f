"""``assistant check`` on providers that stand in for each other, and on what leaves the machine."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest

from assistant.checking import parts
from assistant.checking.finding import Finding, State
from assistant.settings import Stage
from pipeline.errors import ProviderMissing
from providers import registry
from tests.assistant.checking.conftest import Shop
from tests.fakes.stt import ScriptedTranscriber
from tests.fakes.synthesizer import ScriptedSynthesizer

pytestmark = pytest.mark.unit

MISSING = ProviderMissing("Its package is missing.", remedy="Install it.")


class Unusable:
    """Raises when it is entered."""

    def __init__(self, provider: Any) -> None:
        self.capabilities = provider.capabilities

    async def __aenter__(self) -> None:
        raise MISSING

    async def __aexit__(self, *_: object) -> None:
        """Never entered."""


@pytest.fixture
def in_use(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Providers in use by name, best first, whatever the stage."""
    providers: dict[str, Any] = {}
    monkeypatch.setattr(Stage, "chosen", lambda _: [(name, None) for name in providers])
    monkeypatch.setattr(registry, "create", lambda _stage, name, _settings, _resources: providers[name])
    return providers


def by_part(findings: list[Finding]) -> Mapping[str, Finding]:
    return {one.part: one for one in findings}


async def spoken(shop: Shop, seen: parts.Seen, **document: Any) -> parts.Voices:
    async with AsyncExitStack() as stack:
        return await parts.voices(shop.app(**document), stack, seen)


async def test_all_recognisers_are_tried_and_one_is_enough(shop: Shop, in_use: dict[str, Any]) -> None:
    in_use["first"] = Unusable(ScriptedTranscriber(["hello"], name="first"))
    in_use["second"] = ScriptedTranscriber(["hello"], name="second", language="es")
    seen = parts.Seen()
    found = by_part(await parts.recognisers(shop.app(), seen))
    assert found["speech to text first"].state is State.WARNS
    assert (found["speech to text first"].reason, found["speech to text first"].remedy) == (
        "Its package is missing.",
        "Install it.",
    )
    assert found["speech to text second"].state is State.WORKS
    assert [one.name for one in seen.recognisers] == ["second"]


async def test_without_any_recogniser_it_fails(shop: Shop, in_use: dict[str, Any]) -> None:
    in_use["only"] = Unusable(ScriptedTranscriber(["hello"], name="only"))
    found = await parts.recognisers(shop.app(), parts.Seen())
    assert [(one.part, one.state) for one in found] == [("speech to text", State.FAILS)]


async def test_without_any_voice_all_fail(shop: Shop, in_use: dict[str, Any]) -> None:
    in_use["one"] = Unusable(ScriptedSynthesizer("one"))
    in_use["two"] = Unusable(ScriptedSynthesizer("two"))
    voices = await spoken(shop, parts.Seen())
    assert {one.state for one in voices.findings} == {State.FAILS}
    assert set(voices.failures) == {"one", "two"}
    in_use["three"] = ScriptedSynthesizer("three")
    voices = await spoken(shop, parts.Seen())
    assert [one.state for one in voices.findings] == [State.WARNS, State.WARNS, State.WORKS]


async def test_a_cloud_voice_that_may_never_speak_is_told_and_not_opened(shop: Shop, in_use: dict[str, Any]) -> None:
    far = ScriptedSynthesizer("far")
    far.flags = {"needs_network": True}
    in_use |= {"near": ScriptedSynthesizer("near"), "far": Unusable(far)}
    seen = parts.Seen()
    never = shop.app(deployment={"cloud": "never"})
    voices = await spoken(shop, seen, deployment={"cloud": "never"})
    assert by_part(voices.findings)["voice far"].state is State.WARNS
    assert "never speaks" in by_part(voices.findings)["voice far"].reason
    assert [engine.capabilities.name for engine in voices.engines] == ["near"]
    assert parts.cloud(never, seen).reason == "never: nothing leaves this machine"


async def test_what_may_leave_the_machine_is_named(shop: Shop, in_use: dict[str, Any]) -> None:
    far = ScriptedSynthesizer("far")
    far.flags = {"needs_network": True}
    in_use |= {"near": ScriptedSynthesizer("near"), "far": far}
    seen = parts.Seen()
    await spoken(shop, seen)
    assert parts.cloud(shop.app(), seen).reason == "emergency: far may send texts off this machine"
    assert "nothing in use sends" in parts.cloud(shop.app(), parts.Seen()).reason
