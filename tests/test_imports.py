"""The import rule: assistant → providers → pipeline, and nothing heavy where it does not belong."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.unit

ALLOWED = {
    "pipeline": {"pipeline"},
    "providers": {"providers", "pipeline"},
    "assistant": {"assistant", "providers", "pipeline"},
}
PURE_LIBRARIES = {"numpy", "num2words"}
BANNED_IN_PIPELINE = {
    "http", "io", "multiprocessing", "os", "pathlib", "random", "select", "shutil", "signal", "socket", "sqlite3",
    "subprocess", "tempfile", "threading", "time", "urllib",
}  # fmt: skip
SHARED_BY_PROVIDERS = {"providers.registry", "providers.settings", "providers.model_worker"}


def imports(file: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}:{node.lineno} imports relatively"
            yield node.lineno, node.module or ""


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_point_one_way(package: str) -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line} imports {name}"
        for file in modules(package)
        for line, name in imports(file)
        if name.split(".")[0] in ALLOWED and name.split(".")[0] not in ALLOWED[package]
    ]
    assert not wrong


def test_pipeline_has_no_file_socket_thread_or_clock() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line} imports {name}"
        for file in modules("pipeline")
        for line, name in imports(file)
        if (top := name.split(".")[0]) != "pipeline"
        and (top in BANNED_IN_PIPELINE or (top not in sys.stdlib_module_names and top not in PURE_LIBRARIES))
    ]
    assert not wrong


def test_providers_do_not_know_each_other() -> None:
    wrong = []
    for file in modules("providers"):
        own = ".".join(file.relative_to(ROOT).parts[:2])
        for line, name in imports(file):
            foreign = name.startswith("providers.") and not name.startswith(own) and name not in SHARED_BY_PROVIDERS
            if foreign and len(file.relative_to(ROOT).parts) > 2:
                wrong.append(f"{file.relative_to(ROOT)}:{line} imports {name}")
    assert not wrong


def test_looking_at_settings_loads_no_heavy_library() -> None:
    """Heavy libraries are imported where a provider is entered."""
    heavy = {"faster_whisper", "ctranslate2", "onnxruntime", "piper", "sounddevice", "av", "torch", "pymicro_wakeword"}
    at_the_top = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for package in ALLOWED
        for file in modules(package)
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
        if name.split(".")[0] in heavy
    ]
    assert not at_the_top
