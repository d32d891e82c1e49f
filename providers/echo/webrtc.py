"""Echo cancelling by WebRTC's audio processing (BSD-3-Clause licence), as the package ``livekit`` brings it along.

Alone it hardly lets anybody through who speaks at the same time (docs/decisions/141). So a filter of our own takes out
what it has learnt of the echo before, which leaves little for WebRTC's to suppress, and what that takes from a voice is
given back in part. Where the filter finds no echo, what is heard passes as it is (docs/decisions/146).

Nothing of LiveKit's network is used; its library starts a few threads, which sleep.
"""

from __future__ import annotations

import atexit
import functools
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.audio import ECHO_FRAME_S, ECHO_FRAME_SAMPLES, FULL_SCALE, LISTENING_RATE_HZ, Pcm, from_float
from pipeline.errors import ProviderError, ProviderMissing
from pipeline.protocols import Capabilities
from providers.echo.echo_presence import EchoPresence
from providers.echo.restorer import Restorer
from providers.echo.room_filter import RoomFilter
from providers.model_worker import ModelWorker
from providers.registry import Resources
from providers.settings import ProviderSettings

ECHO_LATENCY = 128
"""Samples by which the echo canceller is late: it works in blocks of 64 of which two overlap (livekit 1.2)."""

NOISE_LATENCY = 96
"""Samples by which the noise suppression is late, further ones."""


class Settings(ProviderSettings):
    """WebRTC's audio processing. What goes beyond the echo never rests, and then costs half a percent of a core."""

    echo_cancellation: bool = True
    """Take the loudspeaker's sound out of the microphone's; includes the high-pass filter while it works."""

    learns_room: bool = True
    """Before that, subtract what was learnt of the room's echo, so that whoever speaks at the same time is heard."""

    noise_suppression: bool = False
    """Make steady noise softer."""

    high_pass_filter: bool = False
    """Take out what is deeper than voices, such as a lorry's rumble, also while the loudspeaker is silent."""

    gain_control: bool = False
    """Make soft voices louder, up to the loudness of near ones."""


def create(settings: Settings, resources: Resources) -> WebRtcEchoCanceller:
    """The canceller, not yet entered."""
    return WebRtcEchoCanceller(settings)


