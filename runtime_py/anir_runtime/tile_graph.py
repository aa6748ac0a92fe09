"""Small graphs of matrix products that ONNX Runtime runs for each tile of a picture.

All tensors are inputs rather than part of a graph, so that one session serves layers of any size.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from threading import Lock

from anir_runtime.network import Floats
from anir_runtime.protobuf import write
from anir_runtime.sessions import open_session

_IR_VERSION, _OPSET = 10, 21
_FLOAT, _INT_ATTRIBUTE = 1, 2
_OPENING = Lock()
_LINE = re.compile(r"^(\w+) = (\w+)\((.*)\)$", re.MULTILINE)

Graph = Callable[[Mapping[str, Floats]], Floats]
"""Returns a graph's output, a new array, from its inputs by name. May be called concurrently."""


def graph(text: str) -> Graph:
    """Returns the graph of a text with one line per value, `y = Gemm(w, x, b)`; the last one is the output.

    Lines may have integer attributes: `c = Concat(a, b, axis=0)`. Names that no line defines are float32
    inputs. A graph is opened once for all threads.
    """
    with _OPENING:
        return _opened(text)


@cache
def _opened(text: str) -> Graph:
    session = open_session(_model(text))

    def run(feeds: Mapping[str, Floats]) -> Floats:
        output: Floats = session.run(None, feeds)[0]
        return output

    return run


def _model(text: str) -> bytes:
    """Returns a graph as a serialized ModelProto of opset 21 (onnx.proto3)."""
    lines = _LINE.findall(text)
    nodes, read = [], []
    for output, kind, arguments in lines:
        words = arguments.split(", ")
        read += (inputs := [word for word in words if "=" not in word])
        attributes = [word.split("=") for word in words if "=" in word]
        nodes.append(
            write(
                *((1, name) for name in inputs),
                (2, output),
                (4, kind),
                *((5, write((1, name), (3, int(n)), (20, _INT_ATTRIBUTE))) for name, n in attributes),
            )
        )
    fed = {*read} - {line[0] for line in lines}
    tensor_type = write((1, write((1, _FLOAT))))
    whole = write(
        *((1, node) for node in nodes),
        (2, "tile"),
        *((11, write((1, name), (2, tensor_type))) for name in sorted(fed)),
        (12, write((1, lines[-1][0]))),
    )
    return write((1, _IR_VERSION), (7, whole), (8, write((2, _OPSET))))
