"""Several recognisers behind one: the next one listens where one fails, so that a customer is always understood."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.circuit_breaker import CircuitBreaker
from pipeline.errors import AssistantError, ProviderError
from pipeline.protocols import Transcriber
from pipeline.speech import NoSpeech, Transcript, Utterance
from pipeline.usage import NoLedger, Outcome, UsageLedger, Use


class FallbackTranscriber:
    """Writes down what was said with the first recogniser that can.

    That an utterance holds no words is an answer and no failure. A recogniser that failed rests, longer each time, and
    is asked last meanwhile. Each keeps to a time limit of its own.
    """

    def __init__(
        self,
        transcribers: Sequence[Transcriber],
        health: CircuitBreaker,
        clock: Callable[[], float],
        usage: UsageLedger | None = None,
    ) -> None:
        self.transcribers = tuple(transcribers)
        """Best first."""
        self.health = health
        """Knows who failed."""
        self._clock = clock
        self._usage = usage or NoLedger()

    async def transcribe(self, utterance: Utterance) -> Transcript | NoSpeech:
        """The words of an utterance, or why there are none. Raises ``ProviderError`` when no recogniser could."""
        failures: list[str] = []
        for transcriber in sorted(self.transcribers, key=lambda one: self.health.resting(one.capabilities.name)):
            name = transcriber.capabilities.name
            asked_s, outcome, code = self._clock(), Outcome.LEFT, ""
            try:
                result = await transcriber.transcribe(utterance)
                outcome = Outcome.DONE
            except Exception as error:  # noqa: BLE001 - a defect in one recogniser must not make us deaf
                outcome, code = Outcome.FAILED, error.code if isinstance(error, AssistantError) else "defect"
                failures.append(f"{name} ({code})")
                self.health.failed(name, error)
            else:
                self.health.worked(name)
                return result
            finally:
                latency_ms = (self._clock() - asked_s) * 1000 if outcome is Outcome.DONE else None
                self._usage.record(
                    Use("stt", name, outcome, latency_ms=latency_ms, audio_s=utterance.audio.duration_s, error=code)
                )
        raise ProviderError(
            f"No recogniser could write down what was said: {', '.join(failures)}.",
            remedy="Run `assistant check` to see what each one needs.",
        )
