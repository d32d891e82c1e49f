"""Echo and delay: in simulated rooms, in a shop that is simulated chunk by chunk, and on a real sound system."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from assistant import sound_check
from assistant.echo import LATE_MS, LATEST_S, PEAK, SWEEP_S, Echo, judged, sweep
from assistant.sound_check import CheckInterrupted, measure_echo
from pipeline.audio import FRAME_S, FRAME_SAMPLES, LISTENING_RATE_HZ, AudioChunk, Pcm, from_float, level_db
from pipeline.circuit_breaker import CircuitBreaker
from pipeline.conversation import Conversation
from pipeline.conversation_settings import ConversationSettings
from pipeline.ears import Ears
from pipeline.events import EventFeed
from pipeline.fallback_transcriber import FallbackTranscriber
from pipeline.hearing import Hearing
from pipeline.meters import MeteredMicrophone
from pipeline.segmenter import SegmenterSettings
from pipeline.turn import TurnParts
from providers.audio.sounddevice_microphone import MicrophoneSettings, SounddeviceMicrophone
from providers.audio.sounddevice_speaker import SounddeviceSpeaker, SpeakerSettings
from tests.fakes.agent import FakeAgent
from tests.fakes.synthesizer import ScriptedSynthesizer
from tests.fakes.vad import ScriptedVoiceDetector
from tests.fakes.wake_word import ScriptedWakeWordDetector
from tests.pipeline.scene import ROBIN, voice_of
from tests.sound_server import SoundServer

pytestmark = pytest.mark.unit

Signal = NDArray[np.float64]
PLAYED: Signal = sweep().pcm / 32768.0
HANDED_S = 0.75
"""Where the sweep is handed over in simulated recordings: after ``ROOM_S``, and not at a chunk's edge."""


def rms(sound: Signal) -> float:
    return float(np.sqrt(np.mean(sound**2)))


def scaled(sound: Signal, db: float) -> Signal:
    return sound / rms(sound) * 10 ** (db / 20)


def hiss(samples: int, dice: np.random.Generator) -> Signal:
    return dice.normal(size=samples)


def murmur(samples: int, dice: np.random.Generator) -> Signal:
    """Louder below, and up and down like voices."""
    spectrum = np.fft.rfft(dice.normal(size=samples)) / (
        1 + (np.fft.rfftfreq(samples, 1 / LISTENING_RATE_HZ) / 500) ** 2
    )
    knots = np.arange(0, samples + 3200, 3200)
    return np.fft.irfft(spectrum, samples) * np.interp(
        np.arange(samples), knots, dice.uniform(0.05, 1, len(knots)) ** 2
    )


def hum(samples: int, dice: np.random.Generator) -> Signal:
    """Mains, and a refrigerator's compressor."""
    at_s = np.arange(samples) / LISTENING_RATE_HZ
    return sum((np.sin(2 * np.pi * 50 * n * at_s + n) / n for n in range(1, 30)), 0.01 * dice.normal(size=samples))


def music(samples: int, dice: np.random.Generator) -> Signal:
    """A note every quarter of a second."""
    found = 0.001 * dice.normal(size=samples)
    for first in range(0, samples, 4000):
        at_s = np.arange(min(8000, samples - first)) / LISTENING_RATE_HZ
        hz = 110 * 2 ** (dice.integers(0, 36) / 12)
        found[first : first + len(at_s)] += sum(np.sin(2 * np.pi * hz * n * at_s) / n for n in range(1, 8)) * np.exp(
            -4 * at_s
        )
    return found


def click(samples: int, dice: np.random.Generator) -> Signal:
    """Somebody drops something."""
    found = 0.001 * dice.normal(size=samples)
    for first in dice.integers(0, samples - 800, 4):
        found[first : first + 800] += dice.normal(size=800) * np.exp(-np.arange(800) / 100)
    return found


NOISES = [hiss, murmur, hum, music, click]


