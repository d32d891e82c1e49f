"""Leaves out of a report what nobody but the owner may know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, SecretStr

from assistant.access.token_file import FORM
from assistant.settings import Settings

MASK = "(left out)"

SECRET_NAME = re.compile(r"(?i)(^|[-_ ])(api[-_]?key|token|secret|passw(or)?d|authorization|cookie|credential)s?$")
"""Names of values that are never told."""

IN_TEXT = (
    (FORM, MASK),
    (re.compile(r"\b(hf|sk|ghp|xox[a-z])[-_][A-Za-z0-9_-]{8,}"), MASK),
    (re.compile(r"(?i)\b(bearer|basic) +[A-Za-z0-9._~+/=-]{4,}"), rf"\1 {MASK}"),
    (re.compile(r"(?<=://)[^/@\s]+@"), f"{MASK}@"),  # user and password
    (
        re.compile(r"(?i)\b((?:[a-z0-9]+[-_])*(?:api[-_]?key|key|token|secret|passwo?r?d|sig(?:nature)?)=)[^\s&\"']+"),
        rf"\1{MASK}",
    ),
)
"""What looks like a secret, wherever it stands."""

SHORTEST = 4
"""A shorter secret would blot out half of the words; it protects nothing."""


class Secrets:
    """Those of one installation."""

    def __init__(self, settings: Settings | None, token: str | None) -> None:
        found = {*_secrets(settings), token or ""} if settings is not None else {token or ""}
        self._known = sorted((one for one in found if len(one) >= SHORTEST), key=len, reverse=True)

    def left_out(self, value: Any, name: str = "") -> Any:
        """The same without them. ``value`` is plain data; ``name`` is what it is called."""
        if isinstance(value, dict):
            return {str(key): self.left_out(one, str(key)) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.left_out(one, name) for one in value]
        if isinstance(value, str):
            return MASK if value and SECRET_NAME.search(name) else self._masked(value)
        return value if value is None or isinstance(value, bool | int | float) else self._masked(str(value))

    def _masked(self, text: str) -> str:
        for secret in self._known:
            text = text.replace(secret, MASK)
        for pattern, instead in IN_TEXT:
            text = pattern.sub(instead, text)
        return text


def _secrets(value: Any) -> Iterator[str]:
    """All that the settings call a secret."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, dict):
        for one in value.values():
            yield from _secrets(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _secrets(one)
