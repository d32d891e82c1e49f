"""The teacher's sentences: shop talk, general talk, and lists of common words for phonetic variety."""

import re
from collections.abc import Callable, Sequence
from random import Random

from piper_kiosk.lexicon import (
    ADJECTIVES,
    ADVERBS,
    COLOURS,
    DAYS,
    ITEMS,
    MONTHS,
    NAMES,
    NOUNS,
    NUMBERS,
    PLACES,
    TENS,
    TIMES,
    VERBS,
)
from piper_kiosk.options import Options

SEED = 1


def number(n: int) -> str:
    """n from 0 to 999 999 in words."""
    if n < 20:
        return "zero" if n == 0 else NUMBERS[n - 1]
    if n < 100:
        return TENS[n // 10 - 2] + (" " + NUMBERS[n % 10 - 1] if n % 10 else "")
    if n < 1000:
        return NUMBERS[n // 100 - 1] + " hundred" + (" and " + number(n % 100) if n % 100 else "")
    return number(n // 1000) + " thousand" + (" " + number(n % 1000) if n % 1000 else "")


class Writer:
    """Draws the parts of a sentence. All alternatives of a draw are made before one is chosen, which is part of what
    a seed gives."""

    def __init__(self, rng: Random, words: Sequence[str]) -> None:
        self.rng, self.words = rng, words

    def any(self, choices: Sequence[str]) -> str:
        """One of several."""
        return self.rng.choice(choices)

    def one(self, choices: str) -> str:
        """One of several that are written with | between them."""
        return self.rng.choice(choices.split("|"))

    def upto(self, low: int, high: int) -> str:
        """A number from low to high, both included."""
        return number(self.rng.randint(low, high))

    def item(self) -> str:
        """Something the shop sells."""
        return self.any(ITEMS)

    def place(self) -> str:
        """Where it stands."""
        return self.any(PLACES)

    def noun(self) -> str:
        """A thing or a person."""
        return self.any(NOUNS)

    def adjective(self) -> str:
        """A quality."""
        return self.any(ADJECTIVES)

    def verb(self) -> str:
        """Something to do with a thing."""
        return self.any(VERBS)

    def name(self) -> str:
        """A first name."""
        return self.any(NAMES)

    def day(self) -> str:
        """A day of the week."""
        return self.any(DAYS)

    def when(self) -> str:
        """A time of the day or week."""
        return self.any(TIMES)

    def word(self) -> str:
        """Any common word."""
        return self.any(self.words)

    def count(self) -> str:
        """A number, small ones more often."""
        rng = self.rng
        return number(rng.choice([rng.randint(1, 20), rng.randint(1, 99), rng.randint(1, 999)]))

    def aisle(self) -> str:
        """The number of an aisle."""
        return self.upto(1, 24)

    def price(self) -> str:
        """A price."""
        return self.any(
            [
                f"{self.upto(1, 99)} dollars and {self.upto(1, 99)} cents",
                f"{self.upto(1, 30)} {self.upto(20, 99)}",
                f"{self.upto(2, 99)} cents",
                f"{self.upto(2, 120)} dollars",
            ]
        )

    def clock(self) -> str:
        """A time of the clock."""
        return self.any(
            [
                f"{self.upto(1, 12)} o'clock",
                f"half past {self.upto(1, 12)}",
                f"quarter to {self.upto(1, 12)}",
                f"{self.upto(1, 12)} thirty",
                f"{self.upto(1, 12)} {self.one('a m|p m')}",
                self.upto(1, 12),
                f"ten past {self.upto(1, 12)}",
                f"{self.upto(1, 12)} {self.upto(20, 59)}",
            ]
        )

    def the(self) -> str:
        """An article or another word in its place."""
        return self.one("the|a|this|that|my|your|our|their|his|her|every|the")


Pattern = Callable[[Writer], str]

SHOP: list[Pattern] = [
    lambda w: f"The {w.item()} is in aisle {w.aisle()}.".replace("The a ", "The "),
    lambda w: f"{w.item()} {w.one('is|are')} in aisle {w.aisle()}, {w.place()}.",
    lambda w: f"Where can I find the {w.item()}?".replace("the a ", "the "),
    lambda w: f"Do you have any {w.item()}?".replace("any a ", "any "),
    lambda w: f"How much is the {w.adjective()} {w.noun()}?",
    lambda w: f"How much {w.one('is|are|does')} {w.item()} {w.one('|today|this week|cost')}?",
    lambda w: f"{w.item()} costs {w.price()}.",
    lambda w: f"The {w.item()} {w.one('is|are')} {w.price()} {w.one('each|a pound|a bag|a box|per dozen|a bottle')}.",
    lambda w: f"We {w.one('open|close')} at {w.clock()} {w.any(['on ' + w.day(), w.when()])}.",
    lambda w: f"What time do you {w.one('open|close')} {w.any(['on ' + w.day(), w.when(), ''])}?",
    lambda w: f"Sorry, we are out of {w.item()} {w.when()}.",
    lambda w: f"Your total comes to {w.price()}.",
    lambda w: f"The {w.noun()} is {w.place()}.",
    lambda w: f"The {w.item()} {w.one('is|are')} next to the {w.item()}, {w.place()}.",
    lambda w: f"Yes, {w.one(f'we do|of course|certainly|we have {w.count()} left|it is {w.place()}')}.",
    lambda w: f"No, {w.one(f'we do not|I am afraid not|not {w.when()}|it is sold out|only {w.item()}')}.",
    lambda w: f"{w.one('Hello|Hi|Good morning|Good evening|Welcome')}, my name is {w.name()}. ",
    lambda w: f"{w.one('Thank you|Thanks|Please wait|One moment|You are welcome|Goodbye|Excuse me')}, {w.name()}.",
    lambda w: w.one(f"Yes|No|Sure|Okay|Hello|Goodbye|Thanks|Sorry|Maybe|Aisle {w.aisle()}|{w.clock()}") + ".",
    lambda w: f"Can you tell me {w.one('the price of|where to find|about|the size of')} the {w.item()}?",
    lambda w: f"Is the {w.noun()} {w.one(f'open|free|closed|ready|on sale|{w.place()}')} {w.any(['', w.when()])}?",
    lambda w: f"I would like {w.count()} {w.noun()}s, please.",
    lambda w: f"There are {w.count()} {w.one('bottles|boxes|bags|packets|jars|cans')} of {w.item()} left.",
    lambda w: f"You can return the {w.noun()} within {w.count()} days with a receipt.",
    lambda w: (
        f"{w.one('Turn|Go|Walk')} {w.one('left|right|straight ahead|back')} at the {w.noun()}, and look {w.place()}."
    ),
    lambda w: f"The sale ends on {w.day()}, {w.any(MONTHS)} {w.upto(1, 30)}.",
    lambda w: f"{w.item()}, {w.item()}, {w.item()} and {w.item()} are on sale until {w.day()}.",
    lambda w: f"I could not find {w.one(f'anything called {w.word()} {w.word()}|{w.item()}|that|the {w.noun()}')}.",
    lambda w: f"Would you like {w.item()} or {w.item()}?",
    lambda w: f"The number is {' '.join(w.upto(0, 9) for _ in range(w.rng.randint(3, 7)))}.",
    lambda w: f"Could you {w.one('repeat|answer|explain|change')} the {w.noun()}, please?",
]

GENERAL: list[Pattern] = [
    lambda w: (
        f"The {w.adjective()} {w.noun()} {w.one('will|can|must|should|might|could')} {w.verb()} {w.the()} {w.noun()} "
        f"{w.any(ADVERBS)}."
    ),
    lambda w: (
        f"{w.one('I|You|We|They|He|She')} "
        f"{w.one('want to|have to|tried to|used to|could not|will never|would')} "
        f"{w.verb()} {w.the()} {w.adjective()} {w.noun()}."
    ),
    lambda w: (
        f"{w.one('Why|When|How|Where')} {w.one('did|would|should|could')} {w.one('I|you|we|they|he|she')} "
        f"{w.verb()} {w.the()} {w.noun()}?"
    ),
    lambda w: f"{w.name()} and {w.name()} {w.any(ADVERBS)} {w.verb()} {w.the()} {w.noun()} {w.when()}.",
    lambda w: f"If {w.the()} {w.noun()} is {w.adjective()}, {w.verb()} the {w.noun()} before {w.day()}.",
    lambda w: (
        f"{w.the()} {w.noun()} with the {w.any(COLOURS)} {w.noun()} was {w.adjective()}, "
        f"but {w.the()} {w.noun()} was {w.adjective()}."
    ),
    lambda w: (
        f"It was {w.one('a|such a|not a|the')} {w.adjective()} {w.noun()}, "
        f"{w.one('was it not|I think|she said|they told us|as usual')}."
    ),
    lambda w: (
        f"There were {w.count()} {w.any(COLOURS)} {w.noun()}s "
        f"{w.one('in|under|over|behind|beyond|without|through')} the {w.noun()}."
    ),
    lambda w: f"Please {w.verb()} {w.the()} {w.noun()} and {w.verb()} {w.the()} {w.adjective()} {w.noun()}!",
    lambda w: f"{w.one('Which|Whose|What')} {w.noun()} is {w.one('yours|mine|better|cheaper|older|closer|larger')}?",
    lambda w: (
        f"{w.one('This|That')} {w.noun()} is {w.adjective()}; "
        f"{w.one('the other|mine|yours|theirs')} is {w.adjective()} and {w.adjective()}."
    ),
    lambda w: (
        f"In {w.any(MONTHS)}, {w.upto(2, 30)} {w.noun()}s "
        f"{w.one('came|went|arrived|vanished|were sold')} {w.any(ADVERBS)}."
    ),
]

LISTS: list[Pattern] = [
    lambda w: f"{w.word()}, {w.word()}, {w.word()}, and {w.word()}.",
    lambda w: f"The {w.word()} {w.word()} {w.word()} the {w.word()}.",
    lambda w: f"Say {w.word()} and {w.word()} again.",
    lambda w: f"{w.word()} {w.word()} {w.word()} {w.word()} {w.word()}.",
    lambda w: f"Is {w.word()} the same as {w.word()}?",
    lambda w: f"{w.word()}.",
    lambda w: f"Not {w.word()}, but {w.word()} {w.word()}!",
]


def make_sentences(n: int, words: Sequence[str], seed: int = SEED) -> list[str]:
    """n different sentences; `words` are the common ones of the lists."""
    rng = Random(seed)
    writer = Writer(rng, words)
    sentences: dict[str, None] = {}
    while len(sentences) < n:
        kind = rng.choices([SHOP, GENERAL, LISTS], [0.42, 0.30, 0.28])[0]
        text = " ".join(rng.choice(kind)(writer).split())
        text = re.sub(r"\s+([.,?!;])", r"\1", text)
        sentences[text[0].upper() + text[1:]] = None
    return list(sentences)


def write_text(options: Options) -> None:
    """Step "text": write the sentences into text.txt of the work folder, one per line."""
    words = [line.strip() for line in options.words.read_text(encoding="utf-8").split("\n")]
    words = [word for word in words if re.fullmatch("[a-z]{3,10}", word)]
    lines = make_sentences(options.sentences, words)
    (options.work / "text.txt").write_text("\n".join(lines) + "\n")
    print(len(lines), "sentences;", "e.g.", lines[:3])
