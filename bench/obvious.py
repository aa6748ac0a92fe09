"""The graph that a subnet would be without any thought of speed, for the benchmarks to compare with.

A list of points in, DequantizeLinear and MatMul for each layer, a sine for every value of every pixel.

Usage: python -m bench.obvious DIRECTORY   writes untrained subnets of all families as both kinds of file.
"""

import sys
from pathlib import Path

import onnx
import torch
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.network import Latents
from anir_toolchain.export import export
from anir_toolchain.families import families
from anir_toolchain.graph import Graph
from anir_toolchain.lapped_transform import CONSTANT, features_at
from anir_toolchain.model import Model
from anir_toolchain.space import Space, Subnet
from onnx import TensorProto, helper

from tests.random_model import random_model

_SIZE = (768, 512)


def obvious(model: Model, subnet: Subnet) -> onnx.ModelProto:
    """The subnet with `xy` float32[N, 2] in and `image` uint8[N, 3] out."""
    graph, trunk, links = Graph(), model.trunks[subnet.width], subnet.depth - 1
    tensor = _Tensors(graph)
    banks = model.family.banks(subnet.depth)
    features = _emit_features(graph, tensor, model.latents(subnet), model.size, subnet.width)
    filters = [_emit_filter(graph, tensor, own) for own in trunk.filters.values[:banks] if len(own)]
    h = filters[0] if filters else features
    for i in range(links):
        step = trunk.step.values[i].expand(subnet.width)
        matrix = tensor.dequantized(graph.int4(trunk.weight[i].numpy()), step, axis=1)
        h = graph.op("MatMul", h, matrix)
        if not model.family.lean:
            h = graph.op("Add", h, tensor(trunk.bias.values[i]))
        h = graph.op("Sin", h) if banks == 1 else graph.op("Mul", h, filters[i + 1])
        h = graph.op("Add", h, features) if features else h
    at = model.space.depths.index(subnet.depth)
    head_codes = graph.tensor(trunk.head.codes[at].T.contiguous().numpy())
    head = tensor.dequantized(head_codes, trunk.head.scale[at], axis=1)
    rgb = graph.op("Add", graph.op("MatMul", h, head), tensor(trunk.head_bias[at]))
    graph.rename_output(graph.op("QuantizeLinear", rgb, graph.scalar(1 / 255)), "image")
    return graph.model(
        inputs=[helper.make_tensor_value_info("xy", TensorProto.FLOAT, ["N", 2])],
        outputs=[helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", 3])],
        metadata={},
    )


class _Tensors:
    """Torch tensors as initializers."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def __call__(self, values: torch.Tensor) -> str:
        return self._graph.tensor(values.contiguous().numpy())

    def dequantized(self, codes: str, scale: torch.Tensor, axis: int) -> str:
        return self._graph.op("DequantizeLinear", codes, self(scale), axis=axis)


def _emit_filter(graph: Graph, tensor: _Tensors, filters: torch.Tensor) -> str:
    """One bank's response at every point, [N, C]: sines, and Gabor's envelopes."""
    response = graph.op(
        "Sin", graph.op("Add", graph.op("MatMul", "xy", tensor(filters[:2])), tensor(filters[2]))
    )
    if len(filters) == 3:
        return response
    center_x, center_y, gamma = filters[3:]
    x, y = graph.split_op("Split", 2, "xy", num_outputs=2, axis=1)
    squares = []
    for value, center in ((x, center_x), (y, center_y)):
        distance = graph.op("Sub", value, tensor(center))
        squares.append(graph.op("Mul", distance, distance))
    exponent = graph.op("Mul", graph.op("Add", *squares), tensor(-gamma))
    return graph.op("Mul", response, graph.op("Exp", exponent))


def _emit_features(
    graph: Graph, tensor: _Tensors, latents: Latents | None, size: tuple[int, int], channels: int
) -> str:
    """What channels see of local cosines at every point, [N, channels], if there are any."""
    if latents is None:
        return ""
    points = graph.op("Reshape", "xy", graph.integers(1, 1, -1, 2))
    seen = features_at(latents, axis_coordinates(size[0]), axis_coordinates(size[1]), size, channels)
    pictures = tensor(torch.from_numpy(seen).permute(2, 0, 1)[None])
    samples = graph.op("GridSample", pictures, points, padding_mode="border")
    features = graph.op("Transpose", graph.op("Squeeze", samples, graph.integers(0, 2)), perm=[1, 0])
    others = graph.integers(0, 0, 0, channels - seen.shape[2])
    return graph.op("Pad", features, others, graph.scalar(CONSTANT))


def write(directory: Path) -> None:
    """Writes for each family and subnet `<family>/<name>.onnx` and `<family>/<name>.obvious.onnx`."""
    for name, kind in families().items():
        space = Space.default(*_SIZE, kind.widths)
        model = random_model(name, size=_SIZE, space=space)
        export(model, directory / name)
        for subnet in space.subnets:
            onnx.save(obvious(model, subnet), str(directory / name / f"{subnet.name}.obvious.onnx"))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
