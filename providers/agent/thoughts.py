"""Keeps what a language model thinks out of what it says."""

from __future__ import annotations

_TAGS = {"<think>": "</think>", "<thinking>": "</thinking>"}
"""Tags that reasoning models put around their thoughts when the server does not separate them, and how they end."""


class ThoughtFilter:
    """Drops ``<think>…</think>`` from a text that comes in parts, wherever the parts are cut."""

    def __init__(self) -> None:
        self._held = ""
        self._until: str | None = None

    def take(self, text: str) -> str:
        """The part of the text so far that is certain to be no thought and has not been given yet."""
        self._held += text
        said = ""
        while True:
            if self._until is not None:
                _, found, after = self._held.partition(self._until)
                if not found:
                    self._held = self._held[-len(self._until) :]
                    return said
                self._held, self._until = after, None
            start, tag = min(((self._held.find(tag), tag) for tag in _TAGS if tag in self._held), default=(-1, ""))
            if start < 0:
                break
            said += self._held[:start]
            self._held, self._until = self._held[start + len(tag) :], _TAGS[tag]
        keep = _started_tag(self._held)
        cut = len(self._held) - keep
        said, self._held = said + self._held[:cut], self._held[cut:]
        return said

    def rest(self) -> str:
        """What was held back as the possible beginning of a tag; nothing inside a thought that never ended."""
        return "" if self._until is not None else self._held


def _started_tag(text: str) -> int:
    """How many characters at the end of ``text`` may be the beginning of a tag."""
    longest = max(map(len, _TAGS)) - 1
    return next(
        (n for n in range(min(longest, len(text)), 0, -1) if any(tag.startswith(text[-n:]) for tag in _TAGS)), 0
    )
