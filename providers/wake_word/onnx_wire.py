"""As much of ONNX's file format as it takes to rearrange a graph: reading and writing protocol buffer messages.

The ``onnx`` package would do it too, at 31 MB for two functions. Formats:
https://protobuf.dev/programming-guides/encoding and https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

from typing import NamedTuple

VARINT, BYTES = 0, 2
_FIXED_BYTES = {1: 8, 5: 4}

MODEL_GRAPH = 7
"""Number of ``ModelProto.graph``."""
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT = 1, 5, 11, 12
"""Numbers of the fields of ``GraphProto``."""
NODE_INPUT, NODE_OUTPUT, NODE_OP_TYPE, NODE_ATTRIBUTE = 1, 2, 4, 5
"""Numbers of the fields of ``NodeProto``."""
ATTRIBUTE_NAME, ATTRIBUTE_INT, ATTRIBUTE_INTS, ATTRIBUTE_TYPE = 1, 3, 8, 20
"""Numbers of the fields of ``AttributeProto``."""
TENSOR_DIMS, TENSOR_DATA_TYPE, TENSOR_NAME, TENSOR_RAW_DATA = 1, 2, 8, 9
"""Numbers of the fields of ``TensorProto``."""

INT_ATTRIBUTE, FLOAT_TENSOR, INT64_TENSOR = 2, 1, 7
"""Values of ``AttributeProto.type`` and ``TensorProto.data_type``."""


class Field(NamedTuple):
    """One field of a message."""

    number: int
    """As the format's description numbers it."""

    value: int | bytes
    """A number, or what is inside: text, an embedded message, packed numbers."""

    wire: int = BYTES
    """How the value is written; anything but ``VARINT`` is bytes."""


def read(message: bytes) -> list[Field]:
    """The fields of a message in their order. Raises ``ValueError`` where it is none."""
    fields = []
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = _read_varint(message, at)
            fields.append(Field(number, value, wire))
            continue
        if wire == BYTES:
            size, at = _read_varint(message, at)
        elif wire in _FIXED_BYTES:
            size = _FIXED_BYTES[wire]
        else:
            raise ValueError(f"unknown wire type {wire}")
        if at + size > len(message):
            raise ValueError("the message ends within a field")
        fields.append(Field(number, message[at : at + size], wire))
        at += size
    return fields


def write(fields: list[Field]) -> bytes:
    """A message with these fields."""
    message = bytearray()
    for number, value, wire in fields:
        message += _varint(number << 3 | wire)
        if isinstance(value, int):
            message += _varint(value)
        else:
            if wire == BYTES:
                message += _varint(len(value))
            message += value
    return bytes(message)


def texts(fields: list[Field], number: int) -> list[str]:
    """All values of a repeated text field."""
    return [field.value.decode() for field in fields if field.number == number and isinstance(field.value, bytes)]


def messages(fields: list[Field], number: int) -> list[list[Field]]:
    """All values of a repeated message field."""
    return [read(field.value) for field in fields if field.number == number and isinstance(field.value, bytes)]


def numbers(fields: list[Field], number: int) -> list[int]:
    """All values of a repeated number field, packed or not."""
    found = []
    for field in fields:
        if field.number != number:
            continue
        if isinstance(field.value, int):
            found.append(field.value)
            continue
        at = 0
        while at < len(field.value):
            value, at = _read_varint(field.value, at)
            found.append(value)
    return found


def node(op_type: str, inputs: list[str], outputs: list[str], **attributes: int) -> bytes:
    """A ``NodeProto`` whose attributes are whole numbers."""
    fields = [Field(NODE_INPUT, name.encode()) for name in inputs]
    fields += [Field(NODE_OUTPUT, name.encode()) for name in outputs]
    fields.append(Field(NODE_OP_TYPE, op_type.encode()))
    for name, value in attributes.items():
        attribute = [
            Field(ATTRIBUTE_NAME, name.encode()),
            Field(ATTRIBUTE_INT, value, VARINT),
            Field(ATTRIBUTE_TYPE, INT_ATTRIBUTE, VARINT),
        ]
        fields.append(Field(NODE_ATTRIBUTE, write(attribute)))
    return write(fields)


def int64_tensor(name: str, values: list[int]) -> bytes:
    """A ``TensorProto`` of shape [len(values)]."""
    raw = b"".join(value.to_bytes(8, "little", signed=True) for value in values)
    return write(
        [
            Field(TENSOR_DIMS, len(values), VARINT),
            Field(TENSOR_DATA_TYPE, INT64_TENSOR, VARINT),
            Field(TENSOR_NAME, name.encode()),
            Field(TENSOR_RAW_DATA, raw),
        ]
    )


def float_value(name: str, shape: list[int | str]) -> bytes:
    """A ``ValueInfoProto`` of float32; a named dimension may have any length."""
    dimensions = []
    for size in shape:
        value = Field(1, size, VARINT) if isinstance(size, int) else Field(2, size.encode())
        dimensions.append(Field(1, write([value])))
    tensor = [Field(1, FLOAT_TENSOR, VARINT), Field(2, write(dimensions))]
    return write([Field(1, name.encode()), Field(2, write([Field(1, write(tensor))]))])


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message):
            raise ValueError("the message ends within a number")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
