"""``assistant personality`` and the daemon beside it: real database, real voices, real wake words."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml

from assistant.cli import main
from tests import sounds
from tests.assistant.personalities.conftest import by_hand
from tests.conftest import ROOT
from tests.program import Ran, assistant

pytestmark = pytest.mark.model

RATE_HZ = 16_000
SETTINGS = f"models: {{folder: {ROOT / 'models'}}}\nagent: {{use: echo}}\ncache: {{warm: false}}\n"


class Shop:
    """A folder with settings and a database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = SETTINGS

    def run(self, *arguments: str | Path) -> Ran:
        return assistant(*arguments, config=self.settings, folder=self.folder)

    def personality(self, *arguments: str | Path) -> Ran:
        """In this process, which takes a tenth of the time of one of its own."""
        file = self.folder / "config.yaml"
        file.write_text(self.settings, encoding="utf-8")
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = main(["--config", str(file), "personality", *map(str, arguments)])
            except SystemExit as wrong_usage:
                code = int(str(wrong_usage.code))
        return Ran(code, out.getvalue(), err.getvalue())

    def done(self, *arguments: str | Path) -> str:
        ran = self.personality(*arguments)
        assert ran.code == 0, ran.err
        return ran.out

    def failed(self, *arguments: str | Path) -> str:
        ran = self.personality(*arguments)
        assert (ran.code, ran.out) == (1, "")
        return ran.reason

    def everyone(self) -> list[dict[str, Any]]:
        return json.loads(self.done("list", "--json"))

    @property
    def database(self) -> Path:
        return self.folder / "data" / "assistant.db"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr("assistant.logs.set_up", lambda level: None)  # the log of this process is pytest's
    return Shop(tmp_path)


def test_a_process_of_its_own(shop: Shop) -> None:
    ran = shop.run("personality", "set", "Robin", "greeting=Hi")
    assert (ran.code, ran.out) == (0, "Robin was changed.\n")
    ran = shop.run("personality", "set", "Robin", "grating=Hi")
    assert (ran.code, ran.out) == (1, "")
    assert ran.reason.startswith("unknown key 'grating', did you mean 'greeting'")
    assert shop.run("personality").code == 2
    assert shop.everyone()[0]["greeting"] == "Hi"


def test_first_look(shop: Shop) -> None:
    lines = shop.done("list").splitlines()
    assert len(lines) == 4
    assert [line[0] for line in lines] == [" ", "*", " ", " "]
    friendly, formal, spanish = shop.everyone()
    assert [one["active"] for one in (friendly, formal, spanish)] == [True, False, False]
    assert (friendly["name"], formal["language"], spanish["language"]) == ("Robin", "en", "es")
    shown = shop.done("show")
    assert shown.startswith("# Robin is the one who speaks.\n")
    document = yaml.safe_load(shown)
    assert document == {key: value for key, value in friendly.items() if key != "active"}
    assert json.loads(shop.done("show", formal["id"][:6], "--json")) == formal


def test_set(shop: Shop) -> None:
    shop.done("set", "robin", "voice_config.settings.speed=1.1", "greeting=Hi: there", "languages=[es]")
    robin = shop.everyone()[0]
    assert (robin["voice_config"]["settings"]["speed"], robin["greeting"], robin["languages"]) == (
        1.1,
        "Hi: there",
        ["es"],
    )
    assert "did you mean 'speed'" in shop.failed("set", "robin", "greeting=x", "voice_config.settings.sped=1")
    assert "less than or equal to 2" in shop.failed("set", "robin", "greeting=x", "voice_config.settings.speed=9")
    assert "Did you mean 'Robin'" in shop.failed("set", "robbin", "greeting=x")
    assert shop.everyone()[0] == robin
    shop.done("set", "robin", "voice_config.settings.speed=null", "greeting=null")
    robin = shop.everyone()[0]
    assert (robin["voice_config"]["settings"]["speed"], robin["greeting"]) == (1.0, "")


