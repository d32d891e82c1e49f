"""The same with the real Piper and the real eSpeak NG, where a fault can be made really."""

from __future__ import annotations

import shutil
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.circuit_breaker import LONGEST_REST_S
from pipeline.protocols import Synthesizer
from pipeline.speech import Personality, VoiceConfig
from providers.registry import Resources
from providers.tts import espeak, piper
from providers.tts.piper import LAST_VOICE
from tests.conftest import ROOT
from tests.fakes.models import ListedModels
from tests.faults.kiosk import Kiosk
from tests.pipeline.scene import Clock

pytestmark = pytest.mark.model

Make = Callable[["Workshop"], None]


@dataclass
class Workshop:
    """Where engines are broken and mended."""

    folder: Path
    patch: pytest.MonkeyPatch

    @property
    def voice(self) -> Path:
        """Folder of Piper's voice."""
        return self.folder / "models" / LAST_VOICE

    @property
    def program(self) -> Path:
        """eSpeak NG's program."""
        return self.folder / "bin" / "espeak-ng"

    def mend(self) -> None:
        """All is as it should be."""
        self.patch.undo()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.voice.mkdir(parents=True)
        for file in (f"{LAST_VOICE}.onnx", f"{LAST_VOICE}.onnx.json"):
            shutil.copy(ROOT / "models" / LAST_VOICE / file, self.voice)
        self.write_program(f'exec {sys.executable} -I -S {espeak.__file__.replace("espeak.py", "espeak_program.py")} '
                           f'{_LIBRARY}/libespeak-ng.so {_LIBRARY}/espeak-ng-data "$@"')  # fmt: skip

    def write_program(self, body: str) -> None:
        self.program.parent.mkdir(exist_ok=True)
        self.program.unlink(missing_ok=True)
        self.program.write_text(f"#!/bin/sh\n{body}\n")
        self.program.chmod(0o755)

    def piper(self) -> Synthesizer:
        models = ListedModels(self.folder / "models", {"piper": [LAST_VOICE]})
        return piper.create(piper.Settings(), Resources(models))

    def espeak(self) -> Synthesizer:
        return espeak.create(espeak.Settings(program=str(self.program)), Resources(ListedModels()))


_LIBRARY = next(Path(entry) / "espeakng_loader" for entry in sys.path if (Path(entry) / "espeakng_loader").is_dir())


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    with pytest.MonkeyPatch.context() as patch:
        made = Workshop(tmp_path / "workshop", patch)
        made.mend()
        yield made


def truncate(shop: Workshop) -> None:
    network = shop.voice / f"{LAST_VOICE}.onnx"
    network.write_bytes(network.read_bytes()[:100_000])


def no_rights(shop: Workshop) -> None:
    """For whoever runs the tests, which may be root."""
    read = Path.read_text

    def refused(path: Path, *args: object, **kwargs: object) -> str:
        if path.is_relative_to(shop.folder):
            raise PermissionError(13, "Permission denied", str(path))
        return read(path, *args, **kwargs)  # type: ignore[arg-type]

    shop.patch.setattr(Path, "read_text", refused)


def no_memory(shop: Workshop) -> None:
    def refused(*_: object, **__: object) -> object:
        raise MemoryError

    shop.patch.setattr("onnxruntime.InferenceSession", refused)


PIPER_FAULTS: dict[str, tuple[Make, str]] = {
    "missing folder": (lambda shop: shutil.rmtree(shop.voice), "model_missing"),
    "missing network": (lambda shop: (shop.voice / f"{LAST_VOICE}.onnx").unlink(), "model_missing"),
    "truncated network": (truncate, "model_damaged"),
    "empty network": (lambda shop: (shop.voice / f"{LAST_VOICE}.onnx").write_bytes(b"") and None, "model_damaged"),
    "torn settings": (lambda shop: (shop.voice / f"{LAST_VOICE}.onnx.json").write_text("{") and None, "model_damaged"),
    "missing package": (lambda shop: shop.patch.setitem(sys.modules, "piper", None), "provider_missing"),
    "missing onnxruntime": (lambda shop: shop.patch.setitem(sys.modules, "onnxruntime", None), "provider_missing"),
    "permission denied": (no_rights, "provider"),
    "out of memory": (no_memory, "provider"),
}


