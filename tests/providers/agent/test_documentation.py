"""What docs/agents.md shows works as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from providers import registry
from providers.agent import command
from providers.registry import Resources
from tests.providers.agent.asking import pieces
from tests.providers.agent.faq.shops import ROOT, Shop

pytestmark = pytest.mark.unit


def blocks(language: str) -> list[str]:
    text = (ROOT / "docs" / "agents.md").read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


async def test_the_faq(tmp_path: Path) -> None:
    for name in ("shop.yaml", "products.csv"):
        (tmp_path / name).write_text((ROOT / "shop" / name).read_text("utf-8"))
    text = blocks("yaml")[0]
    (tmp_path / "faq.yaml").write_text(text)
    shop = Shop(tmp_path, file="faq.yaml")
    async with shop.agent:
        assert shop.answer("Where are the eggs?") == "You will find eggs in aisle 7."
        assert shop.answer("When do you close on Sunday?") == "We close at 6 PM on Sunday."


async def test_the_agent_of_ones_own() -> None:
    module = ModuleType("parrot")
    exec(blocks("python")[0], vars(module))
    async with module.create(module.Settings(), Resources(models=None)) as agent:
        assert await pieces(agent, "hello") == ["hello! ", "hello!"]


def test_the_command_setting() -> None:
    section = yaml.safe_load(blocks("yaml")[1])["agent"]
    assert command.Settings.model_validate(section[section["use"]]).command[-1] == "3"


def test_every_agent_is_named() -> None:
    text = (ROOT / "docs" / "agents.md").read_text("utf-8")
    assert all(f"| `{name}`" in text for name in registry.BUILT_IN["agent"])
