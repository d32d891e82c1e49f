"""The command, where there is no screen."""

from __future__ import annotations

import json

import pytest

from assistant.cli import main

pytestmark = pytest.mark.unit

WORDS = ["tray", "--url", "http://127.0.0.1:9"]


@pytest.fixture(autouse=True)
def no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "INVOCATION_ID"):
        monkeypatch.delenv(name, raising=False)


def test_it_says_in_one_line_that_there_is_no_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(WORDS) == 1
    told = capsys.readouterr().err
    assert told.startswith("assistant: No icon can be shown: there is no screen")
    assert told.endswith("logged in at the screen, not by ssh or as root.\n")
    assert told.count("\n") == 1


def test_systemd_does_not_start_again_what_cannot_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INVOCATION_ID", "1")
    assert main(WORDS) == 78
    assert "there is no screen" in capsys.readouterr().err
    assert main(["tray", "--url", "shop"]) == 78
    assert "--url" in capsys.readouterr().err


def test_the_check_tells_each_part(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tray", "--check", "--json"]) == 1
    told = capsys.readouterr()
    found = {one["part"]: one for one in json.loads(told.out)}
    assert list(found) == ["display", "GTK", "tray", "notifications"]
    assert not found["display"]["works"]
    assert "missing: display" in told.err
    assert main(["tray", "--check"]) == 1
    assert capsys.readouterr().out.startswith("PART")
