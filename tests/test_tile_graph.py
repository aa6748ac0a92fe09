import numpy as np
import onnx
import pytest
from anir_runtime.sessions import RuntimeErrors
from anir_runtime.tile_graph import _model, graph

TEXT = """
a = MatMul(w, x)
size = Shape(a, start=1)
first = Shape(a, end=1)
both = Concat(first, size, axis=0)
b = Reshape(a, both)
c = Mul(b, scale)
"""


def test_a_graph_computes_what_its_lines_say() -> None:
    random = np.random.default_rng(0)
    w, x, scale = (random.normal(size=shape).astype(np.float32) for shape in ((2, 3), (3, 4), (1, 4)))
    c = graph(TEXT)({"w": w, "x": x, "scale": scale})
    np.testing.assert_allclose(c, w @ x * scale, rtol=1e-5)


def test_names_that_no_line_defines_are_inputs() -> None:
    model = onnx.load_from_string(_model(TEXT))
    assert [node.op_type for node in model.graph.node] == [
        "MatMul",
        "Shape",
        "Shape",
        "Concat",
        "Reshape",
        "Mul",
    ]
    assert [value.name for value in model.graph.input] == ["scale", "w", "x"]
    assert [value.name for value in model.graph.output] == ["c"]


def test_a_graph_is_opened_once() -> None:
    assert graph("y = Neg(x)") is graph("y = Neg(x)")
    assert graph("y = Neg(x)") is not graph("y = Abs(x)")


def test_an_unknown_operation_is_an_error() -> None:
    with pytest.raises(RuntimeErrors):
        graph("y = Nothing(x)")
