"""XTTS's own classes, small and with random weights."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def told(cloning_python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``xtts_checks`` found out."""
    program = [str(cloning_python), "-m", "tests.providers.tts.voice_worker.xtts_checks"]
    scratch = tmp_path_factory.mktemp("xtts")
    ran = subprocess.run(
        [*program, str(scratch)], check=False, capture_output=True, text=True, cwd=ROOT, timeout=110,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    for word in ("aisle", "vinegar", "close"):
        assert word not in ran.stderr, "what is said is not logged"
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def test_what_it_is(told: dict[str, Any]) -> None:
    assert told["rate_hz"] == 24_000
    assert told["device"] == "cpu"
    assert "coqui-tts 0.28" in told["version"]
    western = {"en", "es", "fr", "de", "it", "pt", "pl", "tr", "ru", "nl", "cs", "ar", "hu", "ko", "hi"}
    assert western <= set(told["languages"]) <= western | {"zh", "ja"}


def test_its_sound_is_like_speech_so_that_differences_show(told: dict[str, Any]) -> None:
    assert told["finite"]
    assert 0.03 < told["level"] < told["peak"] / 2 < 0.45


def test_a_stream_has_the_samples_of_decoding_at_once(told: dict[str, Any]) -> None:
    assert len(told["differences"]) >= 14
    for way, difference in told["differences"].items():
        assert difference < 1e-5, way


def test_it_is_the_sound_that_upstream_makes(told: dict[str, Any]) -> None:
    assert told["beside_upstream"] < 1e-5


def test_each_chunk_costs_the_same(told: dict[str, Any]) -> None:
    first, *middle, _last = told["costs"]
    assert len(middle) >= 13
    assert max(middle) - min(middle) <= 1, "frames, of which no chunk has always the same number"
    assert first < min(middle) <= 20 * 4.4 + 26


def test_the_first_chunk_is_early(told: dict[str, Any]) -> None:
    assert 0.18 * 24_000 < told["first_chunk"] < 0.25 * 24_000


def test_settings_arrive_at_the_model(told: dict[str, Any]) -> None:
    usual, wanted, wild = told["settings"]

    def given(found: dict[str, Any]) -> tuple[float, ...]:
        names = ("temperature", "length_penalty", "repetition_penalty", "top_k", "top_p")
        return tuple(found[name] for name in names)

    assert given(usual) == (0.75, 1.0, 5.0, 50, 0.85)
    assert given(wanted) == (0.4, 1.5, 7.0, 20, 0.6)
    assert given(wild) == (0.05, 10.0, 1.0, 1, 1.0), "what the model would refuse is the nearest that it takes"
    assert told["unused"] == ["emotion"]


def test_speed_is_the_pace(told: dict[str, Any]) -> None:
    assert told["fast_s"] == pytest.approx(told["short_s"] / 2, abs=0.05)


def test_a_language_reaches_the_model_by_its_own_name(told: dict[str, Any]) -> None:
    if "zh" in told["languages"]:
        assert told["languages_asked"][:2] == ["[zh-cn]", "[zh-cn]"]
    assert told["languages_asked"][2:] == ["[es]", "[pt]"]
    assert "does not speak 'xx'" in told["refused"]


def test_a_model_that_never_stops_is_stopped(told: dict[str, Any]) -> None:
    assert told["short_s"] == pytest.approx(told["bound_s"], abs=0.01)


def test_a_model_that_stops_is_heard_to_its_end(told: dict[str, Any]) -> None:
    assert told["stopped_after"] == 31, "the token that says the end has sound, too"
    token_s = 1024 / 22_050
    assert 2 * 30 * token_s < told["stopped_s"] < 6 * 32 * token_s


def test_long_texts_are_said_in_pieces(told: dict[str, Any]) -> None:
    assert len(told["pieces"]) == 8, "sentences"
    assert len(told["endless_pieces"]) >= 4, "one without an end is cut"
    assert max(told["pieces"] + told["endless_pieces"]) < 402
    assert told["long_s"] > 10 * told["short_s"]


def test_no_text_is_beyond_it(told: dict[str, Any]) -> None:
    for language, duration_s in told["odd_s"].items():
        assert duration_s > 1.0, language
    assert told["nothing"] == 0


def test_who_leaves_stops_it_within_a_step(told: dict[str, Any]) -> None:
    for steps, afterwards in told["cancelled"]:
        assert afterwards == 0, steps
    assert [steps for steps, _ in told["cancelled"]] == [1, 7, 60]


def test_a_voice_is_what_its_sample_makes_it(told: dict[str, Any]) -> None:
    assert told["beside_upstreams_latents"] < 1e-6
    assert told["same_again"] < 1e-5
    assert min(told["other_latents"]) > 1e-3
    assert told["other_voice"] > 0.01


def test_a_voice_comes_back_from_disk_as_it_was(told: dict[str, Any]) -> None:
    assert told["kinds"] == {"gpt_cond_latent": "float32", "speaker_embedding": "float32"}
    assert told["from_disk"] < 1e-5


def test_the_models_file_is_left_as_it_is(told: dict[str, Any]) -> None:
    assert told["published_form"]


def test_a_file_that_would_run_code_is_refused(told: dict[str, Any]) -> None:
    assert told["evil_file"].startswith("UnpicklingError")
