"""The command line as data, for what describes it: completion of shells, the manual page."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """What may follow a command."""

    flags: tuple[str, ...]
    """As ``("-h", "--help")``; none for what is told by its place."""
    value: str
    """What it takes, such as ``F.wav``; empty where it takes nothing."""
    choices: tuple[str, ...]
    """The only values there are, where that is so."""
    help: str
    """One line."""
    required: bool
    takes_file: bool
    """Whether its value may be a file."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command with all words that lead to it."""

    words: tuple[str, ...]
    """``("models", "pull")``; none for the program itself."""
    summary: str
    options: tuple[Option, ...]
    verbs: tuple[tuple[str, str], ...]
    """Words that may follow, each with its summary."""


def commands(parser: argparse.ArgumentParser, words: tuple[str, ...] = (), summary: str = "") -> Iterator[Command]:
    """The program, then each command, then its verbs, in their order."""
    inner: list[tuple[str, argparse.ArgumentParser, str]] = []
    options: list[Option] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            told = {one.dest: one.help or "" for one in action._choices_actions}
            inner += [(name, one, told.get(name, "")) for name, one in action.choices.items()]
        elif action.help != argparse.SUPPRESS:
            options.append(_option(parser, action))
    verbs = tuple((name, text) for name, _, text in inner)
    yield Command(words, summary or (parser.description or ""), tuple(options), verbs)
    for name, one, text in inner:
        yield from commands(one, (*words, name), text)


def _option(parser: argparse.ArgumentParser, action: argparse.Action) -> Option:
    takes = action.nargs != 0
    choices = tuple(str(one) for one in action.choices or ())
    value = ""
    if takes:
        value = action.metavar if isinstance(action.metavar, str) else ""
        value = value or ("|".join(choices) if choices else action.dest.upper())
    text = (action.help or "") % {**vars(action), "prog": parser.prog}
    optional = bool(action.option_strings) or action.nargs in {"?", "*"}
    return Option(
        tuple(action.option_strings), value, choices, text,
        required=action.required if action.option_strings else not optional,
        takes_file=takes and not choices and (value.startswith(("F", "FILE", "mic|", "speaker|", "CONFIG"))),
    )  # fmt: skip
