"""Reading and writing ONNX files without the onnx package.

Only the protobuf wire format is spoken here: https://protobuf.dev/programming-guides/encoding.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_MODEL_IR_VERSION, _MODEL_GRAPH, _MODEL_OPSET, _MODEL_FUNCTION = 1, 7, 8, 25
_GRAPH_NODE, _GRAPH_NAME, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_SPARSE = 1, 2, 5, 11, 12, 15
_NODE_INPUT, _NODE_OUTPUT, _NODE_KIND, _NODE_ATTRIBUTE, _NODE_DOMAIN = 1, 2, 4, 5, 7
_FUNCTION_NAME, _FUNCTION_INPUT, _FUNCTION_OUTPUT, _FUNCTION_NODE, _FUNCTION_DOMAIN = 1, 4, 5, 7, 10
_FUNCTION_ATTRIBUTE, _FUNCTION_DEFAULT = 6, 11
_ATTRIBUTE_NAME, _ATTRIBUTE_NUMBER, _ATTRIBUTE_TEXT, _ATTRIBUTE_TENSOR = 1, 3, 4, 5
_ATTRIBUTE_GRAPH, _ATTRIBUTE_NUMBERS, _ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS = 6, 8, 10, 11
_ATTRIBUTE_TYPE, _ATTRIBUTE_NUMBER_TYPE = 20, 2
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_RAW, _TENSOR_EXTERNAL_DATA = 1, 2, 8, 9, 13
_VALUE_NAME, _VALUE_TYPE = 1, 2
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_NUMPY_TYPES = {
    1: "f4",
    2: "u1",
    3: "i1",
    4: "u2",
    5: "i2",
    6: "i4",
    7: "i8",
    9: "?",
    10: "f2",
    11: "f8",
    12: "u4",
    13: "u8",
}
_TYPES = {np.dtype(kind): number for number, kind in _NUMPY_TYPES.items()}


class Node(NamedTuple):
    """One operation; `attributes` are serialized AttributeProtos."""

    kind: str
    inputs: list[str]
    outputs: list[str]
    attributes: list[bytes]


class Body(NamedTuple):
    """What a node repeats or calls: names of what goes in and comes out, and the nodes between."""

    inputs: list[str]
    outputs: list[str]
    nodes: list[Node]


def has_external_data(model: bytes) -> bool:
    """Whether any tensor of the serialized ModelProto names a file of its own to be read.

    A damaged file answers False: ONNX Runtime refuses it with its own words.
    """
    try:
        return any(_external(graph) for graph in _parts(memoryview(model), _MODEL_GRAPH))
    except (IndexError, ValueError):
        return False


def read_nodes(model: bytes) -> list[Node]:
    """The nodes of an undamaged ModelProto in their order; the kind of a foreign domain's has it in front."""
    return [node for graph in _parts(memoryview(model), _MODEL_GRAPH) for node in _nodes(graph)]


def functions(model: bytes) -> dict[str, Body]:
    """What nodes of a ModelProto call, by their kind: functions without attributes, whose nodes call none."""
    found = {}
    for function in _parts(memoryview(model), _MODEL_FUNCTION):
        domain, (name,), inputs, outputs = (
            _texts(function, field)
            for field in (_FUNCTION_DOMAIN, _FUNCTION_NAME, _FUNCTION_INPUT, _FUNCTION_OUTPUT)
        )
        nodes = _nodes(function, _FUNCTION_NODE)
        is_plain = not any(True for _ in _parts(function, _FUNCTION_ATTRIBUTE, _FUNCTION_DEFAULT))
        if is_plain and not any(map(has_graph, nodes)):
            found["".join(domain) + name] = Body(inputs, outputs, nodes)
    return {kind: body for kind, body in found.items() if not any(n.kind in found for n in body.nodes)}


def text_attribute(node: Node, name: str) -> str:
    """The node's attribute of that name, a string. Raises KeyError if it has none."""
    text = _parts(_attribute(node, name), _ATTRIBUTE_TEXT)
    return "".join(bytes(part).decode() for part in text)


def number_attributes(node: Node) -> dict[str, list[int]]:
    """The node's attributes, with the whole numbers that they hold, none of them negative."""
    numbers = {}
    for attribute in (memoryview(part) for part in node.attributes):
        (name,) = _texts(attribute, _ATTRIBUTE_NAME)
        held = (_ATTRIBUTE_NUMBER, _ATTRIBUTE_NUMBERS)
        numbers[name] = [n for field, n in _fields(attribute) if field in held and isinstance(n, int)]
    return numbers


def number_attribute(name: str, value: int) -> bytes:
    """A node's attribute, a whole number."""
    kind = _number(_ATTRIBUTE_TYPE, _ATTRIBUTE_NUMBER_TYPE)
    return _field(_ATTRIBUTE_NAME, name.encode()) + _number(_ATTRIBUTE_NUMBER, value) + kind


