"""The store kiosk's sentences: everything whisper-kiosk-en can hear.

Core sentences are `FIXED` and the lone slot words; the others are filled from `TEMPLATES` with a fixed seed, so the
lists are the same on every machine. The shipped weights were trained on `fixed` and `train` and tested on `held`.
"""

import random
import re
from typing import NamedTuple

SEED = 20
"""First of the seeds of the whole recipe; each later use adds a number of its own to it."""


def _split(words: str) -> tuple[str, ...]:
    return tuple(" ".join(word.split()) for word in words.split("|"))


SLOTS: dict[str, tuple[str, ...]] = {
    "p": _split(
        """olive oil|red wine|white wine|orange juice|apple juice|sparkling water|milk|bread|butter|eggs|cheese|
        coffee|green tea|rice|pasta|tomato sauce|sugar|salt|flour|honey|chocolate|ice cream|potatoes|tomatoes|
        onions|carrots|bananas|apples|lemons|chicken|salmon|beef|shampoo|toothpaste|soap|paper towels|batteries|
        light bulbs|dog food|cat food|baby food|beer|yogurt|cereal|cookies|headphones|gift cards|flowers"""
    ),
    "dep": _split(
        """bakery|pharmacy|deli|produce section|dairy section|meat department|frozen section|
        electronics department|toy department|garden center|customer service desk|checkout|restroom|entrance|
        exit|parking lot|elevator|fitting room|manager|coffee shop"""
    ),
    "day": _split("monday|tuesday|wednesday|thursday|friday|saturday|sunday|today|tomorrow"),
    "lang": _split("spanish|english|french|german|italian|chinese|japanese|portuguese"),
    "h": _split("one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"),
    "min": _split("|fifteen|thirty|forty five|o'clock"),
    "ap": _split("|a m|p m|in the morning|in the evening"),
    "n": _split(
        """zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|
        seventeen|eighteen|nineteen|twenty"""
    ),
    "tens": _split("twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"),
    "d1": _split("one|two|three|four|five|six|seven|eight|nine"),
    "size": _split("small|medium|large|extra large"),
    "color": _split("red|blue|green|black|white|yellow"),
}
"""What may stand in each slot of a template: products, departments, days, languages, hours, minutes, halves of the day,
numbers, tens, digits, sizes and colours. Their order decides what a seed draws."""

FIXED = _split(
    """yes.|no.|okay.|stop.|help.|cancel.|repeat that.|thanks.|thank you.|goodbye.|hello.|please.|hi there.|
    yes please.|no thanks.|no thank you.|go back.|start over.|never mind.|that is all.|thank you very much.|
    good morning.|good evening.|please repeat that.|say that again.|help me please.|what time do you close?|
    what time do you open?|when do you close?|when do you open?|are you open now?|what are your opening hours?|
    where is the store manager?|where are the restrooms?|i need help.|can you help me?|
    i want to talk to a person.|talk to a person.|can i speak to a person?|i want to speak to the manager.|
    call the manager.|call an employee.|tell me a joke.|tell me another joke.|turn the volume up.|
    turn the volume down.|turn it up.|turn it down.|speak louder please.|speak slower please.|mute.|be quiet.|
    what can you do?|what is your name?|who are you?|how are you?|what time is it?|what day is it?|
    what is today's special?|do you have any specials today?|do you take credit cards?|can i pay with cash?|
    where can i pay?|where do i pay?|can i return this?|how do i return an item?|i want to return this.|
    where can i park?|is there a restroom here?|is there free parking?|do you deliver?|do you have free wifi?|
    what is the wifi password?|how much does it cost?|how much is it?|how much is this?|is it on sale?|
    what is on sale today?|do you have a coupon?|show me the map.|show me the menu.|print the receipt.|
    add it to my list.|clear my list.|what is on my list?|next.|previous.|continue.|i am lost.|that is correct.|
    that is wrong.|i do not understand.|i am looking for something.|just looking.|a m.|p m.|noon.|midnight.|
    left.|right.|how do i get there?|which way is it?|is it far?"""
)
"""The kiosk's core commands: always in training, rendered by many voices, tested with unseen voices only."""

