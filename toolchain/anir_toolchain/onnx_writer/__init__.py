"""Writes a network as an ONNX model with onnxscript; each kind of network's graph has a module of its own.

The initializers that carry the network have the names and layouts of docs/format.md.
"""

from collections import Counter
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import onnx
import onnx_ir as ir
from anir_runtime.errors import AnirError
from anir_runtime.network import Network
from anir_runtime.onnx_reader import FORMAT
from onnxscript import GraphBuilder

from anir_toolchain.onnx_writer.lapped import metadata_of
from anir_toolchain.onnx_writer.tensors import NetworkTensors

_OPSET, _IR_VERSION = 21, 10
Layers = Callable[[NetworkTensors, ir.Value, ir.Value], ir.Value]
"""A function that writes all layers of a family, from coordinates x [W], y [H] to channels [H, W, C]."""


def build(network: Network) -> onnx.ModelProto:
    """Returns the network as an ONNX model with inputs float32 x [W], y [H] and output uint8 image [H, W, N].

    The result is deterministic and has passed onnx's full check.
    Raises AnirError if there is no graph for the network's family.
    """
    write = _layers().get(network.family)
    if write is None:
        raise AnirError(f"family '{network.family}' has no ONNX graph; add its layers to onnx_writer")
    builder = GraphBuilder(ir.Graph([], [], nodes=[], opset_imports={"": _OPSET}, name=network.name))
    op, tensors = builder.op, NetworkTensors(builder, network)
    x = builder.input("x", ir.DataType.FLOAT, ["W"])
    y = builder.input("y", ir.DataType.FLOAT, ["H"])
    h = write(tensors, x, y)
    # Rank 3, as with a dequantized matrix of rank 2 ONNX Runtime would round the activations to 8 bits.
    head = tensors.dequantized("head", network.tensors["head"].T[None], axis=2)
    colours = op.Add(op.MatMul(h, head), tensors.constant("head.bias", network.tensors["head.bias"]))
    image = op.QuantizeLinear(colours, tensors.constant("level", 1 / 255))
    image.type, image.shape = ir.TensorType(ir.DataType.UINT8), ir.Shape(["H", "W", network.colours])
    builder.add_output(image, "image")
    metadata = {
        "anir": str(FORMAT),
        "family": network.family,
        "width": str(network.size[0]),
        "height": str(network.size[1]),
    }
    if network.latents is not None:
        metadata |= metadata_of(network.latents)
    return _finished(builder.graph, metadata)


@cache
def _layers() -> dict[str, Layers]:
    """Returns the function of each family by name, from the LAYERS of the modules in this package."""
    modules = [import_module(module.name) for module in iter_modules(__path__, f"{__name__}.")]
    return {name: own for module in modules for name, own in getattr(module, "LAYERS", {}).items()}


def _finished(graph: ir.Graph, metadata: dict[str, str]) -> onnx.ModelProto:
    """Returns the graph as a checked model, without onnxscript's annotations of nodes and values.

    Unnamed values are named by their operator's initial and a number, unnamed constants by "c" and a number.
    """
    numbers: Counter[str] = Counter()

    def rename(value: ir.Value, initial: str) -> None:
        numbers[initial] += 1
        value.name = f"{initial}{numbers[initial]}"

    for value in list(graph.initializers.values()):
        if value.name and value.name.startswith("const_"):
            rename(value, "c")
    for node in graph.all_nodes():
        node.name = None
        node.metadata_props.clear()
        for value in node.outputs:
            if value.name and value.name.startswith("v_"):
                rename(value, node.op_type[0])
            if not value.is_graph_output():
                # Readers infer types and shapes.
                value.type = value.shape = None
    proto = ir.to_proto(ir.Model(graph, ir_version=_IR_VERSION, metadata_props=metadata))
    # What is left describes initializers, which state their types themselves.
    del proto.graph.value_info[:]
    for tensor in proto.graph.initializer:
        _shorten(tensor)
    onnx.checker.check_model(proto, full_check=True)
    return proto


def _shorten(tensor: onnx.TensorProto) -> None:
    """Stores 32- and 64-bit integers as varints (`int32_data`, `int64_data`) where that is shorter."""
    if tensor.data_type in (onnx.TensorProto.INT32, onnx.TensorProto.INT64):
        integers = onnx.numpy_helper.to_array(tensor).reshape(-1).tolist()
        shorter = onnx.helper.make_tensor(tensor.name, tensor.data_type, tensor.dims, integers)
        if shorter.ByteSize() < tensor.ByteSize():
            tensor.CopyFrom(shorter)
