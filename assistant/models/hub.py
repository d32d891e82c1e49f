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


def asker(environment: Mapping[str, str]) -> dict[str, str]:
    """Header that says who asks: the token of ``HF_TOKEN``, as in Hugging Face's own tools; empty without one.

    The HTTP library takes it off where a redirect leads to another server.
    """
    token = environment.get("HF_TOKEN", "").strip()
    return {"Authorization": f"Bearer {token}"} if token else {}


def access_remedy(hub: str, source: HubSource, *, known: bool) -> str:
    """What to do where the hub refuses a repository. ``known``: it was told who asks."""
    page = f"{hub}/{source.hub}"
    if known:
        return f"The account of the token in HF_TOKEN must accept the terms at {page}; is the token still valid?"
    return f"Accept the terms at {page} with an account there, then give its token: HF_TOKEN=… before the command."