TEMPLATES: list[tuple[int, str]] = [
    (10, "{p}."),
    (3, "{day}."),
    (3, "{n}."),
    (3, "{tens} {d1}."),
    (1, "{tens}."),
    (1, "{d1} hundred."),
    (3, "{dep}."),
    (2, "{lang}."),
    (1, "{size}."),
    (1, "{color}."),
    (14, "[/excuse me /hi ]where can i find the {p}?"),
    (10, "[/excuse me /please tell me ]where is the {p}?"),
    (5, "where are the {p}?"),
    (8, "[/excuse me ]where is the {dep}?"),
    (4, "how do i get to the {dep}?"),
    (3, "where can i find the {dep}?"),
    (3, "is there a {dep} here?"),
    (3, "take me to the {dep}."),
    (3, "show me the {dep}."),
    (10, "what is the price of the {p}?"),
    (8, "how much is the {p}?"),
    (5, "how much does the {p} cost?"),
    (5, "how much are the {p}?"),
    (10, "do you have {p}?"),
    (5, "do you have any {p}?"),
    (3, "do you sell {p}?"),
    (6, "do you have {p} and {p2}?"),
    (6, "i am looking for {p}[/ please/ and {p2}]."),
    (4, "i am looking for the {p}."),
    (5, "is the {p} on sale?"),
    (5, "are the {p} on sale?"),
    (6, "i want {p}[/ please/ and {p2}]."),
    (6, "i need {n} {p}."),
    (6, "i would like {p}[/ please/ and {p2}]."),
    (6, "add {p} to my list[/ please]."),
    (6, "add {n} {p} to my list."),
    (4, "remove {p} from my list."),
    (4, "which aisle is the {p} in?"),
    (3, "what aisle are the {p} in?"),
    (4, "tell me about the {p}."),
    (4, "can you show me the {p}?"),
    (4, "can you tell me where the {p} is?"),
    (5, "can you tell me the price of the {p}?"),
    (3, "is there any {p} left?"),
    (3, "where do you keep the {p}?"),
    (3, "show me {p}[/ and {p2}]."),
    (4, "{p} and {p2}."),
    (3, "{n} {p}[/ please]."),
    (3, "the {p} please."),
    (3, "the {p} is on aisle {n}."),
    (4, "aisle {n}[/ please]."),
    (3, "where is aisle {n}?"),
    (3, "take me to aisle {n}."),
    (2, "what is on aisle {n}?"),
    (2, "number {n}."),
    (2, "number {tens} {d1}."),
    (6, "what time do you close on {day}?"),
    (6, "what time do you open on {day}?"),
    (4, "are you open on {day}?"),
    (3, "when do you close {day}?"),
    (4, "are you open at {h} {min} {ap} on {day}?"),
    (5, "are you open at {h} {min} {ap}?"),
    (4, "at {h} {min} {ap}."),
    (4, "{h} {min} {ap}."),
    (4, "{day} at {h} {min} {ap}."),
    (3, "do you open at {h} {min} {ap}?"),
    (3, "do you close at {h} {min} {ap}?"),
    (3, "is the {dep} open on {day}?"),
    (3, "when does the {dep} close?"),
    (3, "when does the {dep} open?"),
    (3, "what time does the {dep} open on {day}?"),
    (3, "what time does the {dep} close?"),
    (3, "is the {dep} open now?"),
    (6, "switch to {lang}."),
    (4, "[/please ]speak {lang}[/ please]."),
    (3, "change the language to {lang}."),
    (3, "do you speak {lang}?"),
    (3, "can you speak {lang}?"),
    (2, "in {lang} please."),
    (4, "set the volume to {n}."),
    (2, "turn the volume to {n}."),
    (2, "volume {n}."),
    (3, "do you have this in {color}?"),
    (3, "do you have this in {size}?"),
    (3, "do you have a {color} one?"),
    (3, "do you have this in {size} and {color}?"),
    (2, "i need a {size} {color} one."),
    (3, "that is {n} dollars."),
    (3, "i have {n} dollars."),
    (3, "is it {n} dollars?"),
    (2, "{tens} {d1} dollars."),
    (3, "i need {n} of them."),
    (3, "{d1} {d1b} {d1c}."),
    (3, "{d1} {d1b} {d1c} {d1d}."),
    (2, "is it {tens} dollars?"),
]
"""(weight, text). "a/b" inside [] are alternatives, one may be empty; {p2} and {d1b} are slots p and d1 again."""

