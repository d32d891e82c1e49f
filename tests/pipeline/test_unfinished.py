"""Words that break off, and words that only seem to."""

from __future__ import annotations

import pytest
from whisper_kiosk.grammar import sentences

from pipeline.unfinished import looks_unfinished

pytestmark = pytest.mark.unit

BREAK_OFF = [
    ("What time do you", "en"), ("Where can I find the", "en"), ("Do you have", "en"), ("Is there a", "en"),
    ("I would like to", "en"), ("I'm looking for", "en"), ("How much is", "en"), ("How much is the", "en"),
    ("Do you sell bread and", "en"), ("What time do you close on Sunday, or", "en"), ("Um", "en"), ("Well...", "en"),
    ("Can I pay with my", "en"), ("Could you please", "en"), ("What time", "en"), ("WHERE IS THE?", "en-GB"),
    ("¿A qué hora", "es"), ("¿Dónde está el", "es"), ("Quisiera", "es"), ("¿Tienen pan y", "es"), ("¿Hay", "es"),
    ("Estoy buscando", "es"), ("¿Puedo pagar con", "es"),
]  # fmt: skip

WHOLE = [
    ("What time do you close?", "en"), ("What is that for?", "en"), ("Where are you from?", "en"), ("Come in.", "en"),
    ("How much is it?", "en"), ("Where is it?", "en"), ("How are you?", "en"), ("Yes, I do.", "en"),
    ("Yes, there is", "en"),
    ("What can you do?", "en"), ("Stop.", "en"), ("No.", "en"), ("How many?", "en"), ("Can I bring it back?", "en"),
    ("Do you have oat milk?", "en"), ("Who are you?", "en"), ("Thanks, that is all.", "en"), ("Tell me more", "en"),
    ("I need help", "en"), ("What are they?", "en"), ("Turn it on", "en"), ("", "en"), ("?", "en"),
    ("¿A qué hora cierran?", "es"), ("¿Cómo está?", "es"), ("¿Qué hay?", "es"), ("¿Por qué?", "es"), ("Gracias.", "es"),
    ("¿Cuánto cuesta?", "es"), ("¿Cuál es?", "es"), ("wo ist der", "de"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "language"), BREAK_OFF)
def test_more_is_to_come(text: str, language: str) -> None:
    assert looks_unfinished(text, language)


@pytest.mark.parametrize(("text", "language"), WHOLE)
def test_nothing_is_missing(text: str, language: str) -> None:
    assert not looks_unfinished(text, language)


def test_of_thousands_of_things_that_customers_say_none_counts_as_broken_off() -> None:
    said = [sentence for part in sentences() for sentence in part]
    assert len(said) > 5000
    assert [sentence for sentence in said if looks_unfinished(sentence, "en")] == []


def test_of_sentences_cut_in_the_middle_many_are_told() -> None:
    """The others sound whole: "do you open" may be a question."""
    words = [sentence.split() for part in sentences() for sentence in part]
    halves = [" ".join(one[: len(one) // 2]) for one in words if len(one) > 3]
    assert sum(looks_unfinished(half, "en") for half in halves) > 0.45 * len(halves)
