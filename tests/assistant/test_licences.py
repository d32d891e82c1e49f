"""Which models may be used: licences against ``deployment.use``."""

from __future__ import annotations

import logging
import re
import shutil
from pathlib import Path

import pytest

from assistant import settings
from assistant.licences import LicensedModels, Verdict, judge_licence
from assistant.models.catalogue import load_catalogue
from assistant.models.store import ModelStore
from assistant.sections import DeploymentSection
from pipeline.errors import LicenceRefused, ModelMissing, SettingsError
from providers import registry
from providers.registry import Resources
from tests.conftest import ROOT

pytestmark = pytest.mark.unit

SHOP = DeploymentSection(use="commercial")


def licensed(deployment: DeploymentSection, folder: Path = ROOT / "models") -> LicensedModels:
    return LicensedModels(ModelStore(folder, bundled=ROOT / "models"), deployment)


def own_voice(folder: Path, name: str) -> Path:
    """A voice's folder with files of the sizes that the catalogue wants, so that it counts as present."""
    home = folder / name
    home.mkdir(parents=True)
    model = load_catalogue().get(name)
    for file in model.files:
        with (home / file.path).open("wb") as stream:
            stream.truncate(file.size or 1)
    return home


@pytest.mark.parametrize(
    ("name", "evaluation", "commercial"),
    [
        ("hey_jarvis", "allowed", "refused"),
        ("openwakeword-features", "allowed", "refused"),
        ("en_US-ryan-medium", "allowed", "refused"),
        ("en_US-amy-medium", "allowed", "unclear"),
        ("en_US-joe-medium", "allowed", "allowed"),
        ("en_US-kiosk-low", "allowed", "allowed"),
        ("whisper-kiosk-en", "allowed", "allowed"),
        ("silero", "allowed", "allowed"),
        ("xtts-v2", "refused", "refused"),
        ("pocket-tts-es", "allowed", "allowed"),
        ("the-owners-own", "allowed", "allowed"),
    ],
)
def test_verdicts(name: str, evaluation: str, commercial: str) -> None:
    for use in ("evaluation", "personal"):
        assert licensed(DeploymentSection(use=use)).judgement(name).verdict == evaluation  # type: ignore[arg-type]
    assert licensed(SHOP).judgement(name).verdict == commercial


def test_a_refused_model_cannot_be_had_and_the_error_says_what_can() -> None:
    models = licensed(SHOP)
    for asked in (models.path, models.fingerprint):
        with pytest.raises(LicenceRefused) as refusal:
            asked("en_US-ryan-medium")
        text = str(refusal.value)
        for part in ("en_US-ryan-medium", "CC-BY-NC-SA-4.0", "commercial use", "pull en_US-joe-medium", "CC0-1.0",
                     "deployment.licences_held"):  # fmt: skip
            assert part in text
        assert "\n" not in text
    with pytest.raises(LicenceRefused, match=r"wake_word.use to microwakeword .*pip install .*\[microwakeword\]"):
        models.path("hey_jarvis")
    assert models.asked == {"en_US-ryan-medium", "hey_jarvis"}


def test_the_alternative_is_of_the_same_kind_and_language() -> None:
    catalogue = load_catalogue()
    free = [model.name for model in catalogue.free_for_shops(catalogue.get("en_US-ryan-medium"))]
    assert free[0] == "en_US-joe-medium"
    assert free[-1] == "en_US-kiosk-low", "the bundled voice is for when there is no better one"
    assert "en_US-amy-medium" not in free, "nobody says that a shop may use it"
    assert not [name for name in free if not name.startswith("en_")]
    assert catalogue.free_for_shops(catalogue.get("hey_jarvis")) == ()
    assert "whisper-tiny" in [model.name for model in catalogue.free_for_shops(catalogue.get("whisper-tiny.en"))]


def test_a_licence_that_is_held_lets_its_model_through_and_no_other() -> None:
    models = licensed(DeploymentSection(use="commercial", licences_held=["hey_jarvis"]))
    assert models.path("hey_jarvis").is_dir()
    assert models.judgement("hey_jarvis").verdict is Verdict.HELD
    with pytest.raises(LicenceRefused):
        models.path("alexa")


def test_automatic_choices_see_only_what_may_be_used(tmp_path: Path) -> None:
    own_voice(tmp_path, "en_US-ryan-medium")
    own_voice(tmp_path, "en_US-joe-medium")
    assert licensed(DeploymentSection(), tmp_path).present("piper")[0] == "en_US-ryan-medium"
    assert licensed(SHOP, tmp_path).present("piper") == ["en_US-joe-medium", "en_US-kiosk-low"]
    shutil.rmtree(tmp_path / "en_US-joe-medium")
    assert licensed(SHOP, tmp_path).present("piper") == ["en_US-kiosk-low"]
    piper = registry.create(
        "tts", "piper", registry.settings_type("tts", "piper")(), Resources(licensed(SHOP, tmp_path))
    )
    assert piper.voice_for("en") == "en_US-kiosk-low"
    assert licensed(SHOP).present("wake_word") == []
    held = DeploymentSection(use="commercial", licences_held=["en_US-ryan-medium"])
    assert licensed(held, tmp_path).present("piper")[0] == "en_US-ryan-medium"


