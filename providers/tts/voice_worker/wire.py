"""Events of the Wyoming protocol, read from somebody who may send anything."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from wyoming.event import Event, async_write_event

MOST_LINE_BYTES = 65_536
"""Of an event's first line; asyncio's own limit of a line."""

MOST_DATA_BYTES = 262_144
"""Of the JSON that follows it."""


class BadEvent(Exception):
    """What came is no event, or one that is too large. The connection cannot be used any more."""


async def read_event(reader: asyncio.StreamReader, most_payload_bytes: int) -> Event | None:
    """The next event, None where the other side has closed the connection.

    Nothing larger than the limits is ever held. Raises ``BadEvent`` and ``OSError``.
    """
    try:
        line = await reader.readline()
        if not line:
            return None
        head = _document(line)
        data = head.get("data") or {}
        if length := _length(head, "data_length", MOST_DATA_BYTES):
            data = {**_checked(data), **_document(await reader.readexactly(length))}
        length = _length(head, "payload_length", most_payload_bytes)
        payload = await reader.readexactly(length) if length else None
    except asyncio.IncompleteReadError as error:
        raise BadEvent("the connection ended in the middle of an event") from error
    except ValueError as error:  # of readline: the line is longer than the reader's limit
        raise BadEvent("a line is too long") from error
    kind = head.get("type")
    if not isinstance(kind, str):
        raise BadEvent("an event has no type")
    return Event(kind, _checked(data), payload)


async def write_event(event: Event, writer: asyncio.StreamWriter) -> None:
    """Raises ``OSError`` where the other side has gone, ``ValueError`` where the event cannot be written."""
    await async_write_event(event, writer)


def _document(text: bytes) -> dict[str, Any]:
    try:
        return _checked(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise BadEvent("what came is no JSON") from error


def _checked(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise BadEvent("what came is no JSON object")
    return document


def _length(head: dict[str, Any], name: str, most: int) -> int:
    length = head.get(name) or 0
    if not isinstance(length, int) or isinstance(length, bool) or not 0 <= length <= most:
        raise BadEvent(f"{name} is not a number from 0 to {most}")
    return length
