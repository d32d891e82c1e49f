"""Digests of files: plain sha256, and git's blob id, which the hub gives for small files."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Digest:
    """What a file's content must hash to."""

    kind: Literal["sha256", "git"]
    """``sha256`` of the content, or ``git``: sha1 of git's header ``blob SIZE NUL`` and the content."""

    value: str
    """Lower-case hexadecimal."""

    @classmethod
    def from_etag(cls, etag: str) -> Self | None:
        """The digest in the hub's ``X-Linked-ETag`` or ``ETag``; ``None`` where it holds something else.

        Files in LFS carry their sha256, all others the id of their git blob
        (huggingface_hub ``file_download.py`` relies on the same).
        """
        value = etag.removeprefix("W/").strip('"').lower()
        if re.fullmatch(r"[0-9a-f]{64}", value):
            return cls("sha256", value)
        if re.fullmatch(r"[0-9a-f]{40}", value):
            return cls("git", value)
        return None

    def matches(self, file: Path) -> bool:
        """Whether the file hashes to it; reads all of it."""
        return self.value == (sha256(file) if self.kind == "sha256" else git_blob(file))


def sha256(file: Path) -> str:
    """Digest of a file's content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def git_blob(file: Path) -> str:
    """The id that git gives a file's content."""
    digest = hashlib.sha1(b"blob %d\0" % file.stat().st_size, usedforsecurity=False)
    with file.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
