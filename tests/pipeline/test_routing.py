"""Who is asked, in which order, and why not others."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import ModelMissing
from pipeline.protocols import Capabilities
from pipeline.routing import Cloud, SpeechRouter
from pipeline.speech import VoiceChoice, VoiceConfig, VoiceMode, VoiceSettings
from tests.fakes.synthesizer import ScriptedSynthesizer

pytestmark = pytest.mark.unit

SAMPLE = "samples/1f2e.wav"


def engine(name: str, *languages: str, **flags: bool) -> ScriptedSynthesizer:
    made = ScriptedSynthesizer(name, languages or ("en", "es"))
    made.flags = flags
    return made


def shop(**more: ScriptedSynthesizer) -> list[ScriptedSynthesizer]:
    """All that a shop may have, in an order that is not the router's."""
    known = {
        "espeak_ng": engine("espeak_ng", last_resort=True),
        "google_tts": engine("google_tts", needs_network=True),
        "piper": engine("piper"),
        "xtts_v2": engine("xtts_v2", clones=True),
    }
    return list((known | more).values())


def routed(
    config: VoiceConfig,
    language: str = "en",
    engines: list[ScriptedSynthesizer] | None = None,
    cloud: Cloud = Cloud.EMERGENCY,
    **options: Any,
) -> tuple[list[tuple[str, str]], list[tuple[str, str | None]]]:
    """(engine, voice) best first, and (engine, reason) of what was passed over."""
    routing = SpeechRouter(shop() if engines is None else engines, cloud, **options).routes(config, language)
    assert all(route.voice.language == language for route in routing.routes)
    routes = [(route.provider, route.voice.sample or route.voice.name) for route in routing.routes]
    return routes, [(attempt.provider, attempt.error) for attempt in routing.passed_over]


def test_the_voice_of_the_sample_comes_first() -> None:
    config = VoiceConfig("xtts_v2", VoiceMode.CUSTOM, sample=SAMPLE, fallback=VoiceChoice("google_tts", "chosen-en"))
    routes, passed_over = routed(config)
    assert routes == [
        ("xtts_v2", SAMPLE),
        ("piper", "piper-en"),
        ("xtts_v2", "xtts_v2-en"),
        ("google_tts", "chosen-en"),
        ("google_tts", "google_tts-en"),
        ("espeak_ng", "espeak_ng-en"),
    ]
    assert passed_over == []


def test_without_a_sample_the_local_voices_come_first_and_the_trail_says_so() -> None:
    routes, passed_over = routed(VoiceConfig("xtts_v2", VoiceMode.CUSTOM))
    assert routes[0] == ("piper", "piper-en")
    assert not any(voice == SAMPLE for _, voice in routes)
    assert passed_over == [("xtts_v2", "no_sample")]


def test_a_sample_that_the_own_engine_cannot_take_goes_to_one_that_can() -> None:
    routes, passed_over = routed(VoiceConfig("piper", VoiceMode.CUSTOM, sample=SAMPLE))
    assert routes[:2] == [("xtts_v2", SAMPLE), ("piper", "piper-en")]
    assert passed_over == [("piper", "no_cloning")]


def test_of_several_that_clone_the_own_one_is_first() -> None:
    engines = [engine("pocket", clones=True), *shop()]
    routes, _ = routed(VoiceConfig("xtts_v2", VoiceMode.CUSTOM, sample=SAMPLE), engines=engines)
    assert routes[:2] == [("xtts_v2", SAMPLE), ("pocket", SAMPLE)]


@pytest.mark.parametrize(("cloud", "first"), [(Cloud.ALLOWED, "afar"), (Cloud.EMERGENCY, "xtts_v2")])
def test_a_sample_leaves_the_machine_only_for_the_engine_named_and_only_if_allowed(cloud: Cloud, first: str) -> None:
    engines = [engine("afar", clones=True, needs_network=True), *shop()]
    routes, _ = routed(VoiceConfig("afar", VoiceMode.CUSTOM, sample=SAMPLE), engines=engines, cloud=cloud)
    assert routes[0] == (first, SAMPLE)
    routes, _ = routed(VoiceConfig("xtts_v2", VoiceMode.CUSTOM, sample=SAMPLE), engines=engines, cloud=cloud)
    assert ("afar", SAMPLE) not in routes


