"""Makes a model of Pocket TTS's own classes that is small and has random weights: it hums, as long as the text asks.

.venv-cloning/bin/python -m tests.fakes.small_pocket FOLDER
"""

from __future__ import annotations

import json
import string
import sys
from pathlib import Path
from typing import Any

import yaml

SEANET = {
    "dimension": 16, "channels": 1, "n_filters": 4, "n_residual_layers": 1, "ratios": [6, 5, 4], "kernel_size": 7,
    "residual_kernel_size": 3, "last_kernel_size": 3, "dilation_base": 2, "pad_mode": "constant", "compress": 2,
}  # fmt: skip

CONFIG: dict[str, Any] = {
    "weights_path": None,
    # It never says that it has finished, so that the length is what the text's tokens allow.
    "default_eos_threshold": 1e9,
    "flow_lm": {
        "insert_bos_before_voice": True,
        "dtype": "float32",
        "flow": {"depth": 1, "dim": 16},
        "transformer": {"d_model": 32, "hidden_scale": 2, "max_period": 10000, "num_heads": 2, "num_layers": 1},
        "lookup_table": {"dim": 32, "n_bins": 0, "tokenizer": "tokenizers", "tokenizer_path": ""},
    },
    "mimi": {
        "dtype": "float32", "sample_rate": 24000, "inner_dim": 8, "outer_dim": 16, "channels": 1, "frame_rate": 12.5,
        "seanet": SEANET,
        "transformer": {
            "d_model": 16, "num_heads": 2, "num_layers": 1, "layer_scale": 0.01, "context": 250, "dim_feedforward": 32,
            "input_dimension": 16, "output_dimensions": [16],
        },
        "quantizer": {"dimension": 8, "output_dimension": 16},
    },
}  # fmt: skip


def make(folder: Path) -> None:
    """Write ``config.yaml``, ``tokenizer.json`` and ``model.safetensors``."""
    import safetensors.torch
    import torch
    from pocket_tts import TTSModel
    from pocket_tts.models.mimi import build_mimi
    from pocket_tts.utils.config import Config

    folder.mkdir(parents=True, exist_ok=True)
    words = ["<unk>", *string.ascii_letters, *string.digits, *".,!?"]
    tokenizer = {
        "version": "1.0",
        "pre_tokenizer": {"type": "Whitespace"},
        "model": {"type": "WordLevel", "vocab": {word: number for number, word in enumerate(words)},
                  "unk_token": "<unk>"},
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    CONFIG["flow_lm"]["lookup_table"] |= {"n_bins": len(words), "tokenizer_path": str(folder / "tokenizer.json")}
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    torch.manual_seed(7)
    config = Config(**CONFIG)
    model: Any = TTSModel._from_pydantic_config(config, 0.3, 1, None, 1e9, None)
    model.mimi = build_mimi(config.mimi)
    model.flow_lm.speaker_proj_weight = torch.nn.Parameter(torch.randn(32, 8))
    _let_voices_differ(model)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    safetensors.torch.save_file(weights, folder / "model.safetensors")


def _let_voices_differ(model: Any) -> None:
    """With fresh weights the biases of the codec drown what is encoded and decoded: all samples would sound alike."""
    import torch

    with torch.no_grad():
        model.flow_lm.emb_std.fill_(100.0)
        for name, weights in model.mimi.named_parameters():
            if name.endswith("bias"):
                weights.zero_()


if __name__ == "__main__":
    make(Path(sys.argv[1]))
