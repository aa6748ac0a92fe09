import tracemalloc
import warnings
from collections.abc import Callable

import numpy as np
import onnx
import pytest
from anir_runtime.errors import AnirError
from anir_runtime.families import families
from anir_runtime.network import Network
from anir_runtime.onnx_reader import read_network
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from tests.named_file import int4, named_file, named_model, raw
from tests.random_network import random_network

FAMILIES = sorted(families())
SMALL = {family: named_file(random_network(family, 3, 8, (40, 30))) for family in FAMILIES}


def _assert_same(one: Network, other: Network) -> None:
    assert (one.family, one.size, one.bits, one.name) == (other.family, other.size, other.bits, other.name)
    assert one.tensors.keys() == other.tensors.keys()
    for name, tensor in one.tensors.items():
        assert tensor.dtype == other.tensors[name].dtype, name
        np.testing.assert_array_equal(tensor, other.tensors[name], err_msg=name)
    if one.latents and other.latents:
        np.testing.assert_array_equal(one.latents.codes, other.latents.codes)
        np.testing.assert_array_equal(one.latents.magnitudes, other.latents.magnitudes)
        rest = [{**vars(own), "codes": None, "magnitudes": None} for own in (one.latents, other.latents)]
        assert rest[0] == rest[1]
    assert (one.latents is None) == (other.latents is None)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("depth", "channels", "bits"), [(2, 8, 4), (2, 13, 8), (5, 13, 4), (3, 1, 8), (2, 1, 8)]
)
def test_a_network_is_read_back_from_its_file(family: str, depth: int, channels: int, bits: int) -> None:
    if family == "lapped" and channels == 1:
        channels = 4
    network = random_network(family, depth, channels, (40, 30), bits, down=depth == 2)
    _assert_same(read_network(named_file(network)), network)


@pytest.mark.parametrize("family", FAMILIES)
def test_changes_that_tools_make_do_not_matter(family: str) -> None:
    """Tools may add axes of length 1, store elements as numbers, add initializers and texts, or reorder."""
    network = random_network(family, 2, 9, (40, 30))
    model = named_model(network)
    for tensor in model.graph.initializer:
        tensor.dims.insert(0, 1)
        tensor.dims.append(1)
        tensor.doc_string = "changed"
        if tensor.data_type in (TensorProto.FLOAT, TensorProto.INT8, TensorProto.INT4):
            _store_as_numbers(tensor)
    model.graph.initializer.append(raw("weights_1", np.zeros(5, np.float64)))
    model.graph.initializer.append(raw("", np.zeros(2, np.float32)))
    tensors = list(model.graph.initializer)[::-1]
    del model.graph.initializer[:]
    model.graph.initializer.extend(tensors)
    model.producer_name = "a tool"
    helper.set_model_props(model, {p.key: p.value for p in model.metadata_props} | {"tool": "yes"})
    _assert_same(read_network(model.SerializeToString()), network)


def _store_as_numbers(tensor: TensorProto) -> None:
    octets = tensor.raw_data
    tensor.ClearField("raw_data")
    if tensor.data_type == TensorProto.FLOAT:
        tensor.float_data.extend(np.frombuffer(octets, np.float32))
    elif tensor.data_type == TensorProto.INT4:
        tensor.int32_data.extend(octets)
    else:
        tensor.int32_data.extend(np.frombuffer(octets, np.int8))


def test_unknown_families_are_refused_with_advice() -> None:
    model = onnx.load_from_string(SMALL["siren"])
    _set_metadata(model, family="wavelets")
    with pytest.raises(AnirError, match=r"does not know the family 'wavelets'.*--trust-graph"):
        read_network(model.SerializeToString())


def _set_metadata(model: onnx.ModelProto, **entries: str | None) -> None:
    old = {p.key: p.value for p in model.metadata_props}
    helper.set_model_props(model, {k: v for k, v in (old | entries).items() if v is not None})


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"anir": None}, "not a neural image"),
        ({"anir": "1"}, "file format 1, this anir reads 2; export it again"),
        ({"anir": "3"}, "file format 3, this anir reads 2; update anir"),
        ({"anir": "9" * 400}, "file format 9{20}, this anir reads 2; update anir"),
        ({"anir": ""}, "not a neural image"),
        ({"anir": "\x1b[31m2"}, "not a neural image"),
        ({"width": None}, "does not say its size"),
        ({"family": None}, "does not say its size"),
        ({"height": "tall"}, "does not say its size"),
        ({"height": "-4"}, "does not say its size"),
        ({"height": "٣"}, "does not say its size"),
        ({"height": "1" * 400}, "does not say its size"),
        ({"height": "0"}, "40x0, which is out of range"),
        ({"width": "268435456", "height": "1"}, "out of range"),
        ({"width": "100000", "height": "100000"}, "out of range"),
    ],
)
def test_invalid_metadata_is_refused(entries: dict[str, str | None], words: str) -> None:
    model = onnx.load_from_string(SMALL["siren"])
    _set_metadata(model, **entries)
    with pytest.raises(AnirError, match=words):
        read_network(model.SerializeToString())


def _tensor(model: onnx.ModelProto, name: str) -> TensorProto:
    return next(t for t in model.graph.initializer if t.name == name)


def _replace(name: str, array: np.ndarray) -> Callable[[onnx.ModelProto], None]:  # type: ignore[type-arg]
    return lambda model: _tensor(model, name).CopyFrom(raw(name, array))


