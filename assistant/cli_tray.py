"""``assistant tray [--check]``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from assistant import logs
from assistant.command import add_command
from assistant.output import print_json, print_table
from assistant.tray.address import address
from assistant.tray.desktop import desktop, findings
from assistant.tray.wording import LANGUAGES, Wording, session_language
from pipeline.errors import DeviceMissing, SettingsError

NOT_HERE = 78
"""Exit code where systemd started it: another start would not help (sysexits.h: EX_CONFIG)."""


def add_tray_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``tray``."""
    tray = add_command(
        commands, "tray", _tray, "an icon in the panel of the desktop that shows and steers the assistant"
    )
    tray.add_argument("--url", help="where the assistant is (default: as config.yaml says)")
    tray.add_argument("--token-file", type=Path, metavar="F", help="file with the access token (docs/tray.md)")
    tray.add_argument("--language", choices=LANGUAGES, help="of the menu (default: the session's)")
    tray.add_argument(
        "--check", action="store_true", help="tell what this desktop lacks for the icon, and how to mend it"
    )
    tray.add_argument("--json", action="store_true", help="with --check: as data")


def _tray(options: argparse.Namespace) -> int:
    logs.set_up("INFO")
    if options.check:
        return _check(as_json=options.json)
    from assistant.tray import program

    say = Wording(options.language or session_language())
    try:
        program.run(address(options.url, options.token_file, options.config), say, desktop())
    except (DeviceMissing, SettingsError) as error:
        if "INVOCATION_ID" not in os.environ:
            raise
        sys.stderr.write(f"assistant: {error}\n")
        return NOT_HERE
    return 0


def _check(*, as_json: bool) -> int:
    found = findings(desktop())
    if as_json:
        print_json([
            {"part": one.part, "works": one.works, "reason": one.reason, "remedy": one.remedy, "needed": one.needed}
            for one in found
        ])  # fmt: skip
    else:
        print_table(
            ("PART", "STATE", "REASON", "REMEDY"),
            [(one.part, "works" if one.works else "missing", one.reason, one.remedy) for one in found],
        )
    failing = [one.part for one in found if one.needed and not one.works]
    if failing:
        sys.stderr.write(f"assistant: no icon can be seen here; missing: {', '.join(failing)}.\n")
    return 1 if failing else 0