def says(body: str) -> Make:
    """A program that lists a language and then does as told."""
    listing = 'case "$*" in *--voices*) echo Pty; echo " 5 en --/M English"; exit;; esac'
    return lambda shop: shop.write_program(f"{listing}\n{body}")


def header(rate_hz: int) -> str:
    low, high = rate_hz & 0xFF, rate_hz >> 8
    return (
        f"printf 'RIFF\\0\\0\\0\\0WAVEfmt \\020\\0\\0\\0\\001\\0\\001\\0\\{low:03o}\\{high:03o}\\0\\0"
        + "\\0" * 16
        + "'"
    )


ESPEAK_FAULTS: dict[str, tuple[Make, str]] = {
    "missing program": (lambda shop: shop.program.unlink(), "provider_missing"),
    "no right to start it": (
        lambda shop: shop.program.chmod(stat.S_IRUSR | stat.S_IWUSR),
        "provider_missing",
    ),
    "not a program": (lambda shop: shop.program.write_bytes(b"\x7fELF") and None, "provider_missing"),
    "no voices": (lambda shop: shop.write_program("exit 1"), "provider_missing"),
    "fails": (says("cat > /dev/null; exit 3"), "provider"),
    "complains": (says("cat > /dev/null; echo no data >&2; exit 1"), "provider"),
    "is killed": (says("kill -9 $$"), "provider"),
    "gives no sound": (says(f"{header(22050)}; cat > /dev/null"), "bad_audio"),
    "gives silence": (says(f"{header(22050)}; head -c 20000 /dev/zero"), "bad_audio"),
    "gives a rate that cannot be": (says(f"{header(100)}; head -c 20000 /dev/urandom"), "bad_audio"),
    "gives no WAV": (says("head -c 20000 /dev/zero"), "provider"),
}


async def check(workshop: Workshop, faulty: str, code: str, when: str, make: Make) -> None:
    """The other engine stands in, and the faulty one comes back."""
    other = {"piper": "espeak_ng", "espeak_ng": "piper"}[faulty]
    clock = Clock()
    if when == "before the start":
        make(workshop)
    personality = Personality("Robin", voice=VoiceConfig(faulty))
    async with Kiosk([workshop.piper(), workshop.espeak()], personality, clock=clock) as kiosk:
        if when == "after the start":
            make(workshop)
            answer = await kiosk.ask()
            assert answer.provider in {faulty, other}, "what is in memory may go on"
            assert answer.heard_s > 0.5
            return
        first = await kiosk.ask()
        assert (first.provider, first.trail()[-2:]) == (other, [(faulty, code), (other, None)])
        assert first.heard_s > 0.5
        assert first.states(faulty) == ["failing"]
        workshop.mend()
        resting = await kiosk.ask()
        assert resting.trail() == [(faulty, "resting"), (other, None)]
        clock.s += LONGEST_REST_S
        again = await kiosk.ask()
        assert again.trail() == [(faulty, None)]
        assert again.states(faulty) == ["ok"]


@pytest.mark.parametrize("when", ["before the start", "after the start"])
@pytest.mark.parametrize("fault", PIPER_FAULTS)
async def test_piper(fault: str, when: str, workshop: Workshop) -> None:
    make, code = PIPER_FAULTS[fault]
    await check(workshop, "piper", code, when, make)


@pytest.mark.parametrize("when", ["before the start", "after the start"])
@pytest.mark.parametrize("fault", ESPEAK_FAULTS)
async def test_espeak(fault: str, when: str, workshop: Workshop) -> None:
    make, code = ESPEAK_FAULTS[fault]
    await check(workshop, "espeak_ng", code, when, make)


async def test_both_down_is_apologised_for_by_the_recording(workshop: Workshop) -> None:
    shutil.rmtree(workshop.folder)
    personality = Personality("Robin", voice=VoiceConfig("piper"))
    async with Kiosk([workshop.piper(), workshop.espeak()], personality, clock=Clock()) as kiosk:
        answer = await kiosk.ask()
        assert answer.provider == "recording"
        assert answer.trail()[:2] == [("piper", "model_missing"), ("espeak_ng", "provider_missing")]
        workshop.mend()
        assert (await kiosk.ask()).provider == "piper", "though it rests: nobody else could do better"
