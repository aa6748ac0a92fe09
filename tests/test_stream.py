"""What the runtime takes for a stream of codes, and what it leaves to ONNX Runtime."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from anir_runtime.decoder import Decoder
from anir_runtime.errors import AnirError
from anir_runtime.onnx_file import read_nodes
from anir_runtime.stream import unpack
from anir_runtime.unroll import inline
from anir_toolchain.export import build
from anir_toolchain.space import Subnet
from onnx import numpy_helper

from tests.random_model import random_model


@pytest.fixture
def proto() -> onnx.ModelProto:
    # At depth 2, layers have no Scan of their own.
    return onnx.load_from_string(inline(build(random_model("lapped"), Subnet(2, 24)).SerializeToString()))


def _step(proto: onnx.ModelProto) -> onnx.GraphProto:
    (scan,) = (node for node in proto.graph.node if node.op_type == "Scan")
    return next(attribute.g for attribute in scan.attribute if attribute.name == "body")


def _node(graph: onnx.GraphProto, kind: str) -> onnx.NodeProto:
    return next(node for node in graph.node if node.op_type == kind)


def _set(proto: onnx.ModelProto, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    (tensor,) = (tensor for tensor in proto.graph.initializer if tensor.name == name)
    tensor.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(tensor)), name))


def test_all_but_the_scan_stays(proto: onnx.ModelProto) -> None:
    unpacked = onnx.load_from_string(unpack(proto.SerializeToString()))
    kinds, others = ([node.op_type for node in p.graph.node] for p in (proto, unpacked))
    kinds.remove("Scan")
    assert others == kinds
    assert unpacked.metadata_props == proto.metadata_props
    assert (unpacked.graph.input, unpacked.graph.output) == (proto.graph.input, proto.graph.output)
    onnx.checker.check_model(unpacked)


def _other_operation(proto: onnx.ModelProto) -> None:
    _node(_step(proto), "Sub").op_type = "Add"


def _other_operands(proto: onnx.ModelProto) -> None:
    operands = _node(_step(proto), "Sub").input
    operands[:] = reversed(operands)


def _other_attribute(proto: onnx.ModelProto) -> None:
    _node(_step(proto), "Conv").attribute[0].ints[:] = [0, 2]


def _other_result(proto: onnx.ModelProto) -> None:
    step = _step(proto)
    step.output[3].name = _node(step, "Abs").output[0]


def _one_more_node(proto: onnx.ModelProto) -> None:
    step = _step(proto)
    step.node.add(op_type="Abs", input=[step.output[3].name], output=["more"])
    step.output[3].name = "more"


def _other_direction(proto: onnx.ModelProto) -> None:
    scan = _node(proto.graph, "Scan")
    scan.attribute.append(onnx.helper.make_attribute("scan_input_directions", [1]))


def _other_constant(proto: onnx.ModelProto) -> None:
    _set(proto, _node(_step(proto), "CumSum").input[1], lambda axis: axis - 1)


def _a_place_twice(proto: onnx.ModelProto) -> None:
    _set(proto, _node(_step(proto), "Gather").input[1], lambda places: np.append(places[:-1], places[0]))


def _a_place_from_the_end(proto: onnx.ModelProto) -> None:
    _set(proto, _node(_step(proto), "Gather").input[1], lambda places: np.append(places[:-1], -1))


def _other_frequencies(proto: onnx.ModelProto) -> None:
    _set(proto, _node(proto.graph, "Gather").input[0], lambda tables: tables + 1)


@pytest.mark.parametrize(
    "change",
    [
        _other_operation,
        _other_operands,
        _other_attribute,
        _other_result,
        _one_more_node,
        _other_direction,
        _other_constant,
        _a_place_twice,
        _a_place_from_the_end,
        _other_frequencies,
    ],
)
def test_a_scan_that_does_something_else_stays(
    proto: onnx.ModelProto, change: Callable[[onnx.ModelProto], None]
) -> None:
    assert "Scan" not in [node.kind for node in read_nodes(unpack(proto.SerializeToString()))]
    change(proto)
    data = proto.SerializeToString()
    assert unpack(data) == data


def test_a_stream_that_ends_too_soon_is_refused(proto: onnx.ModelProto, tmp_path: Path) -> None:
    (cast,) = (n for n in proto.graph.node if n.op_type == "Cast" and _is_words(proto, n.input[0]))
    _set(proto, cast.input[0], lambda words: words[:-1])
    file = tmp_path / "short.onnx"
    file.write_bytes(proto.SerializeToString())
    with pytest.raises(AnirError, match="not an ONNX file, or a damaged one"):
        Decoder(file)


def _is_words(proto: onnx.ModelProto, name: str) -> bool:
    kinds = {tensor.name: tensor.data_type for tensor in proto.graph.initializer}
    return kinds.get(name) == onnx.TensorProto.UINT16