def test_add_use_remove(shop: Shop) -> None:
    shop.done("set", "Lucía", "voice_config.settings.speed=1.2")
    told = shop.done("add", "🦜 Polly", "--like", "lucía", "--greeting", "¡Hola!", "--wake-word", "alexa")
    assert "next start" in told
    polly = shop.everyone()[-1]
    assert (polly["name"], polly["language"], polly["wake_word"]) == ("🦜 Polly", "es", "alexa")
    assert (polly["greeting"], polly["voice_config"]["settings"]["speed"]) == ("¡Hola!", 1.2)
    assert "now" in shop.done("use", polly["id"][:8], "--now")
    assert "active" in shop.failed("remove", "🦜 polly")
    shop.done("use", "Robin")
    shop.done("remove", "🦜 polly")
    new = json.loads(shop.done("add", "--json", "--language", "ES", "--prompt", "Be kind.", "--", "-x"))
    assert (new["name"], new["language"], new["system_prompt"]) == ("-x", "es", "Be kind.")
    assert "already" in shop.failed("add", "ROBIN")
    assert [one["name"] for one in shop.everyone()] == ["Robin", "Mr Whitmore", "Lucía", "-x"]


def test_wake_words_must_be_known(shop: Shop) -> None:
    reason = shop.failed("set", "Lucía", "wake_word=alexia")
    assert "Did you mean 'alexa'" in reason
    assert "hey_jarvis" in reason
    shop.done("set", "Lucía", "wake_word=alexa")
    assert "belongs to 'Lucía'" in shop.failed("add", "New", "--wake-word", "alexa")
    shop.settings += "wake_word: {use: microwakeword, microwakeword: {words: [okay_nabu]}}\n"
    assert "next start" in shop.done("set", "Robin", "wake_word=okay_nabu")
    assert "no wake word 'hey_computer'" in shop.failed("set", "Robin", "wake_word=hey_computer")


