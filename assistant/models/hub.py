"""Addresses on the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from assistant.models.catalogue import HubSource

OFFICIAL = "https://huggingface.co"


def endpoint(environment: Mapping[str, str]) -> str:
    """The hub to ask: ``HF_ENDPOINT``, as in Hugging Face's own tools, else the official one."""
    return (environment.get("HF_ENDPOINT") or OFFICIAL).rstrip("/")


def file_url(hub: str, source: HubSource, path: str) -> str:
    """Where the hub keeps a file of a model."""
    inside = f"{source.folder}/{path}" if source.folder else path
    return f"{hub}/{source.hub}/resolve/{quote(source.revision, safe='')}/{quote(inside)}"
