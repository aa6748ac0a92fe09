from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from anir_runtime.stages import Stages
from anir_toolchain.export import build
from anir_toolchain.space import Subnet
from numpy.typing import NDArray
from onnx import TensorProto, helper

from tests.random_model import random_model
from tests.test_rewrite import rewritten

LAYERS = """
    a = Gemm(w, x)
    b = Sin(a)
    c = Gemm(w, b)
    d = Sin(c)
    e = Add(d, b)
    out = Mul(e, x)
"""
SHARED = """
    a = Gemm(w, x)
    b = Sin(a)
    c = Add(b, a)
    d = Sin(c)
    out = Gemm(w, d)
"""
OF_INPUT = """
    a = Sin(x)
    b = Sin(a)
    out = Gemm(w, b)
"""
TWO_AT_ONCE = """
    a = Gemm(w, x)
    b = Neg(a)
    c = Abs(a)
    d = Sin(b)
    e = Sin(c)
    out = Sub(d, e)
"""
UNREAD = """
    a = Gemm(w, x)
    b = Sin(a)
    c = Gemm(w, b)
    out = Gemm(w, x)
"""


def _model(text: str) -> bytes:
    nodes = []
    for line in text.split("\n"):
        if line.strip():
            name, _, call = line.strip().partition(" = ")
            kind, _, inputs = call.rstrip(")").partition("(")
            nodes.append(helper.make_node(kind, inputs.split(", "), [name]))
    weights = np.random.default_rng(1).normal(size=(3, 3)).astype(np.float32)
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, None])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [3, None])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return model.SerializeToString()


def _inputs(columns: int) -> dict[str, NDArray[np.float32]]:
    return {"x": np.random.default_rng(2).normal(size=(3, columns)).astype(np.float32) * 4}


@pytest.mark.parametrize(
    ("text", "sines_left"),
    [(LAYERS, [0, 0, 0]), (SHARED, [1, 0]), (OF_INPUT, [1, 0]), (TWO_AT_ONCE, [0, 0]), (UNREAD, [0])],
    ids=["layers", "read by others", "of an input", "two at once", "unread"],
)
def test_sines_between_stages_give_the_same(text: str, sines_left: list[int]) -> None:
    model, opened = _model(text), list[bytes]()

    def session(data: bytes) -> ort.InferenceSession:
        opened.append(data)
        return ort.InferenceSession(data)

    own = Stages(model, "out", session)
    kinds = [[node.op_type for node in onnx.load_from_string(data).graph.node] for data in opened]
    assert [names.count("Sin") for names in kinds] == sines_left
    for columns in (1, 7):
        inputs = _inputs(columns)
        kept = inputs["x"].copy()
        (want,) = ort.InferenceSession(model).run(["out"], inputs)
        np.testing.assert_allclose(own.run(inputs), want, rtol=0, atol=2e-6)
        np.testing.assert_array_equal(inputs["x"], kept)


@pytest.mark.filterwarnings("error")
def test_a_sine_of_what_is_infinite_is_no_number_and_no_warning() -> None:
    own = Stages(_model(LAYERS), "out", ort.InferenceSession)
    got = own.run({"x": np.full((3, 2), np.inf, np.float32)})
    assert np.isnan(got).all()


def test_several_threads_may_run_stages() -> None:
    own = Stages(_model(LAYERS), "out", ort.InferenceSession)
    inputs = [_inputs(columns) for columns in range(1, 40)]
    alone = [own.run(each) for each in inputs]
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(pool.map(own.run, inputs), alone, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("family", "sines"), [("siren", 4), ("lapped", 4), ("fourier", 0), ("gabor", 0)])
def test_no_sine_of_a_pixel_is_left_to_onnx_runtime(family: str, sines: int) -> None:
    opened = list[bytes]()

    def session(data: bytes) -> ort.InferenceSession:
        opened.append(data)
        return ort.InferenceSession(data)

    Stages(rewritten(build(random_model(family), Subnet(5, 48)).SerializeToString()).model, "image", session)
    assert len(opened) == sines + 1
    assert "Sin" not in [node.op_type for data in opened for node in onnx.load_from_string(data).graph.node]
