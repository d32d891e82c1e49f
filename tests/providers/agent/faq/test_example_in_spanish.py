"""The shop example in Spanish."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pipeline.speakable import speakable
from tests.providers.agent.faq.shops import Shop, example

pytestmark = pytest.mark.unit


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with example() as shop:
        yield shop


SPANISH = {
    "¿A qué hora cierran?": "Hoy cerramos a las 21:00.",
    "Perdone, ¿dónde están los huevos?": "Encontrará los huevos en el pasillo 7.",
    "¿Tienen leche y pan?": (
        "Encontrará la leche en el pasillo 7, a 1.40 € el cartón. Encontrará el pan en el pasillo 1, a 2.20 € la barra."
    ),
    "cuanto cuesta el aceite": "El aceite de oliva: 7.90 € la botella.",
    "¿Tienen vino tinto?": "Encontrará el vino tinto en el pasillo 9, a 6.90 € la botella.",
    "¿Cuánto cuesta el vino tinto?": "El vino tinto: 6.90 € la botella esta semana, en lugar de 8.50 €.",
    "¿Qué ofertas tienen?": "Ofertas de esta semana: el vino tinto, el zumo de naranja, el chocolate y las galletas.",
    "¿Puedo devolver la leche?": (
        "Puede devolver los artículos en 30 días en el mostrador de atención al cliente. Traiga el recibo, por favor."
    ),
    "¿A qué hora cierra la panadería?": "Hoy cerramos la panadería a las 20:00.",
    "¿A qué hora cierra la salida?": "El horario de la tienda vale también para la salida: hoy cerramos a las 21:00.",
    "¿Está abierta la farmacia a las cinco de la tarde?": "Sí. La farmacia: hoy de 9:00 a 19:00.",
    "¿Está cerrada la farmacia?": "No, está abierto hasta las 19:00.",
    "¿En qué pasillo está la farmacia?": "Encontrará la farmacia junto a las cajas.",
    "veinticinco": "He oído un número. ¿Qué desea saber?",
    "¿Está abierto a las ocho y media de la tarde?": "Sí, hoy a las 20:30 está abierto.",
    "¿Dónde está el baño?": "Encontrará los aseos al fondo de la tienda a la izquierda.",
    "¿Abren en Navidad?": "No, el día de Navidad está cerrado.",
    "mañana": "Sí, mañana abrimos de 8:00 a 21:00.",
}


SPANISH_UNRELATED = (
    "Cuándo cierra el aeropuerto | Está abierto el museo a las cinco | Puedo devolver la llamada"
    " | Puedo cambiar de opinión | Quiero volver a casa | Cuántos años tienes | Qué tiempo hace"
    " | A qué hora sale el tren"
)


async def test_spanish_questions_get_spanish_answers(shop: Shop) -> None:
    assert {question: shop.answer(question, "es") for question in SPANISH} == SPANISH
    for question in SPANISH_UNRELATED.split(" | "):
        assert (question, shop.ask(question, "es").questions) == (question, ())
    assert shop.answer("¿Quién es el presidente?", "es").startswith("Lo siento, eso no lo sé.")


async def test_spanish_prices_are_spoken_as_prices(shop: Shop) -> None:
    assert speakable(shop.answer("¿Cuánto cuesta el café?", "es"), "es") == (
        "El café: cinco euros con cuarenta el paquete."
    )
