"""What a command prints for people and programs: the only place that writes to stdout, event lines aside."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import yaml


def print_line(text: str = "") -> None:
    """One line."""
    sys.stdout.write(text + "\n")


def print_text(text: str) -> None:
    """Text that ends its lines itself."""
    sys.stdout.write(text)


def print_json(value: Any) -> None:
    """Data for programs."""
    print_line(json.dumps(value, ensure_ascii=False, indent=2))


def print_yaml(value: Any) -> None:
    """Data for people."""
    print_text(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as they need to be."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        print_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
