"""``assistant completion SHELL`` and ``assistant manual``: what a package puts beside the program."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from assistant import manual
from assistant.command import add_command
from assistant.command_tree import commands as tree_of
from assistant.completion import SHELLS
from assistant.output import print_text


def add_shell_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], parser: Callable[[], argparse.ArgumentParser]
) -> None:
    """Add both; ``parser`` makes the whole command line, which they describe."""

    def completion(options: argparse.Namespace) -> int:
        print_text(SHELLS[options.shell](list(tree_of(parser()))))
        return 0

    def page(_: argparse.Namespace) -> int:
        print_text(manual.page(list(tree_of(parser()))))
        return 0

    added = add_command(commands, "completion", completion, "what teaches a shell to complete these commands")
    added.add_argument("shell", choices=tuple(SHELLS))
    add_command(commands, "manual", page, "the manual page (as of `man assistant`)")
