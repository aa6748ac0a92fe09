"""Checks that an ONNX file contains a network under the names of docs/format.md."""

import numpy as np
import onnx
from anir_runtime.network import Network
from anir_runtime.onnx_reader import FORMAT
from onnx.numpy_helper import to_array


def assert_carries(proto: onnx.ModelProto, network: Network) -> None:
    """Asserts that the file has the network's metadata and tensors, in the format's types and layouts."""
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    width, height = network.size
    expected = {"anir": str(FORMAT), "family": network.family, "width": str(width), "height": str(height)}
    assert metadata.items() >= expected.items()
    found = {tensor.name: to_array(tensor) for tensor in proto.graph.initializer}
    for name, want in network.tensors.items():
        got = found[name]
        kind = f"int{network.bits}" if name == "weights" else want.dtype.name
        assert got.dtype.name == kind, name
        got = got[0].T if name == "head" else got
        lengths = [n for n in got.shape if n > 1]
        rows = [n for n in (want.shape[0] * want.shape[1], *want.shape[2:]) if n > 1] if want.ndim > 1 else []
        assert lengths in ([n for n in want.shape if n > 1], rows), name
        np.testing.assert_array_equal(got.astype(want.dtype).reshape(want.shape), want)
