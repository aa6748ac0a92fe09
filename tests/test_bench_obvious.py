from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.decoder import decode
from anir_toolchain.families import families
from anir_toolchain.onnx_export import export

from bench.obvious import obvious
from tests.pixels import assert_same_pixels
from tests.random_model import random_model


@pytest.mark.parametrize("family", families())
def test_obvious_graphs_draw_the_same_picture(family: str, tmp_path: Path) -> None:
    model = random_model(family)
    subnet = model.space.subnets[-1]
    export(model, tmp_path)
    # With its default options, ONNX Runtime would round activations to 8 bits.
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    session = onnxruntime.InferenceSession(obvious(model, subnet).SerializeToString(), options)
    x, y = (axis_coordinates(length) for length in model.size)
    points = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    pixels = session.run(["image"], {"xy": points})[0]
    want = decode(tmp_path / f"{subnet.name}.onnx")
    assert_same_pixels(pixels.reshape(want.shape), want)
