"""Who we are to Google: the key file, and the token that is signed with it on this machine."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("google.cloud.texttospeech_v1", reason="the extra `google` is not installed")

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from pipeline.errors import AssistantError, ProviderError, ProviderMissing
from pipeline.speech import Voice
from providers.tts.google import GoogleSynthesizer, Settings
from providers.tts.google_connection import VARIABLE, checked_endpoint, connect, load_library, read_key
from tests.conftest import ROOT
from tests.contracts.synthesizer import SHORT, said
from tests.fakes.google_tts import FakeGoogle
from tests.providers.tts.test_google import Account

pytestmark = pytest.mark.unit

PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = PRIVATE.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
KEY = {
    "type": "service_account", "project_id": "shop", "private_key_id": "1", "private_key": PEM,
    "client_email": "kiosk@shop.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token",
}  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(VARIABLE, raising=False)
    yield


def written(folder: Path, content: Any, name: str = "key.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def certificate() -> bytes:
    """For localhost, signed by itself (PEM)."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(PRIVATE.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(PRIVATE, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def with_tls(server_certificate: bytes) -> FakeGoogle:
    return FakeGoogle(grpc.ssl_server_credentials([(PEM.encode(), server_certificate)]))


async def test_over_tls_with_a_token_that_was_signed_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only connection is the one to the service: nobody is asked for a token."""
    asked: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: asked.append(address))
    trusted = certificate()
    async with with_tls(trusted) as google:
        key = read_key(written(tmp_path, KEY), tmp_path)
        endpoint = f"localhost:{google.port}"
        opened = GoogleSynthesizer(Settings(), tmp_path, Account(), lambda: connect(endpoint, key, trusted))
        async with opened:
            assert await said(opened, SHORT, Voice("", "en"))
            assert await said(opened, SHORT, Voice("", "en"))
    for metadata in google.metadata:
        kind, _, token = metadata["authorization"].partition(" ")
        told = jwt.decode(token, certs=trusted, audience="https://texttospeech.googleapis.com/")
        assert (kind, told["iss"], told["sub"]) == ("Bearer", KEY["client_email"], KEY["client_email"])
    assert not asked


async def test_a_server_that_cannot_prove_who_it_is_gets_nothing(tmp_path: Path) -> None:
    account = Account()
    async with with_tls(certificate()) as google:
        key = read_key(written(tmp_path, KEY), tmp_path)
        endpoint, stranger = f"localhost:{google.port}", certificate()
        opened = GoogleSynthesizer(Settings(), tmp_path, account, lambda: connect(endpoint, key, stranger[:-200]))
        async with opened:
            with pytest.raises(ProviderError) as caught:
                await said(opened, SHORT, Voice("", "en"))
    assert caught.value.code == "unreachable"
    assert (google.requests, account.spent) == ([], 0)


@pytest.mark.parametrize("where", ["settings", "environment"])
async def test_where_the_key_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    path = written(tmp_path, KEY)
    if where == "environment":
        monkeypatch.setenv(VARIABLE, str(path))
    settings = Settings(credentials=Path("key.json") if where == "settings" else None)
    async with GoogleSynthesizer(settings, tmp_path, Account()) as opened:
        assert opened.voice_for("en")


async def test_no_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProviderMissing, match="credentials") as caught:
        await GoogleSynthesizer(Settings(), tmp_path, Account()).__aenter__()
    assert "tts.google_tts.credentials" in caught.value.remedy


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("\x00\ud7ff", "is not JSON"),
        ("[]", "not the key of a service account"),
        ("{}", "not the key of a service account"),
        ({**KEY, "type": "authorized_user"}, "not the key of a service account"),
        ({**KEY, "private_key": "hunter2"}, "damaged"),
        ({**KEY, "private_key": None}, "damaged"),
        ({**KEY, "private_key": PEM.replace("A", "B")}, "damaged"),
        ({**KEY, "private_key": PEM[:300]}, "damaged"),
        ({key: value for key, value in KEY.items() if key != "client_email"}, "damaged"),
    ],
)
def test_a_key_that_cannot_be_used(tmp_path: Path, content: Any, why: str, capfd: Any, caplog: Any) -> None:
    path = written(tmp_path, content)
    with pytest.raises(AssistantError, match=why) as caught:
        read_key(Path("key.json"), tmp_path)
    error = caught.value
    assert isinstance(error, ProviderError)
    assert not error.retryable
    assert str(path) in str(error)
    assert "docs/cloud.md" in error.remedy
    shown = f"{error!r} {error.__cause__} {caplog.text} {capfd.readouterr()}"
    assert "hunter2" not in shown
    assert PEM[40:80] not in shown


def test_a_key_file_that_is_not_there_or_not_ours(tmp_path: Path) -> None:
    with pytest.raises(ProviderMissing, match="does not exist"):
        read_key(Path("key.json"), tmp_path)
    (tmp_path / "key.json").mkdir()
    with pytest.raises(ProviderMissing, match="Is a directory"):
        read_key(Path("key.json"), tmp_path)


def test_the_library_says_nothing_while_it_is_loaded(tmp_path: Path) -> None:
    program = (
        "import providers.tts.google_connection as c; c.load_library(); print('grpc' in __import__('sys').modules)"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert (ran.stdout, ran.stderr) == ("True\n", "")
    load_library()


@pytest.mark.parametrize(
    "endpoint", ["texttospeech.googleapis.com", "eu-texttospeech.googleapis.com:443", "http://127.0.0.1:50051",
                 "http://localhost:50051"],
)  # fmt: skip
def test_addresses_that_are_taken(endpoint: str) -> None:
    assert checked_endpoint(endpoint) == endpoint
    assert Settings(endpoint=endpoint).endpoint == endpoint


@pytest.mark.parametrize(
    "endpoint", ["", "http://", "https://texttospeech.googleapis.com", "texttospeech.googleapis.com/v1", "http://shop:1",
                 "http://127.0.0.1.example.com:1", "http://10.0.0.7:80", "host:port", "ftp://127.0.0.1:1"],
)  # fmt: skip
def test_addresses_that_are_refused(endpoint: str) -> None:
    """Without TLS a text and the key's token would be readable for all on the way."""
    with pytest.raises(ValueError, match=r"host|machine"):
        Settings(endpoint=endpoint)
