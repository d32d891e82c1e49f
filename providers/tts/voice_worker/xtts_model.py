"""XTTS v2's model from its files: nothing is fetched, asked, unpickled or written."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils import parametrize
from TTS.tts.configs.xtts_config import XttsConfig
from TTS.tts.layers.xtts.hifigan_decoder import HifiDecoder
from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer
from TTS.tts.models import xtts as upstream

DUPLICATES = "gpt.gpt_inference."
"""Old files hold the GPT twice."""


def load(folder: Path) -> Any:
    """The model of ``config.json``, ``model.pth`` and ``vocab.json``, on the processor, ready to speak.

    Raises what reading and building raise. Upstream's ``load_checkpoint`` is not used: where the file is the published
    one, which holds a configuration object, it writes the file anew, and its hash would no longer be the published one.
    """
    # They would log what is said and what is loaded.
    for name in ("TTS", "transformers", "trainer"):
        logging.getLogger(name).setLevel(logging.ERROR)
    config = XttsConfig()
    config.load_json(str(folder / "config.json"))
    # Otherwise the GPT would be built (and filled with random numbers) twice.
    config.model_args.gpt_number_text_tokens = None
    model: Any = upstream.Xtts(config)
    model.tokenizer = VoiceBpeTokenizer(vocab_file=str(folder / "vocab.json"))
    weights = _weights(folder / "model.pth")
    model.init_models()
    _fit_vocoder(model, int(weights["hifigan_decoder.waveform_decoder.conv_pre.weight"].shape[0]))
    model.load_state_dict(weights)
    _fold(model.hifigan_decoder.waveform_decoder)
    model.eval()
    model.requires_grad_(False)
    return model


def _weights(path: Path) -> dict[str, Any]:
    """Tensors by name. Only tensors and the four configuration classes of the published file can be read."""
    with upstream._legacy_safe_globals():
        checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    training = ("torch_mel_spectrogram_style_encoder", "torch_mel_spectrogram_dvae", "dvae")
    named = {name.removeprefix("xtts."): value for name, value in checkpoint["model"].items()}
    return {
        name: value
        for name, value in named.items()
        if name.split(".")[0] not in training and not name.startswith(DUPLICATES)
    }


def _fit_vocoder(model: Any, width: int) -> None:
    """The vocoder's width is not in the configuration; the published one has the 512 channels of the default."""
    arguments = model.args
    if width == model.hifigan_decoder.waveform_decoder.conv_pre.out_channels:
        return
    model.hifigan_decoder = HifiDecoder(
        input_sample_rate=arguments.input_sample_rate,
        output_sample_rate=arguments.output_sample_rate,
        output_hop_length=arguments.output_hop_length,
        ar_mel_length_compression=arguments.gpt_code_stride_len,
        decoder_input_dim=arguments.decoder_input_dim,
        d_vector_dim=arguments.d_vector_dim,
        cond_d_vector_in_each_upsampling_layer=arguments.cond_d_vector_in_each_upsampling_layer,
        upsample_initial_channel_decoder=width,
    )


def _fold(vocoder: Any) -> None:
    """Compute its normalised weights once instead of at every chunk; upstream's own function for that fails with XTTS,
    whose first and last layer have none."""
    for module in vocoder.modules():
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight")
