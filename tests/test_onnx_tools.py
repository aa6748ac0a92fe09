"""Tests `.onnx` files with other programs: checkers, printers, simplifiers and other runtimes."""

import os
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.decoder import Decoder
from anir_runtime.errors import AnirError
from anir_runtime.network import Network
from anir_toolchain.families import families
from anir_toolchain.model import Model
from anir_toolchain.onnx_writer import build
from anir_toolchain.space import Space, Subnet
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

from tests.carried import assert_carries
from tests.pixels import assert_same_pixels
from tests.random_model import random_model

SIZE = (40, 24)
COORDINATES = {"x": axis_coordinates(SIZE[0]), "y": axis_coordinates(SIZE[1])}
NEWEST_DRAWN = 26
"""The newest opset in which onnxruntime 1.32 implements every operator that the files use."""
OLDEST = "ANIR_OLDEST_PYTHON"

every_family = pytest.mark.parametrize("name", sorted(families()))
every_bits = pytest.mark.parametrize("bits", [4, 8])
both_depths = pytest.mark.parametrize("depth", [2, 5], ids=["d2", "d5"])


@cache
def _model(name: str, bits: int) -> Model:
    return random_model(name, bits, SIZE, Space((2, 3, 4, 5), (12, 48)))


def _network(name: str, bits: int, depth: int, width: int = 12) -> Network:
    return _model(name, bits).network(Subnet(depth, width))


def _file(name: str, bits: int, depth: int, width: int = 12) -> onnx.ModelProto:
    return build(_network(name, bits, depth, width))


def _drawn(proto: onnx.ModelProto) -> NDArray[np.uint8]:
    image: NDArray[np.uint8] = ort.InferenceSession(proto.SerializeToString()).run(None, COORDINATES)[0]
    return image


