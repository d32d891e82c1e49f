"""How a personality sounds: listening to a voice, and lending it the voice of a recording."""

from __future__ import annotations

import io
import re
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
from playwright.async_api import Locator, Route, expect

from tests.assistant.http.browser.both_sizes import on_both_sizes
from tests.assistant.http.browser.conftest import PEOPLE, Person, Visit
from tests.assistant.http.browser.recordings import Recordings
from tests.assistant.http.browser.test_chat import is_heard
from tests.assistant.http.browser.visitor import Size, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SENTENCE = "We close at eight o'clock, and the coffee is in aisle four."


async def spoken(visitor: Visitor) -> np.ndarray:
    """Press Speak and listen: 16 kHz or more, mono, as floats."""
    heard: list[bytes] = []

    async def listen(route: Route) -> None:
        answer = await route.fetch()
        heard.append(await answer.body())  # a page that took it as a blob leaves the browser none of it
        await route.fulfill(response=answer)

    await visitor.page.route("**/api/voice/synthesize", listen, times=1)
    async with visitor.page.expect_response("**/api/voice/synthesize") as answer:
        await visitor.button("Speak").click()
    assert (await answer.value).ok
    sound, rate_hz = soundfile.read(io.BytesIO(heard[0]), dtype="float32")
    assert rate_hz >= 16_000
    assert 2.0 < len(sound) / rate_hz < 8.0
    frames = sound[: len(sound) // 400 * 400].reshape(-1, 400)
    levels_db = 10 * np.log10(np.mean(np.square(frames), axis=1) + 1e-12)
    assert -30 < 10 * np.log10(np.mean(np.square(sound))) < -10, "neither faint nor a roar"
    assert 0.4 < np.mean(levels_db > -40) < 0.99, "words with pauses between them"
    assert np.std(levels_db[levels_db > -40]) > 3, "it rises and falls as speech does"
    return sound


@on_both_sizes
async def test_a_voice_is_heard_before_it_is_saved(
    size: Size, person: Person, visit: Visit, owner: httpx.AsyncClient
) -> None:
    sasha = await person(f"Sasha {size}")
    visitor = await visit(f"/#/personalities/{sasha['id']}", size)
    trial = visitor.card("Try the voice")
    await trial.get_by_label("Text").fill(SENTENCE)
    own = await spoken(visitor)
    await expect(trial).to_contain_text(re.compile("EnginePiper.*VoiceKiosk, low", re.S))
    player = trial.get_by_role("group", name="Try the voice")
    await is_heard(player)

    await visitor.page.get_by_label("Engine", exact=True).select_option("eSpeak NG")
    await expect(trial).to_contain_text("You hear your unsaved changes.")
    other = await spoken(visitor)
    await expect(trial).to_contain_text(re.compile("EngineeSpeak NG", re.S))
    await is_heard(player)
    assert len(own) != len(other)

    pace = visitor.card("Fine-tuning").get_by_role("spinbutton", name="Pace")
    await pace.fill("1.5")
    await pace.press("Tab")
    assert len(await spoken(visitor)) < 0.85 * len(other)
    await player.get_by_role("button", name="Stop").click()
    await expect(player.get_by_role("button", name="Play")).to_be_visible()
    assert (await owner.get(f"{PEOPLE}/{sasha['id']}")).json()["voice_config"]["provider"] == "piper", (
        "nothing is saved"
    )

    await trial.get_by_role("button", name="Take the greeting").click()
    await expect(trial.get_by_label("Text")).to_have_value(f"Hello, I am Sasha {size}.")


def recording(visitor: Visitor) -> Locator:
    return visitor.card("Voice recording")


async def choose(visitor: Visitor, file: Path) -> None:
    async with visitor.page.expect_file_chooser() as chooser:
        await recording(visitor).get_by_text("Choose a file", exact=True).click()
    sound = {"name": file.name, "mimeType": "audio/wav", "buffer": file.read_bytes()}
    await (await chooser.value).set_files([sound])  # type: ignore[list-item]
    await expect(recording(visitor).get_by_role("group", name="New recording")).to_be_visible()


async def agree(visitor: Visitor) -> None:
    await visitor.page.get_by_label("Who agreed").fill("Sasha Example")
    await visitor.page.get_by_label("How", exact=True).select_option("in writing")
    await visitor.page.get_by_label(re.compile("This person knows")).check()


@on_both_sizes
async def test_a_recording_is_taken_with_consent_only_and_judged(
    size: Size, person: Person, visit: Visit, owner: httpx.AsyncClient, sound_files: Recordings
) -> None:
    sasha = await person(f"Sasha {size}")
    visitor = await visit(f"/#/personalities/{sasha['id']}", size)
    page, use = visitor.page, visitor.button("Use this recording")
    await use.click()
    await expect(recording(visitor)).to_contain_text("Choose a file or record something first.")
    await choose(visitor, sound_files.sample)
    await use.click()
    who = page.get_by_label("Who agreed")
    await expect(who).to_be_focused()
    await expect(who).to_have_accessible_description(re.compile("Please say who agreed."))
    await agree(visitor)
    await expect(recording(visitor)).to_contain_text(re.compile("Kept as proof: .*Sasha Example, in writing, "))
    await use.click()
    report = recording(visitor)
    await expect(report.get_by_role("heading", name="How good the recording is")).to_be_focused()
    await visitor.told("The recording is stored.")
    for measure in ("Loudness", "Distortion", "Voice above noise", "Share of speech", "One speaker", "Echo"):
        await expect(report.get_by_role("listitem").filter(has_text=measure)).to_contain_text(
            re.compile("Good|Fair|Poor")
        )
    await expect(report).to_contain_text("The recording is stored, but cannot be heard yet")
    stored = (await owner.get(f"{PEOPLE}/{sasha['id']}")).json()["voice_config"]
    assert stored["voice_sample_duration"] == pytest.approx(soundfile.info(sound_files.sample).duration, abs=1.5)

    await report.get_by_role("button", name="Hear it").click()
    await is_heard(report.get_by_role("group", name="Stored recording"))
    await report.get_by_role("button", name="Remove").click()
    sure = page.get_by_role("dialog", name="Remove the recorded voice?")
    await sure.get_by_role("button", name="Remove").click()
    await visitor.told(re.compile("Removed: recordings: 1"))
    await expect(report).to_contain_text("There is no recording.")
    assert not (await owner.get(f"{PEOPLE}/{sasha['id']}")).json()["voice_config"]["voice_sample_url"]


async def test_a_recording_without_a_voice_is_refused(person: Person, visit: Visit, sound_files: Recordings) -> None:
    sasha = await person("Sasha")
    visitor = await visit(f"/#/personalities/{sasha['id']}", "phone")
    visitor.provoked.update({400, 422})
    await choose(visitor, sound_files.hum)
    await agree(visitor)
    await visitor.button("Use this recording").click()
    await expect(recording(visitor).get_by_role("alert")).to_contain_text("This recording cannot be used.")
