"""The spoken questions of ``benchmarks.voice_to_voice``: several voices, some in an office, some with a thinking pause.

A question's last speech sample is known because it is made: it is the voice's last sample above -45 dB of its peak,
before any noise is added. Pauses are silence put between two words: eSpeak NG tells where each word begins; in Piper's
voice both parts are spoken for themselves, the first one with a comma's melody.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soxr

from benchmarks.idle import made_office, recorded
from benchmarks.peers.line import RATE_HZ
from benchmarks.peers.room import LEAD_IN_S

ROOT = Path(__file__).resolve().parent.parent
VOICE = ROOT / "models" / "en_US-kiosk-low" / "en_US-kiosk-low.onnx"
PIPER = "piper"
WAKE_VOICE = "en-us"
WAKE_GAP_S = 0.5
"""Between the wake word and the question."""
LEVEL = 3000.0
"""Root mean square of a customer's speech, of 32768: -21 dB."""
OFFICE_DB = -15.0
"""The office against the customer."""
ROOM_DB = -45.0
"""A quiet room against the customer."""
LAST_DB = -45.0

PLAIN = [
    ("What time do you close on Sunday?", PIPER), ("Where is the olive oil?", "en-us"),
    ("Do you have batteries?", "en-us+f4"), ("How much is the coffee?", PIPER), ("Where can I park?", "en+m3"),
    ("When do you open on Monday?", "en-us+m6"), ("Where are the tomatoes?", "en-us+f4"),
    ("Do you sell flowers?", PIPER), ("What is the price of the honey?", "en-us"), ("Where is the bakery?", "en+m3"),
    ("Are you open on Saturday?", PIPER), ("Which aisle is the rice in?", "en-us+m6"),
]  # fmt: skip
PAUSED = [
    ("What time do you | close on Sunday?", 0.8, "en-us"), ("Where is the | olive oil?", 0.4, "en-us+f4"),
    ("How much is the | red wine?", 1.0, "en+m3"), ("Do you have | baby food?", 0.6, "en-us+m6"),
    ("Where can I find the | orange juice?", 1.2, "en-us"), ("What time does the | pharmacy close?", 0.5, "en-us+f4"),
    ("I am looking for | paper towels.", 0.7, "en+m3"), ("What is the price of the | tomato sauce?", 0.9, "en-us+m6"),
    ("Where is the | bread?", 0.6, PIPER), ("Do you have | green tea?", 0.8, PIPER),
    ("Can you tell me where the | bananas are?", 1.1, "en-us+f4"), ("Are you open on | Saturday?", 0.5, "en-us"),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """What a customer asks."""

    text: str
    voice: str
    pause_s: float
    """Length of the thinking pause in it; 0 without one."""
    office: bool
    """Asked in an office's noise."""
    speech: np.ndarray
    """float64 ``[samples]``, 16 kHz; its last sample is the last of the speech."""

    def sound(self, wake: np.ndarray | None) -> tuple[np.ndarray, int, np.ndarray]:
        """The whole as int16, the place of the speech's last sample, and the background for what comes after.

        ``wake``: what the customer says first.
        """
        before = [np.zeros(round(LEAD_IN_S * RATE_HZ))]
        if wake is not None:
            before += [wake, np.zeros(round(WAKE_GAP_S * RATE_HZ))]
        whole = np.concatenate([*before, self.speech])
        behind = background(self.office)
        mixed = whole + np.resize(behind, len(whole))
        return _as_int16(mixed), len(whole) - 1, _as_int16(np.roll(behind, -len(whole)))


def questions(quick: bool) -> list[Question]:
    """All of them, those with and without a pause in turn; every other one in an office."""
    found = []
    for number, (plain, paused) in enumerate(zip(PLAIN, PAUSED, strict=True)):
        text, voice = plain
        found.append(Question(text, voice, 0.0, number % 2 == 1, spoken(text, voice)))
        text, pause_s, voice = paused
        speech = spoken_with_pause(text, voice, pause_s)
        found.append(Question(text.replace("| ", ""), voice, pause_s, number % 4 >= 2, speech))
    return found[:2] if quick else found


def wake_word() -> np.ndarray:
    return spoken("Hey Jarvis.", WAKE_VOICE)


def spoken(text: str, voice: str) -> np.ndarray:
    """A sentence at a customer's level, cut after its last sample."""
    return _trimmed(_piper(text) if voice == PIPER else _espeak(text, voice)[0])


def spoken_with_pause(text: str, voice: str, pause_s: float) -> np.ndarray:
    """The same with silence in place of ``|``."""
    first, second = (part.strip() for part in text.split("|"))
    pause = np.zeros(round(pause_s * RATE_HZ))
    if voice == PIPER:
        return np.concatenate([_trimmed(_piper(f"{first},")), pause, _trimmed(_piper(second))])
    sound, words = _espeak(f"{first} {second}", voice)
    cut = next(sample for place, sample in words if place > len(first))
    sound = _trimmed(sound)
    fade = np.linspace(0, 1, round(0.005 * RATE_HZ))
    before, after = sound[:cut].copy(), sound[cut:].copy()
    before[-len(fade) :] *= fade[::-1]
    after[: len(fade)] *= fade
    return np.concatenate([_until_last(before), pause, after])


@cache
def background(office: bool) -> np.ndarray:
    """Half a minute of the room, float64, at its level."""
    if office:
        noise = recorded("noise_office.mp3", 30.0)
        sound = (made_office(30.0) if noise is None else noise).astype(np.float64)
    else:
        sound = np.random.default_rng(0).normal(0, 1, 30 * RATE_HZ)
    return sound * LEVEL * 10 ** ((OFFICE_DB if office else ROOM_DB) / 20) / np.sqrt(np.mean(np.square(sound)))


def _as_int16(sound: np.ndarray) -> np.ndarray:
    return np.clip(sound, -32768, 32767).astype(np.int16)


def _until_last(sound: np.ndarray) -> np.ndarray:
    loud = np.flatnonzero(np.abs(sound) > np.abs(sound).max() * 10 ** (LAST_DB / 20))
    return sound[: loud[-1] + 1]


def _trimmed(sound: np.ndarray) -> np.ndarray:
    """At a customer's level, until the last sample."""
    sound = _until_last(sound.astype(np.float64))
    return sound * LEVEL / np.sqrt(np.mean(np.square(sound)))


@cache
def _voice():
    from piper import PiperVoice

    return PiperVoice.load(VOICE, f"{VOICE}.json")


def _piper(text: str) -> np.ndarray:
    return np.concatenate([chunk.audio_int16_array for chunk in _voice().synthesize(text)])


class _Event(ctypes.Structure):
    """``espeak_EVENT`` of ``espeak-ng/speak_lib.h``."""

    _fields_ = (
        ("type", ctypes.c_int), ("message", ctypes.c_uint), ("text_position", ctypes.c_int),
        ("length", ctypes.c_int), ("audio_ms", ctypes.c_int), ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p), ("id", ctypes.c_char * 8),
    )  # fmt: skip


