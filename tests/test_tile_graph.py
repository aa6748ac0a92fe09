from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
from anir_runtime.sessions import RuntimeErrors
from anir_runtime.tile_graph import TileGraph, _model, graph, product

TEXT = """
a = MatMul(w, x)
size = Shape(a, start=1)
both = Concat(any, size, axis=0)
b = Reshape(a, both)
c = Mul(b, scale)
"""


def test_a_graph_computes_what_its_lines_say() -> None:
    random = np.random.default_rng(0)
    w, x, scale = (random.normal(size=shape).astype(np.float32) for shape in ((2, 3), (3, 4), (1, 4)))
    own = TileGraph(TEXT, ("c", "a"), {"any": (-1,)})
    c, a = own.run({"w": w, "x": x, "scale": scale})
    np.testing.assert_allclose(a, w @ x, rtol=1e-5)
    np.testing.assert_array_equal(c, a * scale)


def test_names_that_no_line_defines_are_inputs() -> None:
    model = onnx.load_from_string(_model(TEXT, ("c",), {"any": (-1,)}))
    assert [node.op_type for node in model.graph.node] == ["MatMul", "Shape", "Concat", "Reshape", "Mul"]
    assert [value.name for value in model.graph.input] == ["scale", "w", "x"]
    assert [tensor.name for tensor in model.graph.initializer] == ["any"]


def test_a_graph_is_opened_once() -> None:
    assert graph("y = Neg(x)", "y") is graph("y = Neg(x)", "y")
    assert graph("y = Reshape(x, s)", "y", s=(1, -1)) is not graph("y = Reshape(x, s)", "y", s=(-1, 1))


def test_an_unknown_operation_is_an_error() -> None:
    with pytest.raises(RuntimeErrors):
        graph("y = Nothing(x)", "y")


def test_products_can_be_computed_in_several_threads() -> None:
    random = np.random.default_rng(1)
    w, b = random.normal(size=(5, 7)).astype(np.float32), random.normal(size=(5, 1)).astype(np.float32)
    inputs = [random.normal(size=(7, n)).astype(np.float32) for n in range(1, 60)]
    with ThreadPoolExecutor(4) as pool:
        for x, y in zip(inputs, pool.map(lambda x: product(w, x, b), inputs), strict=True):
            np.testing.assert_allclose(y, w @ x + b, rtol=1e-4, atol=1e-5)
