"""Which repeated steps are written out, and that they give the same."""

from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.onnx_file import read_nodes
from anir_runtime.unroll import inline, unroll
from anir_toolchain.export import build
from anir_toolchain.space import Subnet
from onnx import TensorProto, helper

from tests.pixels import assert_same_pixels
from tests.random_model import random_model


@pytest.mark.parametrize("depth", [3, 5])
@pytest.mark.parametrize("name", ["siren", "fourier", "gabor"])
def test_layers_are_written_out(name: str, depth: int) -> None:
    data = build(random_model(name), Subnet(depth, 24)).SerializeToString()
    unrolled = unroll(data)
    onnx.checker.check_model(onnx.load_from_string(unrolled))
    kinds = [node.kind for node in read_nodes(unrolled)]
    assert "Scan" not in kinds
    assert kinds.count("MatMul") == depth - 1
    feeds = {"x": axis_coordinates(96), "y": axis_coordinates(64)}
    got, want = (ort.InferenceSession(model).run(["image"], feeds)[0] for model in (unrolled, data))
    assert_same_pixels(got, want)


def test_a_single_layer_is_no_scan() -> None:
    data = build(random_model(), Subnet(2, 24)).SerializeToString()
    assert "Scan" not in [node.kind for node in read_nodes(data)]
    assert unroll(data) == data


def test_calls_are_written_out() -> None:
    data = build(random_model("lapped"), Subnet(2, 24)).SerializeToString()
    inlined = inline(data)
    kinds = [[node.kind for node in read_nodes(model)] for model in (data, inlined)]
    assert [own.count("fa") for own in kinds] == [2, 0]
    assert [own.count("Cos") for own in kinds] == [0, 4]
    feeds = {"x": axis_coordinates(96), "y": axis_coordinates(64)}
    got, want = (ort.InferenceSession(model).run(["image"], feeds)[0] for model in (inlined, data))
    np.testing.assert_array_equal(got, want)


def _calling(function: onnx.FunctionProto, *others: onnx.FunctionProto) -> bytes:
    calls = [
        helper.make_node("f", ["x", "two", "nine"], ["both"], domain="own"),
        helper.make_node("f", ["both", "", "nine"], ["y"], domain="own"),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    constants = [
        helper.make_tensor(name, TensorProto.FLOAT, [], [n]) for name, n in (("two", 2), ("nine", 9))
    ]
    graph = helper.make_graph(calls, "g", values[:1], values[1:], constants)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10, functions=[function, *others])
    return model.SerializeToString()


def _function(kind: str = "Clip", **changes: list[str]) -> onnx.FunctionProto:
    nodes = [helper.make_node("Neg", ["a"], ["c"]), helper.make_node(kind, ["c", "low", "high"], ["d"])]
    nodes[1].domain = "own" * (kind == "g")
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
    return helper.make_function("own", "f", ["a", "low", "high"], ["d"], nodes, opsets, **changes)


def test_what_a_call_leaves_out_stays_so() -> None:
    data = _calling(_function())
    inlined = inline(data)
    assert [node.kind for node in read_nodes(inlined)] == ["Neg", "Clip", "Identity"] * 2
    for model in (inlined, data):
        # -3 is raised to 2, and -2 has no least.
        assert ort.InferenceSession(model).run(["y"], {"x": np.array([3], np.float32)})[0].tolist() == [-2]


def test_functions_that_are_more_than_nodes_stay() -> None:
    inner = _function()
    inner.name = "g"
    for data in (_calling(_function("g"), inner), _calling(_function(attributes=["unused"]))):
        assert inline(data) == data