def test_a_clone_in_a_language_that_the_engine_does_not_speak_is_left_out() -> None:
    config = VoiceConfig("xtts_v2", VoiceMode.CUSTOM, sample=SAMPLE)
    engines = shop(xtts_v2=engine("xtts_v2", "en", clones=True))
    assert routed(config, "es", engines)[0][0] == ("piper", "piper-es")
    assert routed(config, "en-GB", engines)[0][0] == ("xtts_v2", SAMPLE)


def test_its_own_voice_then_the_engine_s_best_one() -> None:
    routes, _ = routed(VoiceConfig("piper", voice_id="chosen-en"))
    assert routes[:2] == [("piper", "chosen-en"), ("piper", "piper-en")]
    assert routes[-1][0] == "espeak_ng"


def test_its_own_engine_may_be_the_plain_one() -> None:
    routes, _ = routed(VoiceConfig("espeak_ng", voice_id="robot-en"))
    assert routes[:3] == [("espeak_ng", "robot-en"), ("espeak_ng", "espeak_ng-en"), ("piper", "piper-en")]


def test_a_fallback_of_the_same_engine_comes_before_the_engine_s_best_voice() -> None:
    routes, _ = routed(VoiceConfig("piper", voice_id="chosen-en", fallback=VoiceChoice("piper", "second-en")))
    assert routes[:3] == [("piper", "chosen-en"), ("piper", "second-en"), ("piper", "piper-en")]


def test_local_voices_stand_before_the_own_fallback_and_that_before_the_cloud() -> None:
    routes, _ = routed(VoiceConfig("piper", fallback=VoiceChoice("espeak_ng", "robot-en")))
    assert [name for name, _ in routes] == ["piper", "xtts_v2", "espeak_ng", "espeak_ng", "google_tts"]


def test_what_is_not_in_use_is_told() -> None:
    config = VoiceConfig("xtts_v2", VoiceMode.CUSTOM, sample=SAMPLE, fallback=VoiceChoice("google_tts"))
    routes, passed_over = routed(config, engines=[engine("piper"), engine("espeak_ng", last_resort=True)])
    assert [name for name, _ in routes] == ["piper", "espeak_ng"]
    assert passed_over == [("xtts_v2", "not_in_use"), ("google_tts", "not_in_use")]


@pytest.mark.parametrize("asked_for", ["own", "fallback"])
def test_never_cloud_means_never(asked_for: str) -> None:
    own = VoiceConfig("google_tts", voice_id="chosen-en")
    config = own if asked_for == "own" else VoiceConfig("piper", fallback=VoiceChoice("google_tts"))
    routes, passed_over = routed(config, cloud=Cloud.NEVER)
    assert "google_tts" not in [name for name, _ in routes]
    assert passed_over == [("google_tts", "cloud_never")]
    left_out = [one for one in shop() if one.name != "google_tts"]
    assert routed(config, engines=left_out, cloud=Cloud.NEVER, forbidden={"google_tts"})[1] == passed_over


def test_in_an_emergency_the_cloud_stands_behind_all_neural_voices_of_this_machine() -> None:
    routes, passed_over = routed(VoiceConfig("google_tts", voice_id="chosen-en"))
    assert [name for name, _ in routes] == ["piper", "xtts_v2", "google_tts", "google_tts", "espeak_ng"]
    assert routes[2] == ("google_tts", "chosen-en"), "its own voice there, all the same"
    assert passed_over == [("google_tts", "cloud_in_emergency_only")]


@pytest.mark.parametrize(("cloud", "first"), [(Cloud.NEVER, "piper"), (Cloud.EMERGENCY, "box")])
def test_a_box_of_the_owner_is_no_cloud_but_off_this_machine(cloud: Cloud, first: str) -> None:
    box = engine("box", "en", needs_network=True, own_network=True)
    routing = SpeechRouter([box, engine("piper", "en")], cloud).routes(VoiceConfig(provider="box"), "en")
    assert routing.routes[0].provider == first


