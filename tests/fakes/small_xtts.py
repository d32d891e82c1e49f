"""Makes a model of XTTS's own classes that is small and has random weights: it murmurs, as long as the text asks.

.venv-cloning/bin/python -m tests.fakes.small_xtts FOLDER [--stop-after TOKENS] [--full-vocoder] [--full-size]
"""

from __future__ import annotations

import argparse
import contextlib
import string
from pathlib import Path
from typing import Any

SMALL = {
    "gpt_layers": 2, "gpt_n_model_channels": 64, "gpt_n_heads": 2, "decoder_input_dim": 64,
    "gpt_num_audio_tokens": 258, "gpt_start_audio_token": 256, "gpt_stop_audio_token": 257,
}  # fmt: skip

FULL = {
    "gpt_layers": 30, "gpt_n_model_channels": 1024, "gpt_n_heads": 16, "decoder_input_dim": 1024,
    "gpt_num_audio_tokens": 1026, "gpt_start_audio_token": 1024, "gpt_stop_audio_token": 1025,
}  # fmt: skip
"""As in the published model's ``config.json``."""

SMALL_WIDTH, FULL_WIDTH = 32, 512
"""Channels of the vocoder's first layer."""

FULL_VOCABULARY = 6681

LEVEL = 0.1
"""Of the sound, root mean square."""


def vocabulary(path: Path, size: int, languages: list[str]) -> None:
    """A tokenizer that knows letters; ``size`` entries, some of which never occur."""
    from tokenizers import AddedToken, Tokenizer, models

    special = ["[STOP]", "[UNK]", "[SPACE]", *(f"[{language}]" for language in languages), "[START]"]
    letters = [*string.ascii_lowercase, *string.digits, *".,!?'-;:áéíóúñüäöß"]
    words = [*special, *letters]
    words += [f"\u2060{number}" for number in range(size - len(words))]
    tokenizer = Tokenizer(models.BPE({word: number for number, word in enumerate(words)}, [], unk_token="[UNK]"))
    tokenizer.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in special])
    tokenizer.save(str(path))


def make(folder: Path, *, width: int = SMALL_WIDTH, full: bool = False, stop_after: int = 0, most: int = 605) -> None:
    """Write ``config.json``, ``model.pth`` and ``vocab.json``.

    ``width``: of the vocoder; ``stop_after``: tokens after which the model stops by itself, 0 for never;
    ``most``: tokens of sound that it has places for.
    """
    import torch
    from TTS.tts.configs.xtts_config import XttsArgs, XttsConfig
    from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer
    from TTS.tts.models import xtts

    folder.mkdir(parents=True, exist_ok=True)
    # The published configuration's lengths for a sample.
    config = XttsConfig(gpt_cond_len=30, gpt_cond_chunk_len=4, max_ref_len=30)
    vocabulary(folder / "vocab.json", FULL_VOCABULARY if full else 128, config.languages)
    torch.manual_seed(7)
    config.model_args = XttsArgs(
        **(FULL if full else SMALL), gpt_use_perceiver_resampler=True, gpt_max_audio_tokens=most
    )
    model: Any = xtts.Xtts(config)
    model.tokenizer = VoiceBpeTokenizer(vocab_file=str(folder / "vocab.json"))
    with narrow(width):
        model.init_models()
    with torch.no_grad():
        enliven(model.gpt, stop_after)
        tune(model)
    config.save_json(str(folder / "config.json"))
    torch.save({"model": model.state_dict()}, folder / "model.pth")


@contextlib.contextmanager
def narrow(width: int) -> Any:
    """Vocoders are built so many channels wide."""
    from functools import partial

    from TTS.tts.models import xtts

    full = xtts.HifiDecoder
    xtts.HifiDecoder = partial(full, upsample_initial_channel_decoder=width)
    try:
        yield
    finally:
        xtts.HifiDecoder = full


def enliven(gpt: Any, stop_after: int) -> None:
    """Tokens depend on what was said and on the voice, and the model stops when it is told to."""
    import torch

    for weight in gpt.gpt.parameters():
        if weight.ndim == 2:
            weight.mul_(8)
    torch.nn.init.normal_(gpt.mel_embedding.weight)
    torch.nn.init.normal_(gpt.mel_head.weight, std=0.3)
    gpt.mel_head.bias[gpt.stop_audio_token] = -1e4
    if stop_after:
        # From that position on, one direction drowns all others, and it means the end.
        direction = torch.randn(gpt.model_dim)
        direction -= direction.mean()
        gpt.mel_pos_embedding.emb.weight[stop_after:] = 1e3 * direction
        gpt.mel_head.weight[gpt.stop_audio_token] = 100 * direction
        gpt.mel_head.bias[gpt.stop_audio_token] = -60 * direction.square().sum()


def tune(model: Any) -> None:
    """Its sound swings around zero, is as loud as speech and depends on the latents as much as random layers let it."""
    import torch

    vocoder = model.hifigan_decoder.waveform_decoder
    for name, value in vocoder.named_parameters():
        if name.endswith("bias"):
            value.zero_()
    last = vocoder.conv_post
    last.weight -= last.weight.mean(dim=-1, keepdim=True)
    loud: list[Any] = []
    # Before tanh bends it, and away from the ends, where zeros stand around the latents.
    handle = last.register_forward_hook(lambda module, given, sound: loud.append(sound[..., 8192:-8192].std()))
    model.hifigan_decoder.eval()
    speaker = model.get_speaker_embedding(0.1 * torch.randn(1, 22_050), 22_050)
    model.hifigan_decoder(torch.randn(1, 60, vocoder.conv_pre.in_channels), g=speaker)
    handle.remove()
    last.weight *= LEVEL / loud[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--stop-after", type=int, default=0)
    parser.add_argument("--full-vocoder", action="store_true")
    parser.add_argument("--full-size", action="store_true")
    given = parser.parse_args()
    width = FULL_WIDTH if given.full_vocoder or given.full_size else SMALL_WIDTH
    make(given.folder, width=width, full=given.full_size, stop_after=given.stop_after)


if __name__ == "__main__":
    main()
