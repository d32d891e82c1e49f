"""One command of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from assistant import logs, settings
from assistant.app import App
from pipeline.events import EventFeed


def add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    command: Callable[[argparse.Namespace], int],
    summary: str,
) -> argparse.ArgumentParser:
    """A subparser that sets ``command``, a function that returns the exit code, and takes ``--config``."""
    parser = commands.add_parser(name, help=summary, description=summary.capitalize() + ".")
    parser.set_defaults(command=command)
    # SUPPRESS keeps a --config given before the command from being overwritten by the default here.
    parser.add_argument("--config", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return parser


def app_of(options: argparse.Namespace, feed: EventFeed | None = None) -> App:
    """The program as the settings say that ``--config`` names. Raises ``SettingsError``."""
    loaded, folder = settings.load(options.config)
    logs.set_up(loaded.log_level)
    return App(loaded, folder, feed)
