"""The graph that decodes latents, and shows a network's channels what they see of them."""

import math

import numpy as np
from anir_runtime.network import Latents
from onnx import TensorProto

from anir_toolchain.graph import Graph
from anir_toolchain.lapped_transform import BESIDE, CONSTANT, EVEN, Axis, by_scan, seen_positions
from anir_toolchain.latent_coding import MEAN_ACTIVITY, context, encode_latents, planes_apart
from anir_toolchain.rans import emit as emit_codes


def emit(graph: Graph, latents: Latents, size: tuple[int, int], channels: int) -> str:
    """Writes a network's first channels, float32[H', W', channels], at columns x and rows y.

    Of a picture of size (W, H). Channels that see nothing are CONSTANT.
    """
    frequencies = latents.codes.shape[-1]
    odd = graph.varints(np.arange(1, 2 * frequencies, 2, dtype=np.int32)[:, None, None])
    odd = graph.op("Cast", odd, to=TensorProto.FLOAT)
    places = np.array(BESIDE) * latents.reach * math.pi / 2 / latents.pitch
    beside = graph.tensor(places.astype(np.float32)[:, None, None, None])
    cosines, axes = graph.function(8, _emit_cosines), [Axis(side, latents.pitch) for side in size]
    along, across = (
        cosines(
            places, *map(graph.scalar, (axis.unit, *axis.inner, math.pi / 2, math.pi * 3 / 4)), odd, beside
        )
        for axis, places in by_scan(latents.down, ((axes[0], "x"), (axes[1], "y")))
    )
    # Without an arrow, letters that occur once come out in the order of the alphabet: height, width, how far
    # to the right, how far down, and planes.
    values, equation = _emit_values(graph, latents), "ykah,{},xlbw" if latents.down else "xkaw,{},ylbh"
    equation = equation.format("aklzb" if planes_apart(latents.codes) else "zaklb")
    planes = graph.op("Einsum", along, values, across, equation=equation)
    planes = graph.op("Reshape", planes, graph.integers(0, 0, 3 * len(BESIDE) ** 2))
    order = seen_positions(channels)
    seen = graph.op("Gather", planes, graph.integers(*order), axis=2)
    return graph.op("Pad", seen, graph.integers(0, 0, 0, 0, 0, channels - len(order)), graph.scalar(CONSTANT))


def _emit_values(graph: Graph, latents: Latents) -> str:
    """What the codes stand for, float32[3, A, K, K, B], or [A, K, K, 3, B] if planes have own lanes."""
    planes, along, across, k, _ = latents.codes.shape
    mean = graph.tensor(np.full((1, 1), MEAN_ACTIVITY, np.float32))
    prior = graph.op("Pad", mean, graph.integers(0, 0, k**2 - 1, 0))
    codes = emit_codes(graph, encode_latents(latents), context(k), prior)
    apart = graph.op("Max", graph.op("Abs", codes), graph.scalar(EVEN))
    scale = graph.scalar(latents.step * 2 / latents.pitch / EVEN)
    values = graph.op("Mul", codes, graph.op("Mul", apart, scale))
    before, beside = (1, planes * across) if planes_apart(latents.codes) else (planes, across)
    values = graph.op("Reshape", values, graph.integers(before, along, k**2, beside))
    sums = graph.op("CumSum", values, graph.integers(1))
    values = graph.op("Where", graph.op("Less", graph.scalar(0), prior), sums, values)
    shape = (along, k, k, planes, across) if before == 1 else (planes, along, k, k, across)
    return graph.op("Reshape", values, graph.integers(*shape))


def _emit_cosines(
    graph: Graph,
    places: str,
    unit: str,
    first: str,
    last: str,
    quarter: str,
    three_eighths: str,
    odd: str,
    beside: str,
) -> str:
    """`Axis.cosines`, float32[n, K, cells, N], of places and those beside them."""
    places = graph.op("Add", graph.op("Mul", places, unit), beside)
    middles = graph.op("Flatten", graph.op("Range", first, last, quarter))
    from_middle = graph.op("Abs", graph.op("Sub", graph.op("Clip", places, first, last), middles))
    window = graph.op("Cos", graph.op("Min", from_middle, quarter))
    angles = graph.op("Add", graph.op("Sub", places, middles), three_eighths)
    return graph.op("Mul", graph.op("Cos", graph.op("Mul", angles, odd)), window)