def echo_of(echo_db: float, dice: np.random.Generator, reverberation_s: float) -> Signal:
    """The sweep straight, and what the walls add: noise that falls by 60 dB in ``reverberation_s``."""
    samples = round(reverberation_s * LISTENING_RATE_HZ)
    walls = dice.normal(size=samples) * 10 ** (-3 * np.arange(samples) / max(1, samples))
    walls[:32] = 0
    straight = np.concatenate([[1.0], walls / max(1e-9, float(np.sqrt(np.sum(walls**2)))) * 0.7])
    heard = np.convolve(PLAYED, straight)
    energy = float(np.sqrt(np.sum(heard**2) / len(PLAYED)))
    return np.asarray(heard / energy * rms(PLAYED) * 10 ** (echo_db / 20))


def recording(
    *,
    delay_ms: float = 100.0,
    echo_db: float | None = -20.0,
    noise_db: float = -60.0,
    noise: Callable[[int, np.random.Generator], Signal] = hiss,
    reverberation_s: float = 0.3,
    seed: int = 0,
) -> Pcm:
    """What the microphone hears of the sweep; nothing where ``echo_db`` is None."""
    dice = np.random.default_rng(seed)
    sound = scaled(noise(round((HANDED_S + SWEEP_S + LATEST_S) * LISTENING_RATE_HZ), dice), noise_db)
    if echo_db is not None:
        at = round((HANDED_S + delay_ms / 1000) * LISTENING_RATE_HZ)
        heard = echo_of(echo_db, dice, reverberation_s)[: len(sound) - at]
        sound[at : at + len(heard)] += heard
    return from_float(sound, LISTENING_RATE_HZ).pcm


def test_the_sweep_is_comfortable() -> None:
    chunk = sweep()
    assert chunk.duration_s == SWEEP_S
    assert np.abs(chunk.pcm).max() <= PEAK * 32768
    assert level_db(chunk.pcm) == pytest.approx(-17, abs=0.5)
    assert np.abs(chunk.pcm[:10]).max() < 200, "it begins without a click"
    assert np.abs(chunk.pcm[-10:]).max() < 200, "and ends without one"


@pytest.mark.parametrize("delay_ms", [20.0, 83.0, 173.0, 400.0])
@pytest.mark.parametrize("echo_db", [-5.0, -20.0, -35.0, -50.0])
def test_delay_and_level_in_a_quiet_room(delay_ms: float, echo_db: float) -> None:
    echo = judged(recording(delay_ms=delay_ms, echo_db=echo_db, noise_db=-70.0), HANDED_S)
    assert echo.heard
    assert echo.delay_ms == pytest.approx(delay_ms, abs=1.0)
    assert echo.echo_db == pytest.approx(echo_db, abs=1.0)
    assert echo.noise_db == pytest.approx(-70.0, abs=1.0)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(
    ("echo_db", "noise_db", "about_db"), [(-5.0, -30.0, 0.5), (-20.0, -40.0, 1.0), (-35.0, -50.0, 2.5)]
)
@pytest.mark.parametrize("seed", range(4))
def test_delay_and_level_in_a_loud_room(
    noise: Callable[[int, np.random.Generator], Signal], echo_db: float, noise_db: float, about_db: float, seed: int
) -> None:
    delay_ms = [20.0, 83.0, 173.0, 400.0][seed]
    echo = judged(
        recording(delay_ms=delay_ms, echo_db=echo_db, noise_db=noise_db, noise=noise, seed=seed), HANDED_S
    )  # fmt: skip
    assert echo.heard
    assert echo.delay_ms == pytest.approx(delay_ms, abs=1.0)
    assert echo.echo_db == pytest.approx(echo_db, abs=about_db)


@pytest.mark.parametrize(("noise", "about_db"), [(hiss, 1.5), (murmur, 3.0)])
def test_the_level_is_that_of_the_echo_alone_also_where_the_noise_is_much_louder(
    noise: Callable[[int, np.random.Generator], Signal], about_db: float
) -> None:
    """12 dB below the noise, which would otherwise add 3 dB, or hide the echo where it is louder at first."""
    for seed in range(10):
        echo = judged(recording(echo_db=-35.0, noise_db=-40.0, noise=noise, seed=seed), HANDED_S)
        assert echo.echo_db == pytest.approx(-35.0, abs=about_db), seed


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("noise_db", [-70.0, -30.0])
def test_nothing_is_heard_in_noise_alone(noise: Callable[[int, np.random.Generator], Signal], noise_db: float) -> None:
    for seed in range(20):
        echo = judged(recording(echo_db=None, noise_db=noise_db, noise=noise, seed=seed), HANDED_S)
        assert not echo.heard, seed
        assert (echo.delay_ms, echo.echo_db, echo.verdict) == (None, None, "poor")
        assert "did not hear" in echo.advice


