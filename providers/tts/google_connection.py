"""The way to Google's speech service: who we are, and a gRPC channel that does nothing unasked.

The library's own way would ask Google for a token, start a thread that looks up where the key may be used, and try
again by itself. Here a token is signed on this machine, and nothing is sent but what is to be spoken.
"""

from __future__ import annotations

import importlib
import importlib.util
import ipaddress
import json
import os
from pathlib import Path
from typing import Any

from pipeline.errors import ProviderError, ProviderMissing

VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
"""Environment variable that names the key file where the settings do not."""

AUDIENCE = "https://texttospeech.googleapis.com/"
"""For whom a token is signed; regional endpoints take the same."""

IDLE_MS = 60_000
"""Milliseconds after which an unused connection is closed: routers forget it silently, then the next answer hangs."""

LONGEST_PAUSE_MS = 1_000
"""Milliseconds between two tries to connect, at most. The circuit breaker decides when to try; gRPC's own pause of up
to two minutes would fail requests that come after the network is back."""

_MODULES = ("google.auth.jwt", "google.auth.transport.grpc", "grpc.aio", "google.cloud.texttospeech_v1")

_HOW_TO_GET_A_KEY = "It must be the JSON key of a service account; see docs/cloud.md."


def load_library() -> None:
    """Import what takes half a second. Raises ``ProviderMissing``."""
    # Whatever gRPC's core would print about connections, it also reports as a status.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    if not _installed():
        raise ProviderMissing(
            "Google's voices need the package google-cloud-texttospeech.",
            remedy="Install it: .venv/bin/pip install -e '.[google]'",
        )
    try:
        for name in _MODULES:
            importlib.import_module(name)
    except ImportError as error:
        raise ProviderMissing(
            f"The package google-cloud-texttospeech cannot be loaded: {error}.",
            remedy="Install it again: .venv/bin/pip install --force-reinstall -e '.[google]'",
        ) from error


def read_key(named: Path | None, folder: Path) -> Any:
    """What proves who we are, from a service account's key file. Raises ``ProviderError`` that shows no secret."""
    file = _key_file(named, folder)
    try:
        info = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problem = "does not exist"
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except ValueError:
        problem = "is not JSON"
    else:
        return _credentials(info, file)
    raise ProviderMissing(f"Google's key file {file} {problem}.", remedy=_HOW_TO_GET_A_KEY)


def connect(endpoint: str, key: Any, certificates: bytes | None = None) -> Any:
    """A channel, not yet connected; to be called on the event loop. An ``http://`` address gets no TLS and no key.

    ``certificates`` (PEM) are the authorities to trust in place of the usual ones.
    """
    import grpc.aio
    from google.auth.transport.grpc import AuthMetadataPlugin

    options = [
        ("grpc.enable_retries", 0),
        ("grpc.enable_http_proxy", 0),
        ("grpc.service_config_disable_resolution", 1),
        ("grpc.max_receive_message_length", -1),
        ("grpc.client_idle_timeout_ms", IDLE_MS),
        ("grpc.initial_reconnect_backoff_ms", LONGEST_PAUSE_MS // 4),
        ("grpc.max_reconnect_backoff_ms", LONGEST_PAUSE_MS),
        ("grpc.dns_min_time_between_resolutions_ms", LONGEST_PAUSE_MS),
    ]
    if endpoint.startswith("http://"):
        return grpc.aio.insecure_channel(endpoint.removeprefix("http://"), options)
    signing = grpc.metadata_call_credentials(AuthMetadataPlugin(key, None))
    secure = grpc.composite_channel_credentials(grpc.ssl_channel_credentials(certificates), signing)
    return grpc.aio.secure_channel(endpoint if ":" in endpoint else f"{endpoint}:443", secure, options)


def client(channel: Any) -> Any:
    """The library's client on a channel."""
    from google.cloud import texttospeech_v1
    from google.cloud.texttospeech_v1.services.text_to_speech.transports import TextToSpeechGrpcAsyncIOTransport

    return texttospeech_v1.TextToSpeechAsyncClient(transport=TextToSpeechGrpcAsyncIOTransport(channel=channel))


def checked_endpoint(endpoint: str) -> str:
    """The address as it was given. Raises ``ValueError`` where a text would travel readable for all."""
    scheme, given, rest = endpoint.rpartition("://")
    host, _, port = rest.partition(":")
    if not host or "/" in rest or scheme not in {"", "http"} or (port and not port.isdigit()):
        raise ValueError("must be a host such as texttospeech.googleapis.com, without https:// and path")
    if given and not _is_loopback(host):
        raise ValueError("http:// is for a server on this machine only")
    return endpoint


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _key_file(named: Path | None, folder: Path) -> Path:
    if named is not None:
        return folder / named
    if from_environment := os.environ.get(VARIABLE):
        return Path(from_environment)
    raise ProviderMissing(
        "Google's voices need credentials.",
        remedy="Name a service account's key file in config.yaml: tts.google_tts.credentials; see docs/cloud.md.",
    )


def _credentials(info: Any, file: Path) -> Any:
    from google.auth import jwt
    from google.auth.exceptions import GoogleAuthError

    kind = info.get("type") if isinstance(info, dict) else None
    if kind == "service_account":
        try:
            return jwt.Credentials.from_service_account_info(info, audience=AUDIENCE)
        except (GoogleAuthError, ValueError, TypeError, KeyError, AttributeError):
            pass  # its message may hold a part of the key
    raise ProviderError(
        f"Google's key file {file} is not the key of a service account, or is damaged.",
        remedy=_HOW_TO_GET_A_KEY,
        retryable=False,
    )


def _installed() -> bool:
    try:
        return importlib.util.find_spec("google.cloud.texttospeech_v1") is not None
    except ModuleNotFoundError:
        return False
