"""The report for support: it tells all that helps, and neither secrets nor words."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from assistant import cli, cli_doctor, doctor_service, settings
from assistant.access.token_file import TokenFile
from assistant.app import App
from assistant.doctor import Report
from assistant.doctor_machine import models, process
from assistant.doctor_secrets import MASK, Secrets
from assistant.doctor_service import without_speech
from assistant.incident_log import IncidentLog
from assistant.incidents import Incidents
from assistant.storage.database import Database
from tests.program import as_it_comes, assistant

pytestmark = pytest.mark.model

KEY = "open-sesame-4711"

CONFIG = f"""
http: {{port: 9}}
agent:
  use: http
  http:
    url: http://robin:{KEY}@127.0.0.1:9/answer?token={KEY}
    headers: {{X-Shop: {KEY}}}
"""

SECTIONS = [
    "report", "program", "machine", "sound devices", "settings", "storage", "runs", "incidents", "process", "health",
    "status", "check", "models", "systemd", "log",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A shop that was in use."""
    as_it_comes(tmp_path)
    token = TokenFile(tmp_path / "data").token()

    async def used() -> None:
        database = Database(tmp_path / "data" / "assistant.db")
        with Incidents() as collected:
            async with database, IncidentLog(database, collected):
                collected.note("warning", "agent", f"Bearer {token} was refused with {KEY}.")

    asyncio.run(used())
    return tmp_path


def test_the_report(folder: Path) -> None:
    before = {path: path.read_bytes() for path in (folder / "data").glob("assistant.db")}
    packed = folder / "report.tar.gz"
    ran = assistant("doctor", "--output", packed, config=CONFIG, folder=folder)
    assert ran.code == 0, ran.err
    assert stat.S_IMODE(packed.stat().st_mode) == 0o600
    with tarfile.open(packed) as archive:
        texts = {name: archive.extractfile(name).read().decode() for name in archive.getnames()}  # type: ignore[union-attr]
    told = json.loads(texts["shop-assistant-report/report.json"])
    text = texts["shop-assistant-report/report.txt"]
    assert list(told) == SECTIONS
    assert [line[3:] for line in text.splitlines() if line.startswith("== ")] == SECTIONS
    assert "cannot be told" not in text
    assert told["program"]["packages"]["numpy"]
    assert told["settings"]["agent"]["use"] == "http"
    assert told["runs"][0]["ended"] == "came to the end of its input"
    assert any("was refused with" in line for line in told["incidents"])
    assert told["storage"]["rows"]["incidents"] == 3
    assert any(line.startswith("[works] voice activity") for line in told["check"])
    assert {"name": "hey_jarvis", "files": "as published"}.items() <= {
        key: value for one in told["models"] if one["name"] == "hey_jarvis" for key, value in one.items()
    }.items()
    token = TokenFile(folder / "data").known()
    assert token
    for secret in (KEY, token):
        assert secret not in str(texts)
    assert {path: path.read_bytes() for path in before} == before, "it changes nothing"


def test_settings_that_cannot_be_read_are_told(folder: Path) -> None:
    ran = assistant("doctor", config="agnt: {use: faq}", folder=folder)
    assert ran.code == 0
    assert "did you mean 'agent'" in ran.out
    assert "== machine" in ran.out


def test_only_archives_are_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASSISTANT_CONFIG", str(folder / "config.yaml"))
    whole = Report(Secrets(None, None))
    asyncio.run(whole.add("machine", lambda: {"memory": 1}))

    async def found(_: Path | None) -> Report:
        return whole

    monkeypatch.setattr(cli_doctor, "report", found)
    assert cli.main(["doctor", "--output", str(folder / "report.pdf")]) == 1
    assert "no .zip or .tar.gz" in capsys.readouterr().err
    assert cli.main(["doctor", "--output", str(folder / "no" / "report.zip")]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert cli.main(["doctor", "--output", str(folder / "report.zip")]) == 0
    with zipfile.ZipFile(folder / "report.zip") as archive:
        assert archive.testzip() is None
        assert "== machine" in archive.read("shop-assistant-report/report.txt").decode()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abc.def-123", "abc.def-123"),
        ("https://robin:geheim@example.com/x", "geheim"),
        ("https://example.com/x?api_key=k123&shop=1", "k123"),
        ("run --password=hunter22 --shop=1", "hunter22"),
        ("hf_abcdefghijklmnop", "abcdefghijklmnop"),
        ("sk-abcdefghijklmnop", "abcdefghijklmnop"),
        ("sa_" + "x" * 43, "x" * 43),
    ],
)
def test_what_looks_like_a_secret_is_left_out(text: str, secret: str) -> None:
    left = Secrets(None, None).left_out({"somewhere": [text]})["somewhere"][0]
    assert secret not in left
    assert MASK in left
    assert ("shop" in text) == ("shop" in left)


def test_what_is_called_a_secret_is_left_out_and_nothing_else() -> None:
    value = {"api_key": "abc", "max_tokens": 200, "keyboard": "us", "token": None, "passwords": ["x"], "b": True}
    told = {"api_key": MASK, "max_tokens": 200, "keyboard": "us", "token": None, "passwords": [MASK], "b": True}
    assert Secrets(None, None).left_out(value) == told


def test_lines_that_may_hold_words_are_left_out() -> None:
    lines = [
        "12:00:00 INFO    Listening.",
        "12:00:01 DEBUG   The whole of it:",
        "Traceback (most recent call last):",
        "ValueError: where is the olive oil",
        "12:00:02 WARNING The agent 'faq' said 'the olive oil is there' and \"good bye then\".",
        "olive oil",
    ]
    assert without_speech(lines) == [
        "12:00:00 INFO    Listening.",
        "(3 other lines)",
        "12:00:02 WARNING The agent 'faq' said (words) and (words).",
        "(1 other lines)",
    ]


async def test_a_section_that_fails_is_told_in_its_place() -> None:
    whole = Report(Secrets(None, None))

    def broken() -> Any:
        raise ValueError("what a customer said")

    await whole.add("broken", broken)
    assert "cannot be told: ValueError" in whole.text()
    assert "customer" not in whole.text()


def test_a_damaged_model_is_told(tmp_path: Path) -> None:
    app = App(settings.parse({}, "here"), tmp_path)
    own = tmp_path / "models" / "mine"
    own.mkdir(parents=True)
    for name in ("model.bin", "config.json"):
        (own / name).write_text("x")
    (row,) = [one for one in models(app) if one["name"] == "mine"]
    assert row["files"] == "whole; their checksums are not known"
    assert len(row["sha256"]) == 64


def test_the_process_is_told() -> None:
    told = process(os.getpid())
    assert isinstance(told, dict)
    assert told["memory_mb"]["VmRSS"] > 1
    assert told["open_files"] > 2
    assert process(None) == "no daemon runs"


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_systemd_and_its_log_are_told_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor_service.units() == "there is no systemctl"
    assert doctor_service.log_lines() == "there is no journalctl"
    program(tmp_path, "systemctl", 'case "$*" in --user*) exit 1;; *) echo "Id=shop-assistant.service";; esac')
    program(tmp_path, "journalctl", "echo '12:00:00 INFO    Listening.'; echo olive oil")
    assert doctor_service.units() == {"system": ["Id=shop-assistant.service"], "user": ["systemctl ended with 1"]}
    told = doctor_service.log_lines()
    assert told["system"] == ["12:00:00 INFO    Listening.", "(1 other lines)"]


def test_a_program_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_service, "PATIENCE_S", 0.05)
    assert doctor_service._run("sleep", "10") == f"sleep failed ({subprocess.TimeoutExpired.__name__})"
