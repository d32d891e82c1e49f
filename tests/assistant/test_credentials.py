"""Secrets that systemd hands over as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant import credentials, settings
from pipeline.errors import SettingsError

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a service that was given two secrets, one of them from a folder."""
    (tmp_path / "secret_SHOP_KEY").write_text("from-a-folder\n")
    (tmp_path / "OTHER_KEY").write_text("named singly")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("SHOP_KEY", raising=False)
    return tmp_path


def tenant(text: str) -> str:
    return settings.parse({"deployment": {"tenant": text}}, "test").deployment.tenant


def test_settings_take_them(folder: Path) -> None:
    assert tenant("${SHOP_KEY}") == "from-a-folder"
    assert credentials.here()["OTHER_KEY"] == "named singly"


def test_what_stands_in_the_environment_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "from-the-shell")
    assert tenant("${SHOP_KEY}") == "from-the-shell"


def test_what_is_missing_is_told_with_the_remedy(folder: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"need the environment variable ABSENT_KEY.*a file ABSENT_KEY in its folder"
    ):
        tenant("${ABSENT_KEY}")


def test_what_is_no_secret_is_left_alone(folder: Path) -> None:
    (folder / "BINARY").write_bytes(b"\xff\xfe")
    (folder / "LARGE").write_text("x" * (credentials.LARGEST_BYTES + 1))
    (folder / "FOLDER").mkdir()
    assert not {"BINARY", "LARGE", "FOLDER"} & set(credentials.here())
    assert credentials.with_credentials({"CREDENTIALS_DIRECTORY": "/nowhere"}) == {"CREDENTIALS_DIRECTORY": "/nowhere"}


def test_a_key_file_is_named_not_read(folder: Path) -> None:
    key = folder / "secret_GOOGLE_APPLICATION_CREDENTIALS"
    key.write_text("{}")
    environment = {"CREDENTIALS_DIRECTORY": str(folder)}
    credentials.name_files(environment)
    assert environment == {"CREDENTIALS_DIRECTORY": str(folder), "GOOGLE_APPLICATION_CREDENTIALS": str(key)}
    environment["GOOGLE_APPLICATION_CREDENTIALS"] = "/of/the/owner.json"
    credentials.name_files(environment)
    assert environment["GOOGLE_APPLICATION_CREDENTIALS"] == "/of/the/owner.json"
