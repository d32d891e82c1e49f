"""Engines that clone, through a real worker process without a model."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.audio import AudioChunk, joined
from pipeline.errors import ModelDamaged, ModelMissing, NotReady, ProviderError, ProviderMissing
from pipeline.protocols import Synthesizer
from pipeline.speech import Voice, VoiceSettings
from providers.tts.cloning.synthesizer import CloningSynthesizer
from tests.contracts.synthesizer import LONG, SHORT, SynthesizerContract, said
from tests.providers.tts.cloning.tone import QUICK, Samples, sample, tone_synthesizer, voice, workers

pytestmark = pytest.mark.unit

STUMBLE = "At this sentence you will stumble, as everybody does who reads it aloud."


class Ready:
    """One that is started when it is entered."""

    def __init__(self, synthesizer: CloningSynthesizer, address: str) -> None:
        self._synthesizer = synthesizer
        self._address = address

    def __getattr__(self, name: str) -> Any:
        return getattr(self._synthesizer, name)

    async def __aenter__(self) -> CloningSynthesizer:
        await self._synthesizer.__aenter__()
        await self._synthesizer.ready(voice(self._address))
        return self._synthesizer

    async def __aexit__(self, *error: Any) -> None:
        await self._synthesizer.__aexit__(*error)


class TestContract(SynthesizerContract):
    own_voices = False

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder, self.samples = tmp_path, Samples()
        self.address = self.samples.add(sample(220.0))

    def opened(self) -> AbstractAsyncContextManager[Synthesizer]:
        return Ready(tone_synthesizer(self.folder, self.samples), self.address)

    def voice(self, synthesizer: Synthesizer, speed: float = 1.0) -> Voice:
        return voice(self.address, VoiceSettings(speed))


@asynccontextmanager
async def ready(folder: Path, samples: Samples, address: str, **options: Any) -> AsyncIterator[CloningSynthesizer]:
    async with tone_synthesizer(folder, samples, **options) as synthesizer:
        await synthesizer.ready(voice(address))
        yield synthesizer


def pitch(chunks: list[AudioChunk]) -> float:
    sound = joined(chunks)
    spectrum = np.abs(np.fft.rfft(sound.as_float()))
    return float(np.fft.rfftfreq(len(sound.pcm), 1 / sound.rate_hz)[int(np.argmax(spectrum))])


async def until_it_speaks(synthesizer: CloningSynthesizer, one: Voice) -> list[AudioChunk]:
    """As the next turns would: asked again until it is there."""
    async with asyncio.timeout(20):
        while True:
            with suppress(ProviderError):
                return await said(synthesizer, SHORT, one)
            await asyncio.sleep(0.05)


async def test_it_is_started_when_somebody_needs_it_and_nobody_waits_for_that(tmp_path: Path) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))
    async with tone_synthesizer(tmp_path, samples) as synthesizer:
        assert workers() == []
        with pytest.raises(NotReady):
            await said(synthesizer, SHORT, one)
        assert pitch(await until_it_speaks(synthesizer, one)) == pytest.approx(220.0, abs=5)
        assert len(workers()) == 1
    assert workers() == []


async def test_each_sample_has_its_own_voice_and_is_looked_at_once(tmp_path: Path) -> None:
    samples = Samples()
    low, high = voice(samples.add(sample(200.0))), voice(samples.add(sample(400.0)))
    async with ready(tmp_path, samples, low.sample) as synthesizer:
        for _ in range(3):
            assert pitch(await said(synthesizer, SHORT, low)) == pytest.approx(200.0, abs=5)
            assert pitch(await said(synthesizer, SHORT, high)) == pytest.approx(400.0, abs=5)
    assert samples.read_so_far == [low.sample, high.sample]
    async with ready(tmp_path, samples, low.sample) as synthesizer:
        await said(synthesizer, SHORT, high)
    assert len(samples.read_so_far) == 2, "what was learned of them outlives the worker"


async def test_a_sample_that_lies_elsewhere_is_known_by_its_content(tmp_path: Path) -> None:
    samples = Samples()
    url = "https://voices.example.com/one.wav"
    samples.files[url] = sample(200.0)
    async with ready(tmp_path, samples, url) as synthesizer:
        before = await synthesizer.fingerprint(voice(url))
        assert pitch(await said(synthesizer, SHORT, voice(url))) == pytest.approx(200.0, abs=5)
        samples.files[url] = sample(400.0)
        assert await synthesizer.fingerprint(voice(url)) != before
        assert pitch(await said(synthesizer, SHORT, voice(url))) == pytest.approx(400.0, abs=5)


async def test_what_shapes_the_sound_is_in_the_fingerprint_without_a_worker(tmp_path: Path) -> None:
    samples = Samples()
    one, other = voice(samples.add(sample(200.0))), voice(samples.add(sample(400.0)))
    async with tone_synthesizer(tmp_path, samples) as synthesizer:
        first = await synthesizer.fingerprint(one)
        assert await synthesizer.fingerprint(other) != first
        assert workers() == []
        await synthesizer.ready(one)
        assert await synthesizer.fingerprint(one) == first
    (tmp_path / "model" / "weights").write_bytes(b"others")
    async with tone_synthesizer(tmp_path, samples) as synthesizer:
        assert await synthesizer.fingerprint(one) != first


async def test_all_settings_arrive_and_what_is_not_known_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    samples = Samples()
    address = samples.add(sample(220.0))
    async with ready(tmp_path, samples, address) as synthesizer:
        usual = joined(await said(synthesizer, LONG, voice(address))).duration_s
        for _ in range(2):
            quick = VoiceSettings(speed=2.0, emotion="cheerful")
            assert joined(await said(synthesizer, LONG, voice(address, quick))).duration_s == pytest.approx(usual / 2)
    assert caplog.text.count("does not know these settings") == 1
    assert "emotion" in caplog.text


@pytest.mark.parametrize("day", ["crash=2", "fail=2", "oom=2"])
async def test_a_bad_moment_costs_one_sentence(tmp_path: Path, day: str) -> None:
    samples = Samples()
    address = samples.add(sample(220.0))
    async with ready(tmp_path, samples, address, day=f"{day} step=0.01 once={tmp_path}/happened") as synthesizer:
        with pytest.raises(ProviderError) as caught:
            await said(synthesizer, STUMBLE, voice(address))
        assert caught.value.retryable
        assert "customer" not in str(caught.value), "nothing that is said may stand in an error"
        assert await until_it_speaks(synthesizer, voice(address))
        assert await said(synthesizer, STUMBLE, voice(address))


async def test_one_that_is_killed_in_the_middle_is_told_at_once_and_comes_back(tmp_path: Path) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))
    async with ready(tmp_path, samples, one.sample, day="step=0.05") as synthesizer:
        (first,) = workers()
        async with aclosing(synthesizer.synthesize(LONG, one)) as chunks:
            await anext(chunks)
            os.kill(first, signal.SIGKILL)
            with pytest.raises(ProviderError):
                async with asyncio.timeout(10):  # it would have spoken for a second, and nobody waits for a limit
                    async for _ in chunks:
                        pass
        assert await until_it_speaks(synthesizer, one)
        (second,) = workers()
        assert second != first


async def test_one_that_hangs_is_killed_and_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))
    async with ready(tmp_path, samples, one.sample, day=f"hang=1 once={tmp_path}/happened") as synthesizer:
        with pytest.raises(ProviderError):
            async with asyncio.timeout(20):
                await said(synthesizer, STUMBLE, one)
        assert await until_it_speaks(synthesizer, one)
        assert "no progress" in caplog.text


async def test_one_that_is_stopped_does_not_answer_and_is_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))
    patience = QUICK.__class__(load_s=20.0, hang_s=0.5, answer_s=0.2, idle_s=0.0, look_s=0.1, first_rest_s=0.1)
    async with ready(tmp_path, samples, one.sample, patience=patience) as synthesizer:
        (first,) = workers()
        os.kill(first, signal.SIGSTOP)
        async with asyncio.timeout(20):
            while first in workers():
                await asyncio.sleep(0.05)
        assert "does not answer" in caplog.text
        assert await until_it_speaks(synthesizer, one)


async def test_it_gives_its_memory_back_when_nobody_needs_it(tmp_path: Path) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))
    patience = QUICK.__class__(load_s=20.0, idle_s=0.3, look_s=0.05, first_rest_s=0.1)
    async with ready(tmp_path, samples, one.sample, patience=patience) as synthesizer:
        async with asyncio.timeout(20):
            while workers():
                await asyncio.sleep(0.05)
        with pytest.raises(NotReady):
            await said(synthesizer, SHORT, one)
        assert await until_it_speaks(synthesizer, one), "it is started again"


async def test_it_is_not_idle_while_it_speaks(tmp_path: Path) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))
    patience = QUICK.__class__(load_s=20.0, idle_s=0.2, look_s=0.02, first_rest_s=0.1)
    async with ready(tmp_path, samples, one.sample, patience=patience, day="step=0.05") as synthesizer:
        assert joined(await said(synthesizer, LONG, one)).duration_s > 3.0


@pytest.mark.parametrize(
    ("day", "told"), [("fail_load", "the weights are not those of this model"), ("oom_load", "memory does not suffice")]
)
async def test_one_that_cannot_load_says_why_and_is_tried_again(tmp_path: Path, day: str, told: str) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))
    async with tone_synthesizer(tmp_path, samples, day=f"{day} once={tmp_path}/happened") as synthesizer:
        with pytest.raises(ProviderError, match=told):
            await synthesizer.ready(one)
        assert await until_it_speaks(synthesizer, one)


async def test_its_failures_rest_longer_each_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))
    async with tone_synthesizer(tmp_path, samples, day="fail_load") as synthesizer:
        async with asyncio.timeout(30):
            while caplog.text.count("It rests for") < 3:
                with pytest.raises(ProviderError):
                    await said(synthesizer, SHORT, one)
                await asyncio.sleep(0.02)
    rests = [record.args[2] for record in caplog.records if "It rests for" in record.msg and record.args]
    assert rests[:3] == [pytest.approx(0.1), pytest.approx(0.2), pytest.approx(0.4)]


async def test_one_that_takes_too_long_to_load_is_given_up(tmp_path: Path) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))
    patience = QUICK.__class__(load_s=0.5, look_s=0.05)
    async with tone_synthesizer(tmp_path, samples, patience, day="slow_load=600") as synthesizer:
        with pytest.raises(ProviderError, match="was not loaded within"):
            await synthesizer.ready(one)
        assert workers() == []


async def test_a_sample_that_cannot_be_used_concerns_that_voice_only(tmp_path: Path) -> None:
    samples = Samples()
    good, bad = voice(samples.add(sample(220.0))), voice(samples.add(b"no sound at all"))
    async with ready(tmp_path, samples, good.sample) as synthesizer:
        with pytest.raises(ModelDamaged, match="cannot be used"):
            await said(synthesizer, SHORT, bad)
        assert await said(synthesizer, SHORT, good)


async def test_without_a_sample_it_has_no_voice(tmp_path: Path) -> None:
    async with tone_synthesizer(tmp_path, Samples()) as synthesizer:
        with pytest.raises(ProviderError, match="sample") as caught:
            await said(synthesizer, SHORT, Voice("", "en"))
        assert not caught.value.retryable


async def test_what_is_missing_is_named_with_its_remedy(tmp_path: Path) -> None:
    synthesizer = tone_synthesizer(tmp_path, Samples(), python=tmp_path / "none" / "python")
    with pytest.raises(ProviderMissing, match=r"not installed.*\./install\.sh tone"):
        await synthesizer.__aenter__()
    (tmp_path / "python").write_text("#!/bin/sh\necho no module named torch >&2\nexit 1\n")
    (tmp_path / "python").chmod(0o755)
    with pytest.raises(ProviderMissing, match="no module named torch"):
        await tone_synthesizer(tmp_path, Samples(), python=tmp_path / "python").__aenter__()
    gone = tone_synthesizer(tmp_path, Samples())
    (tmp_path / "model" / "weights").unlink()
    (tmp_path / "model").rmdir()
    with pytest.raises(ModelMissing, match="model"):
        await gone.__aenter__()


async def test_a_sample_is_forgotten_with_its_file_while_the_worker_runs(tmp_path: Path) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))
    async with ready(tmp_path, samples, one.sample) as synthesizer:
        await said(synthesizer, SHORT, one)
        (learned,) = (tmp_path / "latents").iterdir()
        assert learned.name.startswith(Path(one.sample).stem)
        learned.unlink()
        samples.read_so_far.clear()
        await said(synthesizer, SHORT, one)
        assert samples.read_so_far == [one.sample]


async def test_no_room_for_a_socket_is_told_and_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))
    async with tone_synthesizer(tmp_path, samples) as synthesizer:
        with monkeypatch.context() as patch:
            patch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
            with pytest.raises(ProviderError, match="cannot be started"):
                await synthesizer.ready(one)
        assert await until_it_speaks(synthesizer, one)


async def test_one_that_takes_too_much_memory_is_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))
    day = f"eat=140 step=0.3 once={tmp_path}/happened"
    async with ready(tmp_path, samples, one.sample, day=day, memory_mb=150) as synthesizer:
        with pytest.raises(ProviderError):
            await said(synthesizer, STUMBLE, one)
        assert await until_it_speaks(synthesizer, one)
        assert "150 MB of memory" in caplog.text


async def test_no_secret_of_ours_reaches_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "secret")
    samples = Samples()
    async with ready(tmp_path, samples, samples.add(sample(220.0))):
        (child,) = workers()
        assert b"secret" not in Path(f"/proc/{child}/environ").read_bytes()


async def test_two_of_this_machine_do_not_disturb_each_other(tmp_path: Path) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))
    async with ready(tmp_path, samples, one.sample) as first:
        async with ready(tmp_path, samples, one.sample) as second:
            assert await said(second, SHORT, one)
        assert await said(first, SHORT, one)
