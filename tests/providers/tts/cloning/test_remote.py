"""A voice worker on another machine, such as a box with a GPU in the back room: here one on a port of the loopback."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pipeline.errors import LicenceRefused, NotReady, ProviderError
from pipeline.speech import Voice
from providers.registry import Resources
from providers.tts import pocket, xtts
from providers.tts.cloning.forgetting import forget_elsewhere
from providers.tts.cloning.shelf import Model, OneModel
from providers.tts.cloning.synthesizer import CloningSynthesizer
from providers.tts.cloning.workers import RemoteWorkers
from providers.tts.voice_worker.listening import Address
from tests.conftest import ROOT
from tests.contracts.synthesizer import SHORT, said
from tests.fakes.models import ListedModels
from tests.providers.tts.cloning.tone import ENGINE, Samples, sample, voice

pytestmark = pytest.mark.unit


@asynccontextmanager
async def box(folder: Path, port: int = 0, day: str = "") -> AsyncIterator[Address]:
    """Another machine with a worker; where it listens."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "providers.tts.voice_worker", "--engine", ENGINE, "--keep",
        "--listen", f"tcp://127.0.0.1:{port}", "--latents", str(folder / "latents"),
        stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, cwd=ROOT, env={"TONE": day},
    )  # fmt: skip
    assert process.stderr is not None
    try:
        async with asyncio.timeout(20):
            while not (found := re.search(rb"listening at (\S+)", await process.stderr.readline())):
                pass
        yield Address.of(found.group(1).decode())
    finally:
        process.kill()
        await process.communicate()


def synthesizer(address: Address, samples: Samples, name: str = "tone") -> CloningSynthesizer:
    shelf = OneModel(Model("none", Resources(ListedModels())), frozenset({"en"}))
    return CloningSynthesizer(name, shelf, RemoteWorkers(name, address), samples)


async def test_it_speaks_and_learns_a_sample_once_for_all(tmp_path: Path) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))
    async with box(tmp_path) as address:
        for _ in range(2):
            async with synthesizer(address, samples) as kiosk:
                await kiosk.ready(one)
                assert await said(kiosk, SHORT, one)
    assert samples.read_so_far == [one.sample]


async def test_what_it_is_is_known_once_it_has_told(tmp_path: Path) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))
    async with box(tmp_path) as address, synthesizer(address, samples) as kiosk:
        with pytest.raises(ProviderError, match="not told"):
            await kiosk.fingerprint(one)
        await kiosk.ready(one)
        assert "tone 1" in await kiosk.fingerprint(one)
        assert kiosk.capabilities.languages == {"en", "es"}, "as it says itself"
        assert kiosk.capabilities.real_time_factor is not None


async def test_one_that_loads_is_not_waited_for(tmp_path: Path) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))
    async with box(tmp_path, day="slow_load=1") as address, synthesizer(address, samples) as kiosk:
        with pytest.raises(NotReady):
            await said(kiosk, SHORT, one)
        await kiosk.ready(one)
        assert await said(kiosk, SHORT, one)


async def test_one_out_of_reach_is_told_and_used_when_it_comes(tmp_path: Path) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))
    async with box(tmp_path) as address:
        pass
    async with synthesizer(address, samples) as kiosk:
        for asking in (kiosk.ready(one), said(kiosk, SHORT, one)):
            with pytest.raises(ProviderError, match=r"cannot be reached.*Is that machine on"):
                await asking
        async with box(tmp_path, address.port):
            await kiosk.ready(one)
            assert await said(kiosk, SHORT, one)
        with pytest.raises(ProviderError):
            await said(kiosk, SHORT, one)


async def test_another_engine_than_the_one_that_is_meant_is_refused(tmp_path: Path) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))
    async with box(tmp_path) as address, synthesizer(address, samples, "xtts_v2") as kiosk:
        with pytest.raises(ProviderError, match="is one of tone, not of xtts_v2"):
            await kiosk.ready(one)
        with pytest.raises(ProviderError, match="is one of tone, not of xtts_v2"):
            await said(kiosk, SHORT, one)


async def test_one_that_answers_nonsense_is_an_error_and_no_more(tmp_path: Path) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))

    async def nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(nonsense, "127.0.0.1", 0) as server:
        address = Address(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        async with synthesizer(address, samples) as kiosk:
            with pytest.raises(ProviderError, match="broke off"):
                await said(kiosk, SHORT, one)


class Refusing(ListedModels):
    def permit(self, name: str) -> None:
        raise LicenceRefused(f"{name} is not for shops.")


async def test_a_licence_counts_wherever_the_model_runs() -> None:
    resources = Resources(Refusing())
    with pytest.raises(LicenceRefused, match="xtts-v2"):
        await xtts.create(xtts.Settings(url="tcp://192.0.2.1:10250"), resources).__aenter__()


def test_the_owners_other_machine_is_no_cloud_but_needs_the_network() -> None:
    resources = Resources(ListedModels())
    for url, away in (("tcp://192.0.2.1:10250", True), ("tcp://127.0.0.1:10250", False), ("unix:///run/voice", False)):
        for engine in (
            xtts.create(xtts.Settings(url=url), resources),
            pocket.create(pocket.Settings(url=url), resources),
        ):
            known = engine.capabilities
            assert (known.needs_network, known.cloud) == (away, False)
            assert "es" in known.languages


@pytest.mark.parametrize("url", ["10.0.0.1:80", "http://box", "tcp://box", "unix:relative"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"must be unix:///path or tcp://host:port"):
        xtts.Settings(url=url)


async def test_two_shops_share_one(tmp_path: Path) -> None:
    samples = Samples()
    low, high = voice(samples.add(sample(200.0))), voice(samples.add(sample(400.0)))
    async with (
        box(tmp_path) as address,
        synthesizer(address, samples) as first,
        synthesizer(address, samples) as second,
    ):
        await first.ready(low)
        await second.ready(high)
        async with asyncio.TaskGroup() as group:
            sounds = [
                group.create_task(_length(kiosk, one), name="kiosk")
                for kiosk, one in ((first, low), (second, high), (first, high), (second, low))
            ]
        assert len({sound.result() for sound in sounds}) == 1


async def _length(kiosk: CloningSynthesizer, one: Voice) -> float:
    return round(sum(chunk.duration_s for chunk in await said(kiosk, SHORT, one)), 2)


async def test_what_is_removed_here_is_forgotten_there(tmp_path: Path) -> None:
    samples = Samples()
    one = voice(samples.add(sample(220.0)))
    digest = Path(one.sample).stem
    async with box(tmp_path) as address:
        async with synthesizer(address, samples) as kiosk:
            await kiosk.ready(one)
        assert await forget_elsewhere("tone", str(address), digest)
        assert not await forget_elsewhere("tone", str(address), digest)
    with pytest.raises(ProviderError, match=r"cannot be reached.*voice remove"):
        await forget_elsewhere("tone", str(address), digest)
