"""GTK's bindings for Python: from this environment, or from Debian's packages where those are of the same Python."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path

DEBIAN = Path("/usr/lib/python3/dist-packages")
"""Where python3-gi and python3-cairo lie. Not a folder to put on the path: everything else in it would come along."""


def usable(elsewhere: Path = DEBIAN) -> bool:
    """Whether ``gi`` and ``cairo`` can be imported from now on."""
    return all(_importable(name, elsewhere) for name in ("cairo", "gi"))


def _importable(name: str, elsewhere: Path) -> bool:
    if name in sys.modules or find_spec(name) is not None:
        return True
    spec = PathFinder.find_spec(name, [str(elsewhere)])
    if spec is None or spec.loader is None:
        return False
    sys.modules[name] = module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ImportError:  # built for another Python
        del sys.modules[name]
        return False
    return True
