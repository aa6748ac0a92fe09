"""Reads tensors of ONNX files (TensorProto of onnx.proto3) without trusting the sizes that they declare."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anir_runtime.errors import AnirError
from anir_runtime.protobuf import Content, Reader, damaged, message_in, text

_DIMS, _TYPE, _FLOATS, _INT32S, _NAME, _RAW, _EXTERNAL, _LOCATION = 1, 2, 4, 5, 8, 9, 13, 14
_TYPES = {1: "float32", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 22: "int4"}
_MOST_AXES, _LONGEST_AXIS = 8, 2**31 - 1


@dataclass
class Tensor:
    """A tensor as it is stored.

    Attributes:
        name: the tensor's name.
        type: element type; empty for types that no network has.
        dims: lengths of the axes.
        octets: elements stored as bytes, in pieces.
        integers: elements stored as varints.
    """

    name: str = ""
    type: str = ""
    dims: list[int] = field(default_factory=list)
    octets: list[bytes | memoryview] = field(default_factory=list)
    integers: list[int] = field(default_factory=list)

    def axes(self) -> list[int]:
        """Returns the lengths of the axes, except those of length 1, which tools add and remove."""
        return [n for n in self.dims if n != 1]

    def array(self, types: tuple[str, ...]) -> NDArray[Any]:
        """Returns all elements as a vector; int4 as int8.

        Raises AnirError if their type is none of `types`, or their number does not match the axes.
        """
        if self.type not in types:
            raise AnirError(f"its tensor '{self.name}' is not of type {' or '.join(types)}")
        count, half = math.prod(self.dims), self.type == "int4"
        kind = np.dtype("int8" if half else self.type).newbyteorder("<")
        # Two numbers of 4 bits are stored as one byte.
        stored = (count + 1) // 2 if half else count
        size = len(self.integers) * kind.itemsize + sum(map(len, self.octets))
        if size != stored * kind.itemsize or (self.integers and (self.octets or kind.kind == "f")):
            raise AnirError(f"its tensor '{self.name}' does not have the elements that its shape declares")
        if self.integers:
            # Elements of fewer bits than int32 may be stored as signed or unsigned varints.
            values = np.array(self.integers, np.uint64).astype(kind)
        else:
            values = np.frombuffer(b"".join(self.octets), kind)
        return np.stack([values << 4 >> 4, values >> 4], -1).ravel()[:count] if half else values


def read_tensor(message: memoryview, reader: Reader) -> Tensor:
    """Parses a TensorProto.

    Raises AnirError if it is damaged, has too many axes, or stores its elements in another file.
    """
    tensor = Tensor()
    for number, content in reader.fields(message):
        if number in (_DIMS, _INT32S):
            numbers = tensor.dims if number == _DIMS else tensor.integers
            numbers += reader.varints(content) if isinstance(content, memoryview) else [_whole(content)]
        elif number == _TYPE:
            tensor.type = _TYPES.get(_whole(content), "")
        elif number == _NAME:
            tensor.name = text(content)
        elif number in (_RAW, _FLOATS):
            tensor.octets.append(content if isinstance(content, bytes) else message_in(content))
        elif number == _EXTERNAL or (number == _LOCATION and content != 0):
            raise AnirError("keeps its weights in another file; a neural image is one file")
    if len(tensor.dims) > _MOST_AXES or max(tensor.dims, default=0) > _LONGEST_AXIS:
        raise AnirError(f"its tensor {tensor.name[:40]!r} has a shape that is out of range")
    return tensor


def _whole(content: Content) -> int:
    if not isinstance(content, int):
        raise damaged()
    return content
