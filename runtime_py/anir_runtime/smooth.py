"""What is smooth is worked out at few points of a tile, and interpolated.

Sums and products of what columns and rows give, sines of low frequency, are smooth: all of a filter network
up to its picture, and a SIREN's first two layers up to the second's sines.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anir_runtime.interpolation import NOISE, Spectrum
from anir_runtime.onnx_file import Node, number_attribute
from anir_runtime.products import Products

_SMOOTH = frozenset(["MatMul", "Reshape", "Gemm", "Add", "Sub", "Sum", "Mul", "Neg", "Identity"])

Constants = Mapping[str, NDArray[np.generic]]


ACROSS, DOWN = "to columns", "to rows"
"""Inputs: what columns take of values at points, [points, w], and what rows take, [h, points]."""


class Smooth(NamedTuple):
    """A graph of matrices, [channels, points] up to some values and [channels, pixels] beyond.

    Attributes:
        nodes: all of them.
        constants: what they read.
        part: those up to these values, as they were without interpolation.
        ends: names of these values.
        channels: of the widest matrix beyond.
    """

    nodes: list[Node]
    constants: Constants
    part: list[Node]
    ends: list[str]
    channels: int


def find(nodes: Sequence[Node], products: Sequence[Products], constants: Constants) -> Smooth | None:
    """The graph with interpolation after its smooth part; nothing if that has no product with weights."""
    known = {name for own in products for name in (*own.across, *own.down)}
    part, others = list[Node](), list[Node]()
    for node in nodes:
        is_smooth = node.kind in _SMOOTH and all(name in known or name in constants for name in node.inputs)
        (part if is_smooth else others).append(node)
        known.update(node.outputs if is_smooth else ())
    read = {name for node in others for name in node.inputs}
    ends = [name for node in part for name in node.outputs if name in read]
    if not ends or not any(node.kind == "Gemm" for node in part):
        return None
    at_points = {name: f"{name} at points" for name in ends}
    renamed = [
        node._replace(
            inputs=[at_points.get(name, name) for name in node.inputs],
            outputs=[at_points.get(name, name) for name in node.outputs],
        )
        for node in part
    ]
    shapes = {"grid": [-1], "flat": [0, -1], "first": [0], "second": [1]}
    weights = [constants[name].shape for name in read if name in constants and constants[name].ndim == 2]
    channels = max((max(shape) for shape in weights), default=3)
    reads = Counter(name for node in others for name in node.inputs)
    waves = {node.inputs[0]: node for node in others if node.kind == "Sin" and reads[node.inputs[0]] == 1}
    sines = {name: waves[name] for name in ends if name in waves}
    rest = [node for node in others if node not in sines.values()]
    whole = [*renamed, *_interpolation(at_points, sines), *rest]
    numbers = {name: np.array(values) for name, values in shapes.items()}
    return Smooth(whole, {**constants, **numbers}, part, ends, channels)


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


def _interpolation(at_points: Mapping[str, str], sines: Mapping[str, Node]) -> list[Node]:
    """What gives the ends at pixels, or sines of them: before they are matrices, which would take a copy."""
    nodes = [
        Node("Shape", [DOWN], ["size of rows"], []),
        Node("Shape", [ACROSS], ["size of columns"], []),
        Node("Gather", ["size of rows", "second"], ["rows"], []),
        Node("Gather", ["size of columns", "first"], ["columns"], []),
        Node("Concat", ["grid", "rows", "columns"], ["shape"], [number_attribute("axis", 0)]),
    ]
    for name, source in at_points.items():
        own = [f"{name} {step}" for step in ("on a grid", "along rows", "along both", "as a sine")]
        nodes += [
            Node("Reshape", [source, "shape"], [own[0]], []),
            Node("MatMul", [DOWN, own[0]], [own[1]], []),
            Node("MatMul", [own[1], ACROSS], [own[2]], []),
        ]
        if wave := sines.get(name):
            nodes.append(wave._replace(inputs=[own[2]], outputs=[own[3]]))
        (result,) = wave.outputs if wave else (name,)
        nodes.append(Node("Reshape", [own[3] if wave else own[2], "flat"], [result], []))
    return nodes