@every_family
@every_bits
@both_depths
def test_files_pass_the_onnx_checker_and_type_inference(name: str, bits: int, depth: int) -> None:
    proto = _file(name, bits, depth)
    onnx.checker.check_model(proto, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(proto, check_type=True, strict_mode=True, data_prop=True)
    shapes = {value.name: value.type.tensor_type for value in inferred.graph.value_info}
    for node in inferred.graph.node:
        for output in node.output:
            assert output == "image" or shapes[output].elem_type, output
    (image,) = inferred.graph.output
    assert [d.dim_param or d.dim_value for d in image.type.tensor_type.shape.dim] == ["H", "W", 3]


@every_family
@both_depths
def test_each_name_is_defined_once(name: str, depth: int) -> None:
    def defined(graph: onnx.GraphProto) -> list[str]:
        own = [value.name for value in (*graph.input, *graph.initializer)]
        own += [output for node in graph.node for output in node.output]
        inner = [a.g for node in graph.node for a in node.attribute if a.HasField("g")]
        return own + [name for body in inner for name in defined(body)]

    names = defined(_file(name, 4, depth).graph)
    assert len(set(names)) == len(names)
    assert all(names)


@every_family
@every_bits
@both_depths
def test_the_reference_evaluator_draws_the_same(name: str, bits: int, depth: int) -> None:
    proto = _file(name, bits, depth)
    assert_same_pixels(ReferenceEvaluator(proto).run(None, COORDINATES)[0], _drawn(proto))


@every_family
@every_bits
@both_depths
def test_printed_models_can_be_parsed_again(name: str, bits: int, depth: int) -> None:
    """As onnx cannot print the values of 4-bit tensors, the printed model has these weights as an input."""
    proto, want = _file(name, bits, depth), _drawn(_file(name, bits, depth))
    (weights,) = (i for i in proto.graph.initializer if i.name == "weights")
    if bits == 4:
        proto.graph.initializer.remove(weights)
        value = onnx.helper.make_tensor_value_info("weights", weights.data_type, weights.dims)
        proto.graph.input.append(value)
    text = onnx.printer.to_text(proto)
    read = onnx.parser.parse_model(text)
    assert onnx.printer.to_text(read) == text
    if bits == 4:
        read.graph.input.pop()
        read.graph.initializer.append(weights)
    assert_carries(read, _network(name, bits, depth))
    # Numbers are printed with seven to nine digits only, so that a few pixels may differ.
    assert_same_pixels(_drawn(read), want)


@every_family
@every_bits
@both_depths
def test_newer_opsets_draw_the_same(name: str, bits: int, depth: int) -> None:
    proto = _file(name, bits, depth)
    for opset in (NEWEST_DRAWN, onnx.defs.onnx_opset_version()):
        newer = onnx.version_converter.convert_version(proto, opset)
        assert newer.opset_import[0].version == opset
        assert_carries(newer, _network(name, bits, depth))
        assert_same_pixels(Decoder(newer.SerializeToString()).decode(), _drawn(proto))
        if opset == NEWEST_DRAWN:
            assert_same_pixels(_drawn(newer), _drawn(proto))
        else:
            assert_same_pixels(ReferenceEvaluator(newer).run(None, COORDINATES)[0], _drawn(proto))


@every_family
@every_bits
@both_depths
def test_onnxslim_preserves_the_network_and_the_picture(name: str, bits: int, depth: int) -> None:
    onnxslim = pytest.importorskip("onnxslim", reason="needs onnxslim, of the dev extra")
    proto = _file(name, bits, depth)
    slim = onnxslim.slim(onnx.load_from_string(proto.SerializeToString()))
    _assert_left(slim, proto, _network(name, bits, depth))


@every_family
@every_bits
@both_depths
def test_onnxsim_preserves_the_network_and_the_picture(name: str, bits: int, depth: int) -> None:
    onnxsim = pytest.importorskip("onnxsim", reason="needs onnxsim, of the dev extra")
    proto = _file(name, bits, depth)
    simple, valid = onnxsim.simplify(proto)
    assert valid
    _assert_left(simple, proto, _network(name, bits, depth))


def _assert_left(changed: onnx.ModelProto, proto: onnx.ModelProto, network: Network) -> None:
    """Asserts that a file changed by a tool draws the same picture, directly and by its graph.

    Both tools fold constants, which removes the stream of `lapped`, so that only its graph draws the picture.
    """
    data, want = changed.SerializeToString(), _drawn(proto)
    assert_carries(changed, network)
    assert_same_pixels(Decoder(data, trust_graph=True).decode(), want)
    if network.latents is None:
        assert_same_pixels(Decoder(data).decode(), want)
    else:
        with pytest.raises(AnirError, match="has no tensor 'latents"):
            Decoder(data)


@every_bits
@pytest.mark.parametrize("depth", [2, 3, 4, 5], ids=["d2", "d3", "d4", "d5"])
@pytest.mark.parametrize("name", ["siren", "fourier", "gabor"])
def test_openvino_draws_the_same(name: str, bits: int, depth: int, tmp_path: Path) -> None:
    """Without EXECUTION_MODE_HINT, OpenVINO rounds inputs of 32 channels or more to 8 bits or to bfloat16."""
    openvino = pytest.importorskip("openvino", reason="needs openvino, of the dev extra")
    proto = _file(name, bits, depth, width=48)
    onnx.save(proto, tmp_path / "a.onnx")
    compiled = openvino.compile_model(tmp_path / "a.onnx", "CPU", {"EXECUTION_MODE_HINT": "ACCURACY"})
    assert_same_pixels(compiled(COORDINATES)[0], _drawn(proto))


_DRAW = """
import sys, numpy, onnxruntime
print(onnxruntime.__version__)
coordinates = dict(numpy.load(sys.argv[1]))
for path in sys.argv[2:]:
    image = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, coordinates)[0]
    numpy.save(path + ".npy", image)
"""


def test_the_oldest_onnxruntime_draws_the_same(tmp_path: Path) -> None:
    python = os.environ.get(OLDEST)
    if not python:
        pytest.skip(f"{OLDEST} names no Python with onnxruntime 1.20; `make test-oldest` does")
    np.savez(tmp_path / "at.npz", **COORDINATES)
    files = {}
    for name in sorted(families()):
        for bits in (4, 8):
            for depth in (2, 3, 4, 5):
                files[f"{name}-{bits}-{depth}.onnx"] = _file(name, bits, depth)
    for file, proto in files.items():
        onnx.save(proto, tmp_path / file)
    command = [python, "-c", _DRAW, str(tmp_path / "at.npz"), *(str(tmp_path / file) for file in files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1.20.")
    for file, proto in files.items():
        assert_same_pixels(np.load(tmp_path / f"{file}.npy"), _drawn(proto))
