"""A look into an ONNX file without the onnx package: does it reach for other files?

Only the protobuf wire format is read here: https://protobuf.dev/programming-guides/encoding.
"""

from collections.abc import Iterator

_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_NODE_ATTRIBUTE = 5
_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS = 5, 10
_TENSOR_EXTERNAL_DATA = 13
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


def has_external_data(model: bytes) -> bool:
    """Whether any tensor of the serialized ModelProto names a file of its own to be read.

    A damaged file answers False: ONNX Runtime refuses it with its own words.
    """
    try:
        return any(_external(graph) for graph in _parts(memoryview(model), _MODEL_GRAPH))
    except (IndexError, ValueError):
        return False


def _external(graph: memoryview) -> bool:
    tensors = list(_parts(graph, _GRAPH_INITIALIZER))
    for node in _parts(graph, _GRAPH_NODE):
        for attribute in _parts(node, _NODE_ATTRIBUTE):
            tensors += _parts(attribute, _ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS)
    for sparse in _parts(graph, _GRAPH_SPARSE):
        tensors += _parts(sparse, 1, 2)
    return any(True for tensor in tensors for _ in _parts(tensor, _TENSOR_EXTERNAL_DATA))


def _parts(message: memoryview, *fields: int) -> Iterator[memoryview]:
    """The length-delimited fields of those numbers."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _LENGTH:
            size, at = _varint(message, at)
            if at + size > len(message):
                raise ValueError("a field runs past the end")
            if tag >> 3 in fields:
                yield message[at : at + size]
            at += size
        elif kind == _VARINT:
            _, at = _varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError("not a protobuf wire type of ONNX")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a varint is too long")
