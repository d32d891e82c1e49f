"""Word errors, counted through faster-whisper."""

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from whisper_kiosk.dimensions import FRAMES, SAMPLE_RATE_HZ
from whisper_kiosk.evaluation_sets import Item, TestSets, load_test_sets, piper_test_set
from whisper_kiosk.grammar import normalise
from whisper_kiosk.options import Options
from whisper_kiosk.voices import Audio

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

LEAST_FRAMES = 300
"""Lone words are zero padded to 3 s: at their bare length (1-2 s, rare in training) they are often said twice."""


def word_errors(reference: list[str], hypothesis: list[str]) -> int:
    """Edit distance in words."""
    row = list(range(len(hypothesis) + 1))
    for i, wanted in enumerate(reference, 1):
        previous, row[0] = row[0], i
        for j, heard in enumerate(hypothesis, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (wanted != heard))
    return row[-1]


def transcribe_cut(
    model: "WhisperModel", audio: Audio, frames: int | None = None, least: int = LEAST_FRAMES
) -> tuple[str, float]:
    """Transcribe without the padding to 3000 frames: (text, no_speech_prob).

    `frames` None is the audio's own length, but at least `least`.
    """
    from faster_whisper.tokenizer import Tokenizer

    tokenizer = Tokenizer(model.hf_tokenizer, multilingual=False)
    mel = model.feature_extractor(audio)[:, :-1][:, :FRAMES]
    n = frames or max(least, mel.shape[1] + mel.shape[1] % 2)
    memory = model.encode(np.pad(mel, ((0, 0), (0, max(0, n - mel.shape[1])))))
    prompt = [[tokenizer.sot, tokenizer.no_timestamps]]
    out = model.model.generate(memory, prompt, beam_size=1, max_length=64, return_no_speech_prob=True)[0]
    return tokenizer.decode(out.sequences_ids[0]).strip(), out.no_speech_prob


@dataclass
class Score:
    """Counts over one test set."""

    items: int = 0
    words: int = 0
    wrong: int = 0
    right: int = 0
    """Sentences with the right words."""
    exact: int = 0
    """Sentences with the right words in the right written form."""
    empty: int = 0
    audio_s: float = 0.0
    compute_s: float = 0.0
    mistakes: list[str] = field(default_factory=list)
    no_speech_probs: list[float] = field(default_factory=list)

    def add(self, item: Item, heard: str) -> None:
        """Count one transcript."""
        reference, hypothesis = normalise(item.text).split(), normalise(heard).split()
        errors = word_errors(reference, hypothesis)
        self.items += 1
        self.words += len(reference)
        self.wrong += errors
        self.right += errors == 0
        self.exact += heard == item.text
        self.empty += not heard
        self.audio_s += len(item.audio) / SAMPLE_RATE_HZ
        if errors:
            self.mistakes.append(f"{item.voice}: {item.text!r} -> {heard!r}")

    def line(self, name: str) -> str:
        """One line for people."""
        n = self.items
        start, time_each = f"{name:52s} n {n:4d}", f"{1000 * self.compute_s / n:.0f} ms each"
        if not self.words:
            return f"{start}  empty {100 * self.empty / n:5.1f} %  {time_each}"
        return (
            f"{start}  WER {100 * self.wrong / self.words:5.2f} %  sentences right {100 * self.right / n:5.1f} %  "
            f"written form exact {100 * self.exact / n:5.1f} %  {time_each}  RTF {self.compute_s / self.audio_s:.3f}"
        )


class Listener:
    """The finished model, run the way the options say."""

    def __init__(self, options: Options) -> None:
        from faster_whisper import WhisperModel

        self.options = options
        self.model = WhisperModel(
            str(options.out), device="cpu", compute_type=options.compute_type, cpu_threads=options.threads
        )
        self.frames = int(options.window) if options.window.isdigit() else None
        self.least = 0 if options.window == "bare" else LEAST_FRAMES

    def transcribe(self, audio: Audio) -> tuple[str, list[float]]:
        """(text, the no_speech_prob of each segment)."""
        options = self.options
        if options.window != "transcribe":
            text, probability = transcribe_cut(self.model, audio, self.frames, self.least)
            return text, [probability]
        segments, _ = self.model.transcribe(
            audio, language="en", beam_size=options.beam, without_timestamps=not options.timestamps
        )
        heard = list(segments)
        return "".join(part.text for part in heard).strip(), [part.no_speech_prob for part in heard]

    def score(self, items: list[Item]) -> Score:
        """Transcribe one test set."""
        score, start = Score(), time.time()
        for item in items:
            heard, probabilities = self.transcribe(item.audio)
            score.no_speech_probs += probabilities
            score.add(item, heard)
        score.compute_s = time.time() - start
        return score


def _chosen(options: Options) -> TestSets:
    sets = load_test_sets(options.work)
    if options.piper:
        sets["held sentences, the Piper voice, clean"] = piper_test_set(options.work, options.piper)
    if options.only:
        parts = options.only.split(";")
        sets = {name: items for name, items in sets.items() if any(part in name for part in parts)}
    if options.limit:
        sets = {name: items[: options.limit] for name, items in sets.items()}
    return sets


def evaluate(options: Options) -> None:
    """Print word errors, time and the first wrong transcripts of each test set."""
    sets = _chosen(options)
    listener = Listener(options)
    print(
        f"compute_type {options.compute_type}, {options.threads} threads, window {options.window}, "
        f"beam {options.beam}, {'with' if options.timestamps else 'without'} timestamps"
    )
    for name, items in sets.items():
        score = listener.score(items)
        print(score.line(name))
        if options.window != "transcribe":
            print(f"      no_speech_prob {min(score.no_speech_probs):.5f} .. {max(score.no_speech_probs):.5f}")
        for mistake in score.mistakes[: options.show]:
            print("     ", mistake)
        print(end="", flush=True)