def body(node: Node) -> Body | None:
    """The graph that a node repeats, if it has one without constants and graphs of its own."""
    graphs = _graphs(node)
    if len(graphs) != 1 or any(True for _ in _parts(graphs[0], _GRAPH_INITIALIZER, _GRAPH_SPARSE)):
        return None
    inputs, outputs = (
        [name for value in _parts(graphs[0], field) for name in _texts(value, _VALUE_NAME)]
        for field in (_GRAPH_INPUT, _GRAPH_OUTPUT)
    )
    nodes = _nodes(graphs[0])
    return None if any(map(has_graph, nodes)) else Body(inputs, outputs, nodes)


def has_graph(node: Node) -> bool:
    """Whether an attribute is a graph: what it reads of the values around is not among the node's inputs."""
    return bool(_graphs(node))


def output_names(model: bytes) -> list[str]:
    """What comes out of an undamaged ModelProto."""
    graphs = _parts(memoryview(model), _MODEL_GRAPH)
    return [name for g in graphs for value in _parts(g, _GRAPH_OUTPUT) for name in _texts(value, _VALUE_NAME)]


def with_changes(
    model: bytes, changed: Mapping[int, Sequence[Node]], constants: Mapping[str, NDArray[np.generic]]
) -> bytes:
    """The model with other nodes in the place of some, counted from 0, and more constants."""
    (own,) = _parts(memoryview(model), _MODEL_GRAPH)
    graph, at = [], 0
    for field, part in _fields(own):
        if field == _GRAPH_NODE and at in changed:
            graph += [_field(_GRAPH_NODE, _node(node)) for node in changed[at]]
        else:
            graph.append(_any(field, part))
        at += field == _GRAPH_NODE
    graph += [_field(_GRAPH_INITIALIZER, _tensor(name, value)) for name, value in constants.items()]
    others = (_any(field, part) for field, part in _fields(memoryview(model)) if field != _MODEL_GRAPH)
    return b"".join([*others, _field(_MODEL_GRAPH, b"".join(graph))])


def with_outputs(model: bytes, names: Sequence[str]) -> bytes:
    """The model with more of its values as outputs, of the types that they happen to have."""
    # One message after another parses as both merged.
    return model + _field(_MODEL_GRAPH, b"".join(_field(_GRAPH_OUTPUT, _name(name)) for name in names))


def with_constants(
    model: bytes,
    nodes: Sequence[Node],
    constants: Mapping[str, NDArray[np.generic]],
    outputs: Sequence[str],
    inputs: Mapping[str, Sequence[int | None]] | None = None,
) -> bytes:
    """A ModelProto with that one's inputs and initializers, and others, but with these nodes and outputs.

    What nodes without graphs of their own do not read is left out. More inputs are float32, of those shapes.
    """
    (own,) = _parts(memoryview(model), _MODEL_GRAPH)
    read = {name for node in nodes for name in node.inputs} | {*outputs}
    keeps_all = any(map(has_graph, nodes))
    initializers: list[bytes | memoryview] = [
        part
        for part in _parts(own, _GRAPH_INITIALIZER)
        if keeps_all or read.intersection(_texts(part, _TENSOR_NAME))
    ]
    initializers += [_tensor(name, value) for name, value in constants.items() if keeps_all or name in read]
    more = [_value(name, np.float32, shape) for name, shape in (inputs or {}).items()]
    own_inputs = _parts(own, _GRAPH_INPUT)
    return _whole(model, nodes, initializers, [*own_inputs, *more], [_name(name) for name in outputs])


