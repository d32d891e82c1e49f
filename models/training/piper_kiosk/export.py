"""From the trained network to the two files piper-tts loads."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor

from piper_kiosk.corpus import load_data
from piper_kiosk.dimensions import ENVELOPE, HOP, NAME, SAMPLE_RATE_HZ, SYMBOLS
from piper_kiosk.features import Utterance
from piper_kiosk.network import Net, Shape, locate
from piper_kiosk.options import Options
from piper_kiosk.voice import Voice

EXAMPLE = [120, 59, 31, 26, 39, 18, 33, 3, 21, 37, 38, 22, 24, 25, 31, 26, 14, 39, 18, 10]
"""Phoneme ids with which the graph is traced."""
LARGE = 256
"""Constants with more numbers than this are stored as float16."""


def sharpening(net: Net, valid: list[Utterance], strength: float) -> Tensor:
    """A matrix (64, 64) that undoes a part of what averaging does: it makes predicted spectra too even.

    Each cepstral coefficient gets back the spread it has in the teacher's speech (strength 1), or none of it (0).
    """
    from scipy.fft import dct

    true, predicted = [], []
    for utterance in valid:
        said = _predict(net, utterance)
        wanted_cepstrum, said_cepstrum = (
            dct(x[:, :ENVELOPE].astype(np.float32), norm="ortho", axis=1) for x in (utterance.envelope, said)
        )
        loud = wanted_cepstrum[:, 0] > wanted_cepstrum[:, 0].max() - 60
        true.append(wanted_cepstrum[loud].std(0))
        predicted.append(said_cepstrum[loud].std(0))
    gain = np.clip(np.mean(true, 0) / np.mean(predicted, 0), 1.0, 1.4)
    gain[0] = 1.0
    shown = np.round(gain[[1, 2, 4, 8, 12, 16, 24, 32, 48]], 2)
    print("spread of teacher / network per cepstral coefficient:", shown)
    basis = dct(np.eye(ENVELOPE), norm="ortho", axis=1)
    return torch.tensor(basis @ np.diag(1 + strength * (gain - 1)) @ basis.T, dtype=torch.float32)


@torch.no_grad()
def _predict(net: Net, utterance: Utterance) -> np.ndarray:
    """The network's outputs with the teacher's durations, shape (frames, 72)."""
    ids = torch.tensor(utterance.ids.astype(np.int64))[None]
    durations = torch.tensor(utterance.durations)[None]
    hidden, *_ = net.encode(ids, torch.tensor([ids.shape[1]]))
    t = torch.arange(len(utterance.pitch)).float()[None]
    index, place = locate(durations, torch.cumsum(durations, 1), t)
    said: np.ndarray = (net.decode(hidden, index, place, torch.ones_like(t))[0] * net.std + net.mean).numpy()
    return said


def export(options: Options) -> None:
    """Step "export": write NAME.onnx and NAME.onnx.json into `options.out`."""
    saved = torch.load(options.work / "net.pt")
    net = Net(Shape(**saved["cfg"])).eval()
    net.load_state_dict(saved["net"])
    voice = Voice(net, options.gain)
    voice.sharp.copy_(sharpening(net, load_data(options)[0], options.sharpen))
    voice.eval()
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{NAME}.onnx"
    _trace(voice, path)
    model = onnx.load(str(path))
    halve(model)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    config = json.dumps(piper_config(), indent=2, ensure_ascii=False)
    Path(f"{path}.json").write_text(config + "\n", encoding="utf-8")
    print(path, path.stat().st_size / 1e6, "MB")


def _trace(voice: Voice, path: Path) -> None:
    ids = torch.zeros((1, 2 * len(EXAMPLE) + 1), dtype=torch.int64)  # ^ _ s _ s … $
    ids[0, 0] = 1
    ids[0, 2::2] = torch.tensor(EXAMPLE)
    torch.onnx.export(
        voice,
        (ids, torch.tensor([ids.shape[1]]), torch.tensor([0.667, 1.0, 0.8])),
        str(path),
        opset_version=17,
        dynamo=False,
        input_names=["input", "input_lengths", "scales"],
        output_names=["output"],
        dynamic_axes={
            "input": {0: "batch_size", 1: "phonemes"},
            "input_lengths": {0: "batch_size"},
            "output": {0: "batch_size", 3: "time"},
        },
    )


def halve(model: onnx.ModelProto) -> None:
    """Store large constants as float16; onnxruntime widens them when it loads."""
    kept = []
    for constant in model.graph.initializer:
        if constant.data_type == onnx.TensorProto.FLOAT and np.prod(constant.dims) > LARGE:
            values = onnx.numpy_helper.to_array(constant).astype(np.float16)
            half = onnx.numpy_helper.from_array(values, constant.name + "_half")
            widen = onnx.helper.make_node("Cast", [half.name], [constant.name], to=onnx.TensorProto.FLOAT)
            model.graph.node.insert(0, widen)
            kept.append(half)
        else:
            kept.append(constant)
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)


def piper_config() -> dict[str, Any]:
    """Piper's description of the voice."""
    from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

    return {
        "dataset": "kiosk",
        "audio": {"sample_rate": SAMPLE_RATE_HZ, "quality": "low"},
        "espeak": {"voice": "en-us"},
        "language": {
            "code": "en_US",
            "family": "en",
            "region": "US",
            "name_native": "English",
            "name_english": "English",
            "country_english": "United States",
        },
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_map": {},
        "phoneme_id_map": {symbol: list(ids) for symbol, ids in DEFAULT_PHONEME_ID_MAP.items()},
        "num_symbols": SYMBOLS,
        "num_speakers": 1,
        "speaker_id_map": {},
        "hop_length": HOP,
        "piper_version": "1.8.0",
    }
