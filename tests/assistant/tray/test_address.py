"""Where the assistant is, and which token opens it."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.access.token_file import TokenFile, new_token
from assistant.tray.address import address
from pipeline.errors import SettingsError

pytestmark = pytest.mark.unit


def config(folder: Path, text: str = "") -> Path:
    file = folder / "config.yaml"
    file.write_text(text)
    return file


def test_the_settings_tell_it(tmp_path: Path) -> None:
    token = TokenFile(tmp_path / "data").token()
    found = address(None, None, config(tmp_path, "http: {port: 9000, host: 0.0.0.0}"), {"HOME": str(tmp_path)})
    assert found.url == "http://127.0.0.1:9000"
    assert found.token() == token


def test_what_somebody_says_goes_first(tmp_path: Path) -> None:
    given, kept, environment = new_token(), new_token(), {"HOME": str(tmp_path)}
    file = tmp_path / ".config" / "shop-assistant" / "token"
    file.parent.mkdir(parents=True)
    file.write_text(f"{kept}\n")
    assert address("http://shop:1/", None, None, environment).token() == kept
    assert address("http://shop:1", None, None, environment | {"ASSISTANT_TOKEN": given}).token() == given
    (tmp_path / "mine").write_text(given)
    chosen = address("http://shop:1/", tmp_path / "mine", None, environment | {"ASSISTANT_TOKEN": kept})
    assert (chosen.url, chosen.token()) == ("http://shop:1", given)


@pytest.mark.parametrize("text", ["", "password", "sa_" + "x" * 4000])
def test_what_is_no_token_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine").write_text(text)
    assert address("http://shop", tmp_path / "mine", None, {}).token() == ""
    assert address("http://shop", tmp_path / "absent", None, {}).token() == ""


@pytest.mark.parametrize("url", ["shop", "ftp://shop", "http://", "http://[::1"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="--url"):
        address(url, None, None, {})


@pytest.mark.parametrize("section", ["http: {enabled: false}", "http: {port: 0}"])
def test_without_a_port_it_says_what_to_do(tmp_path: Path, section: str) -> None:
    with pytest.raises(SettingsError, match="--url http"):
        address(None, None, config(tmp_path, section), {})