CORE_SLOTS = ("p", "day", "n", "lang", "dep", "tens", "size", "color")
"""Slots whose lone words count as core sentences."""

CAPITALS = {
    "i": "I",
    "i'm": "I'm",
    **{word: word.capitalize() for word in SLOTS["day"] + SLOTS["lang"] if word not in ("today", "tomorrow")},
}
AM_PM = {"a m": "AM", "p m": "PM"}


class Sentences(NamedTuple):
    """Written sentences, no text in two lists."""

    fixed: list[str]
    """Core sentences: training and test."""
    train: list[str]
    """Filled templates for training."""
    held: list[str]
    """Filled templates for the test alone, one in twenty."""


def styled(spoken: str) -> str:
    """Turn 'what time do you close?' into 'What time do you close?', the written form Whisper would give."""
    body, end = " ".join(spoken[:-1].split()), spoken[-1]
    body = re.sub(r"\b(a m|p m)\b", lambda match: AM_PM[match.group(1)], body)
    body = " ".join(CAPITALS.get(word, word) for word in body.split())
    return body[0].upper() + body[1:] + end


def normalise(text: str) -> str:
    """Lower-case words without punctuation: the form in which word errors are counted."""
    return " ".join(re.sub(r"[^a-z0-9' ]+", " ", text.lower()).split())


def expand(template: str, rng: random.Random) -> str:
    """Fill one template: first its alternatives, then its slots, never the same word twice in slots of one kind."""
    while "[" in template:
        template = re.sub(r"\[([^\[\]]*)\]", lambda match: rng.choice(match.group(1).split("/")), template, count=1)
    used: set[tuple[str, str]] = set()

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        digits = name.startswith("d1")  # a digit may follow itself
        options = [option for option in _options(name) if (option, name[0]) not in used or digits]
        value = rng.choice(options)
        used.add((value, name[0]))
        return value

    return styled(re.sub(r"\{(\w+)\}", fill, template))


def _options(name: str) -> tuple[str, ...]:
    return SLOTS[name if name in SLOTS else re.sub(r"(2|[bcd])$", "", name)]


def sentences(seed: int = SEED, want: int = 6000) -> Sentences:
    """Draw the sentences of the recipe; `want` is the number of different filled templates, core ones included."""
    rng = random.Random(seed)
    fixed = {styled(text) for text in FIXED}
    single = {styled(word + ".") for name in CORE_SLOTS for word in SLOTS[name]}
    weights = [weight for weight, _ in TEMPLATES]
    texts = [text for _, text in TEMPLATES]
    pool: set[str] = set()
    for _ in range(want * 12):
        pool.add(expand(rng.choices(texts, weights)[0], rng))
        if len(pool) >= want:
            break
    rest = sorted(pool - fixed - single)
    rng.shuffle(rest)
    cut = len(rest) // 20
    return Sentences(sorted(fixed | single), rest[cut:], rest[:cut])


def drills(fixed: list[str], train: list[str], held: list[str], want: int, seed: int = SEED + 2) -> list[str]:
    """Draw meaningless word and digit strings, for training only: they make the model listen in order, not guess."""
    rng = random.Random(seed)
    known = {word for sentence in fixed + train for word in normalise(sentence).split()}
    words = sorted(known - {"a", "m", "o'clock"})
    digits = [*SLOTS["d1"], "zero"]
    out: set[str] = set()
    while len(out) < want:
        if rng.random() < 0.3:
            parts = [rng.choice(digits) for _ in range(rng.randint(3, 6))]
        else:
            parts = [rng.choice(words) for _ in range(rng.randint(2, 5))]
        out.add(styled(" ".join(parts) + "."))
    return sorted(out - set(held) - set(fixed) - set(train))


def tellable(corpus: Sentences) -> Sentences:
    """Drop the held-out sentences with a word that no training sentence has."""
    known = {word for sentence in corpus.fixed + corpus.train for word in normalise(sentence).split()}
    held = [sentence for sentence in corpus.held if set(normalise(sentence).split()) <= known]
    return corpus._replace(held=held)
