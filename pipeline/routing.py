"""Which engines may speak for a personality, best first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.events import Attempt
from pipeline.protocols import Synthesizer
from pipeline.speech import Voice, VoiceConfig, VoiceMode, primary_language


class Cloud(StrEnum):
    """Whether engines that send texts off this machine may speak."""

    NEVER = "never"
    """Not one packet leaves the box."""
    EMERGENCY = "emergency"
    """Only when no neural voice of this machine can."""
    ALLOWED = "allowed"
    """Also where a personality names one as its own."""


@dataclass(frozen=True, slots=True)
class Route:
    """One way to say a sentence."""

    synthesizer: Synthesizer
    voice: Voice

    @property
    def provider(self) -> str:
        """The engine's name."""
        return self.synthesizer.capabilities.name


@dataclass(frozen=True, slots=True)
class Routing:
    """What the router decided."""

    routes: list[Route]
    """Best first; each differs from the others."""

    passed_over: list[Attempt]
    """What the personality asks for and cannot have: code of the reason, no time spent."""


NOT_IN_USE = "not_in_use"
"""The personality names an engine that the settings (``tts.use``) do not."""
NO_SAMPLE = "no_sample"
"""The personality is to have the voice of a sample, and there is none."""
CLOUD_NEVER = "cloud_never"
"""The settings forbid engines that send something off this machine."""
CLOUD_LAST = "cloud_in_emergency_only"
"""The personality names such an engine as its own, and the settings keep it for emergencies."""


class SpeechRouter:
    """Turns what a personality wants into the order in which engines are asked.

    The voice of its sample; its own voice; the local voices; its own fallback; the cloud; the voice of last resort.
    Where an engine does not speak the language it is left out, unless none does: an accent is better than silence.
    Health is not the router's business: ``FallbackVoice`` moves engines at rest to the end.
    """

    def __init__(self, synthesizers: Sequence[Synthesizer], cloud: Cloud = Cloud.EMERGENCY) -> None:
        self._cloud = cloud
        able = [one for one in synthesizers if not (one.capabilities.needs_network and cloud is Cloud.NEVER)]
        self._synthesizers = {one.capabilities.name: one for one in able}
        self._barred = {one.capabilities.name for one in synthesizers} - set(self._synthesizers)

    def routes(self, config: VoiceConfig, language: str) -> Routing:
        """The order for a text in a language (ISO 639-1)."""
        passed_over: list[Attempt] = []
        wishes = self._wishes(config, passed_over)
        routes = _distinct([route for wish in wishes for route in self._route(*wish, config, language)])
        return Routing(routes or self._accents(config, language), passed_over)

    def _wishes(self, config: VoiceConfig, passed_over: list[Attempt]) -> list[tuple[Synthesizer, str, bool]]:
        """(engine, name of the voice, whether it speaks with the sample), best first."""
        wishes: list[tuple[Synthesizer, str, bool]] = []
        engines = self._synthesizers.values()
        local = [one for one in engines if not (one.capabilities.needs_network or one.capabilities.last_resort)]
        own = self._named(config.provider, passed_over)
        if config.mode is VoiceMode.CUSTOM:
            cloning = [one for one in local if one.capabilities.clones]
            if config.sample:
                wishes += [(one, "", True) for one in sorted(cloning, key=lambda one: one is not own)]
            else:
                passed_over.append(Attempt(config.provider, NO_SAMPLE, 0.0))
        elif own is not None:
            if own.capabilities.needs_network and self._cloud is Cloud.EMERGENCY:
                passed_over.append(Attempt(config.provider, CLOUD_LAST, 0.0))
            else:
                wishes.append((own, config.voice_id, False))
        wishes += [(one, self._voice_id(config, one), False) for one in local]
        if config.fallback is not None and (fallback := self._named(config.fallback.provider, passed_over)) is not None:
            wishes.append((fallback, config.fallback.voice_id, False))
        wishes += [(one, self._voice_id(config, one), False) for one in engines if one.capabilities.needs_network]
        wishes += [(one, self._voice_id(config, one), False) for one in engines if one.capabilities.last_resort]
        return wishes

    def _named(self, provider: str, passed_over: list[Attempt]) -> Synthesizer | None:
        """The engine of that name, or a note why there is none."""
        if provider not in self._synthesizers:
            passed_over.append(Attempt(provider, CLOUD_NEVER if provider in self._barred else NOT_IN_USE, 0.0))
        return self._synthesizers.get(provider)

    @staticmethod
    def _voice_id(config: VoiceConfig, synthesizer: Synthesizer) -> str:
        """The personality's own voice of an engine, "" where it names none."""
        name = synthesizer.capabilities.name
        if config.provider == name and config.mode is VoiceMode.DEFAULT and config.voice_id:
            return config.voice_id
        return config.fallback.voice_id if config.fallback is not None and config.fallback.provider == name else ""

    def _route(
        self, synthesizer: Synthesizer, voice_id: str, cloned: bool, config: VoiceConfig, language: str
    ) -> list[Route]:
        """The ways in which an engine can say it: with the voice asked for, then with its own best one."""
        if cloned:
            known = synthesizer.capabilities.languages
            speaks = not known or primary_language(language) in known
            return [Route(synthesizer, Voice("", language, config.settings, config.sample))] if speaks else []
        if synthesizer.capabilities.clones and not voice_id and synthesizer.voice_for(language) is None:
            return []
        names = dict.fromkeys(synthesizer.voice_for(language, wanted) for wanted in (voice_id, ""))
        return [Route(synthesizer, Voice(name, language, config.settings)) for name in names if name is not None]

    def _accents(self, config: VoiceConfig, language: str) -> list[Route]:
        engines = self._synthesizers.values()
        return [Route(one, Voice("", language, config.settings)) for one in engines if not one.capabilities.clones]


def _distinct(routes: Sequence[Route]) -> list[Route]:
    """Each way once, where it stands first."""
    first: dict[tuple[str, Voice], Route] = {}
    for route in routes:
        first.setdefault((route.provider, route.voice), route)
    return list(first.values())
