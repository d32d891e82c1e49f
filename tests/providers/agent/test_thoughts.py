from __future__ import annotations

import pytest

from providers.agent.thoughts import ThoughtFilter

pytestmark = pytest.mark.unit

CASES = [
    ("Just words.", "Just words."),
    ("<think>hm</think>Yes.", "Yes."),
    ("<thinking>hm</thinking>Yes.", "Yes."),
    ("<think></think>Yes.", "Yes."),
    ("Well, <think>is it? <b></think>yes.", "Well, yes."),
    ("<think>a</think>b<think>c</think>d", "bd"),
    ("5 < 6 and <b>bold</b>", "5 < 6 and <b>bold</b>"),
    ("It ends with <thi", "It ends with <thi"),
    ("<think>never ends", ""),
    ("<think>ends badly</thin", ""),
    ("", ""),
]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
@pytest.mark.parametrize(("text", "said"), CASES)
def test_thoughts_are_dropped_however_the_text_is_cut(text: str, said: str, size: int) -> None:
    thoughts = ThoughtFilter()
    parts = [thoughts.take(text[n : n + size]) for n in range(0, len(text), size)]
    assert "".join([*parts, thoughts.rest()]) == said


def test_words_are_not_held_back() -> None:
    thoughts = ThoughtFilter()
    assert thoughts.take("We close ") == "We close "
    assert thoughts.take("<think>x</think>at <") == "at "
    assert thoughts.take("b>") == "<b>"
