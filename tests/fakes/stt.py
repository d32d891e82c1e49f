"""A transcriber that follows a script."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from pipeline.audio import LISTENING_RATE_HZ, SILENCE_DB
from pipeline.errors import ProviderError, ProviderTimeout
from pipeline.protocols import Capabilities
from pipeline.speech import NoSpeech, NoSpeechReason, Transcript, Utterance


class ScriptedTranscriber:
    """Finds the next line of its script in each utterance that has sound; the last line again and again."""

    def __init__(
        self, lines: Sequence[str | NoSpeechReason], *, name: str = "scripted", language: str = "en", ms: float = 10.0
    ) -> None:
        self.lines = list(lines)
        self.capabilities = Capabilities(name=name, languages=frozenset({language}), licence="Apache-2.0")
        self.language = language
        self.ms = ms
        """What it says it took; it takes no time."""
        self.confidence = 0.9
        self.fails: list[ProviderError] = []
        """Bad day: raised one after another, one for each utterance; then it works again."""
        self.hangs = False
        """Bad day: never answers until this is False."""
        self.time_limit_s: float | None = None
        """After how long a hanging call gives up with ``ProviderTimeout``, in the loop's time; None for never."""
        self.heard: list[Utterance] = []
        """What it was given."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def transcribe(self, utterance: Utterance) -> Transcript | NoSpeech:
        if utterance.audio.rate_hz != LISTENING_RATE_HZ:
            raise ProviderError("Not 16 kHz.", retryable=False)
        await asyncio.sleep(0)  # as the real one does, it lets the loop go on
        self.heard.append(utterance)
        if self.hangs:
            await self._hang()
        if self.fails:
            raise self.fails.pop(0)
        name = self.capabilities.name
        if utterance.speech_s < 0.1:
            return NoSpeech(NoSpeechReason.TOO_SHORT, name, 0.0)
        if utterance.speech_s < 0.1 * utterance.audio.duration_s:
            return NoSpeech(NoSpeechReason.NOT_SPEECH, name, 0.0)
        if utterance.audio.level_db == SILENCE_DB:
            return NoSpeech(NoSpeechReason.EMPTY, name, self.ms)
        line = self.lines.pop(0) if len(self.lines) > 1 else self.lines[0]
        if isinstance(line, NoSpeechReason):
            return NoSpeech(line, name, self.ms)
        return Transcript(line, self.language, self.confidence, name, self.ms)

    async def _hang(self) -> None:
        try:
            async with asyncio.timeout(self.time_limit_s):
                await asyncio.Event().wait()
        except TimeoutError as error:
            raise ProviderTimeout("The transcriber hangs.") from error
