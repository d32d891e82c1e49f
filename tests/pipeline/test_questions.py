"""Answers that ask and answers that do not."""

from __future__ import annotations

import pytest

from pipeline.questions import asks_something

pytestmark = pytest.mark.unit

ASKING = [
    ("en", "Hello! How can I help you?"),
    ("en", "We have red and white. Which one would you like? 🙂"),
    ("en", 'Would you like a bag?"'),
    ("en", "**Would you like a bag?** "),
    ("en", "Really?!"),
    ("en", "Sorry, I did not understand that. Please say it again."),
    ("en", "Tell me which size you need."),
    ("es", "¡Hola! ¿En qué puedo ayudarle?"),
    ("es", "Perdón, no le he entendido. ¿Puede repetirlo, por favor?"),
    ("es-MX", "Por favor, dígame qué talla necesita."),
    ("ar", "هل تريد حقيبة؟"),
    ("el", "Θέλετε μια σακούλα;"),
    ("zh", "您需要袋子吗？"),
]
TELLING = [
    ("en", "We close at nine."),
    ("en", "Why did the tomato turn red? Because it saw the salad dressing."),
    ("en", "All right. Just ask when you need something."),
    ("en", "Please ask a member of our staff."),
    ("en", "Look at www.example.com/?id=5 for more."),
    ("en", "You can tell me any time."),
    ("en", "One; two;"),
    ("es", "Cerramos a las nueve. Adiós."),
    ("es", "Dígale que cerramos a las nueve."),
    ("fr", "Tell me more."),
    ("en", ""),
    ("en", "?"),
]


@pytest.mark.parametrize(("language", "text"), ASKING)
def test_asks(language: str, text: str) -> None:
    assert asks_something(text, language)


@pytest.mark.parametrize(("language", "text"), TELLING)
def test_does_not_ask(language: str, text: str) -> None:
    assert not asks_something(text, language)
