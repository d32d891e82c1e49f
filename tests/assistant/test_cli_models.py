"""``assistant models …``: what it prints and which exit code it gives."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assistant import cli_models, settings
from assistant.models.pull import Puller
from tests.assistant.models.conftest import BIG, SMALL, Shop, make_shop, shop

pytestmark = pytest.mark.unit

__all__ = ["make_shop", "shop"]

Run = Callable[..., int]


@pytest.fixture
def document() -> dict[str, Any]:
    """What stands in the settings; tests fill it."""
    return {}


@pytest.fixture
def run(shop: Shop, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(cli_models, "open_store", lambda _: (shop.store, settings.parse(document, "here")))
    monkeypatch.setattr(cli_models, "HELPFUL", ())
    monkeypatch.setenv("HF_ENDPOINT", shop.hub.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def run_command(*words: str) -> int:
        parser = argparse.ArgumentParser(prog="assistant")
        parser.add_argument("--config", type=Path)
        cli_models.add_models_command(parser.add_subparsers(required=True))
        options = parser.parse_args(["models", *words])
        code: int = options.command(options)
        return code

    return run_command


def test_list(run: Run, shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    run("pull", "voice")
    (shop.folder / "anna").mkdir()
    for file in ("anna.onnx", "anna.onnx.json"):
        (shop.folder / "anna" / file).write_bytes(b"x")
    capsys.readouterr()
    assert run("list") == 0
    lines = capsys.readouterr().out.splitlines()
    head = ["MODEL", "KIND", "LANGUAGES", "SIZE", "STATE", "LICENCE", "IN", "A", "SHOP", "HERE", "WHAT"]
    assert lines[0].split() == head
    assert lines[1].split()[:9] == ["voice", "piper", "en", "300", "kB", "present", "MIT", "yes", "allowed"]
    assert any(line.startswith("unpinned") and "missing" in line and " no " in line for line in lines)
    assert lines[-1].startswith("anna")
    assert "your own" in lines[-1]


def test_list_as_json(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list", "--json") == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["voice"]["state"] == "missing"
    assert rows["voice"]["size_bytes"] == len(BIG) + len(SMALL)
    assert rows["unpinned"]["size_bytes"] is None
    assert rows["unpinned"]["commercial"] == "no"
    assert rows["unpinned"]["verdict"] == "allowed"


def test_in_a_shop_the_list_says_what_may_be_used(
    run: Run, document: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    document["deployment"] = {"use": "commercial"}
    assert run("list", "--json") == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["voice"]["verdict"] == "allowed"
    assert rows["unpinned"]["verdict"] == "refused"
    assert "use voice (MIT" in rows["unpinned"]["remedy"].lower().replace("mit", "MIT")


def test_pull_says_who_may_use_it(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pull", "voice", "unpinned") == 0
    assert capsys.readouterr().out.splitlines() == [
        "voice: fetched and verified.",
        "unpinned: fetched and verified.",
        "unpinned: licence CC-BY-NC-4.0, not for commercial use (ask first); allowed in evaluation use.",
    ]
    assert run("pull", "voice") == 0
    assert capsys.readouterr().out == "voice: is here, verified.\n"


def test_in_a_shop_pull_says_that_the_model_will_not_be_used(
    run: Run, shop: Shop, document: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    document["deployment"] = {"use": "commercial"}
    assert run("pull", "unpinned") == 0
    assert shop.store.state("unpinned") == "present"
    said = capsys.readouterr().out
    assert "unpinned: refused in commercial use. The licence of unpinned, CC-BY-NC-4.0, does not allow" in said
    assert "assistant models pull voice" in said


def test_what_needs_acceptance_is_not_even_fetched(
    run: Run, shop: Shop, document: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("pull", "cloner") == 1
    assert "deployment.coqui_terms_accepted: true" in capsys.readouterr().err
    assert not shop.hub.requests
    document["deployment"] = {"coqui_terms_accepted": True}
    assert run("pull", "cloner") == 0


def test_the_default_set_of_a_shop_is_what_it_may_use(
    run: Run,
    shop: Shop,
    document: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cli_models, "NEEDED", ("cloner",))
    monkeypatch.setattr(cli_models, "WANTED", {"unpinned": "given"})
    document["deployment"] = {"use": "commercial"}
    assert run("pull", "--default") == 1, "nothing would listen"
    assert "cloner" in capsys.readouterr().err
    assert shop.store.state("unpinned") == "missing"
    assert shop.store.state("voice") == "present", "the free one in its place"
    document["wake_word"] = {"use": "microwakeword"}
    assert run("pull", "--default") == 0
    assert not capsys.readouterr().err


def test_one_failure_does_not_stop_the_others(run: Run, shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pull", "given", "voice") == 1
    captured = capsys.readouterr()
    assert captured.err.splitlines()[0].startswith("assistant: The model given is not on this machine. It comes with")
    assert "voice: fetched and verified." in captured.out
    assert shop.store.state("voice") == "present"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pull"], "Name the models to pull"),
        (["pull", "voice", "--default"], "Name the models to pull"),
        (["pull", "voise"], "There is no model 'voise'. Did you mean voice?"),
        (["pull", "../../etc"], "There is no model '../../etc'. List them: assistant models list"),
        (["verify", "voise"], "There is no model 'voise'. Did you mean voice?"),
    ],
)
def test_wrong_usage(run: Run, shop: Shop, words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"assistant: {said}")
    assert error.count("\n") == 1
    assert not shop.hub.requests


def test_default_set_without_a_hub(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli_models, "NEEDED", ("packaged",))
    monkeypatch.setattr(cli_models, "WANTED", {"voice": "given"})
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    slept: list[float] = []
    monkeypatch.setitem(Puller.__init__.__kwdefaults__, "sleep", slept.append)
    assert run("pull", "--default") == 0
    captured = capsys.readouterr()
    assert "The bundled given serves in its place. Copy the folder models/voice/" in captured.out
    assert "cannot be reached (connection refused)" in captured.out
    assert not captured.err
    assert slept == [1.0]


def test_default_set_without_what_is_needed(run: Run, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_models, "NEEDED", ("given",))
    monkeypatch.setattr(cli_models, "WANTED", {"voice": "given"})
    assert run("pull", "--default") == 1
    assert shop.store.state("voice") == "present"


def test_what_only_helps_is_no_failure_where_it_cannot_be_had(
    run: Run,
    shop: Shop,
    document: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cli_models, "NEEDED", ())
    monkeypatch.setattr(cli_models, "WANTED", {})
    monkeypatch.setattr(cli_models, "HELPFUL", ("voice", "given"))
    assert run("pull", "--default") == 0
    assert "given" in capsys.readouterr().err
    assert shop.store.state("voice") == "present"
    document["end_of_turn"] = {"use": "silence"}
    assert run("pull", "--default") == 0
    captured = capsys.readouterr()
    assert not captured.out + captured.err, "nothing that nobody uses"


def test_what_a_shop_gets_for_the_default_voice() -> None:
    from assistant.models.catalogue import load_catalogue

    catalogue = load_catalogue()
    refused = [name for name in cli_models.WANTED if catalogue.get(name).licence.commercial != "yes"]
    assert {name: catalogue.free_for_shops(catalogue.get(name))[0].name for name in refused} == {
        "en_US-ryan-medium": "en_US-joe-medium"
    }


def test_default_names_are_in_the_catalogue() -> None:
    from assistant.models.catalogue import load_catalogue

    catalogue = load_catalogue()
    for name in (*cli_models.NEEDED, *cli_models.HELPFUL, *cli_models.WANTED):
        assert not catalogue.get(name).bundled
    assert all(catalogue.get(name).bundled for name in cli_models.WANTED.values())


def test_verify(run: Run, shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    run("pull", "voice")
    capsys.readouterr()
    assert run("verify") == 0
    assert "voice: as published." in capsys.readouterr().out.splitlines()
    file = shop.folder / "voice" / "voice.onnx"
    file.write_bytes(BIG[:-1] + bytes([BIG[-1] ^ 1]))
    assert run("verify") == 1
    error = capsys.readouterr().err
    assert "voice is damaged: voice.onnx not as published. Run: assistant models pull voice" in error
    assert run("verify", "--json") == 1
    results = {result["name"]: result["state"] for result in json.loads(capsys.readouterr().out)}
    assert results["voice"] == "damaged"
    assert run("pull", "voice") == 0
    assert run("verify", "voice") == 0


def test_verify_a_missing_model(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify", "voice") == 1
    assert "not on this machine" in capsys.readouterr().err
