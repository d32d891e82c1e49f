"""Google's client library against a server on loopback."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import pytest

pytest.importorskip("google.cloud.texttospeech_v1", reason="the extra `google` is not installed")

import grpc

from assistant.quota import CloudQuota
from assistant.storage.database import Database
from pipeline.audio import joined
from pipeline.errors import ProviderError, ProviderMissing, ProviderTimeout, QuotaExceeded
from pipeline.protocols import Synthesizer
from pipeline.speech import Voice, VoiceSettings
from providers.registry import NoQuota
from providers.tts.google import GoogleSynthesizer, Settings, class_of, parts
from tests.conftest import ROOT
from tests.contracts.synthesizer import SHORT, SynthesizerContract, said
from tests.fakes.google_tts import RATE_HZ, FakeGoogle, wav

pytestmark = pytest.mark.unit

SECRET = "a customer's secret cheese"
VOICE = Voice("en-US-Standard-C", "en")


class Account:
    """A quota that only counts."""

    def __init__(self) -> None:
        self.spent = 0
        self.classes: list[str] = []

    async def reserve(self, provider: str, voice_class: str, characters: int, limit: int) -> None:
        self.spent += characters
        self.classes.append(voice_class)

    async def give_back(self, provider: str, voice_class: str, characters: int) -> None:
        self.spent -= characters


@pytest.fixture
async def google() -> AsyncIterator[FakeGoogle]:
    async with FakeGoogle() as server:
        yield server


def synthesizer(google: FakeGoogle, quota: Any = None, **settings: Any) -> GoogleSynthesizer:
    return GoogleSynthesizer(Settings(**settings), Path(), quota or Account(), google.channel)


class WithServer(GoogleSynthesizer):
    """Entered and left together with its server."""

    def __init__(self) -> None:
        self.server = FakeGoogle()
        super().__init__(Settings(), Path(), Account(), self.server.channel)

    async def __aenter__(self) -> Self:
        await self.server.__aenter__()
        return await super().__aenter__()

    async def __aexit__(self, *raised: Any) -> None:
        await super().__aexit__(*raised)
        await self.server.die()


class TestContract(SynthesizerContract):
    def opened(self) -> GoogleSynthesizer:
        return WithServer()


async def test_what_is_asked_arrives(google: FakeGoogle) -> None:
    voice = Voice("es-ES-Neural2-B", "es", VoiceSettings(1.5))
    async with synthesizer(google, pitch=-2.0, volume_gain_db=3.0) as opened:
        chunks = await said(opened, "Cerramos a las nueve.", voice)
    (request,) = google.requests
    assert request.input.text == "Cerramos a las nueve."
    assert not request.input.ssml
    assert (request.voice.language_code, request.voice.name) == ("es-ES", "es-ES-Neural2-B")
    config = request.audio_config
    assert (config.audio_encoding.name, config.speaking_rate) == ("LINEAR16", 1.5)
    assert (config.pitch, config.volume_gain_db) == (-2.0, 3.0)
    assert joined(chunks).rate_hz == RATE_HZ
    assert joined(chunks).duration_s == pytest.approx(21 * 0.06 / 1.5, abs=0.01)


STATUSES = [
    ("UNAUTHENTICATED", False, True),
    ("PERMISSION_DENIED", False, True),
    ("RESOURCE_EXHAUSTED", True, True),
    ("INVALID_ARGUMENT", False, True),
    ("NOT_FOUND", False, True),
    ("UNAVAILABLE", True, False),
    ("INTERNAL", True, False),
    ("UNKNOWN", True, False),
    ("ABORTED", True, False),
    ("DATA_LOSS", True, False),
    ("OUT_OF_RANGE", True, False),
]


@pytest.mark.parametrize(("status", "retryable", "refunded"), STATUSES)
async def test_each_status_is_told(google: FakeGoogle, status: str, retryable: bool, refunded: bool) -> None:
    account = Account()
    google.status = grpc.StatusCode[status]
    async with synthesizer(google, account) as opened:
        with pytest.raises(ProviderError, match=status) as caught:
            await said(opened, SECRET, VOICE)
        assert caught.value.retryable is retryable
        assert caught.value.remedy
        assert SECRET not in f"{caught.value} {caught.value.__cause__}"
        assert account.spent == (0 if refunded else len(SECRET))
        google.status = None
        assert await said(opened, SHORT, VOICE)
    assert len(google.requests) == 2, "the library must not try again by itself"


async def test_a_slow_answer_is_given_up_and_counted(google: FakeGoogle) -> None:
    account, google.hangs = Account(), True
    async with synthesizer(google, account, time_limit_s=0.2) as opened:
        with pytest.raises(ProviderTimeout):
            await said(opened, SHORT, VOICE)
    assert account.spent == len(SHORT)


async def test_a_connection_cut_off_is_counted_as_spent(google: FakeGoogle) -> None:
    account, google.hangs = Account(), True
    async with synthesizer(google, account) as opened, asyncio.TaskGroup() as group:
        asking = group.create_task(refused(opened), name="asking")
        while not google.requests:
            await asyncio.sleep(0.001)
        await google.die()
        error = await asking
    assert error.retryable
    assert account.spent == len(SHORT)


async def refused(opened: Synthesizer) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await said(opened, SHORT, VOICE)
    return caught.value


async def test_nobody_there(google: FakeGoogle) -> None:
    await google.die()
    async with synthesizer(google, time_limit_s=2.0) as opened:
        error = await refused(opened)
    assert "internet" in error.remedy


@pytest.mark.parametrize(
    "audio", [b"", b"RIFF", b"no sound at all", wav(b"\0\0" * 100, channels=2), wav(b"\0" * 100, width=1)]
)
async def test_what_is_no_sound_is_refused(google: FakeGoogle, audio: bytes) -> None:
    google.audio = audio
    async with synthesizer(google) as opened:
        await refused(opened)


@pytest.mark.parametrize("characters", [0, 29])
async def test_fifty_at_once_never_over_spend(google: FakeGoogle, tmp_path: Path, characters: int) -> None:
    """29 of 50 texts of 10 characters fit into 299."""

    async def ask(opened: Synthesizer) -> bool:
        try:
            return bool(await said(opened, "ten chars.", VOICE))
        except QuotaExceeded:
            return False

    async with (
        Database(tmp_path / "assistant.db") as database,
        synthesizer(google, CloudQuota(database), free_characters=characters * 10 + 9) as opened,
    ):
        spoken = sum(await asyncio.gather(*(ask(opened) for _ in range(50))))
    assert spoken == len(google.requests) == characters


async def test_each_class_has_an_amount_of_its_own(google: FakeGoogle) -> None:
    account = Account()
    async with synthesizer(google, account) as opened:
        for name in ("en-US-Neural2-A", "en-US-Chirp3-HD-Achernar", "en-US-Standard-C"):
            await said(opened, SHORT, Voice(name, "en"))
    assert account.classes == ["neural2", "chirp3", "standard"]
    assert class_of("en-US") == "other"


async def test_without_a_place_to_count_nothing_is_sent(google: FakeGoogle) -> None:
    async with synthesizer(google, NoQuota()) as opened:
        with pytest.raises(QuotaExceeded):
            await said(opened, SHORT, VOICE)
    assert not google.requests


async def test_cancelling_leaves_nothing_behind(google: FakeGoogle) -> None:
    google.hangs = True
    async with synthesizer(google) as opened:
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(said(opened, SHORT, VOICE), name="asking")
            while not google.requests:
                await asyncio.sleep(0.001)
            asking.cancel()
        google.hangs = False
        assert await said(opened, SHORT, VOICE)


def test_long_texts_are_cut_between_words() -> None:
    text = "mañana " * 2000
    pieces = parts(text)
    assert len(pieces) == 4
    assert all(len(piece.encode()) <= 4800 for piece in pieces)
    assert " ".join(pieces).split() == text.split()
    assert all(len(piece.encode()) <= 4800 for piece in parts("ñ" * 9000))


async def test_credentials_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with pytest.raises(ProviderMissing, match="credentials"):
        await GoogleSynthesizer(Settings(), tmp_path, Account()).__aenter__()
    for content in (
        "",
        "{}",
        '{"type": "service_account", "private_key": "hunter2", "client_email": "a", "token_uri": "b"}',
    ):
        (tmp_path / "key.json").write_text(content, encoding="utf-8")
        with pytest.raises(ProviderError) as caught:
            await GoogleSynthesizer(Settings(credentials=Path("key.json")), tmp_path, Account()).__aenter__()
        assert "hunter2" not in str(caught.value)
        assert "key.json" in str(caught.value)


def test_the_wanted_voice_is_taken_where_it_speaks_the_language() -> None:
    voices = GoogleSynthesizer(Settings(voices={"en": "en-GB-Standard-B"}), Path(), Account())
    assert voices.voice_for("en", "en-US-Neural2-A") == "en-US-Neural2-A"
    assert voices.voice_for("es", "en-US-Neural2-A") == "es-ES-Standard-A"
    assert voices.voice_for("en", "en_US-ryan-medium") == "en-GB-Standard-B"


NO_PACKET = """
import sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        print("PACKET", event, arguments, file=sys.stderr)
sys.addaudithook(watch)
from assistant.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(("cloud", "goes_out"), [("never", False), ("emergency", True)])
def test_cloud_never_sends_not_one_packet(tmp_path: Path, cloud: str, goes_out: bool) -> None:
    """All local voices fail. gRPC's sockets are its own, so the watched sign is that of asking for a token."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account", "private_key": key.decode(), "client_email": "a@example.invalid",
        "token_uri": "http://127.0.0.1:9/token",
    }  # fmt: skip
    (tmp_path / "key.json").write_text(json.dumps(account), encoding="utf-8")
    (tmp_path / "config.yaml").write_text(
        f"deployment: {{cloud: {cloud}}}\n"
        "tts: {use: [piper, google_tts], piper: {voice: en_GB-alba-medium},"
        " google_tts: {credentials: key.json, endpoint: '127.0.0.1:9', time_limit_s: 1}}\n",
        encoding="utf-8",
    )
    ran = subprocess.run(
        [sys.executable, "-c", NO_PACKET, "--config", tmp_path / "config.yaml", "say", "hello", "--output",
         tmp_path / "out.wav"],
        capture_output=True, text=True, cwd=ROOT, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 1
    assert ("google_tts" in ran.stderr) is goes_out, ran.stderr
    assert "PACKET" not in ran.stderr or goes_out, ran.stderr


def test_the_log_holds_no_words(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def ask() -> None:
        async with FakeGoogle() as google, synthesizer(google) as opened:
            google.status = grpc.StatusCode.INTERNAL
            with pytest.raises(ProviderError):
                await said(opened, SECRET, VOICE)

    asyncio.run(ask())
    assert SECRET not in caplog.text
