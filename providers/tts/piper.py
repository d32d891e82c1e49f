"""Piper: neural voices that run on a CPU (package piper-tts, GPL-3.0; each voice has its own licence)."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from importlib.metadata import version
from types import TracebackType
from typing import Self

from pydantic import Field

from pipeline.audio import AudioChunk
from pipeline.errors import ModelMissing, ProviderError
from pipeline.protocols import Capabilities, Caution
from pipeline.speakable.characters import takeable
from pipeline.speech import Voice, primary_language
from providers.model_worker import Cancelled, ModelWorker
from providers.registry import Resources
from providers.settings import ProviderSettings
from providers.tts.piper_voice import LoadedVoice, Manner, Stop

LOOK_EVERY_S = 1.0
"""Seconds between two looks at which voices are there: one that was fetched meanwhile is noticed then."""

AUTO = "auto"

DEFAULT_VOICE = "en_US-ryan-medium"
"""The voice that ``auto`` prefers where it is present."""

LAST_VOICE = "en_US-kiosk-low"
"""The small voice that comes with the project: understandable, but plainly artificial; spoken with only where no
other voice is."""

LAST_VOICE_CAUTION = Caution(
    f"{LAST_VOICE}, the small voice that comes with the program, speaks: it is understandable but sounds artificial.",
    "For a better one: assistant models pull en_US-joe-medium (a shop may use it), or "
    f"{DEFAULT_VOICE} (not for commercial use).",
)
"""What to tell the owner about it."""

FASTEST, SLOWEST = 4.0, 0.25


class Settings(ProviderSettings):
    """How Piper speaks."""

    voice: str = AUTO
    """Name of the default voice, a folder in ``models/``; ``auto`` takes ``en_US-ryan-medium`` if it is there, else
    the best voice present for the language."""

    voices: dict[str, str] = Field(default_factory=dict)
    """Voice by language (ISO 639-1), such as ``es: es_MX-ald-medium``; others are chosen as by ``auto``.
    Needed for a voice whose name does not begin with its language."""

    speed: float = Field(default=1.0, ge=SLOWEST, le=FASTEST)
    """Pace: 1 is the voice's own, 2 twice as fast, 0.5 half as fast; the pitch stays."""

    volume: float = Field(default=0.9, gt=0.0, le=1.0)
    """Peak of each sentence: 1 is full scale, 0.5 half (-6 dB)."""

    sentence_pause_s: float = Field(default=0.2, ge=0.0, le=2.0)
    """Silence after each sentence, seconds; 0 runs sentences into each other."""

    noise_scale: float | None = Field(default=None, ge=0.0, le=2.0)
    """Variation of the sound: 0 is flat, above 1 rough; empty means the voice's own (mostly 0.667)."""

    noise_w: float | None = Field(default=None, ge=0.0, le=2.0)
    """Variation of the rhythm: 0 is even, above 1 uneven; empty means the voice's own (mostly 0.8)."""

    speaker: int | None = Field(default=None, ge=0)
    """Number of the speaker in a voice that has several; empty means its first."""

    threads: int = Field(default=1, ge=1, le=16)
    """Threads of the network. More than one helps only where cores lie idle."""

    max_loaded: int = Field(default=2, ge=1, le=8)
    """Voices kept in memory (60 to 120 MB each); the one not used for longest makes room."""


def create(settings: Settings, resources: Resources) -> PiperSynthesizer:
    """The synthesizer, nothing loaded."""
    return PiperSynthesizer(settings, resources)


