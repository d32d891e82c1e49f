"""Where a sample lies in the store: ``voices/{tenant}/{personality}/{SHA-256 of the file}.wav``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.samples.errors import SampleError

ROOT = "voices"
"""Stands for the store itself, so that addresses stay right when it moves."""

_PART = "[A-Za-z0-9][A-Za-z0-9_-]{0,63}"

_FORM = re.compile(rf"(?P<tenant>{_PART})/(?P<personality>{_PART})/(?P<digest>[0-9a-f]{{64}})\.wav")
"""So strict that nothing which could lead elsewhere fits: no dots, no empty or encoded parts."""


@dataclass(frozen=True, slots=True)
class SampleAddress:
    """One of our own."""

    tenant: str
    """The shop."""
    personality: str
    """Id of the personality that it was taken in for."""
    digest: str
    """SHA-256 of the WAV file, hexadecimal."""

    def __str__(self) -> str:
        """As it stands in ``voice_sample_url``."""
        return f"{ROOT}/{self.path}"

    @property
    def path(self) -> str:
        """Relative to the store's folder."""
        return f"{self.tenant}/{self.personality}/{self.digest}.wav"


def own_address(text: str, *folders: str) -> SampleAddress | None:
    """One of the store's own addresses, None for any other text. ``folders``: further names of the store itself."""
    for root in (ROOT, *(folder.rstrip("/") for folder in folders)):
        rest = text.removeprefix(f"{root}/")
        if rest != text and (found := _FORM.fullmatch(rest)) is not None:
            return SampleAddress(**found.groupdict())
    return None


def address_of(path: str) -> SampleAddress | None:
    """The address of a file that lies at this place in the store, None where no sample can lie there."""
    found = _FORM.fullmatch(path)
    return SampleAddress(**found.groupdict()) if found is not None else None


def new_address(tenant: str, personality: str, digest: str) -> SampleAddress:
    """Where a new sample is to lie. Raises ``SampleError`` for an id that cannot name a folder."""
    found = address_of(f"{tenant}/{personality}/{digest}.wav")
    if found is None:
        raise SampleError(
            f"A personality with the id {personality[:40]!r} cannot have a sample: it cannot name a folder.",
            remedy="Make a new personality; ids are given by the program.",
        )
    return found
