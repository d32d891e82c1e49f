"""The network that turns mel frames into embeddings, made incremental.

openWakeWord publishes Google's speech embedding (https://tfhub.dev/google/speech_embedding/1) as a network that looks
at 76 mel frames and gives one embedding; streaming steps by 8 frames, so 68 of 76 frames are computed anew every
time. Along time the network has no padding and a total stride of 8: every layer's output for the older frames was
already there a step ago. ``streaming_model`` rearranges the published graph so that each convolution with an extent in
time takes the last two frames of its input from the previous step. Same weights, same sums, a quarter of the cost
(docs/decisions/010).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from providers.wake_word import onnx_wire as wire
from providers.wake_word.onnx_wire import Field

if TYPE_CHECKING:
    import onnxruntime

WINDOW_FRAMES = 76
"""Mel frames behind one embedding."""

STEP_FRAMES = 8
"""Mel frames from one embedding to the next."""

EMBEDDING_SIZE = 96
"""Numbers in an embedding."""

MEL_BANDS = 32
"""Numbers in a mel frame."""

_KEPT_FRAMES = 2  # a convolution over 3 frames needs the last two again
_STEM = "frames"


def streaming_model(published: bytes) -> tuple[bytes, dict[str, tuple[int, int]]]:
    """The published network as a streaming one.

    ``published`` is the content of ``embedding_model.onnx``. The result is an ONNX model with an input ``frames``
    (float32, [1, 1, frames, 34]: mel frames with a zero on both sides), an input and an output (named ``… next``) per
    memory (float32, [1, channels, frames, bands]), and an output ``embedding`` (float32, [1, 96, n, 1]); and the
    (channels, bands) of each memory by its input's name. Raises ``ValueError`` where the graph is not the one expected.
    """
    model = wire.read(published)
    (graph,) = wire.messages(model, wire.MODEL_GRAPH)
    shapes = {
        wire.texts(tensor, wire.TENSOR_NAME)[0]: wire.numbers(tensor, wire.TENSOR_DIMS)
        for tensor in wire.messages(graph, wire.GRAPH_INITIALIZER)
    }
    nodes, memories = _streaming_nodes(wire.messages(graph, wire.GRAPH_NODE), shapes)
    kept = [field for field in graph if field.number not in (wire.GRAPH_NODE, wire.GRAPH_INPUT, wire.GRAPH_OUTPUT)]
    kept += [
        Field(wire.GRAPH_INITIALIZER, wire.int64_tensor("last", [-_KEPT_FRAMES])),
        Field(wire.GRAPH_INITIALIZER, wire.int64_tensor("end", [np.iinfo(np.int64).max])),
        Field(wire.GRAPH_INITIALIZER, wire.int64_tensor("time", [2])),
        Field(wire.GRAPH_INPUT, wire.float_value(_STEM, [1, 1, "frames", MEL_BANDS + 2])),
        Field(wire.GRAPH_OUTPUT, wire.float_value("embedding", [1, EMBEDDING_SIZE, "n", 1])),
    ]
    for name, (channels, bands) in memories.items():
        kept.append(Field(wire.GRAPH_INPUT, wire.float_value(name, [1, channels, "kept", bands])))
        kept.append(Field(wire.GRAPH_OUTPUT, wire.float_value(f"{name} next", [1, channels, "kept", bands])))
    graph = [Field(wire.GRAPH_NODE, node) for node in nodes] + kept
    rest = [field for field in model if field.number != wire.MODEL_GRAPH]
    return wire.write([*rest, Field(wire.MODEL_GRAPH, wire.write(graph))]), memories


def _streaming_nodes(
    published: list[list[Field]], shapes: dict[str, list[int]]
) -> tuple[list[bytes], dict[str, tuple[int, int]]]:
    """Nodes of the streaming graph, and the (channels, bands) of each memory."""
    nodes: list[bytes] = []
    memories: dict[str, tuple[int, int]] = {}
    renamed: dict[str, str] = {}
    bands = MEL_BANDS + 2
    for fields in published:
        op_type = wire.texts(fields, wire.NODE_OP_TYPE)[0]
        inputs = wire.texts(fields, wire.NODE_INPUT)
        output = wire.texts(fields, wire.NODE_OUTPUT)[0]
        if op_type in ("Pad", "Reshape"):  # these fix the number of frames; the caller pads the bands
            renamed[output] = _STEM if op_type == "Pad" else renamed.get(inputs[0], inputs[0])
            continue
        inputs = [renamed.get(name, name) for name in inputs]
        if op_type == "Conv":
            _, channels, frames, _ = shapes[inputs[1]]
            if frames == _KEPT_FRAMES + 1:
                memory = f"memory {len(memories)}"
                memories[memory] = (channels, bands)
                seen = f"{memory} seen"
                nodes.append(wire.node("Concat", [memory, inputs[0]], [seen], axis=2))
                nodes.append(wire.node("Slice", [seen, "last", "end", "time"], [f"{memory} next"]))
                inputs[0] = seen
            bands = min(bands, MEL_BANDS)  # the first one takes the padding off, the others pad for themselves
        elif op_type == "MaxPool":
            bands //= 2
        nodes.append(wire.write(_with_inputs(fields, inputs)))
    last = renamed.get(output, output)
    if not memories:
        raise ValueError("no convolution over time")
    nodes.append(wire.node("Identity", [last], ["embedding"]))
    return nodes, memories


def _with_inputs(node: list[Field], names: list[str]) -> list[Field]:
    return [Field(wire.NODE_INPUT, name.encode()) for name in names] + [
        field for field in node if field.number != wire.NODE_INPUT
    ]


class SpeechEmbedding:
    """The streaming network with its memory. Not thread-safe."""

    def __init__(self, session: onnxruntime.InferenceSession, memories: dict[str, tuple[int, int]]) -> None:
        self._session = session
        self._shapes = memories
        self._outputs = ["embedding", *(f"{name} next" for name in memories)]
        self._memory: dict[str, Any] = {}
        self.reset()

    def reset(self) -> None:
        """Forget all frames."""
        self._memory = {
            name: np.zeros((1, channels, 0, bands), np.float32) for name, (channels, bands) in self._shapes.items()
        }

    def feed(self, mel: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embeddings, float32, shape [n, 96], that the next mel frames (float32, shape [frames, 32]) complete.

        The first call after ``reset`` takes 76 frames or more by a multiple of 8, any other a multiple of 8.
        """
        frames = np.zeros((1, 1, len(mel), MEL_BANDS + 2), np.float32)
        frames[0, 0, :, 1:-1] = mel
        embedding, *memory = self._session.run(self._outputs, {_STEM: frames, **self._memory})
        self._memory = dict(zip(self._shapes, memory, strict=True))
        found: NDArray[np.float32] = embedding[0, :, :, 0].T
        return found