def test_what_is_clearly_allowed_comes_before_what_is_unclear(tmp_path: Path) -> None:
    own_voice(tmp_path, "en_US-amy-medium")
    own_voice(tmp_path, "en_GB-alba-medium")
    assert licensed(DeploymentSection(), tmp_path).present("piper")[0] == "en_US-amy-medium"
    in_shop = licensed(SHOP, tmp_path).present("piper")
    assert in_shop[0] == "en_GB-alba-medium"
    assert in_shop[-1] == "en_US-amy-medium"


def test_the_owners_own_models_are_the_owners_business(tmp_path: Path) -> None:
    home = tmp_path / "en_US-anna"
    home.mkdir()
    for name in ("en_US-anna.onnx", "en_US-anna.onnx.json"):
        (home / name).write_bytes(b"x")
    models = licensed(SHOP, tmp_path)
    assert models.path("en_US-anna") == home
    assert "en_US-anna" in models.present("piper")


def test_what_is_unclear_may_be_used_and_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    home = own_voice(tmp_path, "en_US-amy-medium")
    models = licensed(SHOP, tmp_path)
    with caplog.at_level(logging.WARNING):
        assert models.path("en_US-amy-medium") == home
        models.path("en_US-amy-medium")
    assert [record.message for record in caplog.records] == [models.judgement("en_US-amy-medium").reason]
    assert "unclear" in caplog.text


@pytest.mark.parametrize("use", ["evaluation", "personal", "commercial"])
def test_coqui_s_terms_are_never_accepted_silently(use: str) -> None:
    def xtts(**more: object) -> Verdict:
        return licensed(DeploymentSection.model_validate({"use": use, **more})).judgement("xtts-v2").verdict

    free = use != "commercial"
    assert xtts() is Verdict.REFUSED
    assert xtts(licences_held=["xtts-v2"]) is Verdict.REFUSED
    assert xtts(coqui_terms_accepted=True) is (Verdict.ALLOWED if free else Verdict.REFUSED)
    assert xtts(coqui_terms_accepted=True, licences_held=["xtts-v2"]) is (Verdict.ALLOWED if free else Verdict.HELD)


def test_what_is_missing_for_xtts_is_said() -> None:
    with pytest.raises(LicenceRefused, match=r"coqui.*LICENSE.*deployment.coqui_terms_accepted: true"):
        licensed(DeploymentSection()).path("xtts-v2")
    with pytest.raises(LicenceRefused, match=r"commercial use.*install.sh pocket.*pull pocket-tts-en.*licences_held"):
        licensed(DeploymentSection(use="commercial", coqui_terms_accepted=True)).path("xtts-v2")
    accepted = licensed(DeploymentSection(coqui_terms_accepted=True))
    with pytest.raises(ModelMissing):
        accepted.path("xtts-v2")


def test_programs_have_licences_too() -> None:
    catalogue = load_catalogue()
    for name in ("GPL-3.0-or-later", "Apache-2.0", "MIT"):
        assert judge_licence(catalogue.licence(name), SHOP) is Verdict.ALLOWED
    assert judge_licence(catalogue.licence("Nobody's"), SHOP) is Verdict.UNCLEAR
    assert judge_licence(None, DeploymentSection()) is Verdict.ALLOWED
    assert judge_licence(catalogue.licence("CC-BY-NC-SA-4.0"), SHOP) is not Verdict.ALLOWED


def test_the_licence_of_every_program_is_a_known_one() -> None:
    named = {
        licence
        for file in (ROOT / "providers").rglob("*.py")
        for licence in re.findall(r'\blicence="([^"]+)"', file.read_text("utf-8"))
    }
    assert {"MIT", "BSD-3-Clause", "GPL-3.0-or-later"} <= named
    assert {licence for licence in named if load_catalogue().licence(licence) is None} == set()


@pytest.mark.parametrize("model", load_catalogue().models, ids=lambda model: model.name)
def test_each_licence_says_its_terms(model) -> None:  # type: ignore[no-untyped-def]
    licence = model.licence
    assert licence.terms
    assert licence.url.startswith("https://")
    if licence.commercial == "no":
        shop = load_catalogue().free_for_shops(model)
        assert shop or licence.instead, "a refusal must name something else"
    if licence.commercial == "unknown":
        assert licence.note, "why it is unclear"


def test_a_mistyped_name_among_the_held_licences_is_refused_with_the_one_meant() -> None:
    with pytest.raises(SettingsError, match=r"licences_held.*en_US-ryan-meduim.*Did you mean en_US-ryan-medium\?"):
        settings.parse({"deployment": {"licences_held": ["en_US-ryan-meduim"]}}, "here")
    loaded = settings.parse({"deployment": {"licences_held": ["en_US-ryan-medium"]}}, "here")
    assert loaded.deployment.licences_held == ["en_US-ryan-medium"]
