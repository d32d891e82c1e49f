"""Shops to ask questions in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from pipeline.speech import Exchange, Personality, Transcript
from providers.agent.faq.agent import FaqAgent, Settings
from providers.agent.faq.knowledge import Found

ROOT = Path(__file__).resolve().parents[4]
WEDNESDAY_AFTERNOON = datetime(2026, 11, 25, 14, 30)


class Shop:
    """Asks a FAQ agent at a time that the test sets."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.now = WEDNESDAY_AFTERNOON
        self.agent = FaqAgent(Settings.model_validate(settings), folder, lambda _: self.now)

    def ask(self, text: str, language: str = "en", history: Sequence[Exchange] = ()) -> Found:
        return self.agent.find(Transcript(text, language, 0.9, "fake", 1.0), Personality("Ava"), history)

    def answer(self, text: str, language: str = "en", history: Sequence[Exchange] = ()) -> str:
        return self.ask(text, language, history).text


@asynccontextmanager
async def example(**settings: object) -> AsyncIterator[Shop]:
    """The example that comes with the project."""
    shop = Shop(ROOT, **settings)
    async with shop.agent:
        yield shop


@asynccontextmanager
async def written(folder: Path, faq: str, **files: str) -> AsyncIterator[Shop]:
    """One that the test writes; ``products`` becomes products.csv."""
    (folder / "faq.yaml").write_text(faq)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    shop = Shop(folder, file="faq.yaml")
    async with shop.agent:
        yield shop