class WebRtcEchoCanceller:
    """An ``EchoCanceller`` that costs 0.3 ms of one core for 10 ms of sound."""

    capabilities = Capabilities(name="webrtc", licence="BSD-3-Clause")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._rtc: Any = None
        self._processing: Any = None
        self._filter: RoomFilter | None = None
        self._restorer: Restorer | None = None
        self._presence = EchoPresence(ECHO_FRAME_S)
        self._was_present = True
        self._held: Pcm = np.zeros(0, np.int16)
        """What was heard and is as late as what is cancelled."""
        self._delay_ms = -1

    @property
    def latency_s(self) -> float:
        """As the library has been measured."""
        samples = ECHO_LATENCY * self._settings.echo_cancellation + NOISE_LATENCY * self._settings.noise_suppression
        return samples / LISTENING_RATE_HZ

    @property
    def may_rest(self) -> bool:
        """Where only the echo is taken out."""
        chosen = self._settings
        return not (chosen.noise_suppression or chosen.high_pass_filter or chosen.gain_control)

    async def __aenter__(self) -> Self:
        """Load the library. Raises ``ProviderMissing``, or ``ProviderError`` where it does not work here."""
        worker = ModelWorker("echo canceller")
        try:
            self._rtc, self._processing = await worker.run(lambda _: _loaded(self._settings))
        finally:
            worker.close()
        chosen = self._settings
        wanted = chosen.echo_cancellation and chosen.learns_room
        self._filter = RoomFilter(ECHO_FRAME_SAMPLES, LISTENING_RATE_HZ) if wanted else None
        late = round(self.latency_s * LISTENING_RATE_HZ)
        self._restorer = Restorer(late) if wanted and self.may_rest else None
        self._presence, self._was_present = EchoPresence(ECHO_FRAME_S), True
        self._held = np.zeros(late, np.int16)
        self._delay_ms = -1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of what it knows about the room; the library stays loaded."""
        self._processing = self._filter = self._restorer = None

    def cancel(self, heard: Pcm, played: Pcm, delay_s: float) -> Pcm:
        """One step."""
        if not len(heard) == len(played) == ECHO_FRAME_SAMPLES:
            raise ProviderError("The echo canceller takes steps of 10 ms.", retryable=False)
        if self._processing is None:
            raise ProviderError("The echo canceller is not open.", retryable=False)
        if self._filter is None:
            return self._process(heard, played, delay_s)
        sound, reference = _as_float(heard), _as_float(played)
        left = self._filter.cancel(sound, reference)
        suppressed = self._process(from_float(left, LISTENING_RATE_HZ).pcm, played, delay_s)
        if self._restorer is None:
            return suppressed
        restored = from_float(self._restorer.restore(_as_float(suppressed), left), LISTENING_RATE_HZ).pcm
        return self._chosen(heard, restored, present=self._presence.judge(sound, left, reference))

    def _chosen(self, heard: Pcm, cancelled: Pcm, *, present: bool) -> Pcm:
        """What is cancelled, or, where there is no echo, what is heard, sample for sample."""
        held = np.concatenate([self._held, heard])
        plain, self._held = held[:ECHO_FRAME_SAMPLES], held[ECHO_FRAME_SAMPLES:]
        was_present, self._was_present = self._was_present, present
        if present == was_present:
            return cancelled if present else plain
        share = np.linspace(float(was_present), float(present), ECHO_FRAME_SAMPLES, dtype=np.float32)
        mixed: Pcm = np.rint(plain + share * (cancelled.astype(np.float32) - plain)).astype(np.int16)
        return mixed

    def _process(self, heard: Pcm, played: Pcm, delay_s: float) -> Pcm:
        frame = self._frame(heard)
        try:
            if self._settings.echo_cancellation:
                self._processing.process_reverse_stream(self._frame(played))
                self._tell_delay(round(delay_s * 1000))
            self._processing.process_stream(frame)
        except RuntimeError as error:
            raise ProviderError(f"The echo canceller failed: {error}.") from error
        return np.frombuffer(frame.data, np.int16)

    def _frame(self, pcm: Pcm) -> Any:
        # A bytearray of its own: the library writes its result into it.
        return self._rtc.AudioFrame(bytearray(pcm.tobytes()), LISTENING_RATE_HZ, 1, len(pcm))

    def _tell_delay(self, delay_ms: int) -> None:
        if delay_ms != self._delay_ms:
            self._processing.set_stream_delay_ms(delay_ms)
            self._delay_ms = delay_ms


def _as_float(pcm: Pcm) -> NDArray[np.float32]:
    return pcm.astype(np.float32) / np.float32(FULL_SCALE)


@functools.cache
def _leave_at_exit() -> None:
    """Have the library's threads end with the process.

    When Python ends, livekit 1.2 takes its library down, and one of its threads may then want to tell Python of it.
    Python 3.11 kills a thread that comes so late, which Rust answers with an abort: seen once in some hundred exits.
    """

    def leave() -> None:
        from livekit.rtc import _ffi_client

        _ffi_client.FfiClient._ffi_disposed = True

    atexit.register(leave)  # what was registered last is called first: before the library's own


def _loaded(settings: Settings) -> tuple[Any, Any]:
    try:
        from livekit import rtc
    except (ImportError, OSError) as error:
        raise ProviderMissing(
            f"The echo canceller cannot be loaded: {error}.",
            remedy="Install it: ./install.sh. Or do without: echo.use: none.",
        ) from error
    try:
        processing = rtc.AudioProcessingModule(
            echo_cancellation=settings.echo_cancellation,
            noise_suppression=settings.noise_suppression,
            high_pass_filter=settings.high_pass_filter,
            auto_gain_control=settings.gain_control,
        )
    except (ImportError, OSError, RuntimeError) as error:
        # ImportError: the library itself is loaded only now.
        raise ProviderError(
            f"The echo canceller does not work on this machine: {error}.", remedy="Do without: echo.use: none."
        ) from error
    _leave_at_exit()
    return rtc, processing
