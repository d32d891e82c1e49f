"""Who may speak here: with which voice, understood in which languages, called by which wake word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from assistant import senses
from assistant.app import App
from assistant.checking.finding import Finding, State, failing
from assistant.checking.parts import Seen, Voices
from assistant.checking.storage import Stored
from assistant.personalities.built_in import built_in_personalities
from assistant.personalities.store import PersonalityStore
from pipeline.errors import AssistantError
from pipeline.protocols import Synthesizer
from pipeline.routing import CLOUD_LAST, CLOUD_NEVER, NO_CLONING, NO_SAMPLE, NOT_IN_USE, Route, SpeechRouter
from pipeline.speech import Personality, VoiceMode, primary_language

MANY_LANGUAGES = "whisper-base"
"""The recogniser to advise where a language is not understood."""

WHAT_TO_DO = {
    NOT_IN_USE: "Name {provider} in config.yaml (tts.use), or give the personality another voice: "
    "assistant personality set",
    NO_SAMPLE: "Give the personality a voice without a sample: assistant personality set ID voice_config.mode=default",
    NO_CLONING: "Give the personality a voice without a sample: assistant personality set ID voice_config.mode=default",
    CLOUD_NEVER: "Set deployment.cloud, or give the personality another voice: assistant personality set",
    CLOUD_LAST: "Set deployment.cloud: allowed, or give the personality another voice: assistant personality set",
}
"""Advice on the router's reasons."""

