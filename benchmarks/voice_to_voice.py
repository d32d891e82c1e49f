"""From the customer's last sound to the first sound of the answer, next to other assistants on the same machine.

    python -m benchmarks.voice_to_voice [--quick | --trained]

Customers ask 24 questions in real time (five voices, half of them in an office, half with a thinking pause of 0.4 to
1.2 s in the middle). Each question goes to all assistants in turn; all are measured from outside, by the moment at
which the first audible sample reaches their loudspeaker. All have the same Whisper and the same Piper voice, and say
the same answers. Peers: the Wyoming chain as Home Assistant uses it, and RealtimeSTT with RealtimeTTS, in
environments of their own. Then fewer questions with Whispers of the shapes tiny, base and small, which have random
weights, cost what real ones cost and always write the same sentence.

``--quick`` ends within a minute: two questions, the trained model alone, peers only where their environments are
there; ``--trained`` leaves out the random ones. The last line is one JSON object; ratios are ours divided by the
peer's, medians over the questions.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from assistant.settings import settings_model
from benchmarks.peers.environments import PIPER, REALTIME, WAKE, WHISPER
from benchmarks.peers.room import Assistant, Heard, assistant, say
from benchmarks.plain_models import PlainModels
from benchmarks.voice_to_voice_questions import VOICE, Question, questions, wake_word

ROOT = Path(__file__).resolve().parent.parent
OURS, FIXED, CHAIN, REALTIME_NAME = "this project", "this project, fixed 200 ms", "Wyoming chain", "RealtimeSTT"
TRAINED = ROOT / "models" / "whisper-kiosk-en"
SENTENCE = "What time do you close on Sunday?"
"""What random Whispers always write."""
SHAPES = ("tiny", "base", "small")
PER_SHAPE = 8
"""Questions asked of each random Whisper."""
PATIENCE_S, WARM_UP_S = 15.0, 4.0
"""Seconds after which no answer is expected any more."""
AIMS = {"response_ms_p50": 350.0, "ratio_to_best_peer_p50": 0.4, "cut_off_share": 0.02}


@dataclass(slots=True)
class Results:
    """What all questions came to, by assistant; None stands for a question that it was not asked."""

    asked: list[Question] = field(default_factory=list)
    heard: dict[str, list[Heard]] = field(default_factory=dict)

    def responses_ms(self, name: str) -> list[float]:
        """Of the questions that were heard out and answered."""
        return [ms for ms in self.in_turn_ms(name) if ms is not None]

    def in_turn_ms(self, name: str) -> list[float | None]:
        """By question; None where the customer was cut off or not answered."""
        heard = self.heard[name]
        return [None if one.cut_off or one.audible_s is None else one.audible_s * 1000 for one in heard]

    def cut_off_share(self, name: str) -> float:
        """Of the questions with a pause."""
        cut = [one.cut_off for one, question in zip(self.heard[name], self.asked, strict=True) if question.pause_s]
        return sum(cut) / len(cut) if cut else 0.0

    def ratio(self, name: str) -> float | None:
        """Ours by a peer's: the median over the questions that both heard out."""
        pairs = zip(self.in_turn_ms(OURS), self.in_turn_ms(name), strict=True)
        ratios = [ours / theirs for ours, theirs in pairs if ours is not None and theirs is not None]
        return statistics.median(ratios) if ratios else None

    def best_peer(self) -> str | None:
        """The one of the lowest median."""
        peers = [name for name in self.heard if name in (CHAIN, REALTIME_NAME) and self.responses_ms(name)]
        return min(peers, key=lambda name: statistics.median(self.responses_ms(name)), default=None)


def config(folder: Path, whisper: Path, *, fixed: bool) -> Path:
    """Settings of a shop with that Whisper, else as they come; ``fixed``: silence of 200 ms decides."""
    folder.mkdir()
    for name in ("models", "shop"):
        (folder / name).symlink_to(ROOT / name)
    lines = [
        f'stt: {{use: [faster_whisper], faster_whisper: {{model: "{whisper}/"}}}}',
        f"tts: {{piper: {{voice: {VOICE.stem}}}}}",
        "http: {enabled: false}",
    ]
    if fixed:
        lines += ["utterance: {end_silence_s: 0.2}"]
        lines += ["end_of_turn: {use: silence}"] if "end_of_turn" in settings_model().model_fields else []
    file = folder / "config.yaml"
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