def _without(name: str) -> Callable[[onnx.ModelProto], None]:
    return lambda model: model.graph.initializer.remove(_tensor(model, name))


def _external(model: onnx.ModelProto) -> None:
    tensor = _tensor(model, "phases")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret.bin")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_without("weights"), "no tensor 'weights'"),
        (_without("phases.scale"), "no tensor 'phases.scale'"),
        (lambda m: m.graph.initializer.append(_tensor(m, "head")), "two tensors 'head'"),
        (_external, "another file"),
        (_replace("weights", np.zeros((2, 8, 8), np.float32)), "'weights' is not of type int4 or int8"),
        (_replace("weights", np.zeros((2, 8, 7), np.int8)), "'weights' has the shape"),
        (_replace("weights", np.zeros((2, 2, 8, 8), np.int8)), "'weights' has the shape"),
        (_replace("weights", np.zeros((16, 8, 8), np.int8)), "at most 16 layers"),
        (_replace("weights", np.zeros((1, 1025, 1025), np.int8)), "at most 16 layers of 1024 channels"),
        (_replace("weights", np.zeros((0, 8, 8), np.int8)), "'weights' has the shape"),
        (_replace("weights", np.zeros((2, 0, 0), np.int8)), "'weights' has the shape"),
        (_replace("head", np.zeros((8, 5), np.int8)), "'head' has the shape"),
        (_replace("head", np.zeros((3, 8), np.int8)), "'head' has the shape"),
        (_replace("head", np.zeros((8, 2), np.int8)), r"'head' has the shape \[8, 2\], .* 1, 3 or 4 colours"),
        (_replace("head", np.zeros((8, 4), np.int8)), r"'head.scale' has the shape \[3\], not \[4\]"),
        (_replace("steps", np.zeros((3, 8), np.int8)), "'steps' has the shape"),
        (_replace("frequencies", np.zeros((8, 2), np.int16)), "'frequencies' has the shape"),
        (
            _replace("head.bias", np.array([0, np.nan, 0], np.float32)),
            "'head.bias' has values that are infinite",
        ),
        (
            _replace("biases.scale", np.array([np.inf, 1], np.float32)),
            "'biases.* has values that are infinite",
        ),
        (_replace("biases.scale", np.array([3e38, 1], np.float32)), "'biases' has values that are infinite"),
    ],
)
def test_invalid_tensors_are_refused(change: Callable[[onnx.ModelProto], None], words: str) -> None:
    model = onnx.load_from_string(SMALL["siren"])
    change(model)
    with pytest.raises(AnirError, match=words):
        read_network(model.SerializeToString())


def test_infinite_scales_are_refused_before_they_are_multiplied() -> None:
    model = onnx.load_from_string(SMALL["siren"])
    scale = np.full(2, np.inf, np.float32)
    _replace("biases", np.zeros((2, 8), np.int8))(model)
    _replace("biases.scale", scale)(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _refusal(model.SerializeToString()).startswith("its tensor 'biases.scale' has values")


def test_more_tensors_than_any_network_needs_are_refused() -> None:
    model = onnx.load_from_string(SMALL["siren"])
    own = len(model.graph.initializer)
    for k in range(4096 - own):
        model.graph.initializer.add(name=f"other{k}")
    assert read_network(model.SerializeToString()).name == "d3w8"
    model.graph.initializer.add(name="one more")
    with pytest.raises(AnirError, match="more than 4096 tensors"):
        read_network(model.SerializeToString())


def test_two_concatenated_files_are_refused() -> None:
    with pytest.raises(AnirError, match="two tensors"):
        read_network(SMALL["siren"] + SMALL["siren"])


@pytest.mark.parametrize("family", FAMILIES)
def test_truncated_files_are_refused(family: str) -> None:
    data = SMALL[family]
    for size in [*range(0, len(data), 61), len(data) - 1]:
        with pytest.raises(AnirError):
            read_network(data[:size])


def test_the_graphs_nodes_are_ignored() -> None:
    """Nodes may be anything, even bytes that are no protobuf message."""
    model = onnx.load_from_string(SMALL["siren"])
    del model.graph.node[:]
    model.graph.node.add(op_type="Loop", domain="evil")
    graph = model.graph.SerializeToString() + b"\x0a\x04\xff\xff\xff\xff"
    model.ClearField("graph")
    rest = model.SerializeToString()
    length = len(graph)
    header = bytes([7 << 3 | 2, length & 127 | 128, length >> 7])
    assert read_network(rest + header + graph).name == "d3w8"


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_files_take_little_memory_and_are_refused_in_one_line(
    family: str, data: st.DataObject
) -> None:
    octets = bytearray(SMALL[family])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(octets) - 1))
        octets[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        a, b = sorted(data.draw(st.tuples(*[st.integers(0, len(octets))] * 2)))
        octets[a:b] = octets[b : 2 * b - a]
    tracemalloc.start()
    message = _refusal(bytes(octets))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "\n" not in message
    assert peak < 2**26


def _refusal(data: bytes) -> str:
    """Returns the message with which a file is refused, or an empty string if it is read."""
    try:
        read_network(data)
    except AnirError as error:
        return str(error)
    return ""


def test_an_odd_number_of_4_bit_codes_round_trips() -> None:
    network = random_network("siren", 2, 3, (40, 30))
    assert network.tensors["weights"].size % 2
    assert int4("weights", network.tensors["weights"]).raw_data[-1] < 16
    _assert_same(read_network(named_file(network)), network)
