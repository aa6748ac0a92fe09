"""Draws neural images by running their files' own graphs in ONNX Runtime, for trusted files only."""

import re

import numpy as np
from numpy.typing import NDArray

from anir_runtime.errors import AnirError
from anir_runtime.network import Floats
from anir_runtime.onnx_reader import COLOURS, read_metadata
from anir_runtime.onnx_tensor import read_tensor
from anir_runtime.protobuf import Reader
from anir_runtime.sessions import RuntimeErrors, open_session
from anir_runtime.tiles import NATIVE, Draw, Spacing

_MOST_NESTED = 32
_SOURCE_CODE = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : |\S+\.(?:h|cc):\d+ .*?\) (?=\w)")
"""What messages of ONNX Runtime say of its own code: an error's number, a file and a function's signature."""
_INNER: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "function": {7: "node", 11: "attribute"},
    "training": {1: "graph", 2: "graph"},
}
"""For each kind of message of onnx.proto3, the numbers and kinds of the fields that may contain tensors."""


class GraphRenderer:
    """Runs a file's graph, with inputs x, float32[W], and y, float32[H], and output uint8[H, W, colours]."""

    rows = 1

    def __init__(self, data: bytes) -> None:
        """Opens a serialized ModelProto.

        Raises AnirError if ONNX Runtime refuses it, or if a tensor anywhere in it names another file.
        """
        reader = Reader()
        self.family, self.size, _ = read_metadata(memoryview(data), reader)
        _refuse_external_data(memoryview(data), reader)
        try:
            # Never a path: a model from memory has no folder in which ONNX Runtime could open other files.
            self._session = open_session(data)
        except RuntimeErrors as error:
            raise _refused(error) from error
        inputs = {value.name: (value.type, len(value.shape)) for value in self._session.get_inputs()}
        outputs = {value.name: (value.type, len(value.shape)) for value in self._session.get_outputs()}
        axes = {"x": ("tensor(float)", 1), "y": ("tensor(float)", 1)}
        if inputs != axes or outputs.get("image") != ("tensor(uint8)", 3):
            raise AnirError("its inputs and outputs are not those of a neural image")

    def start(self, x: Floats, y: Floats, _spacing: Spacing = NATIVE) -> Draw:
        """Prepares to draw samples at columns x, float32[W], and rows y, float32[H]."""

        def draw(part: slice) -> NDArray[np.uint8]:
            try:
                image: NDArray[np.uint8] = self._session.run(["image"], {"x": x, "y": y[part]})[0]
            except RuntimeErrors as error:
                raise _refused(error) from error
            if image.shape[:2] != (len(y[part]), len(x)) or image.shape[2] not in COLOURS:
                raise AnirError(f"its graph draws {len(y[part])} rows of {len(x)} as {[*image.shape]}")
            return image

        return draw


def _refuse_external_data(message: memoryview, reader: Reader) -> None:
    """Raises AnirError if a tensor anywhere in a ModelProto, also in nested graphs, is in another file."""
    waiting = [("model", message, 0)]
    while waiting:
        kind, own, depth = waiting.pop()
        if kind == "tensor":
            read_tensor(own, reader)
        elif depth > _MOST_NESTED:
            raise AnirError("its graphs are nested too deeply")
        else:
            for number, content in reader.fields(own):
                if number in _INNER[kind] and isinstance(content, memoryview):
                    waiting.append((_INNER[kind][number], content, depth + 1))


def _refused(error: Exception) -> AnirError:
    reason = _SOURCE_CODE.sub("", " ".join(str(error).split()))
    return AnirError(f"ONNX Runtime does not run its graph: {reason[:200]}")
