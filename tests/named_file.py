"""ONNX files with a network's named tensors (docs/format.md), whose graph draws plain grey.

They are written independently of the exporter. Grey pixels show that a reader ran the graph instead of
reading the tensors.
"""

from typing import Any

import numpy as np
import onnx
from anir_runtime.lapped_transform import context
from anir_runtime.network import Latents, Network
from anir_runtime.onnx_reader import FORMAT
from numpy.typing import NDArray
from onnx import TensorProto, helper

from tests.plain_rans import encode, tables_of

KINDS = {
    "float32": TensorProto.FLOAT,
    "int8": TensorProto.INT8,
    "int16": TensorProto.INT16,
    "uint16": TensorProto.UINT16,
    "int32": TensorProto.INT32,
}


def named_file(network: Network, apart: bool = False) -> bytes:
    """A serialized ModelProto; `apart` says whether each plane of latents has lanes of its own."""
    return named_model(network, apart).SerializeToString()


def named_model(network: Network, apart: bool = False) -> onnx.ModelProto:
    stored = {name: _stored(name, tensor) for name, tensor in network.tensors.items()}
    metadata = dict(zip(("width", "height"), map(str, network.size), strict=True))
    metadata |= {"anir": str(FORMAT), "family": network.family}
    if network.latents:
        tensors, entries = _stream(network.latents, apart)
        stored |= tensors
        metadata |= entries
    initializers = [
        int4(name, array) if (name, network.bits) == ("weights", 4) else raw(name, array)
        for name, array in stored.items()
    ]
    nodes = [helper.make_node("Shape", [axis], [f"{axis}_size"]) for axis in "yx"] + [
        helper.make_node("Concat", ["y_size", "x_size", "colours"], ["size"], axis=0),
        helper.make_node("ConstantOfShape", ["size"], ["image"], value=raw("", np.array([128], np.uint8))),
    ]
    initializers.append(raw("colours", np.array([network.colours], np.int64)))
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(axis, TensorProto.FLOAT, [axis]) for axis in "xy"],
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["y", "x", network.colours])],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    helper.set_model_props(model, metadata)
    return model


def raw(name: str, array: NDArray[Any]) -> onnx.TensorProto:
    """A tensor with its elements in `raw_data`."""
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    return helper.make_tensor(name, kind, array.shape, array.tobytes(), raw=True)


def int4(name: str, codes: NDArray[np.int8]) -> onnx.TensorProto:
    """A tensor of 4-bit codes, two to a byte, the first in the lower half."""
    nibbles = np.append(codes.ravel() & 15, [0] * (codes.size % 2)).astype(np.uint8)
    octets = nibbles[0::2] | nibbles[1::2] << 4
    return helper.make_tensor(name, TensorProto.INT4, codes.shape, octets.tobytes(), raw=True)


def _stored(name: str, tensor: NDArray[Any]) -> NDArray[Any]:
    if name == "head":
        return np.ascontiguousarray(tensor.T[None])
    if name.removesuffix(".scale") in ("frequencies", "filters"):
        return tensor.reshape(-1, *tensor.shape[2:])
    return tensor


def _stream(latents: Latents, apart: bool) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    planes, _, across, order, _ = latents.codes.shape
    if apart:
        lanes = latents.codes.transpose(1, 3, 4, 0, 2).reshape(-1, planes * across)
    else:
        lanes = latents.codes.transpose(0, 1, 3, 4, 2).reshape(-1, across)
    tables = tables_of(lanes, context(order))
    words, states = encode(lanes, tables, context(order))
    tensors = {
        "latents.step": np.array(latents.step, np.float32),
        "latents.magnitudes": latents.magnitudes,
        "latents.words": words,
        "latents.states": states.reshape(1, 1, -1),
        "latents.frequencies": tables.frequencies.astype(np.int32),
        "latents.limits": tables.limits.astype(np.float32)[:, None],
    }
    entries = {
        "pitch": str(latents.pitch),
        "scan": "down" if latents.down else "right",
        "reach": str(latents.reach),
        "order": str(order),
        "lanes": "planes" if apart else "joint",
    }
    return tensors, entries
