"""Which functions of columns and rows are taken apart, and that their sums are the same."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from anir_runtime.onnx_file import read_nodes
from anir_runtime.rewrite import grid_nodes
from anir_runtime.separable import separate
from anir_runtime.unroll import unroll
from anir_toolchain.onnx_writer import build
from anir_toolchain.space import Subnet
from onnx import TensorProto, helper

from tests.random_model import random_model


def _graph(*nodes: tuple[str, list[str], str]) -> bytes:
    """A model from x [1, W, 1] and y [H, 1, 1] to `result`."""
    shapes = {"x": [1, "W", 1], "y": ["H", 1, 1]}
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, [output]) for kind, inputs, output in nodes],
        "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        [helper.make_tensor_value_info("result", TensorProto.FLOAT, [None] * 3)],
        [helper.make_tensor("c", TensorProto.FLOAT, [1, 1, 1], [0.3])],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10
    ).SerializeToString()


def _run(model: bytes) -> np.ndarray:
    x, y = (np.linspace(-5, 5, n, dtype=np.float32) for n in (50, 40))
    feeds = {"x": x[None, :, None], "y": y[:, None, None]}
    result: np.ndarray = ort.InferenceSession(model).run(["result"], feeds)[0]
    return result


_SUM = ("Sum", ["rows", "x", "c"], "sum")


@pytest.mark.parametrize(
    ("nodes", "over_the_grid"),
    [
        ([("Add", ["x", "rows"], "sum"), ("Sin", ["sum"], "result")], ["Mul", "Mul", "Add"]),
        ([("Add", ["rows", "x"], "sum"), ("Sin", ["sum"], "result")], ["Mul", "Mul", "Add"]),
        ([_SUM, ("Sin", ["sum"], "result")], ["Mul", "Mul", "Add"]),
        ([_SUM, ("Add", ["x", "sum"], "both"), ("Sin", ["both"], "result")], ["Mul", "Mul", "Add"]),
        ([_SUM, ("Exp", ["sum"], "result")], ["Mul", "Identity"]),
        ([_SUM, ("Mul", ["c", "sum"], "scaled"), ("Sin", ["scaled"], "result")], ["Mul", "Mul", "Add"]),
        ([_SUM, ("Mul", ["sum", "c"], "scaled"), ("Exp", ["scaled"], "result")], ["Mul", "Identity"]),
        (
            [
                _SUM,
                ("Sin", ["sum"], "sine"),
                ("Exp", ["sum"], "factor"),
                ("Div", ["sine", "factor"], "result"),
            ],
            ["Mul", "Mul", "Add"],
        ),
        (
            [
                _SUM,
                ("Add", ["sum", "x"], "both"),
                ("Neg", ["both"], "minus"),
                ("Sin", ["sum"], "sine"),
                ("Max", ["minus", "sine"], "result"),
            ],
            ["Sum", "Add", "Neg", "Mul", "Mul", "Add", "Max"],
        ),
        (
            [
                _SUM,
                ("Sin", ["sum"], "sine"),
                ("Exp", ["sine"], "other"),
                ("Add", ["sine", "other"], "result"),
            ],
            ["Mul", "Mul", "Add", "Exp", "Add"],
        ),
    ],
    ids=[
        "a sine",
        "turned",
        "of three",
        "of a sum",
        "exp",
        "of a scaled sum",
        "exp of a scaled sum",
        "a quotient",
        "a sum of which another is made",
        "a sine used",
    ],
)
def test_functions_of_sums_are_taken_apart(
    nodes: list[tuple[str, list[str], str]], over_the_grid: list[str]
) -> None:
    model = _graph(("Neg", ["y"], "rows"), *nodes)
    apart = separate(model)
    onnx.checker.check_model(onnx.load_from_string(apart), full_check=True)
    assert [node.kind for node in grid_nodes(read_nodes(apart))] == over_the_grid
    np.testing.assert_allclose(_run(apart), _run(model), rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize(
    "nodes",
    [
        [("Add", ["x", "x"], "sum"), ("Sin", ["sum"], "result")],
        [("Mul", ["x", "y"], "sum"), ("Sin", ["sum"], "result")],
        [("Mul", ["x", "y"], "both"), ("Add", ["both", "y"], "sum"), ("Sin", ["sum"], "result")],
        [("Add", ["x", "y"], "result")],
        [("Add", ["x", "y"], "sum"), ("Mul", ["sum", "x"], "product"), ("Sin", ["product"], "result")],
        [("Sin", ["x"], "sine"), ("Exp", ["y"], "factor"), ("Div", ["sine", "factor"], "result")],
        [("Add", ["x", "y"], "sum"), ("Cos", ["sum"], "result")],
        [("Sin", ["x"], "result")],
    ],
    ids=[
        "of columns alone",
        "of a product",
        "of both",
        "no function",
        "of a sum that varies",
        "a quotient of others",
        "another function",
        "no sum",
    ],
)
def test_any_other_stays(nodes: list[tuple[str, list[str], str]]) -> None:
    model = _graph(*nodes)
    assert separate(model) == model


def test_a_sirens_first_layer_is_the_one_that_is_taken_apart() -> None:
    model = unroll(build(random_model("siren").network(Subnet(4, 24))).SerializeToString())
    before, after = (
        [node.kind for node in grid_nodes(read_nodes(data))].count("Sin") for data in (model, separate(model))
    )
    assert (before, after) == (4, 3)


def test_parts_of_parts_have_short_names() -> None:
    doubled = [("Add", [f"s{k}", f"s{k}"], f"s{k + 1}") for k in range(24)]
    model = _graph(("Add", ["x", "y"], "s0"), *doubled, ("Sin", ["s24"], "result"))
    assert len(separate(model)) < 10 * len(model)


def test_a_result_of_the_whole_stays() -> None:
    model = onnx.load_from_string(_graph(("Add", ["x", "y"], "sum"), ("Sin", ["sum"], "result")))
    model.graph.output.append(helper.make_tensor_value_info("sum", TensorProto.FLOAT, [None] * 3))
    apart = separate(model.SerializeToString())
    assert [node.kind for node in grid_nodes(read_nodes(apart))] == ["Add", "Mul", "Mul", "Add"]


def test_a_graph_with_graphs_in_it_stays() -> None:
    model = onnx.load_from_string(_graph(("Add", ["x", "y"], "sum"), ("Sin", ["sum"], "result")))
    body = helper.make_graph(
        [helper.make_node("Add", ["part", "sum"], ["next"])],
        "body",
        [onnx.ValueInfoProto(name="state"), onnx.ValueInfoProto(name="part")],
        [onnx.ValueInfoProto(name="next")],
    )
    model.graph.node.append(helper.make_node("Scan", ["c", "c"], ["s"], body=body, num_scan_inputs=1))
    assert separate(model.SerializeToString()) == model.SerializeToString()
