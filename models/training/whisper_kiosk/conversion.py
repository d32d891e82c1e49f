"""From the checkpoint to the files faster-whisper loads: transformers' Whisper first, then CTranslate2's format."""

import json
import shutil
from pathlib import Path
from typing import Any

import tokenizers
import torch
from ctranslate2.converters.transformers import WhisperLoader
from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

from whisper_kiosk.dimensions import (
    CHUNK_S,
    D_MODEL,
    DECODER_LAYERS,
    ENCODER_LAYERS,
    FEED_FORWARD,
    FRAMES,
    HEADS,
    MELS,
    POSITIONS,
    SAMPLE_RATE_HZ,
    TEXT_POSITIONS,
    VOCABULARY,
)
from whisper_kiosk.network import Whisper
from whisper_kiosk.options import Options

TOLERANCE = 2e-2
"""Largest difference of a logit between the dead-position shortcut and transformers at 3000 frames."""
PREPROCESSOR = {
    "chunk_length": CHUNK_S,
    "feature_extractor_type": "WhisperFeatureExtractor",
    "feature_size": MELS,
    "hop_length": 160,
    "n_fft": 400,
    "n_samples": CHUNK_S * SAMPLE_RATE_HZ,
    "nb_max_frames": FRAMES,
    "sampling_rate": SAMPLE_RATE_HZ,
}


class Loader(WhisperLoader):
    """ctranslate2's own loader, told the vocabulary directly."""

    def __init__(self, tokenizer: tokenizers.Tokenizer) -> None:
        self.tokenizer = tokenizer

    def get_vocabulary(self, model: Any, tokenizer: Any) -> list[str]:
        """The tokens in order, timestamps included."""
        size = self.tokenizer.get_vocab_size()
        tokens = [self.tokenizer.id_to_token(i) for i in range(size)]
        return tokens + [f"<|{i * 0.02:.2f}|>" for i in range(VOCABULARY - size)]


def convert(options: Options) -> None:
    """Write the model folder `options.out`; raises RuntimeError where the converted network computes something else."""
    saved = torch.load(options.work / "checkpoint.pt")
    model = Whisper(len(saved["phones"]))
    model.load_state_dict(saved["model"])
    model.eval()
    tokenizer = tokenizers.Tokenizer.from_file(str(options.work / "tokenizer.json"))
    published = _to_transformers(model, tokenizer)
    _compare(model, published, tokenizer)
    folder = options.work / "hf"
    shutil.rmtree(folder, ignore_errors=True)
    published.save_pretrained(folder)
    _save(published, tokenizer, options.out, options.quantization)
    for path in sorted(options.out.iterdir()):
        print(f"{path.stat().st_size:>9} {path.name}")


def _to_transformers(model: Whisper, tokenizer: tokenizers.Tokenizer) -> WhisperForConditionalGeneration:
    end, start = tokenizer.token_to_id("<|endoftext|>"), tokenizer.token_to_id("<|startoftranscript|>")
    special = {"eos_token_id": end, "pad_token_id": end, "decoder_start_token_id": start}
    suppressed = {"suppress_tokens": [], "begin_suppress_tokens": [tokenizer.token_to_id("\u0120")]}
    config = WhisperConfig(
        d_model=D_MODEL,
        encoder_layers=ENCODER_LAYERS,
        decoder_layers=DECODER_LAYERS,
        encoder_attention_heads=HEADS,
        decoder_attention_heads=HEADS,
        encoder_ffn_dim=FEED_FORWARD,
        decoder_ffn_dim=FEED_FORWARD,
        num_mel_bins=MELS,
        max_source_positions=POSITIONS,
        max_target_positions=TEXT_POSITIONS,
        vocab_size=VOCABULARY,
        bos_token_id=end,
        **special,
        **suppressed,
    )
    published = WhisperForConditionalGeneration(config)
    difference = published.load_state_dict(model.exported(), strict=False)
    if difference.missing_keys or difference.unexpected_keys:
        raise RuntimeError(f"transformers' Whisper has other weights than ours: {difference}")
    published.eval()
    published.generation_config = GenerationConfig(**special, **suppressed)
    return published


@torch.no_grad()
def _compare(model: Whisper, published: WhisperForConditionalGeneration, tokenizer: tokenizers.Tokenizer) -> None:
    """Show that the dead-position shortcut is exact."""
    mel = torch.zeros(1, 3000, MELS)
    mel[:, :700] = torch.randn(1, 700, MELS) * 0.5
    start, no_timestamps = (tokenizer.token_to_id(name) for name in ("<|startoftranscript|>", "<|notimestamps|>"))
    prompt = torch.tensor([[start, no_timestamps, 300, 301]])
    ours = model.decode(prompt, *model.encode(mel[:, :FRAMES]))
    theirs = published(input_features=mel.transpose(1, 2), decoder_input_ids=prompt).logits
    difference = (ours - theirs).abs().max().item()
    print("largest logit difference, shortcut vs transformers at 3000 frames:", difference)
    if difference >= TOLERANCE:
        raise RuntimeError(f"the shortcut is not exact: a logit differs by {difference}")


def _save(
    published: WhisperForConditionalGeneration, tokenizer: tokenizers.Tokenizer, out: Path, quantization: str
) -> None:
    loader = Loader(tokenizer)
    spec = loader.get_model_spec(published)
    loader.set_config(spec.config, published, None)
    loader.set_vocabulary(spec, loader.get_vocabulary(published, None))
    spec.validate()
    spec.optimize(quantization=quantization)
    out.mkdir(parents=True, exist_ok=True)
    spec.save(str(out))
    tokenizer.save(str(out / "tokenizer.json"))
    (out / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR, indent=2))
