"""Ways to say something, written short."""

from __future__ import annotations

import pytest

from pipeline.phrase_patterns import comparable, forms

pytestmark = pytest.mark.unit


def sentences(pattern: str, **slots: list[str]) -> list[str]:
    return [" ".join(words) for words, _ in forms(pattern, slots)]


def test_case_accents_punctuation_and_apostrophes_do_not_matter() -> None:
    assert comparable("¿HABLA  inglés?") == ("habla", "ingles")
    assert comparable("That's all, thank-you!") == comparable("that’s all thank you")
    assert comparable(" ... ") == ()


def test_brackets() -> None:
    assert sentences("(repeat|say) that [again]") == ["repeat that again", "repeat that", "say that again", "say that"]
    assert set(sentences("[a [b]] c")) == {"a b c", "a c", "c"}
    assert sentences("[nothing]") == ["nothing"]


def test_a_slot_tells_what_fills_it() -> None:
    assert list(forms("in {language}", {"language": ["Spanish", "Español"]})) == [
        (("in", "spanish"), "Spanish"),
        (("in", "espanol"), "Español"),
    ]


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("say (that", "bracket without its partner"),
        ("say [that|it) again", "bracket without its partner"),
        ("a|b", "bracket without its partner"),
        ("speak {tongue}", "slot 'tongue', known are: language"),
        ("{language} or {language}", "one slot"),
        ("speak {language", "one slot"),
        ("(a|b)" * 12, "more than 2000 sentences"),
    ],
)
def test_a_mistake_is_explained(pattern: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        list(forms(pattern, {"language": ["Spanish"]}))
