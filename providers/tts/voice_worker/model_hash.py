"""Tells one model from another by what is in its files."""

from __future__ import annotations

import hashlib
from pathlib import Path


def model_hash(folder: Path) -> str:
    """SHA-256 over names and contents of a folder's files, hidden ones aside. Raises ``OSError``."""
    whole = hashlib.sha256()
    for file in sorted(file for file in folder.rglob("*") if file.is_file() and not file.name.startswith(".")):
        with file.open("rb") as opened:
            content = hashlib.file_digest(opened, "sha256").hexdigest()
        whole.update(f"{file.relative_to(folder)}\0{content}\n".encode())
    return whole.hexdigest()
