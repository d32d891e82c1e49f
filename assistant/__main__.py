"""The program ``assistant``, also as ``python -m assistant``."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run one command and return its exit code."""
    # Read when NumPy is loaded. Its threads wait for each other by spinning: where the cores are shared, a product that
    # one thread has after 0.3 ms takes 80.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from assistant import cli

        return cli.main()
    except KeyboardInterrupt:  # in the half second in which the program loads
        return 130


if __name__ == "__main__":
    sys.exit(main())
