"""Tests the content of written `.onnx` files, and what ONNX Runtime draws from them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime as ort
import pytest
import torch
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.errors import AnirError
from anir_runtime.lapped_transform import Axis
from anir_runtime.network import Latents, Network
from anir_toolchain.families import families, family
from anir_toolchain.lapped_synthesis import CONSTANT, features_at
from anir_toolchain.latent_coding import encode_latents, planes_apart
from anir_toolchain.onnx_export import payload_bytes
from anir_toolchain.onnx_writer import build
from anir_toolchain.onnx_writer.lapped import cosines, seen_planes
from anir_toolchain.onnx_writer.tensors import NetworkTensors
from anir_toolchain.rans_encoder import MOST_SIZES
from anir_toolchain.space import Subnet
from onnx.numpy_helper import to_array
from onnxscript import GraphBuilder

from tests.carried import assert_carries
from tests.pixels import assert_same_pixels
from tests.random_model import random_model

FAMILIES = sorted(families())


def _sessions(data: bytes) -> dict[str, ort.InferenceSession]:
    default, plain, folded = (ort.SessionOptions() for _ in range(3))
    plain.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    folded.add_session_config_entry("session.disable_quant_qdq", "1")
    return {
        name: ort.InferenceSession(data, options)
        for name, options in (("default", default), ("plain", plain), ("folded", folded))
    }


@pytest.mark.parametrize(("bits", "colours"), [(4, 3), (8, 3), (4, 1), (4, 4)])
@pytest.mark.parametrize("name", FAMILIES)
def test_torch_and_onnx_runtime_draw_the_same(name: str, bits: int, colours: int) -> None:
    model = random_model(name, bits, colours=colours, seed=1)
    x, y = axis_coordinates(96), axis_coordinates(64)
    lively = []
    for subnet in model.space.subnets:
        rgb = model.decode(subnet, torch.from_numpy(x), torch.from_numpy(y))
        want = (rgb.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
        lively.append(want.std() > 5)
        for session in _sessions(build(model.network(subnet)).SerializeToString()).values():
            assert_same_pixels(session.run(["image"], {"x": x, "y": y})[0], want)
    # A picture of a single random channel may be all black or all white.
    assert sum(lively) >= (8 if colours == 1 else 16), "too dull pictures to tell anything"


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("name", FAMILIES)
def test_initializers_are_the_networks_tensors(name: str, bits: int) -> None:
    model = random_model(name, bits)
    for subnet in (Subnet(2, 16), Subnet(3, 24), Subnet(5, 16)):
        assert_carries(build(model.network(subnet)), model.network(subnet))


def test_hidden_weights_are_packed_with_the_first_in_the_low_half() -> None:
    network = random_model().network(Subnet(2, 24))
    (weights,) = (i for i in build(network).graph.initializer if i.name == "weights")
    first, second = (int(code) & 15 for code in network.tensors["weights"][0, 0, :2])
    assert weights.data_type == onnx.TensorProto.INT4
    assert len(weights.raw_data) == 24 * 24 / 2
    assert weights.raw_data[0] == first | second << 4


@pytest.mark.parametrize("apart", [False, True])
def test_latents_are_written_as_a_stream_and_metadata(apart: bool) -> None:
    latents = _latents(down=True, many=apart)
    network = _network(latents, channels=12)
    proto = build(network)
    assert {entry.key: entry.value for entry in proto.metadata_props} == {
        "anir": "2",
        "family": "lapped",
        "width": "75",
        "height": "101",
        "pitch": "16",
        "scan": "down",
        "reach": "2",
        "order": "9",
        "lanes": "planes" if apart else "joint",
    }
    found = {i.name: to_array(i) for i in proto.graph.initializer if i.name.startswith("latents.")}
    stream = encode_latents(latents)
    names = ("frequencies", "limits", "magnitudes", "states", "step", "words")
    assert sorted(found) == [f"latents.{name}" for name in names]
    assert found["latents.step"] == np.float32(latents.step)
    for name, want in (
        ("magnitudes", latents.magnitudes),
        ("words", stream.words),
        ("states", stream.states),
        ("frequencies", stream.tables.frequencies.astype(np.int32)),
        ("limits", stream.tables.limits),
    ):
        got = found[f"latents.{name}"]
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got.reshape(want.shape), want)


def test_too_many_different_magnitudes_are_refused() -> None:
    latents = _latents(down=True, many=False)
    magnitudes = np.arange(MOST_SIZES + 1, dtype=np.float32)
    network = _network(replace(latents, magnitudes=magnitudes), channels=12)
    with pytest.raises(
        AnirError, match="d2w12 has 8193 different coefficients; an ONNX file has at most 8192"
    ):
        build(network)


@pytest.mark.parametrize("name", FAMILIES)
def test_opset_inputs_and_outputs_are_those_of_the_format(name: str) -> None:
    proto = build(random_model(name).network(Subnet(3, 24)))
    assert [(o.domain, o.version) for o in proto.opset_import] == [("", 21)]
    assert (proto.ir_version, len(proto.functions)) == (10, 0)
    shapes = {
        v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim]
        for v in (*proto.graph.input, *proto.graph.output)
    }
    assert shapes == {"x": ["W"], "y": ["H"], "image": ["H", "W", 3]}
    assert proto.graph.node[-1].op_type == "QuantizeLinear"
    scale = next(i for i in proto.graph.initializer if i.name == proto.graph.node[-1].input[1])
    assert to_array(scale) == np.float32(1 / 255)
    scans = [node.op_type for node in proto.graph.node].count("Scan")
    assert scans == (1 if name == "lapped" else 0)
    assert not any(i.external_data for i in proto.graph.initializer)


def test_a_family_without_a_graph_is_refused_in_one_line() -> None:
    network = replace(random_model().network(Subnet(2, 16)), family="no-such-family")
    with pytest.raises(AnirError, match="family 'no-such-family' has no ONNX graph"):
        build(network)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_same_network_gives_the_same_bytes(name: str) -> None:
    one, other = (build(random_model(name).network(Subnet(4, 16))) for _ in range(2))
    assert one.SerializeToString(deterministic=True) == other.SerializeToString(deterministic=True)


@pytest.mark.parametrize(
    ("name", "bytes_allowed"), [("siren", 1500), ("fourier", 1300), ("gabor", 1450), ("lapped", 4950)]
)
def test_overhead_of_a_file_stays_small(name: str, bytes_allowed: int) -> None:
    """Counts all bytes but those of codes, magnitudes, scales and biases, at 768×512 pixels."""
    size = (768, 512)
    model = random_model(name, size=size, space=family(name).default_space(*size, 3))
    for subnet in model.space.subnets:
        network = model.network(subnet)
        proto = build(network)
        counted = (network.tensors.keys() | {"latents.magnitudes"}) - {"weights"}
        others = [i for i in proto.graph.initializer if i.name in counted]
        overhead = proto.ByteSize() - payload_bytes(proto) - sum(len(i.raw_data) for i in others)
        assert overhead <= max(bytes_allowed, 0.05 * proto.ByteSize()), (subnet, overhead)


def _latents(down: bool, many: bool, order: int = 9) -> Latents:
    """Returns latents of a picture of 75×101 pixels if the scan goes down, and of 101×75 otherwise."""
    generator = np.random.default_rng(0)
    sparse = generator.random((3, 7, 5, order, order)) < (1.0 if many else 0.1)
    codes = (generator.laplace(0, 4, sparse.shape).round() * sparse).astype(np.int16)
    codes[..., 0, 0] = np.clip(codes[..., 0, 0], -1, 1)
    magnitudes = np.arange(int(np.abs(codes).max()) + 1, dtype=np.float32)
    return Latents(codes, 0.1875, pitch=16, down=down, reach=2, magnitudes=magnitudes)


def _network(latents: Latents, channels: int) -> Network:
    tensors = {
        "weights": np.zeros((1, channels, channels), np.int8),
        "steps": np.ones(1, np.float32),
        "head": np.ones((3, channels), np.int8),
        "head.scale": np.full(3, 0.01, np.float32),
        "head.bias": np.zeros(3, np.float32),
    }
    return Network("lapped", (75, 101) if latents.down else (101, 75), 4, tensors, latents)


def _run(write: Callable[[NetworkTensors], ir.Value], network: Network, **inputs: np.ndarray) -> np.ndarray:
    """Returns the output of the part of a graph that a function writes, for the given inputs."""
    builder = GraphBuilder(ir.Graph([], [], nodes=[], opset_imports={"": 21}, name="part"))
    for name in inputs:
        builder.input(name, ir.DataType.FLOAT, [None])
    builder.add_output(write(NetworkTensors(builder, network)), "part")
    # Names within the Scan are numbered separately and would clash with names outside.
    for number, node in enumerate(builder.graph.all_nodes()):
        for value in node.outputs:
            if not value.is_graph_output():
                value.name = f"{value.name}_{number}"
    model = ir.to_proto(ir.Model(builder.graph, ir_version=10)).SerializeToString()
    result: np.ndarray = ort.InferenceSession(model).run(None, inputs)[0]
    return result


@pytest.mark.parametrize("many", [False, True], ids=["planes together", "planes apart"])
@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("embedded", [False, True])
def test_the_graph_computes_the_features_at_given_coordinates(down: bool, many: bool, embedded: bool) -> None:
    latents = _latents(down, many, order=12)
    if embedded:
        sizes = int(np.abs(latents.codes).max()) + 1
        # Magnitudes in units of an embedded stream have six digits.
        magnitudes = (np.arange(sizes, dtype=np.float32) ** 2 * 90).round()
        latents = replace(latents, step=2.0**-12, magnitudes=magnitudes)
    assert np.abs(latents.codes).max() > 12
    assert planes_apart(latents.codes) == many
    network = _network(latents, channels=30)
    x = np.linspace(-1, 1, 50, dtype=np.float32)
    y = np.linspace(-0.9, 0.95, 40, dtype=np.float32)
    got = _run(lambda tensors: seen_planes(tensors, *tensors.builder.graph.inputs), network, x=x, y=y)
    want = features_at(latents, x, y, network.size, channels=30)
    assert want.shape == (40, 50, 29)
    assert np.abs(got[..., :29] - want).max() < 1e-3 * np.abs(want).max()
    assert (got[..., 29:] == np.float32(CONSTANT)).all()


@pytest.mark.parametrize("pixels", [1, 15, 16, 17, 24, 25, 512, 768, 99_999, 1_000_000])
def test_the_graph_has_the_cells_and_cosines_of_the_transform(pixels: int) -> None:
    axis = Axis(pixels, 16)

    def write(tensors: NetworkTensors) -> ir.Value:
        shifts = tensors.constant("shifts", np.zeros((1, 1, 1, 1), np.float32))
        odd = tensors.constant("odd", np.array([1, 3], np.float32)[:, None, None])
        return cosines(tensors, axis, tensors.builder.graph.inputs[0], shifts, odd)

    x = np.array([-1, -1 + 1 / pixels, 0, 1], np.float32)
    got = _run(write, _network(_latents(down=True, many=False), channels=12), x=x)
    assert got.shape == (1, 2, axis.cells, 4)
    if pixels < 1000:
        assert np.abs(got[0] - axis.cosines(x, 2).transpose(1, 0, 2)).max() < 1e-4
