"""Graphs as they are written, against what their nodes should do."""

import numpy as np
import onnxruntime as ort
import pytest
from anir_toolchain.graph import Graph
from onnx import TensorProto, helper


def _run(graph: Graph, result: str, x: float) -> float:
    graph.rename_output(result, "y")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    model = graph.model(values[:1], values[1:], {}).SerializeToString()
    return float(ort.InferenceSession(model).run(["y"], {"x": np.array([x], np.float32)})[0][0])


@pytest.mark.parametrize("captures", [0, 1, 5])
def test_two_scans_of_which_one_reads_what_the_other_gave(captures: int) -> None:
    graph = Graph()

    def plus(graph: Graph, h: str, part: str) -> str:
        return graph.op("Add", h, part)

    def minus(graph: Graph, h: str, part: str) -> str:
        h = graph.op("Sub", h, part)
        for _ in range(captures):
            h = graph.op("Sub", graph.op("Mul", h, part), z)
        return h

    stack = graph.tensor(np.array([[1], [2]], np.float32))
    first = graph.repeat(2, plus, "x", stack)
    z = graph.op("Sub", first, "x")
    second = graph.repeat(2, minus, z, stack)
    result = graph.op("Sub", graph.op("Neg", second), "x")

    x = 3.0
    want_z = want = 3.0
    for part in (1, 2):
        want -= part
        for _ in range(captures):
            want = want * part - want_z
    assert _run(graph, result, x) == -want - x


def test_calls_of_what_is_written_once() -> None:
    graph = Graph()
    ratio = graph.function(2, lambda graph, a, b: graph.op("Div", graph.op("Neg", a), b))
    twice = graph.function(1, lambda graph, a: graph.op("Add", a, a))
    two = graph.tensor(np.array([2], np.float32))
    result = ratio(twice(ratio("x", two)), "x")
    assert _run(graph, result, 3.0) == 1.0


def test_a_single_step_is_no_scan() -> None:
    graph = Graph()
    part = graph.tensor(np.array([7], np.float32))
    result = graph.repeat(1, lambda graph, h, part: graph.op("Mul", h, part), "x", part)
    assert _run(graph, result, 3.0) == 21.0
