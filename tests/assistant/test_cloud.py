"""``deployment.cloud`` in the whole program: when the cloud may speak, and that otherwise nothing leaves the box."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from assistant import settings
from assistant.app import App
from pipeline.fallback import NoVoice
from pipeline.speech import Personality, VoiceChoice, VoiceConfig
from tests.conftest import ROOT
from tests.fakes.google_tts import FakeGoogle

pytestmark = pytest.mark.model

CLOUDY = Personality("Robin", voice=VoiceConfig("google_tts", fallback=VoiceChoice("google_tts")))


def app(folder: Path, port: int, cloud: str, *, local: bool) -> App:
    """A shop with a cloud voice first; where not ``local``, no other one works."""
    document = {
        "models": {"folder": str(ROOT / "models")},
        "deployment": {"cloud": cloud},
        "tts": {
            "use": ["google_tts", "piper", "espeak_ng"],
            "google_tts": {"endpoint": f"http://127.0.0.1:{port}"},
            "piper": {} if local else {"voice": "en_US-nobody-low"},
            "espeak_ng": {} if local else {"program": "/nowhere/espeak-ng"},
        },
    }
    return App(settings.parse(document, "here"), folder)


async def speaker(program: App) -> str:
    """Who speaks, "" where nobody can."""
    async with program.memory() as memory, program.voice(memory) as voice:
        try:
            said = [rendering async for _, rendering in voice.say("We close at nine.", "en", CLOUDY)]
        except NoVoice:
            return ""
    assert said[0] is not None
    return said[0].provider


@pytest.mark.parametrize(
    ("cloud", "local", "who"),
    [
        ("allowed", True, "google_tts"),
        ("emergency", True, "piper"),
        ("emergency", False, "google_tts"),
    ],
)
async def test_who_speaks(cloud: str, local: bool, who: str, tmp_path: Path) -> None:
    async with FakeGoogle() as google:
        assert await speaker(app(tmp_path, google.port, cloud, local=local)) == who
        assert len(google.requests) == (who == "google_tts")


@pytest.mark.parametrize(("local", "who"), [(True, "piper"), (False, "")])
async def test_never_means_not_even_a_connection(local: bool, who: str, tmp_path: Path) -> None:
    """Not even where the customer hears a recorded apology instead."""
    connections = 0

    async def count(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.close()

    async with await asyncio.start_server(count, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await speaker(app(tmp_path, port, "never", local=local)) == who
        assert connections == 0
        if not local:
            assert await speaker(app(tmp_path, port, "emergency", local=local)) == ""
            assert connections > 0, "else this test could not fail"