class PiperSynthesizer:
    """A ``Synthesizer``. Voices are loaded when first needed, all on one thread."""

    def __init__(self, settings: Settings, resources: Resources) -> None:
        self._settings = settings
        self._models = resources.models
        self._worker: ModelWorker | None = None
        shaping = settings.model_dump_json(exclude={"voice", "voices", "threads", "max_loaded"})
        self._manner_text = f"{shaping} {version('piper-tts')}"
        """Settings and version, as far as they shape the sound."""
        self._fingerprints: dict[str, str] = {}
        self._seen: list[str] = []
        self._looked_s = float("-inf")
        """Hash of each loaded voice, read before it was loaded: a file replaced since then is not what speaks."""
        # Only the worker's thread touches it.
        self._loaded: OrderedDict[str, LoadedVoice] = OrderedDict()

    @property
    def capabilities(self) -> Capabilities:
        """Languages of the voices on this machine; licence of the default voice."""
        names = self._present()
        chosen = self._default()
        return Capabilities(
            name="piper",
            languages=frozenset({*map(primary_language, names), *self._settings.voices}),
            streams=True,
            licence=self._models.licence(chosen) if chosen else "",
            caution=LAST_VOICE_CAUTION if chosen == LAST_VOICE else None,
        )

    async def __aenter__(self) -> Self:
        """Load the default voice, so that the first answer need not wait for it.

        Raises ``ModelMissing`` where a voice named in the settings, or any voice at all, is missing.
        """
        for name in (self._settings.voice, *self._settings.voices.values()):
            if name != AUTO:
                self._models.path(name)
        chosen = self._default()
        if chosen is None:
            raise ModelMissing(
                "There is no Piper voice on this machine.",
                remedy=f"Fetch one: assistant models pull {DEFAULT_VOICE}",
            )
        self._worker = ModelWorker("tts-piper")
        try:
            await self._worker.run(lambda _: self._warm_up(chosen))
        except BaseException:
            self._worker.close()
            self._worker = None
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the voices go."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None
        self._loaded.clear()
        self._fingerprints.clear()
        self._looked_s = float("-inf")

    def voice_for(self, language: str, wanted: str = "") -> str | None:
        """Name of the voice for a language (ISO 639-1), None where none is present; ``wanted`` if it speaks that."""
        asked = primary_language(language)
        if wanted and (primary_language(wanted) == asked or wanted == self._settings.voices.get(asked)):
            return wanted
        if asked in self._settings.voices:
            return self._settings.voices[asked]
        if self._settings.voice != AUTO and primary_language(self._settings.voice) == asked:
            return self._settings.voice
        present = [name for name in self._present() if primary_language(name) == asked]
        return min(present, key=_rank, default=None)

    async def fingerprint(self, voice: Voice) -> str:
        """The voice files' hash, the settings that shape the sound, and the version of piper-tts.

        Raises ``ModelError``. Costs nothing for a voice that is loaded; files are read on the voice's thread.
        """
        if self._worker is None:
            raise ProviderError("Piper is not open.", retryable=False)
        name = self._name(voice)
        model = self._fingerprints.get(name)
        if model is None:
            model = await self._worker.run(lambda _: self._models.fingerprint(name))
        return f"{name} {model} {self._manner_text}"

    async def ready(self, voice: Voice) -> None:
        """Load the voice. Raises ``ProviderError``, ``ModelMissing`` or ``ModelDamaged``."""
        if self._worker is None:
            raise ProviderError("Piper is not open.", retryable=False)
        name = self._name(voice)
        await self._worker.run(lambda _: self._voice(name))

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[AudioChunk]:
        """Sound for a text in chunks of 0.1 s; none for a text without a letter or digit.

        There is no time limit: whoever waits decides how long. Raises ``ProviderError``, ``ModelMissing`` or
        ``ModelDamaged``.
        """
        text = takeable(text)
        if not text:
            return
        if self._worker is None:
            raise ProviderError("Piper is not open.", retryable=False)
        name, manner, stop = self._name(voice), self._manner(voice), Stop()

        def say(cancelled: Cancelled) -> Iterator[AudioChunk]:
            if not cancelled.is_set():
                yield from self._voice(name).say(text, manner, stop)

        chunks = self._worker.stream(say)
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    yield chunk
        finally:
            stop.set()

    def _voice(self, name: str) -> LoadedVoice:
        """The voice, loaded if it is not. On the worker's thread only."""
        if name not in self._loaded:
            folder = self._models.path(name)
            while len(self._loaded) >= self._settings.max_loaded:
                dropped, _ = self._loaded.popitem(last=False)
                del self._fingerprints[dropped]
            model = self._models.fingerprint(name)
            self._loaded[name] = LoadedVoice(name, folder, self._settings.threads)
            self._fingerprints[name] = model
        self._loaded.move_to_end(name)
        return self._loaded[name]

    def _warm_up(self, name: str) -> None:
        """A network's first run is several times slower than the later ones."""
        for _ in self._voice(name).say("Hello.", Manner(speed=1.0, volume=1.0, pause_s=0.0), Stop()):
            pass

    def _name(self, voice: Voice) -> str:
        """Which voice speaks. Raises ``ProviderError`` where it cannot speak the language: another engine may."""
        asked = voice.name if voice.name and voice.name != AUTO else self.voice_for(voice.language)
        wanted = primary_language(voice.language)
        speaks = asked is not None and (primary_language(asked) == wanted or asked == self._settings.voices.get(wanted))
        if asked is None or not (speaks or not wanted):
            raise ProviderError(
                f"There is no Piper voice for the language {voice.language!r}"
                + (f", {asked} speaks {primary_language(asked)!r}." if asked else "."),
                remedy="Fetch one: assistant models list",
                retryable=False,
            )
        return asked

    def _manner(self, voice: Voice) -> Manner:
        own = self._settings
        return Manner(
            speed=min(FASTEST, max(SLOWEST, own.speed * voice.settings.speed)),
            volume=own.volume,
            pause_s=own.sentence_pause_s,
            noise_scale=own.noise_scale,
            noise_w=own.noise_w,
            speaker=own.speaker,
        )

    def _default(self) -> str | None:
        if self._settings.voice != AUTO:
            return self._settings.voice
        return self.voice_for("en") or min(self._present(), key=_rank, default=None)

    def _present(self) -> list[str]:
        """Asked at every sentence, so the disk is looked at once a second at most."""
        now_s = time.monotonic()
        if now_s - self._looked_s > LOOK_EVERY_S:
            self._seen, self._looked_s = self._models.present("piper"), now_s
        return self._seen


def _rank(name: str) -> int:
    """For ``min``, which keeps the order of equals: the default voice first, the bundled one last."""
    return {DEFAULT_VOICE: 0, LAST_VOICE: 2}.get(name, 1)
