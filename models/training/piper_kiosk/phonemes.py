"""Piper's phonemes and the teacher's phones: which may stand for which, and how long each lasts."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from piper_kiosk.teacher import Segment

UNITS = {
    "aɪ": "ay",
    "aʊ": "aw",
    "eɪ": "ey",
    "oʊ": "ow ao",
    "ɔɪ": "oy",
    "tʃ": "ch",
    "dʒ": "jh",
    "iː": "iy",
    "uː": "uw",
    "ɑː": "aa ao",
    "ɔː": "ao aa",
    "oː": "ao ow",
    "ɜː": "er",
    "n̩": "n",
    "l̩": "l",
    "ɚ": "er",
    "ə": "ax ah ih",
    "ɐ": "ax ah ey ae",
    "ᵻ": "ih ax",
    "ɪ": "ih iy ax",
    "i": "iy ih",
    "ɛ": "eh",
    "æ": "ae",
    "ʌ": "ah ax",
    "ʊ": "uh",
    "u": "uw",
    "ɑ": "aa",
    "ɔ": "ao aa",
    "a": "aa ae",
    "e": "ey eh",
    "o": "ow",
    "ɜ": "er ax",
    "b": "b",
    "d": "d",
    "f": "f",
    "h": "hh",
    "j": "y",
    "k": "k",
    "l": "l",
    "m": "m",
    "n": "n ng",
    "p": "p",
    "s": "s z",
    "t": "t d",
    "v": "v",
    "w": "w",
    "z": "z s",
    "ð": "dh th",
    "ŋ": "ng n",
    "ɡ": "g",
    "g": "g",
    "ɹ": "r er",
    "r": "r",
    "ɾ": "t d",
    "ʃ": "sh",
    "ʒ": "zh jh",
    "θ": "th dh",
    "ʔ": "t d",
    "x": "k",
}
"""Phonemes of espeak-ng as Piper uses them (one or two symbols), and the teacher's phones that may stand for each."""
SILENT = set("ˈˌːˑʲ'̩̃-\"")
"""Symbols that last no time."""
BREAKS = set(",.;:!?()—…")
VOWELS = set("aa ae ah ao aw ax ay eh er ey ih iy ow oy uh uw".split())
PAUSE = "pau"
IMPOSSIBLE = 1e9
_MATCH, _DROP, _EXTRA = 1, 2, 3
"""A unit is a phone; a unit is no phone; a phone belongs to the unit after it."""

Phonemizer = Callable[[str], list[list[str]]]
"""Text to the symbols of each sentence in it."""


class Unit(NamedTuple):
    """One or two symbols that stand for one phone, a break or a space."""

    kind: Literal["phone", "break", "space"]
    text: str
    positions: list[int]
    """Which symbols share its time."""


def make_phonemizer() -> Phonemizer:
    """Piper's own phonemes for en-us."""
    from piper.phonemize_espeak import EspeakPhonemizer

    phonemizer = EspeakPhonemizer()
    return lambda text: phonemizer.phonemize("en-us", text)


def symbols_of(text: str, phonemize: Phonemizer) -> list[str] | None:
    """Symbols of one utterance as Piper sees it, or None where espeak-ng finds several sentences in it."""
    found = [symbols for symbols in phonemize(text) if symbols]
    return ["^", *found[0], "$"] if len(found) == 1 else None


def to_units(symbols: list[str]) -> list[Unit] | None:
    """The units of some symbols; symbols in none of them last no time. None where a symbol is unknown."""
    units, i = [], 0
    while i < len(symbols):
        two = "".join(symbols[i : i + 2])
        if len(two) == 2 and two in UNITS:
            units.append(Unit("phone", two, [i] if two[1] in SILENT else [i, i + 1]))
            i += 2
            continue
        one = symbols[i]
        if one in UNITS:
            units.append(Unit("phone", one, [i]))
        elif one in BREAKS or one in "^$":
            units.append(Unit("break", one, [i]))
        elif one == " ":
            units.append(Unit("space", one, [i]))
        elif one not in SILENT:
            return None
        i += 1
    return units


def match_cost(unit: Unit, phone: str) -> float:
    """How badly a phone of the teacher stands for a unit: 0 is well."""
    if unit.kind != "phone":
        return (0.0 if unit.kind == "break" else 0.5) if phone == PAUSE else 4.0
    if phone == PAUSE:
        return 4.0
    phones = UNITS[unit.text].split()
    if phone in phones:
        return 0.0
    vowels = (phones[0] in VOWELS, phone in VOWELS)
    return {(True, True): 0.7, (False, False): 1.0}.get(vowels, 2.5)


def align(units: list[Unit], segments: list[Segment]) -> tuple[list[float], float]:
    """Align by edit distance: (duration of each unit in s, mean cost of a unit)."""
    n, m = len(units), len(segments)
    drop = [0.8 if unit.kind == "phone" else 0.05 for unit in units]
    extra = [2.0 if segment.phone == PAUSE else 0.8 for segment in segments]
    cost = np.full((n + 1, m + 1), IMPOSSIBLE)
    steps = np.zeros((n + 1, m + 1), int)
    cost[0, 0] = 0
    for i in range(n + 1):
        for j in range(m + 1):
            ways = [(cost[i, j], 0)]
            if i and j:
                ways.append((cost[i - 1, j - 1] + match_cost(units[i - 1], segments[j - 1].phone), _MATCH))
            if i:
                ways.append((cost[i - 1, j] + drop[i - 1], _DROP))
            if i and j:
                ways.append((cost[i, j - 1] + extra[j - 1], _EXTRA))
            cost[i, j], steps[i, j] = min(ways)  # the first of equals
    return _trace(steps, segments), cost[n, m] / n


def _trace(steps: np.ndarray, segments: list[Segment]) -> list[float]:
    i, j = steps.shape[0] - 1, steps.shape[1] - 1
    durations, extra_s = [0.0] * i, 0.0
    while i or j:
        step = steps[i, j]
        if step == _MATCH:
            durations[i - 1] += segments[j - 1].duration_s + extra_s
            extra_s, i, j = 0.0, i - 1, j - 1
        elif step == _DROP:
            i -= 1
        else:
            extra_s += segments[j - 1].duration_s
            j -= 1
    return durations
