"""Opens what the assistant hears with: wake words, the end of a turn, and what takes its own voice out of the sound."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from assistant.parts import Ends
from assistant.settings import Settings
from pipeline.end_of_turn import EndOfTurn, EndOfTurnSettings
from pipeline.errors import AssistantError, SettingsError
from pipeline.protocols import EchoCanceller, EndOfTurnDetector, WakeWordDetector
from pipeline.speech import Personality
from pipeline.unfinished import looks_unfinished
from providers import registry
from providers.registry import Resources

log = logging.getLogger(__name__)


def first(stage: str, settings: Settings, resources: Resources) -> Any:
    """The first provider in use for a stage, not yet entered."""
    name, its_settings = getattr(settings, stage).chosen()[0]
    return registry.create(stage, name, its_settings, resources)


async def open_wake_words(
    stack: AsyncExitStack, settings: Settings, resources: Resources, everyone: Sequence[Personality]
) -> WakeWordDetector:
    """The wake words of the settings and of the personalities; the former alone where the latter cannot be heard."""
    if further := further_wake_words(settings, everyone):
        try:
            return await stack.enter_async_context(wake_words(settings, resources, further))
        except AssistantError as error:
            log.error("The wake words of the personalities (%s) cannot be heard: %s", ", ".join(further), error)
    detector: WakeWordDetector = first("wake_word", settings, resources)
    return await stack.enter_async_context(detector)


def further_wake_words(settings: Settings, everyone: Sequence[Personality]) -> list[str]:
    """The wake words of personalities that the settings do not name."""
    _, its_settings = settings.wake_word.chosen()[0]
    names = [word["name"] for word in its_settings.model_dump()["words"]]  # every wake word provider has them
    known = {*names, *(Path(name).stem for name in names)}  # a file's word is called by its stem
    return list(dict.fromkeys(one.wake_word for one in everyone if one.wake_word and one.wake_word not in known))


def wake_words(settings: Settings, resources: Resources, further: Sequence[str]) -> WakeWordDetector:
    """A detector of the settings' wake words and further ones, not yet entered. Raises ``SettingsError``."""
    name, its_settings = settings.wake_word.chosen()[0]
    document = its_settings.model_dump()
    document["words"] = [*document["words"], *({"name": word} for word in further)]
    try:
        detector: WakeWordDetector = registry.create(
            "wake_word", name, type(its_settings).model_validate(document), resources
        )
    except ValidationError as error:
        reasons = "; ".join(problem["msg"] for problem in error.errors())
        raise SettingsError(f"{name} cannot listen for {len(document['words'])} wake words: {reasons}.") from error
    return detector


async def open_end_of_turn(stack: AsyncExitStack, settings: Settings, resources: Resources) -> EndOfTurn:
    """What tells thinking from having finished; silence alone by choice, or for want of the model."""
    without = "Until then silence alone ends a customer's turn, so that answers come later."
    detector: EndOfTurnDetector | None = await _dispensable(stack, "end_of_turn", settings, resources, without)
    patience, end_silence_s = settings.conversation.patience, settings.utterance.end_silence_s
    return EndOfTurn(EndOfTurnSettings(patience, end_silence_s=end_silence_s), detector, looks_unfinished)


async def open_echo_canceller(
    stack: AsyncExitStack, settings: Settings, resources: Resources, ends: Ends
) -> EchoCanceller | None:
    """What takes the assistant's own voice out of what it hears; a file hears nothing."""
    if ends.input or ends.output:
        return None
    without = "Until then the assistant hears itself when it speaks."
    canceller: EchoCanceller | None = await _dispensable(stack, "echo", settings, resources, without)
    return canceller


async def _dispensable(
    stack: AsyncExitStack, stage: str, settings: Settings, resources: Resources, without: str
) -> Any:
    """A provider that the assistant can do without: None by choice, or where it cannot be opened."""
    try:
        one = first(stage, settings, resources)
        return None if one is None else await stack.enter_async_context(one)
    except AssistantError as error:
        log.warning("%s %s", error, without)
        return None