def extract(model: bytes, nodes: Sequence[Node], inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """A ModelProto of some of that one's nodes, with what they read of its inputs and initializers.

    More inputs are float32, of any shape.
    """
    (own,) = _parts(memoryview(model), _MODEL_GRAPH)
    read = {name for node in nodes for name in node.inputs}
    initializers, own_inputs = (
        [part for part in _parts(own, field) if read.intersection(_texts(part, name))]
        for field, name in ((_GRAPH_INITIALIZER, _TENSOR_NAME), (_GRAPH_INPUT, _VALUE_NAME))
    )
    more = [_value(name, np.float32, None) for name in inputs]
    return _whole(model, nodes, initializers, [*own_inputs, *more], [_name(name) for name in outputs])


def write_model(
    like: bytes,
    nodes: Sequence[Node],
    constants: Mapping[str, NDArray[np.generic]],
    inputs: Mapping[str, Sequence[int | None]],
    output: str,
) -> bytes:
    """A ModelProto of the same versions as `like`.

    Inputs are float32 and come with their shapes, None for any length; the output is uint8[3, any].
    """
    initializers = [_tensor(name, value) for name, value in constants.items()]
    own_inputs = [_value(name, np.float32, shape) for name, shape in inputs.items()]
    return _whole(like, nodes, initializers, own_inputs, [_value(output, np.uint8, [3, None])])


def _whole(
    like: bytes,
    nodes: Sequence[Node],
    initializers: Sequence[bytes | memoryview],
    inputs: Sequence[bytes | memoryview],
    outputs: Sequence[bytes],
) -> bytes:
    """A ModelProto of the same versions as `like`, of serialized parts."""
    parts = {
        _GRAPH_NODE: [_node(node) for node in nodes],
        _GRAPH_NAME: [b"g"],
        _GRAPH_INITIALIZER: initializers,
        _GRAPH_INPUT: inputs,
        _GRAPH_OUTPUT: outputs,
    }
    graph = b"".join(_field(field, part) for field, own in parts.items() for part in own)
    return _versions(like) + _field(_MODEL_GRAPH, graph)


def _nodes(graph: memoryview, own: int = _GRAPH_NODE) -> list[Node]:
    nodes = []
    for node in _parts(graph, own):
        inputs, outputs, (kind,), domain = (
            _texts(node, field) for field in (_NODE_INPUT, _NODE_OUTPUT, _NODE_KIND, _NODE_DOMAIN)
        )
        attributes = [bytes(part) for part in _parts(node, _NODE_ATTRIBUTE)]
        nodes.append(Node("".join(domain) + kind, inputs, outputs, attributes))
    return nodes


def _graphs(node: Node) -> list[memoryview]:
    parts = (_parts(memoryview(a), _ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS) for a in node.attributes)
    return [graph for graphs in parts for graph in graphs]


def _attribute(node: Node, name: str) -> memoryview:
    """The one of that name, as an AttributeProto. Raises KeyError if there is none."""
    for attribute in (memoryview(part) for part in node.attributes):
        if _texts(attribute, _ATTRIBUTE_NAME) == [name]:
            return attribute
    raise KeyError(name)


def _texts(message: memoryview, field: int) -> list[str]:
    return [bytes(part).decode() for part in _parts(message, field)]


def _versions(model: bytes) -> bytes:
    opsets = [_field(_MODEL_OPSET, part) for part in _parts(memoryview(model), _MODEL_OPSET)]
    ir_version = next(value for field, value in _fields(memoryview(model)) if field == _MODEL_IR_VERSION)
    assert isinstance(ir_version, int)
    return b"".join([_number(_MODEL_IR_VERSION, ir_version), *opsets])


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
    return (value for field, value in _fields(message) if field in fields and isinstance(value, memoryview))


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """All fields that are numbers or length-delimited."""
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        kind = tag & 7
        if kind == _LENGTH:
            size, at = _read_varint(message, at)
            if at + size > len(message):
                raise ValueError("a field runs past the end")
            yield tag >> 3, message[at : at + size]
            at += size
        elif kind == _VARINT:
            number, at = _read_varint(message, at)
            yield tag >> 3, number
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError("not a protobuf wire type of ONNX")


def _read_varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a varint is too long")


def _varint(value: int) -> bytes:
    low = bytearray()
    while value >= 0x80:
        low.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*low, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _field(field: int, content: bytes | memoryview) -> bytes:
    return _varint(field << 3 | _LENGTH) + _varint(len(content)) + content


def _any(field: int, content: int | memoryview) -> bytes:
    return _number(field, content) if isinstance(content, int) else _field(field, content)


def _name(name: str) -> bytes:
    return _field(_VALUE_NAME, name.encode())


def _node(node: Node) -> bytes:
    parts = [_field(_NODE_INPUT, name.encode()) for name in node.inputs]
    parts += [_field(_NODE_OUTPUT, name.encode()) for name in node.outputs]
    parts += [_field(_NODE_ATTRIBUTE, attribute) for attribute in node.attributes]
    return b"".join([*parts, _field(_NODE_KIND, node.kind.encode())])


def _tensor(name: str, array: NDArray[np.generic]) -> bytes:
    dims = b"".join(_number(_TENSOR_DIMS, size) for size in array.shape)
    raw = array.astype(array.dtype.newbyteorder("<")).tobytes()
    kind = _number(_TENSOR_TYPE, _TYPES[array.dtype])
    return dims + kind + _field(_TENSOR_NAME, name.encode()) + _field(_TENSOR_RAW, raw)


def _value(name: str, dtype: type[np.generic], shape: Sequence[int | None] | None) -> bytes:
    tensor = _number(1, _TYPES[np.dtype(dtype)])
    if shape is not None:
        tensor += _field(2, b"".join(_field(1, b"" if n is None else _number(1, n)) for n in shape))
    return _name(name) + _field(_VALUE_TYPE, _field(1, tensor))
