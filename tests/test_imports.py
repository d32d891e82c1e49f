"""The import rule: assistant → providers → pipeline, and nothing heavy where it does not belong."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.registry import BUILT_IN
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
SHARED_BY_PROVIDERS = {
    "providers.cuda_probe",
    "providers.model_worker",
    "providers.onnx",
    "providers.registry",
    "providers.settings",
}
PRODUCTS = {module for stage in BUILT_IN.values() for module in stage.values()} | {
    "providers.audio.sounddevice_microphone",
    "providers.audio.sounddevice_speaker",
    "providers.audio.wav",
}
"""What can be chosen. The other modules of a stage's folder are shared by its products, but for those that are named
after one: ``piper_voice`` belongs to ``piper``."""


INSIDE_THE_VOICE_WORKER = {"upsampling", "windowed", "xtts_model", "xtts_stream"}
"""Modules that only the engine of that program imports, when it loads its model."""


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Line and name of what a file imports; the module's where something is taken from one."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}:{node.lineno} imports relatively"
            inner = (f"{node.module}.{alias.name}" for alias in node.names)
            found = {name if is_module(name) else str(node.module) for name in inner}
            yield from ((node.lineno, name) for name in sorted(found))


def is_module(name: str) -> bool:
    package, *parts = name.split(".")
    path = ROOT.joinpath(package, *parts)
    return package in ALLOWED and (path.with_suffix(".py").is_file() or (path / "__init__.py").is_file())


def dotted(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


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


def product_of(module: str) -> str | None:
    """The product that a module belongs to; None where it belongs to its stage."""
    owners = (product for product in PRODUCTS if module == product or module.startswith((f"{product}.", f"{product}_")))
    return max(owners, key=len, default=None)


def may_import(importer: str, imported: str) -> bool:
    """Whether a module of the providers may import another one."""
    stages = [module.split(".")[1] for module in (importer, imported)]
    if imported in SHARED_BY_PROVIDERS:
        return True
    return stages[0] == stages[1] and product_of(imported) in {None, product_of(importer)}


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("providers.tts.piper", "providers.tts.piper_voice", True),
        ("providers.tts.piper", "providers.tts.espeak", False),
        ("providers.tts.piper_voice", "providers.tts.espeak_program", False),
        ("providers.agent.faq.agent", "providers.agent.faq.words", True),
        ("providers.agent.faq.agent", "providers.agent.limits", True),
        ("providers.agent.limits", "providers.agent.faq.words", False),
        ("providers.vad.silero", "providers.stt.doubt", False),
        ("providers.vad.silero", "providers.onnx", True),
        ("providers.onnx", "providers.vad.silero", False),
    ],
)
def test_the_rule_among_providers(importer: str, imported: str, allowed: bool) -> None:
    assert may_import(importer, imported) is allowed


def test_providers_do_not_know_each_other() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line} imports {name}"
        for file in modules("providers")
        for line, name in imports(file)
        if name.startswith("providers.") and not may_import(dotted(file), name)
    ]
    assert not wrong


def test_looking_at_settings_loads_no_heavy_library() -> None:
    """Heavy libraries are imported where a provider is entered."""
    heavy = {"faster_whisper", "ctranslate2", "onnxruntime", "piper", "sounddevice", "av", "torch", "pymicro_wakeword"}
    at_the_top = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for package in ALLOWED
        for file in modules(package)
        if not (file.parent.name == "voice_worker" and file.stem in INSIDE_THE_VOICE_WORKER)
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
        if name.split(".")[0] in heavy
    ]
    assert not at_the_top
