from __future__ import annotations

import numpy as np
import pytest

from providers.wake_word import onnx_wire as wire
from providers.wake_word.speech_embedding import STEP_FRAMES, WINDOW_FRAMES, SpeechEmbedding, streaming_model
from tests.providers.wake_word.models_folder import MODELS, fetched_models

pytestmark = pytest.mark.model


def test_the_streaming_network_gives_what_the_published_one_gives() -> None:
    import onnxruntime

    fetched_models()
    published = (MODELS / "openwakeword-features" / "embedding_model.onnx").read_bytes()
    mel = np.random.default_rng(0).uniform(0, 5, (WINDOW_FRAMES + 20 * STEP_FRAMES, 32)).astype(np.float32)
    reference = onnxruntime.InferenceSession(published)
    expected = [
        reference.run(None, {"input_1": mel[None, at : at + WINDOW_FRAMES, :, None]})[0].reshape(96)
        for at in range(0, len(mel) - WINDOW_FRAMES + 1, STEP_FRAMES)
    ]
    model, memories = streaming_model(published)
    streaming = SpeechEmbedding(onnxruntime.InferenceSession(model), memories)
    for first_steps in (0, 5, 20):
        streaming.reset()
        cut = WINDOW_FRAMES + first_steps * STEP_FRAMES
        found = [streaming.feed(mel[:cut])]
        found += [streaming.feed(mel[at : at + STEP_FRAMES]) for at in range(cut, len(mel), STEP_FRAMES)]
        np.testing.assert_allclose(np.concatenate(found), expected, atol=1e-3)


def test_messages_are_written_as_they_were_read() -> None:
    message = wire.node("Concat", ["a", "b"], ["c"], axis=2) + b"\x3d\x01\x02\x03\x04"
    assert wire.write(wire.read(message)) == message
    assert wire.texts(wire.read(message), wire.NODE_INPUT) == ["a", "b"]
    tensor = wire.read(wire.int64_tensor("t", [3, 300]))
    assert wire.numbers(tensor, wire.TENSOR_DIMS) == [2]
    packed = [wire.Field(1, bytes([3, 0xAC, 0x02]))]
    assert wire.numbers(packed, 1) == [3, 300]


@pytest.mark.parametrize("message", [b"\x0a", b"\x0a\x05abc", b"\x08\xff", b"\x0b\x00"])
def test_what_is_no_message_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError, match=r"message|wire"):
        wire.read(message)


def test_another_graph_is_refused() -> None:
    fetched_models()
    with pytest.raises((ValueError, IndexError)):
        streaming_model((MODELS / "alexa" / "alexa_v0.1.onnx").read_bytes())
