"""``assistant tray [--check | --autostart]``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from assistant import logs
from assistant.command import add_command
from assistant.output import print_json, print_line, print_table, print_text
from assistant.tray.address import address
from assistant.tray.desktop import desktop, findings
from assistant.tray.session import autostart, only_one
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
    shown = tray.add_mutually_exclusive_group()
    shown.add_argument(
        "--check", action="store_true", help="tell what this desktop lacks for the icon, and how to mend it"
    )
    shown.add_argument(
        "--autostart", action="store_true", help="print an entry for ~/.config/autostart, with the options given"
    )
    tray.add_argument("--json", action="store_true", help="with --check: as data")


def _tray(options: argparse.Namespace) -> int:
    logs.set_up("INFO")
    if options.check:
        return _check(as_json=options.json)
    if options.autostart:
        return _autostart(options)
    from assistant.tray import program

    say = Wording(options.language or session_language())
    try:
        found = address(options.url, options.token_file, options.config)
        with only_one(found.url) as first:
            if first:
                program.run(found, say, desktop())
            else:
                print_line(f"The icon for {found.url} is in this session's panel already.")
    except (DeviceMissing, SettingsError) as error:
        if "INVOCATION_ID" not in os.environ:
            raise
        sys.stderr.write(f"assistant: {error}\n")
        return NOT_HERE
    return 0


def _autostart(options: argparse.Namespace) -> int:
    url = address(options.url, options.token_file, options.config).url
    given = (("--token-file", options.token_file and options.token_file.absolute()), ("--language", options.language))
    print_text(autostart("--url", url, *(str(word) for pair in given if pair[1] for word in pair)))
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
