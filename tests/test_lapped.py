import math

import numpy as np
import onnxruntime as ort
import pytest
from anir_toolchain.graph import Graph
from anir_toolchain.lapped import _emit_cosines, emit
from anir_toolchain.lapped_transform import CONSTANT, Axis, features_at
from onnx import TensorProto, helper

from tests.lapped_pictures import latents_of, waves


@pytest.mark.parametrize("bits", [12000, 60000], ids=["planes together", "planes apart"])
@pytest.mark.parametrize("turned", [False, True])
def test_the_graph_gives_what_channels_see_where_they_are_asked(turned: bool, bits: int) -> None:
    picture = waves(101, 75)
    latents = latents_of(picture.transpose(1, 0, 2) if turned else picture, bits)
    assert np.abs(latents.codes).max() > 12
    size = (75, 101) if turned else (101, 75)
    x = np.linspace(-1, 1, 50, dtype=np.float32)
    y = np.linspace(-0.9, 0.95, 40, dtype=np.float32)
    graph = Graph()
    graph.rename_output(emit(graph, latents, size, channels=14), "out")
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in "xy"]
    outputs = [helper.make_tensor_value_info("out", TensorProto.FLOAT, [None, None, 14])]
    session = ort.InferenceSession(graph.model(inputs, outputs, {}).SerializeToString())
    (got,) = session.run(["out"], {"x": x, "y": y})

    want = features_at(latents, x, y, size, channels=14)
    assert want.shape == (40, 50, 11)
    assert np.abs(got[..., :11] - want).max() < 1e-3 * np.abs(want).max()
    assert (got[..., 11:] == np.float32(CONSTANT)).all()


@pytest.mark.parametrize("pixels", [1, 15, 16, 17, 24, 25, 512, 768, 99_999, 1_000_000])
def test_the_graph_counts_cells_as_we_do(pixels: int) -> None:
    axis, odd, graph = Axis(pixels, 16), [1, 3], Graph()
    numbers = (axis.unit, *axis.inner, math.pi / 2, math.pi * 3 / 4)
    odds = graph.tensor(np.array(odd, np.float32)[:, None, None])
    here = graph.tensor(np.zeros((1, 1, 1, 1), np.float32))
    cosines = graph.function(8, _emit_cosines)("x", *map(graph.scalar, numbers), odds, here)
    graph.rename_output(cosines, "out")
    values = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None])]
    values += [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 2, None, None])]
    session = ort.InferenceSession(graph.model(values[:1], values[1:], {}).SerializeToString())
    x = np.array([-1, -1 + 1 / pixels, 0, 1], np.float32)
    (got,) = session.run(["out"], {"x": x})
    assert got.shape == (1, 2, axis.cells, 4)
    if pixels < 1000:
        assert np.abs(got[0] - axis.cosines(x, 2)).max() < 1e-4