def test_where_it_is_allowed_the_own_cloud_voice_is_first() -> None:
    routes, passed_over = routed(VoiceConfig("google_tts", voice_id="chosen-en"), cloud=Cloud.ALLOWED)
    assert routes[0] == ("google_tts", "chosen-en")
    assert passed_over == []
    others, _ = routed(VoiceConfig("piper"), cloud=Cloud.ALLOWED)
    assert [name for name, _ in others] == ["piper", "xtts_v2", "google_tts", "espeak_ng"]


def test_a_spanish_text_gets_a_spanish_voice_of_an_english_personality() -> None:
    routes, _ = routed(VoiceConfig("piper", voice_id="chosen-en", fallback=VoiceChoice("google_tts", "mine-es")), "es")
    assert routes[0] == ("piper", "piper-es")
    assert ("google_tts", "mine-es") in routes
    assert not any(voice.endswith("-en") for _, voice in routes)


def test_who_does_not_speak_the_language_is_left_out() -> None:
    engines = shop(piper=engine("piper", "en"), xtts_v2=engine("xtts_v2", "en", clones=True))
    routes, _ = routed(VoiceConfig("piper"), "es", engines)
    assert [name for name, _ in routes] == ["google_tts", "espeak_ng"]


def test_an_accent_where_nobody_speaks_the_language() -> None:
    engines = [engine("nordic", "fi", "da"), engine("espeak_ng", "en", last_resort=True), engine("piper", "en", "de")]
    routing = SpeechRouter(engines).routes(VoiceConfig("piper", voice_id="de-mine-de"), "fr")
    read_as = [(route.provider, route.voice.name, route.voice.language) for route in routing.routes]
    assert read_as == [
        ("piper", "de-mine-de", "de"),
        ("nordic", "nordic-da", "da"),
        ("espeak_ng", "espeak_ng-en", "en"),
    ]


def test_an_engine_that_cannot_even_be_asked_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(ScriptedSynthesizer):
        def voice_for(self, language: str, wanted: str = "") -> str | None:
            raise KeyError("a customer's words")

    class Gone(ScriptedSynthesizer):
        def voice_for(self, language: str, wanted: str = "") -> str | None:
            raise ModelMissing("gone")

    routes, passed_over = routed(VoiceConfig("broken"), engines=[Broken("broken"), Gone("gone"), engine("piper")])
    assert routes == [("piper", "piper-en")]
    assert passed_over == [("broken", "defect"), ("gone", "model_missing")]
    assert "customer's words" not in caplog.text


def test_a_language_list_that_cannot_be_read_hinders_nobody() -> None:
    class Broken(ScriptedSynthesizer):
        asked = 0

        @property
        def capabilities(self) -> Capabilities:
            self.asked += 1
            if self.asked > 1:
                raise OSError("disk")
            return Capabilities(self.name, clones=True)

    config = VoiceConfig("broken", VoiceMode.CUSTOM, sample=SAMPLE)
    routes, _ = routed(config, engines=[Broken("broken"), engine("piper")])
    assert ("piper", "piper-en") in routes


def test_nobody_is_asked_twice_and_no_way_appears_twice() -> None:
    asked: list[tuple[str, str]] = []

    class Counting(ScriptedSynthesizer):
        def voice_for(self, language: str, wanted: str = "") -> str | None:
            asked.append((language, wanted))
            return super().voice_for(language, wanted)

    config = VoiceConfig("piper", voice_id="piper-en", fallback=VoiceChoice("piper", "piper-en"))
    routes, _ = routed(config, engines=[Counting("piper")])
    assert routes == [("piper", "piper-en")]
    assert len(asked) == len(set(asked)), "a question may cost a look at the disk"


def test_the_settings_go_with_every_way() -> None:
    manner = VoiceSettings(speed=1.4)
    routing = SpeechRouter(shop()).routes(VoiceConfig("piper", settings=manner), "en")
    assert {route.voice.settings for route in routing.routes} == {manner}


def test_without_any_engine_there_is_no_way() -> None:
    assert routed(VoiceConfig("piper"), engines=[]) == ([], [("piper", "not_in_use")])
