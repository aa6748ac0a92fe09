"""What is smooth is worked out at few points of a tile, and interpolated.

Sums and products of what columns and rows give, sines of low frequency, are smooth: all of a filter network
up to its picture, and a SIREN's first two layers up to the second's sines.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anir_runtime.interpolation import NOISE, Spectrum
from anir_runtime.onnx_file import Node, number_attribute
from anir_runtime.products import Products

Constants = Mapping[str, NDArray[np.generic]]
Write = Callable[[Sequence[Node], Constants], bytes]
"""Makes a serialized ModelProto, with ACROSS and DOWN among its inputs."""

ACROSS, DOWN = "to columns", "to rows"
"""What columns take of values at points, [points, w], and what rows take, [h, points]."""

_SMOOTH = frozenset(["MatMul", "Reshape", "Gemm", "Add", "Sub", "Sum", "Mul", "Neg", "Identity"])


class Smooth(NamedTuple):
    """A graph of matrices, [channels, points] up to some values and [channels, pixels] beyond.

    Attributes:
        model: all of it.
        part: the nodes up to these values, as they were without interpolation.
        constants: what they read.
        ends: names of these values.
        channels: of the widest matrix beyond.
    """

    model: bytes
    part: list[Node]
    constants: Constants
    ends: list[str]
    channels: int


def find(
    nodes: Sequence[Node], products: Sequence[Products], constants: Constants, write: Write
) -> Smooth | None:
    """The graph with interpolation after its smooth part; nothing if that has no product with weights."""
    part, others = _divide(nodes, {name for own in products for name in (*own.across, *own.down)}, constants)
    reads = Counter(name for node in others for name in node.inputs)
    ends = [name for node in part for name in node.outputs if name in reads]
    if not ends or not any(node.kind == "Gemm" for node in part):
        return None
    sines = {
        node.inputs[0]: node
        for node in others
        if node.kind == "Sin" and node.inputs[0] in ends and reads[node.inputs[0]] == 1
    }
    rest = [node for node in others if node not in sines.values()]
    whole = [*_at_points(part, ends), *_interpolation(ends, sines), *rest]
    numbers = {name: np.array(values) for name, values in _NUMBERS.items()}
    weights = [constants[name].shape for name in reads if name in constants and constants[name].ndim == 2]
    channels = max((max(shape) for shape in weights), default=3)
    return Smooth(write(whole, {**constants, **numbers}), part, constants, ends, channels)


def _divide(
    nodes: Sequence[Node], inputs: Collection[str], constants: Constants
) -> tuple[list[Node], list[Node]]:
    """Those that sum and multiply what comes of the inputs, and all others."""
    known, part, others = {*inputs, *constants}, list[Node](), list[Node]()
    for node in nodes:
        if node.kind in _SMOOTH and known.issuperset(node.inputs):
            part.append(node)
            known.update(node.outputs)
        else:
            others.append(node)
    return part, others


def points_needed(smooth: Smooth, inputs: Mapping[str, Spectrum], sizes: Mapping[str, float]) -> int:
    """How many points the ends need along columns or rows, given what inputs have along these.

    Degrees add up where values are multiplied; a row of weights counts by its norm, as if signs were random.

    Args:
        smooth: the graph.
        inputs: spectra of what products take along these.
        sizes: of the largest values of what they take along the others.
    """
    spectra = {name: np.array([size]) for name, size in sizes.items()} | dict(inputs)
    constants = smooth.constants
    for node in smooth.part:
        operands = [
            np.array([np.abs(constants[name]).max()]) if name in constants else spectra[name]
            for name in node.inputs
        ]
        if node.kind in ("MatMul", "Mul"):
            result = reduce(np.convolve, operands)
        elif node.kind == "Gemm":
            norms = np.linalg.norm(constants[node.inputs[0]].astype(np.float64), axis=1)
            result = _largest([operands[1] * norms.max(), operands[2]])
        elif node.kind in ("Add", "Sub", "Sum"):
            result = _largest(operands)
        else:
            result = operands[0]
        spectra |= dict.fromkeys(node.outputs, result)
    matters = np.flatnonzero(_largest([spectra[name] for name in smooth.ends]) > NOISE)
    return int(matters.max(initial=0)) + 1


def _largest(spectra: Sequence[Spectrum]) -> Spectrum:
    length = max(map(len, spectra))
    largest: Spectrum = np.max([np.pad(own, (0, length - len(own))) for own in spectra], axis=0)
    return largest


_NUMBERS = {"grid": [-1], "flat": [0, -1], "first": [0], "second": [1]}


def _at_points(part: Sequence[Node], ends: Sequence[str]) -> list[Node]:
    """The nodes, whose ends leave their names to what comes of them at pixels."""
    names = {name: f"{name} at points" for name in ends}
    return [
        node._replace(
            inputs=[names.get(name, name) for name in node.inputs],
            outputs=[names.get(name, name) for name in node.outputs],
        )
        for node in part
    ]


def _interpolation(ends: Sequence[str], sines: Mapping[str, Node]) -> list[Node]:
    """What gives the ends at pixels, or sines of them: before they are matrices, which would take a copy."""
    nodes = [
        Node("Shape", [DOWN], ["size of rows"], []),
        Node("Shape", [ACROSS], ["size of columns"], []),
        Node("Gather", ["size of rows", "second"], ["rows"], []),
        Node("Gather", ["size of columns", "first"], ["columns"], []),
        Node("Concat", ["grid", "rows", "columns"], ["shape"], [number_attribute("axis", 0)]),
    ]
    for name in ends:
        grid, along, both, sine = (
            f"{name} {s}" for s in ("on a grid", "along rows", "along both", "as sines")
        )
        nodes += [
            Node("Reshape", [f"{name} at points", "shape"], [grid], []),
            Node("MatMul", [DOWN, grid], [along], []),
            Node("MatMul", [along, ACROSS], [both], []),
        ]
        if wave := sines.get(name):
            nodes.append(wave._replace(inputs=[both], outputs=[sine]))
        source, result = (sine, wave.outputs[0]) if wave else (both, name)
        nodes.append(Node("Reshape", [source, "flat"], [result], []))
    return nodes
