"""Personalities as a YAML file, to carry them to another shop or to keep a copy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import yaml

from assistant.personalities.errors import PersonalityInvalid
from assistant.personalities.kinds import folded
from assistant.personalities.rows import Stored
from assistant.personalities.upgrade import upgrade_document
from assistant.problems import clipped

HEAD = """\
# Personalities of the assistant. To take them over elsewhere:
#     assistant personality import FILE [--replace]
# A key that is left out takes its default; a wrong one is refused with a suggestion, and then nothing is taken over.
"""

HEAD_FULL = HEAD + "# With ids, times, samples and what was counted: a whole copy, of use to this shop only.\n"

OF_THIS_SHOP = ("id", "tenant", "created_at", "updated_at")
"""Keys of a personality that mean nothing elsewhere."""

OF_THIS_MACHINE = ("voice_sample_url", "voice_sample_duration", "uploaded_at", "stats")
"""Keys of a voice that mean nothing elsewhere."""

MOST_BYTES = 2_000_000
"""A file that is larger is none of ours."""


def exported(everyone: Sequence[Stored], *, full: bool) -> str:
    """A file's text."""
    documents = [_document(one, full=full) for one in everyone]
    return f"{HEAD_FULL if full else HEAD}{as_yaml({'personalities': documents})}"


def as_yaml(value: Any) -> str:
    """YAML in which texts of several lines are blocks that people can edit."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110))


def imported(content: bytes, source: str) -> list[dict[str, Any]]:
    """The documents in a file, in today's form; they are judged by whoever keeps them.

    Raises ``PersonalityInvalid``; ``source`` is named in its message.
    """
    if len(content) > MOST_BYTES:
        raise PersonalityInvalid(f"{source} is too large to hold personalities.")
    try:
        whole = yaml.safe_load(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise PersonalityInvalid(f"{source} is not a text in UTF-8.") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise PersonalityInvalid(
            f"{source} is not valid YAML: {' '.join(str(error).split())[:200]}.", remedy="Check indentation and quotes."
        ) from error
    if isinstance(whole, dict) and "name" in whole:
        whole = {"personalities": [whole]}
    listed = whole.get("personalities") if isinstance(whole, dict) else whole
    if not isinstance(listed, list) or not listed or not all(isinstance(one, dict) for one in listed):
        raise PersonalityInvalid(
            f"{source} holds no personalities.", remedy="See what such a file looks like: assistant personality export"
        )
    names = Counter(folded(str(one.get("name", ""))) for one in listed)
    for one in listed:
        if names[folded(name := str(one.get("name", "")))] > 1:
            raise PersonalityInvalid(f"{source} holds {clipped(repr(name))} twice.", remedy="Leave one of them out.")
    return [upgrade_document({str(key): value for key, value in one.items()}) for one in listed]


def _document(stored: Stored, *, full: bool) -> dict[str, Any]:
    document = stored.document.model_dump(mode="json")
    if full:
        return document
    for key in OF_THIS_SHOP:
        del document[key]
    for key in OF_THIS_MACHINE:
        del document["voice_config"][key]
    return document


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks that people can edit."""

    def ignore_aliases(self, data: Any) -> bool:
        """Nothing is written as a reference to something above."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
