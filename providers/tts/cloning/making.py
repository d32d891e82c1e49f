"""Puts an engine together from its settings."""

from __future__ import annotations

import time

from providers.registry import Resources
from providers.tts.cloning.own_worker import Patience
from providers.tts.cloning.program import PROJECT
from providers.tts.cloning.settings import CloningSettings
from providers.tts.cloning.shelf import Shelf
from providers.tts.cloning.synthesizer import CloningSynthesizer
from providers.tts.cloning.workers import OwnOptions, OwnWorkers, RemoteWorkers
from providers.tts.voice_worker.listening import Address

PYTHON = PROJECT / ".venv-cloning" / "bin" / "python"
"""Made by ``./install.sh xtts`` and ``./install.sh pocket``."""


def cloning_synthesizer(
    name: str, program: str, shelf: Shelf, settings: CloningSettings, resources: Resources, install: str
) -> CloningSynthesizer:
    """``program``: the engine's name for the worker program; ``install``: the command that installs it."""
    if settings.url:
        address = Address.of(settings.url)
        elsewhere = not address.on_this_machine
        return CloningSynthesizer(name, shelf, RemoteWorkers(name, address), resources.samples, own_network=elsewhere)
    options = OwnOptions(
        python=resources.folder / settings.python if settings.python else PYTHON,
        engine=program,
        latents=resources.data / "latents" / name,
        device=settings.device,
        threads=settings.threads,
        memory_mb=settings.memory_mb,
        install=install,
    )
    patience = Patience(
        load_s=settings.load_timeout_s, hang_s=settings.hang_timeout_s, idle_s=60 * settings.idle_minutes
    )
    return CloningSynthesizer(name, shelf, OwnWorkers(name, options, patience, time.monotonic), resources.samples)
