"""Whole conversations on the worst of days: all engines are down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assistant.apologies import recorded_apologies
from assistant.sections import ConversationSection
from pipeline.errors import ProviderError
from pipeline.speech import Personality, VoiceConfig
from tests.fakes.agent import FakeAgent
from tests.faults.bad_days import FAULTS
from tests.faults.kiosk import RECORDED, Kiosk
from tests.faults.line_ups import stand_in
from tests.pipeline.scene import WAKE_S, Clock, Scene
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit

QUESTION = [(1.0, "silence"), (WAKE_S, "wake"), (0.4, "silence"), (1.0, "speak"), (5.0, "silence")]
NAMES = ("piper", "google_tts", "espeak_ng")


def of(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == kind]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("language", ["en", "es"])
@in_virtual_time
async def test_a_recording_in_the_customer_s_language_and_the_next_turn_works_again(fault: str, language: str) -> None:
    engines = [stand_in(name) for name in NAMES]
    for engine in engines:
        FAULTS[fault].begin(engine)
    async with Kiosk(engines, Personality("Robin", voice=VoiceConfig("piper")), language=language) as kiosk:
        answer = await kiosk.ask()
        assert answer.provider == "recording"
        assert answer.speaking()[-1]["voice"] == language
        broken_off_s = 0.2 * len(NAMES) if FAULTS[fault].begins_to_speak else 0.0
        assert answer.heard_s == pytest.approx(RECORDED[language].duration_s + broken_off_s, abs=0.01)
        assert [(name, FAULTS[fault].code) in answer.trail() for name in NAMES] == [True] * 3
        for engine in engines:
            FAULTS[fault].end(engine)
        again = await kiosk.ask()
        if fault == "opens slowly":
            assert again.provider == "recording", "they are still being opened"
        else:
            assert again.provider in NAMES, "though all of them rest"


@pytest.mark.parametrize("language", ["en", "es"])
async def test_the_program_s_own_recordings_in_a_whole_conversation(language: str, tmp_path: Path) -> None:
    """From the wake word to the loudspeaker, with the real files; the second question is answered."""
    engines = [stand_in(name) for name in NAMES]
    for engine in engines:
        engine.fails_after, engine.error, engine.first_chunk_s = 0, ProviderError("down"), 0.0

    def mended(_: object) -> None:
        for engine in engines:
            engine.fails_after = None

    recorded = recorded_apologies({}, tmp_path)
    scene = Scene(
        [*QUESTION, *QUESTION],
        tmp_path,
        lines=["¿Dónde está el queso?" if language == "es" else "Where is the cheese?"],
        language=language,
        agent=FakeAgent(["It is at the very end. "]),
        voices=engines,
        personality=Personality("Robin", voice=VoiceConfig("piper")),
        recorded_apologies=recorded,
        clock=Clock(),
        cues=[(7.0, mended)],
    )
    events = await scene.play()
    first, second = of(events, "speaking")
    assert (first["provider"], first["voice"], first["turn"]) == ("recording", language, 1)
    assert (second["provider"], second["turn"]) == ("piper", 2)
    assert scene.replies_s() > recorded[language].duration_s
    assert all(end["response_ms"] is not None for end in of(events, "turn_end"))
    assert of(events, "provider_state")[-1] | {"at_s": 0} == {
        "event": "provider_state", "provider": "piper", "state": "ok", "reason": "works again", "turn": 2, "at_s": 0,
    }  # fmt: skip
    assert set(ConversationSection().apologies) <= set(recorded)