OTHER_VOICE = (
    "Name one of that engine in voice_config.voice_id (assistant personality set), or none for its best one; "
    "give a voice that speaks another language to a personality that does"
)
"""Advice where a personality names a voice that is not there."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """A personality as it lies in the database."""

    who: Personality
    active: bool
    mistakes: tuple[str, ...] = ()
    """What is wrong with what stands there."""

    @property
    def reachable(self) -> bool:
        """Whether a customer can come to speak with it, as things are."""
        return self.active or bool(self.who.wake_word)

    @property
    def languages(self) -> Sequence[str]:
        """All it speaks, its own first."""
        return list(dict.fromkeys((self.who.language, *self.who.languages)))


@dataclass
class Told:
    """What is said about one personality."""

    facts: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    remedies: list[str] = field(default_factory=list)

    def problem(self, text: str, remedy: str) -> None:
        """Something a technician should mend."""
        self.problems.append(text)
        if remedy and remedy not in self.remedies:
            self.remedies.append(remedy)


async def personalities(app: App, stored: Stored, voices: Voices, seen: Seen) -> list[Finding]:
    """How many there are, who is active, and how each would speak and be called now."""
    try:
        everyone = await _everyone(app, stored)
    except AssistantError as error:
        return [failing("personalities", error)]
    router = SpeechRouter(voices.engines, app.settings.deployment.cloud, voices.forbidden)
    deaf = await _wake_words_not_heard(app, [one.who for one in everyone])
    found: list[Finding] = []
    rows: list[dict[str, object]] = []
    for one in everyone:
        told = Told()
        for mistake in one.mistakes:
            told.problem(mistake, f"assistant personality show {one.who.id}")
        for language in one.languages:
            route = await _speaks(app, router, voices, one.who, language, told)
            rows.append(_row(one, language, route, _understood(seen, language)))
            if seen.recognisers and not rows[-1]["understood"]:
                told.problem(
                    f"no recogniser in use understands {language}",
                    f"Fetch one of many languages: assistant models pull {MANY_LANGUAGES}",
                )
        _called(one.who, deaf, told)
        found.append(_finding(one, told))
    active = next((one.who.name for one in everyone if one.active), "nobody")
    tenant = app.settings.deployment.tenant
    reason = f"{len(everyone)} of the shop {tenant!r}, {active} speaks"
    if not stored.exists:
        reason += " (as the first start will make them)"
    if stored.database is None:
        reason += " (the built-in ones: the database cannot be read)"
    state = State.WORKS if stored.database is not None else State.WARNS
    return [Finding("personalities", state, reason, "", tuple(rows)), *found]


async def _everyone(app: App, stored: Stored) -> list[Somebody]:
    """As the next start will read them. Raises ``StorageError``."""
    tenant = app.settings.deployment.tenant
    if stored.database is None:
        return [Somebody(who, number == 0) for number, who in enumerate(built_in_personalities(tenant))]
    store = PersonalityStore(stored.database, tenant)
    if stored.database.problem is None:
        await store.first()
    return [Somebody(one.document.personality(), one.active, one.problems) for one in await store.everyone()]


async def _speaks(
    app: App, router: SpeechRouter, voices: Voices, who: Personality, language: str, told: Told
) -> Route | None:
    """The way in which a sentence of a language would be spoken now, and what is worth knowing about it."""
    routing = router.routes(who.voice, language)
    for attempt in routing.passed_over:
        told.problem(
            f"its voice of {attempt.provider} cannot be had ({attempt.error})",
            WHAT_TO_DO.get(attempt.error or "", "").format(provider=attempt.provider),
        )
    if language == who.language:
        _wants(voices, who, told)
    for route in routing.routes:
        if route.provider in voices.failures:
            continue
        try:
            await route.synthesizer.fingerprint(route.voice)  # fails as speaking would, and is quicker
        except AssistantError as error:
            told.problem(f"{route.provider} cannot speak {language}: {error.message}", error.remedy)
            continue
        known = route.synthesizer.capabilities
        told.facts.append(f"{language}: {route.provider} {route.voice.name}".strip())
        if known.languages and primary_language(language) not in known.languages:
            told.problem(f"no voice in use speaks {language}", _better_voice(app, language))
        elif known.last_resort:
            told.problem(f"only the plain voice of {route.provider} speaks {language}", _better_voice(app, language))
        return route
    told.problem(f"nothing here can speak {language}", _better_voice(app, language))
    return None


def _wants(voices: Voices, who: Personality, told: Told) -> None:
    """Whether the voices that it names are there: where one is not, the router silently takes another one."""
    own, fallback = who.voice, who.voice.fallback
    named = [(own.provider, own.voice_id)] if own.mode is VoiceMode.DEFAULT else []
    named += [(fallback.provider, fallback.voice_id)] if fallback is not None else []
    engines = {engine.capabilities.name: engine for engine in voices.engines}
    for provider, name in dict.fromkeys(named):
        works = provider in engines and provider not in voices.failures
        if name and works and not _has(engines[provider], who, name):
            told.problem(f"{provider} has no voice {name} that speaks {who.language}", OTHER_VOICE)


def _has(engine: Synthesizer, who: Personality, name: str) -> bool:
    return any(engine.voice_for(language, name) == name for language in (who.language, *who.languages))


def _better_voice(app: App, language: str) -> str:
    """Advice to fetch a voice that may be used here."""
    for model in app.models.catalogue.of_kind("piper"):
        speaks = primary_language(language) in map(primary_language, model.languages)
        if speaks and not model.bundled and not app.licensed.judgement(model.name).refused:
            return f"Fetch a voice: assistant models pull {model.name}"
    return ""


def _understood(seen: Seen, language: str) -> bool:
    return any(not one.languages or primary_language(language) in one.languages for one in seen.recognisers)


async def _wake_words_not_heard(app: App, everyone: Sequence[Personality]) -> dict[str, AssistantError]:
    """Why wake words of personalities are not heard. Where one is not, none is but those of the settings."""
    further = senses.further_wake_words(app.settings, everyone)
    if not further:
        return {}
    try:
        async with senses.wake_words(app.settings, app.resources, further):
            return {}
    except AssistantError as error:
        return dict.fromkeys(further, error)


def _called(who: Personality, deaf: dict[str, AssistantError], told: Told) -> None:
    if who.wake_word in deaf:
        error = deaf[who.wake_word]
        told.problem(f"its wake word {who.wake_word} is not heard: {error.message}", error.remedy)
    elif who.wake_word:
        told.facts.append(f"called by {who.wake_word}")


def _finding(one: Somebody, told: Told) -> Finding:
    facts = [*(["active"] if one.active else []), *told.facts, *told.problems]
    worth = bool(told.problems) and (one.reachable or bool(one.mistakes))
    state = State.WARNS if worth else State.WORKS
    return Finding(
        f"personality {one.who.name}", state, "; ".join(facts), " ".join(f"{r.rstrip('.')}." for r in told.remedies)
    )


def _row(one: Somebody, language: str, route: Route | None, understood: bool) -> dict[str, object]:
    return {
        "personality": one.who.name,
        "id": one.who.id,
        "active": one.active,
        "language": language,
        "provider": route.provider if route else None,
        "voice": route.voice.name if route else None,
        "understood": understood,
        "wake_word": one.who.wake_word,
    }
