"""Reads networks from ONNX files by the names of their tensors (docs/format.md); the graph is ignored.

Files are untrusted: sizes that a file declares are checked against its bytes before memory is allocated.
"""

import math
from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anir_runtime.errors import AnirError
from anir_runtime.families import families
from anir_runtime.network import Network
from anir_runtime.onnx_latents import STREAM, read_latents
from anir_runtime.onnx_tensor import Tensor, read_tensor
from anir_runtime.protobuf import Reader, message_in, text

FORMAT = 2
"""Version of the file format in the metadata."""
MOST_LAYERS, MOST_CHANNELS = 16, 1024
COLOURS = (1, 3, 4)
"""Allowed numbers of colour channels: grey, RGB, and RGB with alpha."""
LONGEST_SIDE, MOST_PIXELS = 1 << 17, 1 << 28
_MOST_TENSORS = 4096

_MODEL_GRAPH, _MODEL_METADATA, _GRAPH_INITIALIZER, _ENTRY_KEY, _ENTRY_VALUE = 7, 14, 5, 1, 2


class Metadata(NamedTuple):
    """A file's metadata: family, native (width, height) in pixels, and all entries by key."""

    family: str
    size: tuple[int, int]
    entries: dict[str, str]


def read_network(data: bytes) -> Network:
    """Returns the network in a serialized ModelProto.

    Raises AnirError if there is no complete network of a known family within the limits.
    """
    reader, message = Reader(), memoryview(data)
    metadata = read_metadata(message, reader)
    family = families().get(metadata.family)
    if family is None:
        raise AnirError(
            f"this runtime does not know the family {metadata.family[:40]!r}; with trust_graph=True, or "
            "anir-run --trust-graph, ONNX Runtime draws it by running the file's own graph"
        )
    names = {*family.shapes(1, 1, 1), *(STREAM if family.has_latents else {})}
    tensors = _named_tensors(message, reader, names)
    if missing := sorted(names - tensors.keys()):
        raise AnirError(f"has no tensor '{missing[0]}'; export it again, or draw it with --trust-graph")
    arrays: dict[str, NDArray[Any]] = {}
    for name, (types, shape) in family.shapes(*_sizes(tensors["weights"], tensors["head"])).items():
        stored = _stored_shape(name, shape, family.fields[name.removesuffix(".scale")].scaled)
        if tensors[name].axes() != [n for n in stored if n != 1]:
            raise AnirError(f"its tensor '{name}' has the shape {tensors[name].dims}, not {[*stored]}")
        array = tensors[name].array(types).reshape(stored)
        arrays[name] = array.T if name == "head" else array.reshape(shape)
    latents = None
    if family.has_latents:
        latents = read_latents(tensors, metadata.entries, metadata.size, len(arrays["head"]), len(data))
    network = Network(
        metadata.family, metadata.size, 4 if tensors["weights"].type == "int4" else 8, arrays, latents
    )
    _check_finite(network)
    return network


def _check_finite(network: Network) -> None:
    """Raises AnirError if a float, or a code times its scale, is infinite or NaN."""
    # Floats come first, so that infinite scales are refused before they are multiplied.
    for name in sorted(network.tensors, key=lambda name: network.tensors[name].dtype.kind != "f"):
        with np.errstate(over="ignore"):
            values = network.values(name)
        if not np.isfinite(values).all():
            raise AnirError(f"its tensor '{name}' has values that are infinite or not a number")


def read_metadata(message: memoryview, reader: Reader) -> Metadata:
    """Returns a file's metadata. Raises AnirError if it is no neural image of this format."""
    if not message:
        raise AnirError("the file is empty")
    entries: dict[str, str] = {}
    for number, content in reader.fields(message):
        if number == _MODEL_METADATA:
            fields = dict(reader.fields(message_in(content)))
            entries[text(fields.get(_ENTRY_KEY, message[:0]))] = text(fields.get(_ENTRY_VALUE, message[:0]))
    version = entries.get("anir", "")[:20]
    if not (version.isascii() and version.isdigit()):
        raise AnirError("not a neural image; anir-export makes them")
    if version != str(FORMAT):
        remedy = "export it again" if version == "1" else "update anir"
        raise AnirError(f"file format {version}, this anir reads {FORMAT}; {remedy}")
    sides = entries.get("width", ""), entries.get("height", "")
    if "family" not in entries or not all(n.isascii() and n.isdigit() and len(n) < 10 for n in sides):
        raise AnirError("does not say its size and family; export it again")
    width, height = map(int, sides)
    if min(width, height) < 1 or max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
        raise AnirError(f"says that its picture is {width}x{height}, which is out of range")
    return Metadata(entries["family"], (width, height), entries)


def _named_tensors(message: memoryview, reader: Reader, names: Collection[str]) -> dict[str, Tensor]:
    """Returns the initializers of the top-level graph that have the given names."""
    tensors: dict[str, Tensor] = {}
    read = 0
    graphs = [message_in(content) for number, content in reader.fields(message) if number == _MODEL_GRAPH]
    for number, content in (own for graph in graphs for own in reader.fields(graph)):
        if number == _GRAPH_INITIALIZER:
            read += 1
            if read > _MOST_TENSORS:
                raise AnirError(f"has more than {_MOST_TENSORS} tensors, which no neural image needs")
            tensor = read_tensor(message_in(content), reader)
            if tensor.name in tensors:
                raise AnirError(f"has two tensors '{tensor.name}'")
            if tensor.name in names:
                tensors[tensor.name] = tensor
    return tensors


def _sizes(weights: Tensor, head: Tensor) -> tuple[int, int, int]:
    """Returns D, C and N from shapes [D − 1, C, C] and [C, N], which may lack axes of length 1."""
    axes = weights.axes()
    links = axes.pop(0) if len(axes) % 2 else 1
    channels = axes[0] if axes else 1
    if axes[1:] != axes[:1] or not (1 <= links < MOST_LAYERS and 1 <= channels <= MOST_CHANNELS):
        raise AnirError(
            f"its tensor 'weights' has the shape {weights.dims}, not [layers - 1, channels, channels] with "
            f"at most {MOST_LAYERS} layers of {MOST_CHANNELS} channels"
        )
    colours = head.axes()[-1] if len(head.axes()) > (channels > 1) else 1
    if colours not in COLOURS:
        raise AnirError(
            f"its tensor 'head' has the shape {head.dims}, not [channels, colours] with 1, 3 or 4 colours"
        )
    return links + 1, channels, colours


def _stored_shape(name: str, shape: tuple[int, ...], scaled: int) -> tuple[int, ...]:
    """Returns a tensor's shape in ONNX files (docs/format.md), where axes with scales are merged into one."""
    if name == "head":
        return shape[::-1]
    return (math.prod(shape[:scaled]), *shape[scaled:]) if scaled else shape