@cache
def _library() -> tuple[ctypes.CDLL, int]:
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    return library, library.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 0x8000)


def _espeak(text: str, voice: str) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """The sound at 16 kHz, and for each word its place in the text (from 0) and its first sample."""
    library, rate_hz = _library()
    parts: list[bytes] = []
    words: list[tuple[int, int]] = []

    def take(samples: int | None, count: int, events: object) -> int:
        if samples and count > 0:
            parts.append(ctypes.string_at(samples, count * 2))
        words.extend(_words(ctypes.cast(events, ctypes.POINTER(_Event))))
        return 0

    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)(take)
    if library.espeak_SetVoiceByName(voice.encode()):
        raise ValueError(f"eSpeak NG has no voice {voice}.")
    library.espeak_SetParameter(1, 160, 0)
    library.espeak_SetSynthCallback(callback)
    data = text.encode()
    library.espeak_Synth(data, len(data) + 1, 0, 1, 0, 1, None, None)
    library.espeak_Synchronize()
    sound = np.frombuffer(b"".join(parts), "<i2").astype(np.float64)
    return soxr.resample(sound, rate_hz, RATE_HZ), [(place, ms * RATE_HZ // 1000) for place, ms in words]


def _words(events: ctypes._Pointer[_Event]) -> Iterator[tuple[int, int]]:
    """Type 1 is a word, 0 ends the list; the library counts places in the text from 1."""
    number = 0
    while events[number].type:
        if events[number].type == 1:
            yield events[number].text_position - 1, events[number].audio_ms
        number += 1