@pytest.fixture
def proto() -> onnx.ModelProto:
    """(a, b) ← (b, a + part) for 1, 10 and 1000, and all that twice, from x and 200 on."""
    values = [onnx.ValueInfoProto(name=name) for name in ("a", "b", "part", "other", "sum")]
    add = helper.make_node("Add", ["a", "part"], ["sum"])
    move = helper.make_node("Identity", ["b"], ["other"])
    body = helper.make_graph([add, move], "body", values[:3], values[3:])
    scans = [
        helper.make_node("Scan", inputs, outputs, body=body, num_scan_inputs=1)
        for inputs, outputs in ((["x", "q", "parts"], ["r", "s"]), (["r", "s", "parts"], ["t", "u"]))
    ]
    parts = helper.make_node("Abs", ["stack"], ["parts"])
    x, t, u = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xtu")
    constants = [
        helper.make_tensor("q", TensorProto.FLOAT, [1], [200]),
        helper.make_tensor("stack", TensorProto.FLOAT, [3], [1, 10, 1000]),
    ]
    graph = helper.make_graph([parts, *scans], "g", [x], [t, u], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def _run(model: bytes) -> list[float]:
    results = ort.InferenceSession(model).run(["t", "u"], {"x": np.array([100], np.float32)})
    return [float(value[0]) for value in results]


def test_states_may_change_places(proto: onnx.ModelProto) -> None:
    data = proto.SerializeToString()
    unrolled = unroll(data)
    kinds = [node.kind for node in read_nodes(unrolled)]
    assert (kinds.count("Scan"), kinds.count("Add")) == (0, 6)
    assert _run(unrolled) == _run(data) == [1111.0, 1211.0]


def _step(proto: onnx.ModelProto) -> onnx.GraphProto:
    return next(attribute.g for attribute in proto.graph.node[1].attribute if attribute.name == "body")


def _with_a_constant(proto: onnx.ModelProto) -> None:
    _step(proto).initializer.append(helper.make_tensor("c", TensorProto.FLOAT, [], [1]))
    _step(proto).node[0].input[1] = "c"


def _with_results_of_each_step(proto: onnx.ModelProto) -> None:
    _step(proto).node.append(helper.make_node("Neg", ["sum"], ["minus"]))
    _step(proto).output.append(onnx.ValueInfoProto(name="minus"))
    proto.graph.node[1].output.append("each")


def _along_x(proto: onnx.ModelProto) -> None:
    """Of which there is one part in this picture, but not in all."""
    proto.graph.node[1].input[2] = "x"


def _backwards(proto: onnx.ModelProto) -> None:
    proto.graph.node[1].attribute.append(helper.make_attribute("scan_input_directions", [1]))


def _with_a_graph_in_it(proto: onnx.ModelProto) -> None:
    condition = helper.make_tensor("condition", TensorProto.BOOL, [], [True])
    proto.graph.initializer.append(condition)
    add = helper.make_node("Add", ["a", "part"], ["inner"])
    branch = helper.make_graph([add], "branch", [], [onnx.ValueInfoProto(name="inner")])
    node = helper.make_node("If", ["condition"], ["sum"], then_branch=branch, else_branch=branch)
    _step(proto).node[0].CopyFrom(node)


def test_what_a_step_leaves_out_has_no_name(proto: onnx.ModelProto) -> None:
    drop = helper.make_node("Dropout", ["part"], ["kept", ""])
    _step(proto).node.insert(0, drop)
    _step(proto).node[1].input[1] = "kept"
    _step(proto).node[2].CopyFrom(helper.make_node("Clip", ["b", "", "part"], ["other"]))
    data = proto.SerializeToString()
    unrolled = unroll(data)
    assert "Scan" not in [node.kind for node in read_nodes(unrolled)]
    assert _run(unrolled) == _run(data)


def test_a_long_scan_stays(proto: onnx.ModelProto) -> None:
    (stack,) = (tensor for tensor in proto.graph.initializer if tensor.name == "stack")
    stack.CopyFrom(helper.make_tensor("stack", TensorProto.FLOAT, [65], [1] * 65))
    data = proto.SerializeToString()
    assert unroll(data) == data


@pytest.mark.parametrize(
    "change", [_with_a_constant, _with_results_of_each_step, _along_x, _backwards, _with_a_graph_in_it]
)
def test_any_other_scan_stays(proto: onnx.ModelProto, change: Callable[[onnx.ModelProto], None]) -> None:
    change(proto)
    data = proto.SerializeToString()
    unrolled = unroll(data)
    kinds = [node.kind for node in read_nodes(unrolled)]
    # The other one is as it was.
    assert kinds.count("Scan") == 1
    assert _run(unrolled) == _run(data)
