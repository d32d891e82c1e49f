"""Settings: defaults, secrets, and the file that explains them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from assistant import config_file, settings
from assistant.problems import section_type
from pipeline.errors import SettingsError
from tests.conftest import ROOT

pytestmark = pytest.mark.unit


def fields(model: type[BaseModel], where: str = "") -> Iterator[tuple[str, str | None, bool]]:
    for name, field in model.model_fields.items():
        section = section_type(field.annotation)
        if section is not None:
            yield from fields(section, f"{where}{name}.")
        else:
            yield f"{where}{name}", field.description, True


def test_every_setting_is_explained() -> None:
    explained = {name: text for name, text, _ in fields(settings.settings_model()) if not name.endswith(".use")}
    assert len(explained) > 40
    assert not [name for name, text in explained.items() if not text]


def test_config_yaml_is_what_config_defaults_prints() -> None:
    written = (ROOT / "config.yaml").read_text(encoding="utf-8")
    assert written == config_file.render(settings.settings_model()), "run: assistant config --defaults > config.yaml"


def test_config_yaml_changes_nothing() -> None:
    loaded, folder = settings.load(ROOT / "config.yaml")
    assert loaded == settings.parse({}, "nothing")
    assert folder == ROOT


def test_config_yaml_with_every_line_in_effect_is_valid() -> None:
    """Each commented default can be uncommented as it stands; where something is needed, it says so."""
    import yaml

    text = config_file.render(settings.settings_model())
    lines = [line.replace("#", "", 1) if "# " not in line else "" for line in text.splitlines()]
    document = yaml.safe_load("\n".join(line.replace("…", "x") for line in lines))
    for needy in ("command", "http", "openai"):
        document["agent"].pop(needy)
    assert settings.parse(document, "uncommented") == settings.parse({}, "nothing")


def test_off_may_be_written_as_a_bare_word() -> None:
    """To YAML it is false."""
    import yaml

    document = yaml.safe_load("conversation: {barge_in: off, follow_up: off}")
    conversation = settings.parse(document, "here").conversation  # type: ignore[attr-defined]
    assert (conversation.barge_in, conversation.follow_up) == ("off", "off")


def test_secret_comes_from_the_environment_and_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "abc123")
    loaded = settings.parse({"agent": {"openai": {"model": "m", "api_key": "${SHOP_KEY}"}}}, "here")
    assert loaded.agent.openai.api_key.get_secret_value() == "abc123"  # type: ignore[attr-defined]
    assert "abc123" not in str(settings.dump(loaded))
    assert "abc123" not in repr(loaded)


def test_wrong_secret_is_not_shown() -> None:
    with pytest.raises(SettingsError) as raised:
        settings.parse({"agent": {"openai": {"model": "m", "api_key": ["hunter2"]}}}, "here")
    assert "hunter2" not in str(raised.value)


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        settings.parse({"audoi": {}, "utterance": {"end_silence": 1}}, "here")
    assert "did you mean 'audio'" in str(raised.value)
    assert "did you mean 'end_silence_s'" in str(raised.value)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"deployment": {"use": "comercial"}}, "deployment.use: input should be .* did you mean 'commercial'"),
        ({"deployment": {"cloud": "nevr"}}, "deployment.cloud: input should be .* did you mean 'never'"),
        ({"log_level": "info"}, "log_level: input should be"),
        ({"tts": {"use": ["pipper"]}}, "tts.use: there is no provider 'pipper', did you mean 'piper'"),
        ({"agent": {"use": "fag"}}, "agent.use: there is no provider 'fag', did you mean 'faq'"),
    ],
)
def test_a_name_that_is_none_of_those_allowed_is_told_with_what_was_meant(document: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        settings.parse(document, "here")
