"""The assistant's own voice, as it leaks into the microphone and is written down, is known as such."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.echo_measures import chunked, speech
from benchmarks.echo_room import Room, through
from pipeline.audio import LISTENING_RATE_HZ
from pipeline.own_words import resembles
from tests.sounds import piper

pytestmark = pytest.mark.model

# The bundled recogniser makes a sentence that it knows of all others (docs/decisions/144).
SAID = ("The light bulbs is on aisle twelve.", "The orange juice is on aisle seventeen.", "The soap is on aisle seven.")


@pytest.mark.parametrize("level_db", [-6.0, -20.0])
async def test_what_leaks_is_known(level_db: float) -> None:
    pause = np.zeros(LISTENING_RATE_HZ)
    played = np.concatenate([part for text in SAID for part in (piper(text).astype(np.float64), pause)])
    leaked, _ = through(Room(level_db=level_db), None, played)
    found = await speech(chunked(leaked))
    assert len(found) == len(SAID)
    assert [one.text for one in found if not resembles(one.text, " ".join(SAID))] == []