def test_export_and_import(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    shop.done("set", "Robin", "greeting=Hi")
    shop.done("export", "Robin", "Lucía", "--output", file)
    shop.settings += "deployment: {tenant: north}\n"
    assert [one["greeting"] == "Hi" for one in shop.everyone()] == [False] * 3
    assert "--replace" in shop.failed("import", file)
    assert shop.done("import", file, "--replace").count("replaced") == 2
    assert shop.everyone()[0]["greeting"] == "Hi"
    file.write_text("name: A\nvoice_config: {settings: {sped: 1}}", encoding="utf-8")
    assert "did you mean 'speed'" in shop.failed("import", file)
    assert "cannot be read" in shop.failed("import", tmp_path / "absent.yaml")
    assert "cannot be read" in shop.failed("import", tmp_path)
    assert "cannot be written" in shop.failed("export", "--output", tmp_path)
    assert len(shop.everyone()) == 3
    assert yaml.safe_load(shop.done("export"))["personalities"][0]["greeting"] == "Hi"


def test_wrong_usage_and_broken_databases(shop: Shop) -> None:
    for arguments in ([], ["sing"], ["set", "Robin"], ["use"], ["add"], ["list", "--nonsense"]):
        assert shop.personality(*arguments).code == 2
    shop.done("list")
    by_hand(
        shop.database,
        "UPDATE ai_personalities SET voice_config = '{\"speed\": 1.5, \"pitch\": 2}' WHERE name = 'Robin'",
    )
    assert "Robin has mistakes" in shop.done("list")
    assert "# wrong, its default serves: unknown key 'voice_config.pitch'" in shop.done("show", "Robin")
    assert json.loads(shop.done("show", "Robin", "--json"))["voice_config"]["settings"]["speed"] == 1.5
    for end in ("", "-wal", "-shm"):
        Path(f"{shop.database}{end}").unlink(missing_ok=True)
    shop.database.write_bytes(b"This is a letter, not a database.\n" * 200)
    assert "assistant.db" in shop.failed("list")


def silence(duration_s: float) -> np.ndarray:
    return np.zeros(round(duration_s * RATE_HZ), np.float32)


@pytest.fixture(scope="module")
def wake_words(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    said = {}
    for word in ("hey jarvis", "alexa"):
        spoken = sounds.espeak(word, "en-us", tmp_path_factory.mktemp("words"))
        if spoken is None:
            pytest.skip("espeak-ng says the wake words and is not installed")
        said[word] = spoken
    return said


def conversation(shop: Shop, *parts: np.ndarray) -> Ran:
    file = shop.folder / "in.wav"
    soundfile.write(file, np.concatenate([silence(2), *parts]), RATE_HZ, subtype="PCM_16")
    ran = shop.run("run", "--input", file, "--output", shop.folder / "out.wav", "--fast", "--events", "-")
    assert ran.code == 0, ran.err
    return ran


def test_a_wake_word_calls_its_personality_who_stays(shop: Shop, wake_words: dict[str, np.ndarray]) -> None:
    shop.done("set", "Lucía", "wake_word=alexa", "voice_config.provider=espeak_ng", "voice_config.voice_id=es")
    question = sounds.piper("where can I find the coffee")
    ask = [silence(0.3), question, silence(12)]
    ran = conversation(shop, wake_words["hey jarvis"], *ask, wake_words["alexa"], *ask, wake_words["hey jarvis"], *ask)
    assert [hit["name"] for hit in ran.of("wake_word")] == ["hey_jarvis", "alexa", "hey_jarvis"]
    assert [spoken["provider"] for spoken in ran.of("speaking")] == ["piper", "espeak_ng", "espeak_ng"]
    assert [one["name"] for one in shop.everyone() if one["active"]] == ["Lucía"]
    ran = conversation(shop, wake_words["hey jarvis"], *ask)
    assert [spoken["provider"] for spoken in ran.of("speaking")] == ["espeak_ng"]


def test_say_in_spanish(shop: Shop, tmp_path: Path) -> None:
    """The bundled voice knows no Spanish, so eSpeak NG speaks it; an English one says the same words otherwise."""
    texts = {}
    for who in ("Lucía", "Robin"):
        out = tmp_path / f"{who}.wav"
        ran = shop.run("say", "Buenos días, ¿en qué puedo ayudarle?", "--personality", who, "--output", out)
        assert ran.code == 0, ran.err
        texts[who], rate_hz = soundfile.read(out)
        assert len(texts[who]) / rate_hz > 1
    assert len(texts["Lucía"]) != len(texts["Robin"])
    ran = shop.run("say", "Hola", "--personality", "Lucia", "--output", tmp_path / "x.wav")
    assert (ran.code, "Did you mean 'Lucía'" in ran.reason) == (1, True)


def test_use_now_while_the_daemon_runs(shop: Shop) -> None:
    """She greets in Spanish without a restart, and edits reach the running daemon."""
    soundfile.write(shop.folder / "in.wav", silence(60), RATE_HZ, subtype="PCM_16")
    shop.done("set", "Lucía", "greeting=Buenos días.")
    command = [sys.executable, "-m", "assistant", "run", "--input", "in.wav", "--output", "out.wav", "--events", "-"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ASSISTANT_CONFIG": str(shop.folder / "config.yaml")}
    with subprocess.Popen(
        command, cwd=shop.folder, env={**environment, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    ) as daemon:
        assert daemon.stdout is not None
        spoken = None
        try:
            for line in daemon.stdout:
                event = json.loads(line)
                if event["event"] == "listening" and spoken is None:
                    shop.done("use", "Lucía", "--now")
                if event["event"] == "speaking":
                    spoken = event
                    break
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.stdout.read()
    assert daemon.returncode == 0
    assert spoken is not None
    assert (spoken["text"], spoken["provider"], spoken["voice"]) == ("Buenos días.", "espeak_ng", "es")
