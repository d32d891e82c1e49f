"""Which samples the personalities of a database name, in whatever state their rows are."""

from __future__ import annotations

import json
import re

import sqlite_utils

from assistant.samples.address import ROOT

_IN_TEXT = re.compile(rf"(?:{ROOT}/|https://)[^\s\"'\\]+")


def named(db: sqlite_utils.Database) -> dict[tuple[str, str], list[str]]:
    """Addresses by personality (tenant, id), those of other tenants included."""
    rows = db.execute("SELECT tenant, id, voice_config FROM ai_personalities").fetchall()
    return {(str(tenant), str(identity)): _addresses(text) for tenant, identity, text in rows}


def _addresses(text: str) -> list[str]:
    """Of one row. What is no JSON is searched: a sample must not be deleted because of a missing comma."""
    try:
        config = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return _IN_TEXT.findall(str(text))
    address = config.get("voice_sample_url") if isinstance(config, dict) else None
    return [address] if isinstance(address, str) and address else []
