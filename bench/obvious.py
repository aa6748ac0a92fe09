"""Writes a subnet as an ONNX graph without any thought of speed, with which the benchmarks compare.

Its input is a list of points; it has DequantizeLinear and MatMul for each layer, and a sine for every value
of every pixel.

Usage: python -m bench.obvious DIRECTORY   writes untrained subnets of all families as both kinds of file.
"""

import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import onnx_ir as ir
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.errors import AnirError
from anir_runtime.families.mfn import NORM_CHANNELS
from anir_runtime.filters import Filters
from anir_runtime.network import Network
from anir_toolchain.families import families
from anir_toolchain.lapped_synthesis import CONSTANT, features_at
from anir_toolchain.model import Model
from anir_toolchain.onnx_export import export
from anir_toolchain.space import Subnet
from numpy.typing import NDArray
from onnxscript import GraphBuilder

from tests.random_model import random_model

_SIZE = (768, 512)


def obvious(model: Model, subnet: Subnet) -> onnx.ModelProto:
    """Returns the obvious graph of a subnet, with input `xy` float32[N, 2] and output `image` uint8[N, 3]."""
    network = model.network(subnet)
    graph = GraphBuilder(ir.Graph([], [], nodes=[], opset_imports={"": 21}, name=network.name))
    op, xy, tensors = graph.op, graph.input("xy", ir.DataType.FLOAT, ["N", 2]), network.tensors
    features = _features(graph, xy, model, subnet) if network.latents else None
    filters = _filters(graph, xy, network) if network.latents is None else []
    if network.family not in ("siren", "fourier", "gabor", "lapped"):
        raise AnirError(f"no obvious graph of {network.family} networks is known here")
    h = features or filters[0]
    for i, codes in enumerate(tensors["weights"].astype(ml_dtypes.int4 if network.bits == 4 else np.int8)):
        steps = np.broadcast_to(network.values("steps")[i], subnet.width)
        h = op.MatMul(h, op.DequantizeLinear(_constant(graph, codes), _constant(graph, steps), axis=1))
        h = op.Add(h, _constant(graph, network.values("biases")[i])) if "biases" in tensors else h
        h = op.Mul(h, filters[i + 1]) if len(filters) > 1 else op.Sin(h)
        h = op.Add(h, features) if features else h
    if len(filters) > 1:
        first = op.Slice(h, [0], [NORM_CHANNELS], [1])
        h = op.Div(h, op.Sqrt(op.Add(op.ReduceSumSquare(first, [1]), _constant(graph, np.float32(1)))))
    scale = _constant(graph, tensors["head.scale"])
    head = op.DequantizeLinear(_constant(graph, tensors["head"].T), scale, axis=1)
    rgb = op.Add(op.MatMul(h, head), _constant(graph, tensors["head.bias"]))
    image = op.QuantizeLinear(rgb, _constant(graph, np.float32(1 / 255)))
    image.type, image.shape = ir.TensorType(ir.DataType.UINT8), ir.Shape(["N", 3])
    graph.add_output(image, "image")
    return ir.to_proto(ir.Model(graph.graph, ir_version=10))


def _constant(graph: GraphBuilder, array: NDArray[Any] | np.generic) -> ir.Value:
    """Adds an initializer with a name of its own."""
    name = f"constant_{len(graph.graph.initializers)}"
    return graph.initializer(ir.tensor(np.asarray(array, order="C"), name=name))


def _filters(graph: GraphBuilder, xy: ir.Value, network: Network) -> list[ir.Value]:
    """Returns the values of each bank's filters at every point, [N, C]: sines, in `gabor` with envelopes."""
    op, banks, responses = graph.op, Filters.of(network), []
    for i, phases in enumerate(banks.phases):
        frequencies = _constant(graph, banks.frequencies[:, i])
        response = op.Sin(op.Add(op.MatMul(xy, frequencies), _constant(graph, phases)))
        if banks.centres is not None and banks.decays is not None:
            squares = []
            for at, centres in zip(
                op.Split(xy, axis=1, num_outputs=2, _outputs=2), banks.centres[:, i], strict=True
            ):
                distance = op.Sub(at, _constant(graph, centres))
                squares.append(op.Mul(distance, distance))
            decays = _constant(graph, -banks.decays[i])
            response = op.Mul(response, op.Exp(op.Mul(op.Add(*squares), decays)))
        responses.append(response)
    return responses


def _features(graph: GraphBuilder, xy: ir.Value, model: Model, subnet: Subnet) -> ir.Value:
    """Returns the inputs of a `lapped` network at every point, [N, C], sampled from pictures of them."""
    op, latents, size = graph.op, model.latents(subnet), model.size
    assert latents is not None
    seen = features_at(latents, axis_coordinates(size[0]), axis_coordinates(size[1]), size, subnet.width)
    pictures = _constant(graph, seen.transpose(2, 0, 1)[None])
    samples = op.GridSample(pictures, op.Unsqueeze(xy, [0, 1]), padding_mode="border")
    features = op.Transpose(op.Squeeze(samples, [0, 2]), perm=[1, 0])
    others = [0, 0, 0, subnet.width - seen.shape[2]]
    padded: ir.Value = op.Pad(features, others, _constant(graph, np.float32(CONSTANT)))
    return padded


def write(directory: Path) -> None:
    """Writes `<family>/<name>.onnx` and `<family>/<name>.obvious.onnx` for each subnet of each family."""
    for name, kind in families().items():
        space = kind.default_space(*_SIZE, 3)
        model = random_model(name, size=_SIZE, space=space)
        export(model, directory / name)
        for subnet in space.subnets:
            onnx.save(obvious(model, subnet), str(directory / name / f"{subnet.name}.obvious.onnx"))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
