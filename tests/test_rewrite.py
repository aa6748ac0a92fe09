from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.decoder import Decoder
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


def rewritten(data: bytes) -> Rewritten:
    """What the runtime makes of a file."""
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
    return make_engine(data, open_file(data)).start(x, y)(slice(0, len(y)))


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
    proto = onnx.load_from_string(rewritten(build(model, Subnet(3, 48)).SerializeToString()).model)
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
    factors = {"siren": 1, "lapped": 0}.get(name, 3)
    # One for each factor; of the first plane, as it is seen from nine places, and of the others, two each.
    assert kinds["MatMul"] == factors + 4 * has_planes
    assert kinds["Pad"] == kinds["Concat"] == has_planes
    assert len(graph.input) == 2 * factors + 3 * has_planes
    assert kinds["Mul"] == (0 if has_sines else 2)
    assert kinds["Add"] == 2 * has_planes


@pytest.mark.parametrize(
    ("row", "products"), [("one channel", 2), ("all channels", 1)], ids=["alike", "a row is repeated"]
)
def test_columns_times_rows_are_products_of_matrices_where_channels_are_alike(
    row: str, products: int
) -> None:
    proto = build(random_model(), Subnet(2, 16))
    sine = next(node for node in proto.graph.node if node.op_type == "Sin")
    at = list(proto.graph.node).index(sine)
    columns, rows = (next(n for n in proto.graph.node if n.op_type == k) for k in ("Flatten", "Unsqueeze"))
    wide = next(node for node in proto.graph.node if columns.output[0] in node.input)
    column = columns.output[0] if row == "one channel" else wide.output[0]
    nodes = [
        helper.make_node("Mul", [column, rows.output[0]], ["product"]),
        helper.make_node("Add", [sine.output[0], "product"], ["more"]),
    ]
    for node in proto.graph.node[at + 1 :]:
        node.input[:] = ["more" if name == sine.output[0] else name for name in node.input]
    for node in reversed(nodes):
        proto.graph.node.insert(at + 1, node)
    data = proto.SerializeToString()
    assert len(rewritten(data).products) == products
    for width, height in ((96, 64), (300, 7), (1, 1)):
        assert_same_pixels(*_both(data, width, height))


def test_a_file_with_an_unknown_operation_over_the_grid_runs_as_it_is() -> None:
    proto = build(random_model(), Subnet(2, 16))
    last = proto.graph.node.pop()
    axis = helper.make_node("CumSum", [last.input[0], "axis"], ["summed"])
    last.input[0] = "summed"
    proto.graph.initializer.append(helper.make_tensor("axis", onnx.TensorProto.INT64, [], [2]))
    proto.graph.node.extend([axis, last])
    data = proto.SerializeToString()
    with pytest.raises(UnknownOperationError):
        rewritten(data)
    got, want = _both(data, 96, 64)
    assert_same_pixels(got, want)
    assert got.std() > 5


@pytest.mark.parametrize(
    ("equation", "shape"),
    [
        ("abc,def->abd", (3, 1, 16)),
        ("...c,dec->...d", (3, 1, 16)),
        ("abc,dec->abd", (3, 2, 16)),
        ("abc,dec->abd", (3, 1, 1)),
        ("abc,ddc->abd", (3, 3, 16)),
    ],
    ids=["of all channels", "an ellipsis", "two rows", "one channel", "a diagonal"],
)
def test_a_sum_that_is_no_matrix_product_is_drawn_as_it_is(
    equation: str, shape: tuple[int, ...], tmp_path: Path
) -> None:
    proto = build(random_model(), Subnet(3, 16))
    (einsum,) = (node for node in proto.graph.node if node.op_type == "Einsum")
    einsum.attribute[0].s = equation.encode()
    einsum.input[1] = "head"
    values = np.random.default_rng(0).uniform(0, 0.1, shape).astype(np.float32)
    proto.graph.initializer.append(onnx.numpy_helper.from_array(values, "head"))
    with pytest.raises(UnknownOperationError, match="no matrix product"):
        rewritten(proto.SerializeToString())
    _assert_drawn_as_it_is(proto, tmp_path)


def _assert_drawn_as_it_is(proto: onnx.ModelProto, folder: Path) -> None:
    """By the decoder, with the pixels of a plain session."""
    file = folder / "picture.onnx"
    onnx.save(proto, str(file))
    feeds = {"x": axis_coordinates(96), "y": axis_coordinates(64)}
    (want,) = ort.InferenceSession(file).run(["image"], feeds)
    assert want.std() > 5
    assert_same_pixels(Decoder(file).decode(), want)


def _with_a_local_function(proto: onnx.ModelProto) -> None:
    proto.opset_import.append(helper.make_opsetid("own", 1))
    twice = helper.make_node("Identity", ["a"], ["b"])
    opset = [helper.make_opsetid("", 21)]
    proto.functions.append(helper.make_function("own", "Same", ["a"], ["b"], [twice], opset))
    scan = next(node for node in proto.graph.node if node.op_type == "Scan")
    call = helper.make_node("Same", [scan.input[0]], ["same"], domain="own")
    scan.input[0] = "same"
    proto.graph.node.insert(list(proto.graph.node).index(scan), call)


