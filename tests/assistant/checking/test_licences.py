"""The table of licences of ``assistant check``."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.checking import parts
from assistant.checking.finding import Finding, State
from assistant.checking.licences import licences
from pipeline.errors import LicenceRefused
from tests.assistant.checking.conftest import Shop

pytestmark = pytest.mark.model


def rows(finding: Finding) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in finding.rows}


async def looked_at(shop: Shop, *stages: str, **document: Any) -> Finding:
    """The table after these stages were opened, as far as they can be."""
    app, seen = shop.app(**document), parts.Seen()
    for stage in stages:
        try:
            await parts.provider(stage, app.provider(stage), app, seen)
        except LicenceRefused:
            assert document["deployment"]["use"] == "commercial"
    return licences(app, seen)


async def test_in_evaluation_it_warns_of_what_a_shop_must_not_use(shop: Shop) -> None:
    finding = await looked_at(shop, "wake_word", "vad", "stt", "tts")
    table = rows(finding)
    assert {name for name, row in table.items() if row["state"] == "in use"} == {
        "hey_jarvis", "openwakeword-features", "silero", "whisper-kiosk-en", "en_US-kiosk-low",
    }  # fmt: skip
    assert table["alexa"]["state"] == "present"
    assert table["silero"]["licence"] == "MIT"
    assert {row["verdict"] for row in table.values()} == {"allowed"}
    assert {row["use"] for row in table.values()} == {"evaluation"}
    assert finding.state is State.WARNS
    assert "hey_jarvis (CC-BY-NC-SA-4.0)" in finding.reason
    assert "deployment.use: commercial" in finding.remedy
    assert [row["state"] for row in finding.rows] == sorted(row["state"] for row in finding.rows), "in use first"


async def test_personal_use_has_nothing_to_warn_of(shop: Shop) -> None:
    finding = await looked_at(shop, "wake_word", "vad", deployment={"use": "personal"})
    assert finding.state is State.WORKS


async def test_in_a_shop_what_is_asked_for_and_refused_is_told(shop: Shop) -> None:
    finding = await looked_at(shop, "wake_word", "vad", deployment={"use": "commercial"})
    assert finding.state is State.WARNS
    assert "in use but refused in commercial use: openwakeword-features" in finding.reason
    assert "microwakeword" in finding.remedy
    assert rows(finding)["openwakeword-features"]["verdict"] == "refused"


async def test_a_shop_s_set_up_is_allowed(shop: Shop) -> None:
    commercial = {"deployment": {"use": "commercial"}, "wake_word": {"use": "microwakeword"}}
    finding = await looked_at(shop, "wake_word", "vad", "stt", "tts", **commercial)
    table = rows(finding)
    assert finding.state is State.WORKS, finding.reason
    keys = ("kind", "state", "licence", "commercial", "verdict")
    expected = ["provider", "in use", "Apache-2.0", "yes", "allowed"]
    assert [table["microwakeword"][key] for key in keys] == expected
    assert table["hey_jarvis"]["verdict"] == "refused", "present, but nobody asks for it"
    assert "only present, and refused" in finding.reason


async def test_licences_that_are_held_are_told(shop: Shop) -> None:
    held = {"use": "commercial", "licences_held": ["hey_jarvis", "openwakeword-features"]}
    finding = await looked_at(shop, "wake_word", deployment=held)
    assert rows(finding)["hey_jarvis"]["verdict"] == "held"
    assert "hey_jarvis" not in finding.reason


async def test_a_program_of_an_unknown_licence_is_unclear_in_a_shop(shop: Shop) -> None:
    app = shop.app(deployment={"use": "commercial"})
    finding = licences(app, parts.Seen(programs={"somebodys": "Somebody's own"}))
    assert rows(finding)["somebodys"]["verdict"] == "unclear"
    assert "of unclear licence in commercial use: somebodys" in finding.reason
