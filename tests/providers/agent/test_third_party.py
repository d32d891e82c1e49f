"""An agent of somebody else's, found through its entry point."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.errors import ProviderMissing
from providers import registry
from providers.registry import Resources
from tests.providers.agent.asking import pieces

pytestmark = pytest.mark.unit

MODULE = """
from providers.settings import ProviderSettings
from pipeline.protocols import Capabilities

class Settings(ProviderSettings):
    motto: str = "Buy zithers."

class Zither:
    capabilities = Capabilities("zither")
    def __init__(self, settings): self.settings = settings
    async def __aenter__(self): return self
    async def __aexit__(self, *raised): ...
    async def reply(self, transcript, personality, history):
        yield f"{personality.name}: {self.settings.motto}"

def create(settings, resources):
    return Zither(settings)
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package as pip would leave it, on the path."""
    (tmp_path / "zither_agent.py").write_text(MODULE)
    info = tmp_path / "zither_agent-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zither-agent\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[assistant.agents]\nzither = zither_agent\nbroken = no_such_module\nfaq = zither_agent\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("zither_agent", None)


async def test_it_is_listed_configured_and_asked(installed: Path) -> None:
    assert "zither" in registry.names("agent")
    settings = registry.settings_type("agent", "zither").model_validate({"motto": "Play."})
    async with registry.create("agent", "zither", settings, Resources(models=None)) as agent:
        assert await pieces(agent) == ["Ava: Play."]


def test_one_that_cannot_be_loaded_says_so(installed: Path) -> None:
    with pytest.raises(ProviderMissing, match=r"'broken' cannot be loaded.*Install its package again"):
        registry.module("agent", "broken")


def test_it_cannot_take_the_name_of_one_of_ours(installed: Path) -> None:
    assert registry.module("agent", "faq").__name__ == "providers.agent.faq"


def test_without_it_there_is_none() -> None:
    with pytest.raises(ProviderMissing, match="no agent provider 'zither'"):
        registry.module("agent", "zither")


@pytest.mark.parametrize("name", ["faq", "openai", "http", "command", "echo"])
def test_every_setting_of_ours_is_described(name: str) -> None:
    for field, info in registry.settings_type("agent", name).model_fields.items():
        assert info.description, f"{name}: {field}"