def commands(names: list[str], folder: Path, whisper: Path) -> Iterator[tuple[str, list[str | Path], bool]]:
    """Name, command and whether it must be woken, of each assistant."""
    for name in names:
        if name in (OURS, FIXED):
            settings = config(folder / name.replace(" ", "-"), whisper, fixed=name == FIXED)
            yield name, [sys.executable, "-m", "benchmarks.voice_to_voice_ours", settings], True
        elif name == CHAIN:
            program = [WHISPER.python, "-m", "benchmarks.peers.wyoming_chain", whisper, VOICE.parent, VOICE.stem]
            yield name, [*program, WAKE.python, PIPER.python], True
        else:
            yield name, [REALTIME.python, "-m", "benchmarks.peers.realtime", whisper, VOICE], False


@contextmanager
def all_ready(names: list[str], folder: Path, whisper: Path) -> Iterator[list[Assistant]]:
    """All that start. Without a hub to ask, no peer may wait for one."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    with ExitStack() as stack:
        started = [
            stack.enter_context(assistant(name, command, folder, ROOT, environment, wakes=wakes))
            for name, command, wakes in commands(names, folder, whisper)
        ]
        ready = []
        for one in started:
            try:
                one.wait_until_ready()
                ready.append(one)
            except OSError as error:
                if one.name == OURS:
                    raise
                say(f"Not compared: {error}")
        yield ready


def present_peers(*, make: bool) -> list[str]:
    """The peers that can be had; where ``make``, their environments are made."""
    found = []
    for name, environments in ((CHAIN, (WAKE, WHISPER, PIPER)), (REALTIME_NAME, (REALTIME,))):
        lacking = [one for one in environments if not one.ready]
        reasons = [f"{one.name}: {one.make() if make else 'its environment has not been made'}" for one in lacking]
        if all(one.ready for one in environments):
            found.append(name)
        else:
            say(f"Not compared: {name} cannot be had ({'; '.join(reasons)}).")
    return found


async def answers(texts: list[str]) -> dict[str, str]:
    """What our agent says to each text."""
    from pipeline.speech import Personality, Transcript
    from providers.registry import Resources, create, settings_type

    agent_settings = settings_type("agent", "faq")()
    found = {}
    async with create("agent", "faq", agent_settings, Resources(PlainModels(), ROOT)) as agent:
        for text in texts:
            transcript = Transcript(text, "en", 1.0, "benchmark", 0.0)
            pieces = [piece async for piece in agent.reply(transcript, Personality("Kiosk"), ())]
            found[text] = "".join(pieces)
    return found


def ask_all(names: list[str], asked: list[Question], whisper: Path, says: str = "") -> Results:
    """Every question to every assistant, in turn, the order turning too. ``says``: what is understood in any case."""
    results = Results(asked)
    said = asyncio.run(answers([says or question.text for question in asked]))
    wake = wake_word()
    with tempfile.TemporaryDirectory() as folder, all_ready(names, Path(folder), whisper) as assistants:
        results.heard = {one.name: [] for one in assistants}
        warm_up(assistants, asked[0], wake, said[says or asked[0].text])
        for number, question in enumerate(asked):
            for place in range(len(assistants)):
                one = assistants[(place + number) % len(assistants)]
                sound = question.sound(wake if one.wakes else None)
                results.heard[one.name].append(one.ask(*sound, said[says or question.text], PATIENCE_S))
    return results


def warm_up(assistants: list[Assistant], question: Question, wake: np.ndarray, answer: str) -> None:
    """A question to all at the same time that does not count: some load a model with the first one only."""
    with ThreadPoolExecutor(len(assistants)) as threads:
        for one in assistants:
            threads.submit(one.ask, *question.sound(wake if one.wakes else None), answer, WARM_UP_S)


def show(title: str, results: Results) -> None:
    """A table for people."""
    say(f"\n{title}, {len(results.asked)} questions")
    say(f"{'':28} {'median':>8} {'95 %':>8}   end of turn + recognition + rest   cut off   unanswered   ratio")
    for name, heard in results.heard.items():
        responses = results.responses_ms(name)
        if not responses:
            say(f"{name:28} answered nothing")
            continue
        stages = " + ".join(f"{value:4.0f}" for value in stages_ms(results, name).values())
        ratio = results.ratio(name)
        unanswered = sum(one.audible_s is None for one in heard)
        middle, late = statistics.median(responses), float(np.percentile(responses, 95))
        say(
            f"{name:28} {middle:5.0f} ms {late:5.0f} ms   {stages:>32}   {results.cut_off_share(name):6.0%} "
            f"{unanswered:12}   {ratio if ratio is None else format(ratio, '.2f')}"
        )


def stages_ms(results: Results, name: str) -> dict[str, float]:
    """Medians, seen from outside: to the decision, from there to the words, from there to the sound."""
    whole = [one for one in results.heard[name] if not one.cut_off and None not in (one.audible_s, one.transcribed_s)]
    if not whole:
        return {}
    parts = [
        (one.decided_s or 0.0, one.transcribed_s - (one.decided_s or 0.0), one.audible_s - one.transcribed_s)
        for one in whole
    ]
    names = ("end_of_turn", "stt", "rest")
    return {
        part: round(1000 * statistics.median(column), 1)
        for part, column in zip(names, zip(*parts, strict=True), strict=True)
    }


def own_account(results: Results) -> dict[str, object]:
    """What our own events say of the same turns."""
    accounts = [one.account for one in results.heard[OURS] if one.account.get("stages_ms") and not one.cut_off]
    if not accounts:
        return {}
    stages = {
        stage: round(statistics.median(one["stages_ms"][stage] for one in accounts), 1)
        for stage in accounts[0]["stages_ms"]
    }
    own = statistics.median(one["response_ms"] for one in accounts)
    return {"stages_ms": stages, "response_ms_by_its_events": round(own, 1)}


def summary(results: Results) -> dict[str, object]:
    """The figures of one comparison."""
    responses = results.responses_ms(OURS)
    best = results.best_peer()
    ratio = results.ratio(best) if best else None
    right = [_words(one.text) == _words(q.text) for one, q in zip(results.heard[OURS], results.asked, strict=True)]
    return {
        "response_ms_p50": round(statistics.median(responses), 1) if responses else None,
        "response_ms_p95": round(float(np.percentile(responses, 95)), 1) if responses else None,
        "ratio_to_best_peer_p50": round(ratio, 3) if ratio is not None else None,
        "best_peer": best,
        "cut_off_share": round(results.cut_off_share(OURS), 3),
        "answered_share": round(sum(one.audible_s is not None for one in results.heard[OURS]) / len(right), 3),
        "right_share": round(sum(right) / len(right), 3),
        **own_account(results),
        "others": {name: others(results, name) for name in results.heard if name != OURS},
    }


def others(results: Results, name: str) -> dict[str, object]:
    responses = results.responses_ms(name)
    middle = round(statistics.median(responses), 1) if responses else None
    late = round(float(np.percentile(responses, 95)), 1) if responses else None
    cut_off = round(results.cut_off_share(name), 3)
    return {"response_ms_p50": middle, "response_ms_p95": late, "cut_off_share": cut_off, **stages_ms(results, name)}


def _words(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum() or letter == " ").strip()


def random_whisper(shape: str) -> Path:
    """Made once, in the cache folder."""
    from benchmarks import random_whisper as maker

    folder = WHISPER.folder.with_name(f"whisper-random-{shape}")
    if not (folder / "model.bin").is_file():
        maker.write(folder, maker.SHAPES[shape], SENTENCE)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="two questions, the trained model")
    parser.add_argument("--trained", action="store_true", help="all questions, but the trained model alone")
    arguments = parser.parse_args()
    quick = arguments.quick
    peers = present_peers(make=not quick)
    asked = questions(quick)
    result: dict[str, object] = {"benchmark": "voice_to_voice", "quick": quick}
    found = ask_all([OURS, *([] if quick else [FIXED]), *peers], asked, TRAINED)
    show("The small trained Whisper", found)
    result |= summary(found)
    for shape in () if quick or arguments.trained else SHAPES:
        found = ask_all(
            [OURS, *peers], [one for one in asked if not one.pause_s][:PER_SHAPE], random_whisper(shape), SENTENCE
        )
        show(f"A Whisper of the shape {shape}, random weights", found)
        result[shape] = summary(found)
    for name, aim in AIMS.items():
        if isinstance(value := result.get(name), int | float):
            say(f"{'met   ' if value <= aim else 'MISSED'} {name} = {value} (aim: at most {aim:g})")
    say(json.dumps(result))


if __name__ == "__main__":
    main()
