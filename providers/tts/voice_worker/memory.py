"""How much memory this process uses, in megabytes of 10^6 bytes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any


def used_mb() -> int:
    """Of the machine; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 1_000_000


def used_on_card_mb() -> int:
    """Of the card, as far as torch has asked for it; torch is not loaded for the question."""
    torch: Any = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not getattr(cuda, "is_initialized", lambda: False)():
        return 0
    return int(cuda.memory_reserved()) // 1_000_000
