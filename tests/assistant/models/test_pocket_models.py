"""The catalogue's Pocket TTS is the one that its own package knows."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from assistant.models.catalogue import HubSource, load_catalogue
from providers.tts.voice_worker.pocket import CONFIGS

pytestmark = pytest.mark.model

TELL = """
import json, sys, yaml
from pocket_tts.utils.config import CONFIGS_DIR
def places(name):
    told = yaml.safe_load((CONFIGS_DIR / f"{name}.yaml").read_text())
    return [told["weights_path"], told["flow_lm"]["lookup_table"]["tokenizer_path"]]
print(json.dumps({name: places(name) for name in sys.argv[1:]}))
"""


def place(source: HubSource, file: str) -> str:
    return f"hf://{source.hub}/{source.folder}/{file}@{source.revision}"


def test_every_language_is_fetched_from_where_the_package_would(cloning_python: Path) -> None:
    program = [str(cloning_python), "-c", TELL, *CONFIGS.values()]
    places = json.loads(subprocess.run(program, check=True, capture_output=True, text=True).stdout)
    catalogued = {}
    for language, config in CONFIGS.items():
        model = load_catalogue().get(f"pocket-tts-{language}")
        assert model.languages == (language,)
        weights, tokenizer = model.files
        source = model.sources[0]
        assert isinstance(source, HubSource)
        assert tokenizer.elsewhere is not None
        catalogued[config] = [place(source, weights.path), place(tokenizer.elsewhere, tokenizer.path)]
    assert catalogued == places
