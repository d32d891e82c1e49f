"""Log-mel features, computed by faster-whisper itself."""

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

from whisper_kiosk.dimensions import CHUNK_S, FRAMES
from whisper_kiosk.voices import Audio


@functools.cache
def _extractor() -> Any:
    from faster_whisper.feature_extractor import FeatureExtractor

    return FeatureExtractor(chunk_length=CHUNK_S)


def log_mel(audio: Audio) -> npt.NDArray[np.float32]:
    """Features as `WhisperModel.transcribe` computes them, shape (80, frames), at most 1000 frames of 10 ms."""
    features = _extractor()(audio)
    cut: npt.NDArray[np.float32] = features[:, : features.shape[-1] - 1][:, :FRAMES]
    return cut
