"""Which engines may speak for a personality, best first."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.errors import AssistantError, without_words
from pipeline.events import Attempt
from pipeline.protocols import Synthesizer
from pipeline.speech import Voice, VoiceConfig, VoiceMode, primary_language

log = logging.getLogger(__name__)


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
    provider: str
    """The engine's name."""

    @property
    def part(self) -> str:
        """What of the engine it takes: a voice, a sample, or what there is for a language."""
        return self.voice.name or self.voice.sample or self.voice.language


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
NO_CLONING = "no_cloning"
"""The personality is to have the voice of a sample, and the engine it names cannot take one."""
CLOUD_NEVER = "cloud_never"
"""The settings forbid engines that send something off this machine."""
CLOUD_LAST = "cloud_in_emergency_only"
"""The personality names such an engine as its own, and the settings keep it for emergencies."""


@dataclass(frozen=True, slots=True)
class _Engine:
    """An engine, and what about it never changes: to ask for its capabilities may cost a look at the disk."""

    name: str
    synthesizer: Synthesizer
    clones: bool
    cloud: bool
    """It sends texts out of the house."""
    needs_network: bool
    last_resort: bool

    @classmethod
    def of(cls, synthesizer: Synthesizer) -> _Engine:
        known = synthesizer.capabilities
        return cls(known.name, synthesizer, known.clones, known.cloud, known.needs_network, known.last_resort)


@dataclass(frozen=True, slots=True)
class _Wish:
    """An engine, and how it is to speak."""

    engine: _Engine
    voice_ids: tuple[str, ...] = ()
    """Its names for the voices wanted, best first; its own best one comes after them."""
    sample: str = ""
    """Address of the sample whose voice it takes instead."""


class SpeechRouter:
    """Turns what a personality wants into the order in which engines are asked.

    The voice of its sample; its own voice; the local voices; its own fallback; the cloud; the voice of last resort.
    Where an engine does not speak the language it is left out, unless none does: an accent is better than silence.
    An engine whose code fails at being asked is passed over. Health is not the router's business: ``FallbackVoice``
    moves engines at rest to the end.
    """

    def __init__(
        self, synthesizers: Sequence[Synthesizer], cloud: Cloud = Cloud.EMERGENCY, forbidden: Collection[str] = ()
    ) -> None:
        """``forbidden``: engines that are in use but were left out because of ``cloud``; for the trail only."""
        self.synthesizers = tuple(synthesizers)
        """All that it was given."""
        self._cloud = cloud
        engines = [_Engine.of(one) for one in synthesizers]
        barred = {one.name for one in engines if one.needs_network and cloud is Cloud.NEVER}
        self._engines = {one.name: one for one in engines if one.name not in barred}
        self._barred = barred.union(forbidden)

    def routes(self, config: VoiceConfig, language: str) -> Routing:
        """The order for a text in a language (ISO 639-1). Never raises."""
        search = _Search(config, language)
        wishes = self._wishes(config, search.passed_over)
        found = [route for wish in wishes for route in search.routes(wish)]
        if not found:
            found = [route for wish in wishes for route in search.accents(wish)]
        return Routing(_distinct(found), search.passed_over)

    def _wishes(self, config: VoiceConfig, passed_over: list[Attempt]) -> list[_Wish]:
        """Who may speak and how, best first."""
        engines = list(self._engines.values())
        local = [one for one in engines if not (one.cloud or one.last_resort)]
        own = self._named(config.provider, passed_over)
        if own is not None and own.cloud and self._cloud is Cloud.EMERGENCY:
            passed_over.append(Attempt(own.name, CLOUD_LAST, 0.0))
            own = None
        if config.mode is VoiceMode.CUSTOM:
            wishes = self._cloned(config, own, local, passed_over)
        else:
            wishes = [_plain(config, own)] if own is not None else []
        wishes += [_plain(config, one) for one in local]
        if config.fallback is not None and (fallback := self._named(config.fallback.provider, passed_over)) is not None:
            wishes.append(_Wish(fallback, (config.fallback.voice_id,)))
        wishes += [_plain(config, one) for one in engines if one.cloud]
        wishes += [_plain(config, one) for one in engines if one.last_resort]
        return wishes

    def _named(self, provider: str, passed_over: list[Attempt]) -> _Engine | None:
        """The engine of that name, or a note why there is none."""
        if provider not in self._engines:
            passed_over.append(Attempt(provider, CLOUD_NEVER if provider in self._barred else NOT_IN_USE, 0.0))
        return self._engines.get(provider)

    @staticmethod
    def _cloned(
        config: VoiceConfig, own: _Engine | None, local: Sequence[_Engine], passed_over: list[Attempt]
    ) -> list[_Wish]:
        """Who can speak with the sample. It leaves this machine only for an engine that the personality names."""
        if not config.sample:
            passed_over.append(Attempt(config.provider, NO_SAMPLE, 0.0))
            return []
        if own is not None and not own.clones:
            passed_over.append(Attempt(own.name, NO_CLONING, 0.0))
        able = [*([own] if own is not None else []), *local]
        return [_Wish(one, sample=config.sample) for one in dict.fromkeys(able) if one.clones]


