"""One icon in each session, and the entry that starts it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.cli import main
from assistant.tray.bindings import usable
from assistant.tray.session import autostart, only_one

pytestmark = pytest.mark.unit

URL = "http://127.0.0.1:8420"


def test_one_icon_for_each_assistant_and_screen(tmp_path: Path) -> None:
    here = {"XDG_RUNTIME_DIR": str(tmp_path), "DISPLAY": ":0"}
    with only_one(URL, here) as first:
        assert first
        with only_one(URL, here) as second:
            assert not second
        with only_one("http://shop:8420", here) as of_another:
            assert of_another
        with only_one(URL, here | {"DISPLAY": ":1"}) as on_another:
            assert on_another
    with only_one(URL, here) as again:
        assert again


def test_a_killed_one_is_in_nobodys_way(tmp_path: Path) -> None:
    here = {"XDG_RUNTIME_DIR": str(tmp_path), "DISPLAY": ":0"}
    hold = "from assistant.tray.session import only_one\n"
    hold += f"with only_one({URL!r}) as first: print(first, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold], env=os.environ | here | {"WAYLAND_DISPLAY": ""}, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        with only_one(URL, here) as first:
            assert not first
        other.kill()
        other.wait()
    with only_one(URL, here) as first:
        assert first


def test_without_a_place_for_a_lock_it_is_shown(tmp_path: Path) -> None:
    with only_one(URL, {"XDG_RUNTIME_DIR": "/proc"}) as first:
        assert first
    absent = {"XDG_RUNTIME_DIR": str(tmp_path / "absent"), "DISPLAY": str(tmp_path)}
    with only_one(URL, absent) as first, only_one(URL, absent) as second:
        assert (first, second) == (True, False), "any other folder will do"


def test_the_command_says_that_it_is_there_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with only_one(URL):
        assert main(["tray", "--url", URL]) == 0
    assert "already" in capsys.readouterr().out


def entry(text: str) -> dict[str, str]:
    first, *lines = text.splitlines()
    assert first == "[Desktop Entry]"
    return dict(line.split("=", 1) for line in lines)


def test_the_entry_starts_it_with_the_options_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token = tmp_path / "a token"
    assert main(["tray", "--autostart", "--url", f"{URL}/", "--token-file", str(token), "--language", "es"]) == 0
    told = entry(capsys.readouterr().out)
    words = shlex.split(told["Exec"])
    assert words[1:] == ["tray", "--url", URL, "--token-file", str(token), "--language", "es"]
    assert words[0] == told["TryExec"] == str(Path(sys.executable).parent / "assistant")


def test_the_address_comes_from_the_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.yaml").write_text("http: {port: 9000}\n")
    assert main(["--config", str(tmp_path / "config.yaml"), "tray", "--autostart"]) == 0
    assert entry(capsys.readouterr().out)["Exec"].endswith(" tray --url http://127.0.0.1:9000")


@pytest.mark.parametrize("word", ["a b", "100%", 'a"b', "a$b`c", "a\\b"])
def test_words_are_quoted_as_desktops_read_them(word: str) -> None:
    if not usable():
        pytest.skip("GLib, which desktops read entries with, cannot be used from Python")
    from gi.repository import GLib

    text, file = autostart("--url", word), GLib.KeyFile()
    file.load_from_data(text, len(text.encode()), GLib.KeyFileFlags.NONE)
    _, words = GLib.shell_parse_argv(file.get_string("Desktop Entry", "Exec"))
    assert words[-1].replace("%%", "%") == word


def test_desktops_find_no_fault_with_it(tmp_path: Path) -> None:
    if shutil.which("desktop-file-validate") is None:
        pytest.skip("desktop-file-utils is not installed")
    file = tmp_path / "tray.desktop"
    file.write_text(autostart("--url", URL))
    ran = subprocess.run(["desktop-file-validate", file], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "")