def _with_an_older_opset(proto: onnx.ModelProto) -> None:
    """Split and Squeeze have attributes before opset 13."""
    (scan,) = (node for node in proto.graph.node if node.op_type == "Scan")
    outer = {"w": (2, 16, 16), "b": (2, 1, 16), "e": (1, 1, 16), "head": (3, 16)}
    random = np.random.default_rng(0)
    constants = {n: random.normal(0, 0.3, s).astype(np.float32) for n, s in outer.items()}
    constants |= {"scale": np.array(1 / 255, np.float32), "zero": np.array(0, np.uint8)}
    constants |= {"half": np.array(0.5, np.float32)}
    nodes = [
        helper.make_node("Unsqueeze", ["x"], ["x3"], axes=[0, 2]),
        helper.make_node("Unsqueeze", ["y"], ["y3"], axes=[1, 2]),
        helper.make_node("Add", ["x3", "y3"], ["xy"]),
        helper.make_node("Add", ["xy", "e"], ["h"]),
        helper.make_node("Scan", ["h", "w", "b"], ["g"], num_scan_inputs=2),
        helper.make_node("Transpose", ["head"], ["t"]),
        helper.make_node("MatMul", ["g", "t"], ["rgb"]),
        helper.make_node("Add", ["rgb", "half"], ["lighter"]),
        helper.make_node("QuantizeLinear", ["lighter", "scale", "zero"], ["image"]),
    ]
    nodes[4].attribute.append(scan.attribute[0])
    del proto.graph.node[:], proto.graph.initializer[:]
    proto.graph.node.extend(nodes)
    proto.graph.initializer.extend(onnx.numpy_helper.from_array(v, n) for n, v in constants.items())
    proto.opset_import[0].version = 12


def _with_large_exponents(proto: onnx.ModelProto) -> None:
    """exp(100 x - 100 y) is a number near the diagonal, its factors are none."""
    (first,) = (n for n in proto.graph.node if n.op_type == "Sum")
    image = proto.graph.node[-1]
    hundred = helper.make_tensor("hundred", onnx.TensorProto.FLOAT, [], [100])
    proto.graph.initializer.append(hundred)
    x, y = (_input_of(proto, first.input[k]) for k in (0, 1))
    added = [
        helper.make_node("Mul", [x, "hundred"], ["large x"]),
        helper.make_node("Mul", [y, "hundred"], ["large y"]),
        helper.make_node("Neg", ["large y"], ["minus y"]),
        helper.make_node("Add", ["large x", "minus y"], ["exponent"]),
        helper.make_node("Exp", ["exponent"], ["power"]),
        helper.make_node("Mul", [image.input[0], "power"], ["product"]),
    ]
    image.input[0] = "product"
    for node in added:
        proto.graph.node.insert(len(proto.graph.node) - 1, node)


def _input_of(proto: onnx.ModelProto, name: str) -> str:
    """The column or row that a product is of."""
    return next(node.input[0] for node in proto.graph.node if name in node.output)


@pytest.mark.parametrize("change", [_with_a_local_function, _with_an_older_opset, _with_large_exponents])
def test_what_the_runtime_does_not_know_is_drawn_as_it_is(
    change: Callable[[onnx.ModelProto], None], tmp_path: Path
) -> None:
    proto = build(random_model(), Subnet(3, 16))
    change(proto)
    _assert_drawn_as_it_is(proto, tmp_path)


def test_an_expansion_that_is_turned_runs_as_it_is() -> None:
    proto = build(random_model("lapped"), Subnet(2, 16))
    einsum = _expansion(proto)
    equation = einsum.attribute[0].s.decode()
    einsum.attribute[0].s = equation.replace("->hwp", "->whp").encode()
    name, einsum.output[0] = einsum.output[0], "turned"
    back = helper.make_node("Transpose", ["turned"], [name], perm=[1, 0, 2, 3, 4])
    proto.graph.node.insert(list(proto.graph.node).index(einsum) + 1, back)
    data = proto.SerializeToString()
    with pytest.raises(UnknownOperationError, match="a value of shape"):
        rewritten(data)
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
        rewritten(data)
    assert_same_pixels(*_both(data, 96, 64))


def test_an_expansion_with_a_factor_more_runs_as_it_is() -> None:
    proto = build(random_model("lapped"), Subnet(2, 16))
    einsum = _expansion(proto)
    proto.graph.initializer.append(helper.make_tensor("half", onnx.TensorProto.FLOAT, [1], [0.5]))
    einsum.input.append("half")
    einsum.attribute[0].s += b",q->hwxyz"
    data = proto.SerializeToString()
    with pytest.raises(UnknownOperationError, match="no expansion"):
        rewritten(data)
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