def test_people_who_talk_are_no_sweep(recordings: Path) -> None:
    """And a sweep is found although they do."""
    speech, rate_hz = soundfile.read(recordings / "speech_60s.wav")
    assert rate_hz == LISTENING_RATE_HZ

    def talk(samples: int, dice: np.random.Generator) -> Signal:
        first = dice.integers(0, len(speech) - samples)
        return np.asarray(speech[first : first + samples] + 1e-4 * dice.normal(size=samples))

    for seed in range(60):
        assert not judged(recording(echo_db=None, noise_db=-35.0, noise=talk, seed=seed), HANDED_S).heard, seed
        echo = judged(recording(echo_db=-20.0, noise_db=-35.0, noise=talk, seed=seed), HANDED_S)
        assert echo.delay_ms == pytest.approx(100.0, abs=1.0), seed


@pytest.mark.parametrize("reverberation_s", [0.0, 0.2, 0.5, 1.0])
def test_it_is_the_straight_sound_that_tells_the_delay_however_much_the_walls_throw_back(
    reverberation_s: float,
) -> None:
    for seed in range(10):
        echo = judged(recording(delay_ms=150.0, reverberation_s=reverberation_s, seed=seed), HANDED_S)
        assert echo.delay_ms == pytest.approx(150.0, abs=2.0), seed
        assert echo.echo_db == pytest.approx(-20.0, abs=1.5), seed


def test_a_stronger_echo_from_a_wall_comes_later_than_the_sound_itself() -> None:
    sound = recording(delay_ms=50.0, echo_db=-26.0, reverberation_s=0.0) / 32768.0
    at = round((HANDED_S + 0.062) * LISTENING_RATE_HZ)
    sound[at : at + len(PLAYED)] += PLAYED * 0.08
    assert judged(from_float(sound, LISTENING_RATE_HZ).pcm, HANDED_S).delay_ms == pytest.approx(50.0, abs=1.0)


def test_a_faint_echo_in_hiss_is_found_by_its_parts_being_at_one_place() -> None:
    for seed in range(10):
        echo = judged(recording(echo_db=-37.5, noise_db=-40.0, seed=seed), HANDED_S)
        assert echo.delay_ms == pytest.approx(100.0, abs=1.0), seed


def test_a_click_is_no_sweep_wherever_it_falls() -> None:
    for seed in range(150):
        assert not judged(recording(echo_db=None, noise_db=-40.0, noise=click, seed=seed), HANDED_S).heard, seed


def test_a_sweep_of_which_the_sound_system_lost_pieces_is_heard() -> None:
    """Or which it stretched by silence: a busy machine. It is not a loudspeaker that is off."""
    unheard = 0
    for seed in range(100):
        dice = np.random.default_rng(seed)
        heard = 0.1 * PLAYED
        for _ in range(dice.integers(1, 4)):
            at, length = dice.integers(0, len(heard)), dice.integers(200, 2000)
            after = heard[at + length :] if dice.random() < 0.5 else np.concatenate([np.zeros(length), heard[at:]])
            heard = np.concatenate([heard[:at], after])
        sound = recording(echo_db=None, noise_db=-70.0, seed=seed) / 32768.0
        begins = round((HANDED_S + 0.15) * LISTENING_RATE_HZ)
        sound[begins : begins + len(heard)] += heard
        unheard += not judged(from_float(sound, LISTENING_RATE_HZ).pcm, HANDED_S).heard
    assert unheard <= 5