def _plain(config: VoiceConfig, engine: _Engine) -> _Wish:
    """An engine with the voices of it that the personality names: its own, then that of its fallback."""
    named = []
    if config.provider == engine.name and config.mode is VoiceMode.DEFAULT:
        named.append(config.voice_id)
    if config.fallback is not None and config.fallback.provider == engine.name:
        named.append(config.fallback.voice_id)
    return _Wish(engine, tuple(named))


class _Search:
    """Asks engines for their voices, each question once."""

    def __init__(self, config: VoiceConfig, language: str) -> None:
        self._config = config
        self._language = language
        self._answers: dict[tuple[str, str, str], str | None] = {}
        self.passed_over: list[Attempt] = []

    def routes(self, wish: _Wish) -> Iterable[Route]:
        """The ways in which an engine can say it: with the voices asked for, then with its own best one."""
        if wish.sample:
            if self._speaks(wish.engine):
                voice = Voice("", self._language, self._config.settings, wish.sample)
                yield Route(wish.engine.synthesizer, voice, wish.engine.name)
            return
        for wanted in (*wish.voice_ids, ""):
            name = self._voice(wish.engine, self._language, wanted)
            if name is not None:
                yield self._route(wish.engine, name, self._language)

    def accents(self, wish: _Wish) -> Iterable[Route]:
        """The engine's way to read the text as if it were in a language that it does speak."""
        if wish.sample:
            return
        for wanted in (*wish.voice_ids, ""):
            for language in (primary_language(wanted), "en", *self._languages(wish.engine)):
                name = self._voice(wish.engine, language, wanted) if language else None
                if name is not None:
                    yield self._route(wish.engine, name, language)
                    return

    def _route(self, engine: _Engine, name: str, language: str) -> Route:
        return Route(engine.synthesizer, Voice(name, language, self._config.settings), engine.name)

    def _speaks(self, engine: _Engine) -> bool:
        known = self._languages(engine)
        return not known or primary_language(self._language) in known

    def _languages(self, engine: _Engine) -> list[str]:
        try:
            return sorted(engine.synthesizer.capabilities.languages)
        except Exception as error:  # noqa: BLE001 - a defect in one engine must not silence the others
            self._pass_over(engine, error)
            return []

    def _voice(self, engine: _Engine, language: str, wanted: str) -> str | None:
        """The engine's voice; asked once, for the answer may cost a look at the disk."""
        question = (engine.name, language, wanted)
        if question not in self._answers:
            try:
                self._answers[question] = engine.synthesizer.voice_for(language, wanted)
            except Exception as error:  # noqa: BLE001 - a defect in one engine must not silence the others
                self._answers[question] = None
                self._pass_over(engine, error)
        return self._answers[question]

    def _pass_over(self, engine: _Engine, error: Exception) -> None:
        code = error.code if isinstance(error, AssistantError) else "defect"
        attempt = Attempt(engine.name, code, 0.0)
        if attempt not in self.passed_over:
            log.warning("The voice %s cannot be asked: %s", engine.name, without_words(error))
            self.passed_over.append(attempt)


def _distinct(routes: Sequence[Route]) -> list[Route]:
    """Each way once, where it stands first."""
    first: dict[tuple[str, Voice], Route] = {}
    for route in routes:
        first.setdefault((route.provider, route.voice), route)
    return list(first.values())
