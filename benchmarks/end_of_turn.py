"""How well the end of a turn is told from a thinking pause: by the model, by the words, and together.

    python -m benchmarks.end_of_turn [--quick]

Questions in several voices, in a quiet room and in an office, whole and broken off in the middle, are judged after 100,
200 and 300 ms of silence. Counted are whole ones that are told to be finished (the others wait longer for their answer)
and broken-off ones that are told so too (their speaker would be interrupted), for each threshold of the model's
probability. The words are what the bundled Whisper hears of them at 200 ms; "sure" asks besides that it was sure of
them, for it likes to finish other people's sentences. People are counted apart: some recordings were cut by hand, in
the longest the speaker pauses. The last line is one JSON object; its pairs are such shares (whole, broken off) at
200 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import soundfile
import soxr

from benchmarks.plain_models import MODELS, resources
from benchmarks.voice_to_voice_questions import PIPER, background, spoken, spoken_with_pause
from pipeline.audio import LISTENING_RATE_HZ, AudioChunk
from pipeline.end_of_turn import MOST_LETTERS_PER_S
from pipeline.speech import Transcript, Utterance
from pipeline.unfinished import looks_unfinished
from providers.end_of_turn.smart_turn import FILE, MODEL, SmartTurnDetector
from providers.registry import create, settings_type
from providers.stt.window import STAND_IN_SURE

SILENCES_MS = (100, 200, 300)
JUDGED_MS = 200
THRESHOLDS = (0.0, 0.5, 0.8, 0.9, 0.95)
LEAD_IN_S = 0.3
"""What the ears keep before the first word."""
PAUSE_S = 30.0
"""Long enough to be found again."""
VOICES = (PIPER, "en-us", "en-us+f4", "en+m3", "en-us+m6", "en+f3")
RECORDINGS = MODELS.parent.parent / "shared" / "recordings"

QUESTIONS = [
    "What time do you | close on Sunday?", "Where is the | olive oil?", "How much is the | red wine?",
    "Do you have | baby food?", "Where can I find the | orange juice?", "What time does the | pharmacy close?",
    "I am looking for | paper towels.", "What is the price of the | tomato sauce?", "Do you sell | flowers?",
    "Can you tell me where the | bananas are?", "Are you open on | Saturday?", "Which aisle | is the rice in?",
    "Do you have bread | and butter?", "Is there a | bank near here?", "I would like to | return this.",
    "When do you | open on Monday?",
]  # fmt: skip
"""``|`` is where somebody thinks. What stands before it in some ("Which aisle", "Do you have bread") sounds whole."""

FINISHED = [
    "Thank you.", "Yes, please.", "No.", "Stop.", "How much is it?", "Can I pay by card?", "Where are the tomatoes?",
    "I need help.",
]  # fmt: skip
"""Whole ones of another kind: short ones above all."""

RECORDED = {
    "what_time_is_it": None, "whats_the_date_today": 1.2, "turn_on_the_lamp": 1.5, "set_timer": None,
    "play_the_beatles": 1.4, "this_is_a_test": 1.5,
}  # fmt: skip
"""Real recordings, and the audio second at which a word ends in their middle, None where no pause would be natural."""

SPEECH = "jfk.flac"
SPEECH_PAUSES_S = (2.21, 3.74, 4.32, 7.58)
"""Where its speaker pauses in the middle of his sentence."""


@dataclass
class Case:
    """One question, whole or broken off, and what was made of it."""

    text: str
    voice: str
    office: bool
    whole: bool
    speech: np.ndarray
    """float64 ``[samples]``, ends with the last of the speech."""
    after: np.ndarray | None = None
    """What followed, int16's range, where it was recorded; else the room's noise is made."""
    probability: dict[int, float] = field(default_factory=dict)
    """By milliseconds of silence."""
    heard: str | None = None
    """None where no words were heard."""
    confidence: float = 0.0
    """Of the recogniser in them."""

    def audio(self, silence_ms: int) -> AudioChunk:
        """What the ears would hand over."""
        pause = silence_ms * LISTENING_RATE_HZ // 1000
        if self.after is not None:
            sound = np.concatenate([self.speech, self.after[:pause]])
        else:
            lead = np.zeros(round(LEAD_IN_S * LISTENING_RATE_HZ))
            sound = np.concatenate([lead, self.speech, np.zeros(pause)])
            sound += np.resize(background(self.office), len(sound))
        return AudioChunk(np.clip(sound, -32768, 32767).astype(np.int16), LISTENING_RATE_HZ)

    @property
    def breaks_off(self) -> bool:
        """Whether its words do."""
        return self.heard is not None and looks_unfinished(self.heard, "en")

    @property
    def certain(self) -> bool:
        """Whether it is sure, and so many words may have been said in the time."""
        letters = sum(character.isalnum() for character in self.heard or "")
        return self.sure and letters <= MOST_LETTERS_PER_S * len(self.speech) / LISTENING_RATE_HZ

    @property
    def sure(self) -> bool:
        """Whether the recogniser is sure of words that are whole."""
        return self.heard is not None and self.confidence >= STAND_IN_SURE and not self.breaks_off


def cases(quick: bool) -> Iterator[Case]:
    """Made ones."""
    voices = VOICES[:2] if quick else VOICES
    for voice in voices:
        for text in QUESTIONS[:8] if quick else QUESTIONS:
            first = text.partition("|")[0].strip()
            whole, part = spoken(text.replace("| ", ""), voice), broken_off(text, voice)
            for office in (False, True):
                yield Case(text.replace("| ", ""), voice, office, True, whole)
                yield Case(first, voice, office, False, part)
        for text in FINISHED:
            for office in (False, True):
                yield Case(text, voice, office, True, spoken(text, voice))


def broken_off(text: str, voice: str) -> np.ndarray:
    """What is said before ``|``, as by somebody who means to go on."""
    sound = spoken_with_pause(text, voice, PAUSE_S)
    silent = np.concatenate([[0], (sound == 0).astype(int), [0]])
    edges = np.flatnonzero(np.diff(silent))
    starts, ends = edges[::2], edges[1::2]
    return sound[: starts[np.argmax(ends - starts)]]


def recorded() -> Iterator[Case]:
    """Real ones, where they are at hand."""
    for name, cut_s in RECORDED.items():
        file = RECORDINGS / f"{name}.wav"
        if not file.is_file():
            continue
        sound = soundfile.read(file, dtype="int16")[0].astype(np.float64)
        loud = np.flatnonzero(np.abs(sound) > np.abs(sound).max() * 10 ** (-30 / 20))
        yield Case(name, "person", False, True, sound[: loud[-1] + 1])
        if cut_s is not None:
            yield Case(f"{name} (cut)", "person", False, False, sound[: round(cut_s * LISTENING_RATE_HZ)])
    if (RECORDINGS / SPEECH).is_file():
        loud, rate_hz = soundfile.read(RECORDINGS / SPEECH, always_2d=True)
        sound = soxr.resample(loud.mean(axis=1), rate_hz, LISTENING_RATE_HZ) * 32767
        for pause_s in SPEECH_PAUSES_S:
            at = round(pause_s * LISTENING_RATE_HZ)
            yield Case(f"{SPEECH} at {pause_s} s", "person", False, False, sound[:at], sound[at:])


async def judge(all_cases: Sequence[Case]) -> list[float]:
    """Ask the model and the recogniser about each; milliseconds of each answer of the model."""
    took_ms: list[float] = []
    detector = SmartTurnDetector(lambda: MODELS / MODEL / FILE)
    settings = settings_type("stt", "faster_whisper").model_validate({"model": "whisper-kiosk-en"})
    async with detector, create("stt", "faster_whisper", settings, resources()) as recogniser:
        for case in all_cases:
            for silence_ms in SILENCES_MS:
                begun_s = time.perf_counter()
                case.probability[silence_ms] = await detector.completion_probability(case.audio(silence_ms))
                took_ms.append((time.perf_counter() - begun_s) * 1000)
            audio = case.audio(JUDGED_MS)
            end_s = audio.end_s - JUDGED_MS / 1000
            said = await recogniser.transcribe(
                Utterance(audio, LEAD_IN_S, end_s, end_s - LEAD_IN_S, decided_s=audio.end_s)
            )
            if isinstance(said, Transcript):
                case.heard, case.confidence = said.text, said.confidence
    return took_ms


Finished = Callable[[Case, float, int], bool]
"""Whether a case is told to be finished, at a threshold, after milliseconds of silence."""

WITNESSES: dict[str, Finished] = {
    "model": lambda case, threshold, ms: case.probability[ms] >= threshold,
    "words": lambda case, threshold, ms: not case.breaks_off,
    "both": lambda case, threshold, ms: case.probability[ms] >= threshold and not case.breaks_off,
    "certain": lambda case, threshold, ms: case.certain,
    "sure": lambda case, threshold, ms: case.probability[ms] >= threshold and case.sure,
}

ALONE = {"words", "certain"}
"""Those that do not ask the model."""


def shares(judged: Sequence[Case], finished: Finished, threshold: float, ms: int) -> tuple[float, float]:
    """Share of whole ones, and of broken-off ones, that are told to be finished."""
    found = []
    for whole in (True, False):
        kind = [case for case in judged if case.whole is whole]
        found.append(sum(finished(case, threshold, ms) for case in kind) / max(1, len(kind)))
    return found[0], found[1]


def table(title: str, judged: Sequence[Case]) -> None:
    """Shares by witness, threshold and silence."""
    whole = sum(case.whole for case in judged)
    print(f"\n{title}: {whole} whole, {len(judged) - whole} broken off")
    print("told to be finished, whole/broken off, %    " + "".join(f"{ms:>6} ms   " for ms in SILENCES_MS))
    for name, finished in WITNESSES.items():
        for threshold in (0.0,) if name in ALONE else THRESHOLDS:
            told = [shares(judged, finished, threshold, ms) for ms in SILENCES_MS]
            cells = "".join(f"{w * 100:>6.0f}/{b * 100:<4.0f} " for w, b in told)
            print(f"  {name:<8} {'' if name in ALONE else f'from {threshold}':<30} {cells}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two of the voices, half the questions")
    made, real = list(cases(parser.parse_args().quick)), list(recorded())
    took_ms = asyncio.run(judge([*made, *real]))
    for office in (False, True):
        table("In an office" if office else "In a quiet room", [case for case in made if case.office is office])
    table("All voices and rooms", made)
    if real:
        table("People", real)
    print("\nBroken off, but told to be finished by all (from 0.5, sure, 200 ms):")
    for case in made:
        if not case.whole and WITNESSES["sure"](case, 0.5, JUDGED_MS):
            print(f"  {case.probability[JUDGED_MS]:.2f} {case.voice:<9} {case.text:<32} heard: {case.heard}")
    line: dict[str, object] = {"model_ms_p50": round(statistics.median(took_ms), 1)}
    for kind, judged in (("made", made), ("people", real)):
        for name, threshold in (("model", 0.8), ("both", 0.8), ("sure", 0.8), ("sure", 0.0), ("certain", 0.0)):
            whole, broken = shares(judged, WITNESSES[name], threshold, JUDGED_MS)
            line[f"{kind}_{name}_{threshold}"] = [round(whole, 3), round(broken, 3)]
    line["false_alarms_of_words"] = round(statistics.mean(case.breaks_off for case in [*made, *real] if case.whole), 4)
    print(json.dumps(line))


if __name__ == "__main__":
    main()