@pytest.mark.parametrize("later_s", [0.06, 0.15, 0.28])
def test_a_wall_that_throws_the_sound_back_distinctly_does_not_hide_it(later_s: float) -> None:
    """An arcade, a tiled hall: half as loud once more."""
    sound = recording(delay_ms=50.0, reverberation_s=0.0) / 32768.0
    at = round((HANDED_S + 0.05 + later_s) * LISTENING_RATE_HZ)
    sound[at : at + len(PLAYED)] += PLAYED * 0.05
    echo = judged(from_float(sound, LISTENING_RATE_HZ).pcm, HANDED_S)
    assert echo.heard
    assert echo.delay_ms == pytest.approx(50.0, abs=1.0)


def test_digital_silence_is_a_muted_microphone() -> None:
    echo = judged(np.zeros(45_000, np.int16), HANDED_S)
    assert (echo.heard, echo.noise_db, echo.verdict) == (False, -120.0, "poor")
    assert "muted" in echo.advice


@pytest.mark.parametrize(
    ("room", "verdict", "advice"),
    [
        ({}, "good", "as it should be"),
        ({"echo_db": -3.0}, "poor", "move them apart, or turn it down"),
        ({"echo_db": -1.0, "noise_db": -120.0}, "poor", "a copy of the loudspeaker"),
        ({"delay_ms": LATE_MS + 20}, "fair", "Bluetooth"),
        ({"delay_ms": LATE_MS - 20}, "good", ""),
        ({"echo_db": -55.0, "noise_db": -80.0}, "fair", "hardly be heard"),
        ({"echo_db": -20.0, "noise_db": -42.0}, "fair", "over the room"),
        # What is below the band of speech disturbs nobody.
        ({"echo_db": -20.0, "noise_db": -42.0, "noise": hum}, "good", ""),
    ],
)  # fmt: skip
def test_what_a_technician_is_advised(room: dict[str, float], verdict: str, advice: str) -> None:
    echo = judged(recording(**room), HANDED_S)  # type: ignore[arg-type]
    assert echo.verdict == verdict
    assert advice in echo.advice


class Shop:
    """A microphone that hears what is played, later and fainter, chunk by chunk as fast as it goes."""

    def __init__(self, *, delay_s: float = 0.12, gain: float = 0.1, age_s: float = 0.0) -> None:
        self.idle = asyncio.Event()
        self.idle.set()
        self.age_s = age_s
        self.delay_s = delay_s
        self.gain = gain
        self.interrupted = False
        """Bad day: somebody says the wake word while the sound is played."""
        self.taps: list[Callable[[AudioChunk], None]] = []
        self.now_s = 50.0
        self._air = np.random.default_rng(1).normal(0, 0.0005, 100 * LISTENING_RATE_HZ)

    def tap(self, observer: Callable[[AudioChunk], None]) -> Callable[[], None]:
        self.taps.append(observer)
        return lambda: self.taps.remove(observer)

    async def play(self, sound: AudioChunk, *, begins: Callable[[], None]) -> bool:
        begins()
        at = round((self.now_s + self.age_s + self.delay_s) * LISTENING_RATE_HZ)
        self._air[at : at + len(sound.pcm)] += self.gain * sound.pcm / 32768.0
        over_s = self.now_s + sound.duration_s
        while self.now_s < over_s and not self.interrupted:
            await asyncio.sleep(0)
        return not self.interrupted

    async def goes_on(self, most: float = float("inf")) -> None:
        """Chunk after chunk until cancelled, or so many."""
        delivered = 0
        while delivered < most:
            delivered += 1
            await asyncio.sleep(0)
            at = round(self.now_s * LISTENING_RATE_HZ)
            chunk = from_float(self._air[at : at + FRAME_SAMPLES], LISTENING_RATE_HZ, self.now_s)
            self.now_s += FRAME_S
            for observer in tuple(self.taps):
                observer(chunk)


async def measured(shop: Shop) -> Echo:
    failure: Exception | None = None
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        going = group.create_task(shop.goes_on(), name="shop")
        try:
            echo = await measure_echo(shop, shop)
        except CheckInterrupted as error:
            failure = error
        going.cancel()
    assert not shop.taps, "nobody listens any more"
    if failure is not None:
        raise failure
    return echo


@pytest.mark.parametrize("age_s", [0.0, 0.0275])
async def test_the_delay_counts_from_the_moment_of_handing_over_between_two_chunks(age_s: float) -> None:
    echo = await measured(Shop(age_s=age_s))
    assert echo.delay_ms == pytest.approx(120.0, abs=1.0)
    assert echo.echo_db == pytest.approx(-20.0, abs=0.5)
    assert echo.verdict == "good"


