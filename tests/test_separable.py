"""Which sines are taken apart, and that their sums are the same."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from anir_runtime.onnx_file import read_nodes
from anir_runtime.rewrite import grid_nodes
from anir_runtime.separable import separate
from anir_toolchain.export import build
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
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10
    ).SerializeToString()


def _run(model: bytes) -> np.ndarray:
    x, y = (np.linspace(-9, 9, n, dtype=np.float32) for n in (50, 40))
    feeds = {"x": x[None, :, None], "y": y[:, None, None]}
    result: np.ndarray = ort.InferenceSession(model).run(["result"], feeds)[0]
    return result


@pytest.mark.parametrize("operands", [["x", "rows"], ["rows", "x"]])
def test_the_sine_of_a_sum_is_taken_apart(operands: list[str]) -> None:
    model = _graph(("Neg", ["y"], "rows"), ("Add", operands, "sum"), ("Sin", ["sum"], "result"))
    apart = separate(model)
    onnx.checker.check_model(onnx.load_from_string(apart), full_check=True)
    kinds = [node.kind for node in grid_nodes(read_nodes(apart))]
    assert sorted(kinds) == ["Add", "Mul", "Mul"]
    np.testing.assert_allclose(_run(apart), _run(model), atol=2e-6)


@pytest.mark.parametrize(
    "nodes",
    [
        [("Add", ["x", "x"], "sum"), ("Sin", ["sum"], "result")],
        [("Mul", ["x", "y"], "sum"), ("Sin", ["sum"], "result")],
        [("Add", ["x", "y"], "both"), ("Add", ["both", "y"], "sum"), ("Sin", ["sum"], "result")],
        [("Add", ["x", "y"], "sum"), ("Sin", ["sum"], "sine"), ("Add", ["sine", "sum"], "result")],
        [("Add", ["x", "y"], "sum"), ("Cos", ["sum"], "result")],
        [("Sin", ["x"], "result")],
    ],
    ids=["of columns alone", "of a product", "of both", "used twice", "another function", "no sum"],
)
def test_any_other_stays(nodes: list[tuple[str, list[str], str]]) -> None:
    model = _graph(*nodes)
    assert separate(model) == model


def test_a_sirens_first_layer_is_the_one_that_is_taken_apart() -> None:
    model = build(random_model("siren"), Subnet(4, 24)).SerializeToString()
    before, after = (
        [node.kind for node in grid_nodes(read_nodes(data))].count("Sin") for data in (model, separate(model))
    )
    assert (before, after) == (4, 3)
