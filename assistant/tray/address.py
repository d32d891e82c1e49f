"""Where the assistant is, and the token that it wants."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from assistant import settings
from assistant.access.token_file import FORM, TokenFile
from pipeline.errors import SettingsError

LONGEST_BYTES = 200
"""A larger token file holds something else."""


def own_token_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where a user keeps the token whose session may not read the assistant's own data folder."""
    return _own_folder(environment) / "token"


def _own_folder(environment: Mapping[str, str]) -> Path:
    base = environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME") or "~").expanduser() / ".config"
    return Path(base) / "shop-assistant"


@dataclass(frozen=True, slots=True)
class Address:
    """Of one assistant."""

    url: str
    """Without a path, such as ``http://127.0.0.1:8420``."""
    files: tuple[Path, ...]
    """That may hold the token, in this order."""
    data: Path | None = None
    """The assistant's data folder, where it is on this machine."""
    certificate: Path | None = None
    """The one the assistant shows; None for one that the system trusts, or plain http."""
    given: str = ""
    """A token that was handed over in the environment."""

    def token(self) -> str:
        """Read anew each time, for it may have been replaced; empty where there is none."""
        if self.given:
            return self.given
        for file in self.files:
            if found := _read(file):
                return found
        return (TokenFile(self.data).known() or "") if self.data else ""

    def trust(self) -> ssl.SSLContext | bool:
        """For the HTTP client."""
        if not self.url.startswith("https:"):
            return False
        if self.certificate is None:
            return ssl.create_default_context()
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.check_hostname = False  # it is this very certificate, whatever name it was made for
        return context


def address(
    url: str | None, token_file: Path | None, config: Path | None, environment: Mapping[str, str] = os.environ
) -> Address:
    """As the command line, the environment and the settings say, in this order. Raises ``SettingsError``."""
    files = (token_file,) if token_file else (own_token_file(environment),)
    given = "" if token_file else environment.get("ASSISTANT_TOKEN", "").strip()
    if url:
        if not _is_address(url):
            raise SettingsError(f"--url must be such as http://192.168.1.20:8420, not {url[:60]!r}.")
        own = _own_folder(environment) / "certificate.pem"
        return Address(url.rstrip("/"), files, certificate=own if own.is_file() else None, given=given)
    loaded, folder = settings.load(config)
    http = loaded.http
    if not http.enabled or not http.port:
        raise SettingsError(
            "The tray cannot know where the assistant is: http is off, or its port is 0.",
            remedy="Set http.enabled and http.port in config.yaml, or name it: assistant tray --url http://HOST:PORT",
        )
    certificate = None if http.tls_certificate is None else folder / http.tls_certificate
    return Address(http.here, files, folder / loaded.storage.folder, certificate, given)


def _is_address(url: str) -> bool:
    try:
        found = urlsplit(url)
        return found.scheme in ("http", "https") and bool(found.hostname) and found.port != 0
    except ValueError:
        return False


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            text = opened.read(LONGEST_BYTES).decode("ascii", errors="replace").strip()
    except OSError:
        return ""
    return text if FORM.fullmatch(text) else ""