async def test_it_waits_until_nobody_speaks() -> None:
    shop = Shop()
    shop.idle.clear()
    async with asyncio.TaskGroup() as group:
        measuring = group.create_task(measured(shop), name="measuring")
        for _ in range(50):
            await asyncio.sleep(0)
        assert not shop.taps, "what is said now is not the room's noise"
        shop.idle.set()
    assert measuring.result().heard


async def test_who_speaks_meanwhile_is_no_loudspeaker_that_is_off() -> None:
    shop = Shop()
    shop.interrupted = True
    with pytest.raises(CheckInterrupted, match="Try again") as caught:
        await measured(shop)
    assert caught.value.code == "busy"


async def test_when_somebody_speaks_on_and_on_it_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_check, "WAIT_S", 0.05)
    shop = Shop()
    shop.idle.clear()
    with pytest.raises(CheckInterrupted):
        await measured(shop)


@pytest.mark.parametrize("chunks", [0, 5])
async def test_a_dead_microphone_is_told(monkeypatch: pytest.MonkeyPatch, chunks: int) -> None:
    """Either nothing ever came from it, or it dies while the room is listened to."""
    monkeypatch.setattr(sound_check, "WAIT_S", 0.1)
    shop = Shop()
    async with asyncio.TaskGroup() as group:
        group.create_task(shop.goes_on(chunks), name="shop")
        shop.age_s = 9.0 if chunks else 0.0
        echo = await measure_echo(shop, shop)
    assert (echo.heard, echo.verdict) == (False, "poor")
    assert "plugged in" in echo.advice
    assert not shop.taps


@asynccontextmanager
async def conversation() -> AsyncIterator[tuple[Conversation, MeteredMicrophone]]:
    """On real devices, with nobody in the shop."""
    feed, clock = EventFeed(), time.monotonic
    async with (
        SounddeviceSpeaker(SpeakerSettings()) as speaker,
        MeteredMicrophone(SounddeviceMicrophone(MicrophoneSettings()), clock) as microphone,
        asyncio.timeout(60),
        asyncio.TaskGroup() as group,
    ):
        parts = TurnParts(
            FallbackTranscriber([], CircuitBreaker(feed, clock), clock),
            FakeAgent(),
            voice_of([ScriptedSynthesizer()], feed, clock),
            speaker,
            lambda text, _: text,
            {"en": "Sorry."},
            {"en": "Again please."},
        )
        hearing = Hearing(ScriptedVoiceDetector(), ScriptedWakeWordDetector())
        talk = Conversation(
            ears=Ears(microphone, hearing, SegmenterSettings(), feed),
            parts=parts,
            feed=feed,
            clock=clock,
            personality_for=lambda _: ROBIN,
            settings=ConversationSettings(),
        )
        running = group.create_task(talk.run(), name="conversation")
        yield talk, microphone
        running.cancel()


@pytest.mark.device
async def test_on_a_real_sound_system(sound_server: SoundServer) -> None:
    async with conversation() as (talk, microphone):
        found: list[Echo] = []
        for delay_ms, level in ((20, -20.0), (300, -35.0)):
            with sound_server.echo(delay_ms=delay_ms, level_db=level):
                await measure_echo(talk, microphone)  # a loopback finds its delay in the first second
                found.append(await measure_echo(talk, microphone))
        unheard = await measure_echo(talk, microphone)
    near, far = found
    assert near.delay_ms is not None
    assert far.delay_ms is not None
    assert near.echo_db is not None
    assert far.echo_db is not None
    # On a busy machine the sound server loses pieces of the sweep and takes more time: what comes back is less and
    # later, never more or sooner. Exactness is a matter of the simulated rooms.
    assert -30.0 < near.echo_db < -19.0
    assert -45.0 < far.echo_db < -34.0
    assert near.delay_ms > 60, "the buffers of this program and the sound server"
    assert far.delay_ms > 60 + 280
    assert far.verdict == "fair"
    assert not unheard.heard
