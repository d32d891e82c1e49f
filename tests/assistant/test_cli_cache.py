"""``assistant cache …``, with the real voice."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.program import Ran, assistant

pytestmark = pytest.mark.model


class Shop:
    """A folder with the example shop, its own database and one voice."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "shop", folder / "shop")
        self.config = f"models: {{folder: {ROOT / 'models'}}}"

    def run(self, *arguments: str | Path, more: str = "") -> Ran:
        return assistant(*arguments, config=f"{self.config}\n{more}", folder=self.folder)

    def facts(self, *arguments: str | Path, more: str = "") -> dict[str, Any]:
        ran = self.run(*arguments, "--json", more=more)
        assert ran.code == 0, ran.err
        facts: dict[str, Any] = json.loads(ran.out)
        return facts


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_warmed_shop_answers_from_the_cache(shop: Shop) -> None:
    """The whole program: warm, then a conversation in which nothing has to be made."""
    ran = shop.run("cache", "warm")
    assert ran.code == 0, ran.err
    assert "sentences made, 0 were there already" in ran.out
    talk = shop.run("demo", "--say", "what time do you close", "--events", "-", "--output", "reply.wav")
    assert talk.code == 0, talk.err
    assert talk.of("speaking")
    assert all(event["cached"] for event in talk.of("speaking"))
    made = shop.facts("cache", "stats")["entries"]
    assert made >= 50
    again = shop.facts("cache", "warm")
    assert again["made"] + again["there"] >= made
    assert again["made"] <= 4  # opening hours may have changed meanwhile
    assert again["failed"] == 0


def test_phrases_of_a_file_then_stats_then_clear(shop: Shop) -> None:
    phrases = shop.folder / "phrases.txt"
    phrases.write_text("# our own\nWelcome to our shop. Come in!\n\nThe bakery closes now.\n", encoding="utf-8")
    assert shop.facts("cache", "warm", "--phrases", phrases) == {"made": 3, "there": 0, "skipped": 0, "failed": 0}
    assert shop.facts("cache", "warm", "--phrases", phrases)["there"] == 3
    stats = shop.facts("cache", "stats")
    assert stats["entries"] == len(list((shop.folder / "data" / "speech").rglob("*.wav"))) == 3
    assert 0 < stats["oldest_s"] + 1 < 90
    assert 2 < stats["audio_s"] < 20
    assert stats["hit_rate"] is None
    assert (stats["max_mb"], stats["keep_hours"], stats["enabled"]) == (200, 24.0, True)
    table = shop.run("cache", "stats").out
    assert [line.split()[0] for line in table.splitlines()] == ["CACHE", "sentences", "length", "on", "oldest", "hit"]
    assert shop.facts("cache", "clear")["entries"] == 3
    assert not list((shop.folder / "data" / "speech").rglob("*.wav"))
    assert shop.facts("cache", "stats")["oldest_s"] is None
    assert shop.run("cache", "clear").out.startswith("0 sentences forgotten")


def test_the_hit_rate_is_that_of_the_statistics(shop: Shop) -> None:
    shop.facts("cache", "stats")
    with sqlite3.connect(shop.folder / "data" / "assistant.db") as database:
        row = "('2026-11-24', 'default', '', ?, 'piper', ?, ?, ?, 0, 0, 0, 0, 0)"
        database.execute(f"INSERT INTO usage_by_day VALUES {row}", ("tts", 12, 2, 4))
        database.execute(f"INSERT INTO usage_by_day VALUES {row}", ("stt", 100, 0, 0))
    database.close()
    assert shop.facts("cache", "stats")["hit_rate"] == 0.4


def test_what_it_cannot_do_it_says(shop: Shop) -> None:
    assert "cannot be read" in shop.run("cache", "warm", "--phrases", "nowhere.txt").reason
    (shop.folder / "bad.txt").write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in shop.run("cache", "warm", "--phrases", "bad.txt").reason
    (shop.folder / "empty.txt").write_text("# nothing\n")
    assert "There is no phrase" in shop.run("cache", "warm", "--phrases", "empty.txt").reason
    assert "switched off" in shop.run("cache", "warm", more="cache: {enabled: false}").reason
    assert shop.run("cache").code == 2
    assert shop.run("cache", "melt").code == 2


def test_a_voice_that_cannot_speak(shop: Shop) -> None:
    (shop.folder / "one.txt").write_text("One.")
    ran = shop.run("cache", "warm", "--phrases", "one.txt", more="tts: {use: piper, piper: {voice: en_US-nobody-low}}")
    assert ran.code == 1
    assert "1 of 1 sentences could not be spoken" in ran.reason


def test_a_cache_that_is_too_small_for_what_is_made(shop: Shop) -> None:
    """Else the next customer waits for what was thought to be ready."""
    ran = shop.run("cache", "warm", more="cache: {max_mb: 1}")
    assert ran.code == 1
    made, kept = map(int, re.findall(r"\d+", ran.reason)[:2])
    assert 0 < kept < made
    assert "Raise cache.max_mb in config.yaml (now 1)" in ran.reason
    assert shop.facts("cache", "stats")["entries"] == kept


def test_a_database_that_cannot_be_used(shop: Shop) -> None:
    (shop.folder / "data").write_text("a file stands in the way")
    for verb in ("stats", "clear", "warm"):
        ran = shop.run("cache", verb)
        assert ran.code == 1
        assert ran.reason
