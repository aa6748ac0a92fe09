from collections import Counter

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.engine import make_engine, open_file, prepared
from anir_runtime.onnx_file import read_nodes
from anir_runtime.rewrite import (
    PROBE,
    Rewritten,
    UnknownOperationError,
    constants_needed,
    rewrite,
    values_needed,
    varying_nodes,
)
from anir_toolchain.export import build
from anir_toolchain.space import Subnet
from numpy.typing import NDArray
from onnx import helper

from tests.pixels import assert_same_pixels
from tests.random_model import random_model

FAMILIES = ("siren", "lapped", "fourier", "gabor")


def _rewritten(data: bytes) -> Rewritten:
    data = prepared(data)
    nodes = read_nodes(data)
    names = values_needed(nodes)
    return rewrite(data, nodes, dict(zip(names, open_file(data).run(names, PROBE), strict=True)))


def _expansion(proto: onnx.ModelProto) -> onnx.NodeProto:
    (einsum,) = (node for node in proto.graph.node if node.op_type == "Einsum" and len(node.input) == 3)
    return einsum


def _both(data: bytes, width: int, height: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The picture as the runtime draws it, and as the file itself does."""
    x, y = axis_coordinates(width), axis_coordinates(height)
    want = ort.InferenceSession(data).run(["image"], {"x": x, "y": y})[0]
    return _draw(data, x, y), want


def _draw(data: bytes, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.uint8]:
    data = prepared(data)
    return make_engine(data, open_file(data)).start(x)(y)


# Within a tile; rows of several tiles; several rows to a tile, the last one cut short.
@pytest.mark.parametrize(("width", "height"), [(96, 64), (5000, 3), (3, 1501), (1, 1)])
@pytest.mark.parametrize("subnet", [Subnet(2, 16), Subnet(5, 48)])
@pytest.mark.parametrize("name", FAMILIES)
def test_the_rewritten_graph_draws_the_same_pixels(
    name: str, subnet: Subnet, width: int, height: int
) -> None:
    assert_same_pixels(*_both(build(random_model(name), subnet).SerializeToString(), width, height))


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("name", FAMILIES)
def test_only_products_and_what_they_need_is_left_to_each_pixel(name: str, bits: int) -> None:
    model = random_model(name, bits)
    proto = onnx.load_from_string(_rewritten(build(model, Subnet(3, 48)).SerializeToString()).model)
    onnx.checker.check_model(proto, full_check=True)
    graph = proto.graph
    kinds = Counter(node.op_type for node in graph.node)
    assert kinds["Gemm"] == 3  # two hidden layers and the head
    has_sines, has_planes = name in ("siren", "lapped"), name == "lapped"
    assert kinds["Sin"] == (2 if has_sines else 0)
    assert not kinds.keys() & {
        "Cos",
        "Exp",
        "DequantizeLinear",
        "Split",
        "Slice",
        "Relu",
        "Scan",
        "Einsum",
    }
    assert kinds["MatMul"] == 2 * has_planes
    assert kinds["Pad"] == has_planes
    factors = {"siren": 1, "lapped": 0}.get(name, 3)
    assert len(graph.input) == 4 * factors + 3 * has_planes
    assert kinds["Mul"] == 2 * factors + (0 if has_sines else 2)
    assert kinds["Add"] == factors + 2 * has_planes


def test_a_file_with_an_unknown_operation_over_the_grid_runs_as_it_is() -> None:
    proto = build(random_model(), Subnet(2, 16))
    last = proto.graph.node.pop()
    axis = helper.make_node("CumSum", [last.input[0], "axis"], ["summed"])
    last.input[0] = "summed"
    proto.graph.initializer.append(helper.make_tensor("axis", onnx.TensorProto.INT64, [], [2]))
    proto.graph.node.extend([axis, last])
    data = proto.SerializeToString()
    with pytest.raises(UnknownOperationError):
        _rewritten(data)
    got, want = _both(data, 96, 64)
    assert_same_pixels(got, want)
    assert got.std() > 5


def test_a_sum_that_is_no_matrix_product_is_refused() -> None:
    proto = build(random_model(), Subnet(2, 16))
    (einsum,) = (node for node in proto.graph.node if node.op_type == "Einsum")
    # All channels added up, times a row's numbers added up.
    einsum.attribute[0].s = b"abc,de->abd"
    with pytest.raises(UnknownOperationError, match="no matrix product"):
        _rewritten(proto.SerializeToString())


def test_an_expansion_that_is_turned_runs_as_it_is() -> None:
    proto = build(random_model("lapped"), Subnet(2, 16))
    einsum = _expansion(proto)
    equation = einsum.attribute[0].s.decode()
    einsum.attribute[0].s = equation.replace("->hwp", "->whp").encode()
    name, einsum.output[0] = einsum.output[0], "turned"
    back = helper.make_node("Transpose", ["turned"], [name], perm=[1, 0, 2])
    proto.graph.node.insert(list(proto.graph.node).index(einsum) + 1, back)
    data = proto.SerializeToString()
    with pytest.raises(UnknownOperationError, match="a value of shape"):
        _rewritten(data)
    assert_same_pixels(*_both(data, 96, 64))


def test_an_expansion_of_what_varies_runs_as_it_is() -> None:
    proto = build(random_model("lapped"), Subnet(2, 16))
    einsum = _expansion(proto)
    at = list(proto.graph.node).index(einsum)
    # Nothing, but of x.
    nothing = helper.make_node("Sub", ["x", "x"], ["nothing"])
    summed = helper.make_node("ReduceSum", ["nothing"], ["sum"], keepdims=0)
    varying = helper.make_node("Add", [einsum.input[1], "sum"], ["varying"])
    einsum.input[1] = "varying"
    for node in (varying, summed, nothing):
        proto.graph.node.insert(at, node)
    data = proto.SerializeToString()
    with pytest.raises(UnknownOperationError, match="no expansion"):
        _rewritten(data)
    assert_same_pixels(*_both(data, 96, 64))


def test_what_does_not_vary_is_worked_out_once() -> None:
    proto = build(random_model("lapped"), Subnet(2, 16))
    nodes = read_nodes(proto.SerializeToString())
    assert "Scan" in {node.kind for node in nodes}
    varying = varying_nodes(nodes)
    assert not {node.kind for node in varying} & {
        "Scan",
        "DequantizeLinear",
        "Split",
        "Range",
    }
    made = {name for node in varying for name in node.outputs} | {"x", "y", ""}
    given = {initializer.name for initializer in proto.graph.initializer}
    assert {n for node in varying for n in node.inputs} - made - given == set(constants_needed(nodes))


@pytest.mark.parametrize("name", FAMILIES)
def test_all_subnets_are_drawn_as_in_torch(name: str) -> None:
    model = random_model(name)
    x, y = axis_coordinates(96), axis_coordinates(64)
    for subnet in model.space.subnets:
        data = build(model, subnet).SerializeToString()
        rgb = model.decode(subnet, torch.from_numpy(x), torch.from_numpy(y))
        want = (rgb.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
        assert_same_pixels(_draw(data, x, y), want)
