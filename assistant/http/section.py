"""What can be set about the HTTP API and the panel."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from providers.settings import ProviderSettings

ANY = ("0.0.0.0", "::")  # noqa: S104 - named in order to warn of them


class HttpSection(ProviderSettings):
    """The HTTP API, the web panel and the kiosk's screen."""

    enabled: bool = True
    """Whether they are served while the daemon runs."""
    host: str = "127.0.0.1"
    """Address to listen on: `127.0.0.1` for this machine only, the machine's own address or `0.0.0.0` for the shop's
    network; take TLS then."""
    port: int = Field(8420, ge=0, le=65535)
    """Port to listen on; 0 takes a free one and logs it."""
    allowed_hosts: list[str] = Field([])
    """Further names by which browsers may call this machine, such as `kiosk.local`. Its own name and addresses are
    known; whoever asks by another name is refused."""
    tls_certificate: Path | None = None
    """Certificate chain (PEM) for https, relative to `config.yaml`."""
    tls_key: Path | None = None
    """Its private key (PEM)."""
    trusted_proxies: list[str] = Field([])
    """Addresses of reverse proxies whose `X-Forwarded-For` is believed, such as `127.0.0.1`."""
    requests_per_s: float = Field(50.0, ge=1, le=10_000)
    """Requests that one caller may make each second, on average; four times as many at once."""
    synthesis_at_once: int = Field(2, ge=1, le=16)
    """Sentences that are made for HTTP at the same time; more would keep the customer at the kiosk waiting."""
    answers_mb: int = Field(32, ge=1, le=4096)
    """Memory for the sound of answers that were given by HTTP; the oldest go first."""
    body_timeout_s: float = Field(20.0, ge=1, le=600)
    """Seconds without a byte after which a request that is still being sent is given up."""

    @field_validator("allowed_hosts")
    @classmethod
    def _are_hosts(cls, names: list[str]) -> list[str]:
        for name in names:
            if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[?[0-9A-Fa-f:]+\]?", name):
                raise ValueError(f"{name!r} must be a host's name or address without port, such as kiosk.local")
        return [name.lower().strip("[]") for name in names]

    @field_validator("trusted_proxies")
    @classmethod
    def _are_addresses(cls, names: list[str]) -> list[str]:
        for name in names:
            try:
                ipaddress.ip_address(name)
            except ValueError as error:
                raise ValueError(f"{name!r} must be an address, such as 127.0.0.1") from error
        return names

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.tls_certificate is None) is not (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together")
        return self

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def here(self) -> str:
        """Where programs and browsers of this machine find it, such as ``http://127.0.0.1:8420``."""
        host = "127.0.0.1" if self.host in ANY else self.host
        return f"{self.scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""
        return "https" if self.tls_certificate is not None else "http"
