"""The program ``assistant``, also as ``python -m assistant``."""

from __future__ import annotations

import sys


def main() -> int:
    """Run one command and return its exit code."""
    try:
        from assistant import cli

        return cli.main()
    except KeyboardInterrupt:  # in the half second in which the program loads
        return 130


if __name__ == "__main__":
    sys.exit(main())
