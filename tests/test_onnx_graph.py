import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import onnx
import pytest
from anir_runtime import AnirError, Decoder
from anir_runtime.coordinates import axis_coordinates
from onnx import GraphProto, ModelProto, TensorProto, helper

METADATA = {"anir": "2", "family": "waves", "width": "12", "height": "8"}
X = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["W"])
Y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["H"])
IMAGE = helper.make_tensor_value_info("image", TensorProto.UINT8, ["H", "W", 3])
NODES = """
column = Unsqueeze(x, last)
row = Unsqueeze(y, last_two)
sum = Add(column, row)
wave = Sin(sum)
level = QuantizeLinear(wave, scale, zero)
image = Expand(level, three)
"""


def waves_model(nodes: str = NODES, **metadata: str) -> ModelProto:
    """Returns a file of a family that the runtime does not know."""
    initializers = {
        "last": np.array([1]),
        "last_two": np.array([1, 2]),
        "scale": np.array(0.01, np.float32),
        "zero": np.array(128, np.uint8),
        "three": np.array([1, 1, 3]),
    }
    graph = helper.make_graph(
        [_node(line) for line in nodes.strip().splitlines()],
        "g",
        [X, Y],
        [IMAGE],
        [onnx.numpy_helper.from_array(array, name) for name, array in initializers.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    helper.set_model_props(model, METADATA | metadata)
    return model


def _of_opset(version: int) -> ModelProto:
    model = waves_model()
    model.opset_import[0].version = version
    return model


def _node(line: str) -> onnx.NodeProto:
    output, _, call = line.partition(" = ")
    kind, _, inputs = call.rstrip(")").partition("(")
    return helper.make_node(kind, inputs.split(", "), [output])


def test_a_trusted_graph_is_drawn_by_onnx_runtime() -> None:
    data = waves_model().SerializeToString()
    with pytest.raises(AnirError, match="does not know the family 'waves'"):
        Decoder(data)
    decoder = Decoder(data, trust_graph=True)
    assert (decoder.width, decoder.height, decoder.family) == (12, 8, "waves")
    assert decoder.backend == "onnxruntime: the file's own graph is trusted"
    x, y = axis_coordinates(12, 300), axis_coordinates(8, 200)
    want = np.round(np.sin(x + y[:, None]) / 0.01 + 128)[..., None].repeat(3, 2)
    np.testing.assert_allclose(decoder.decode((300, 200)).astype(int), want, rtol=0, atol=1)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (waves_model(NODES.replace("Sin", "Sine")), "ONNX Runtime does not run its graph: .* Sine"),
        (_of_opset(999), r"ONNX Runtime does not run its graph: [^/]* Opset 999 is"),
        (waves_model(NODES.replace("image = ", "picture = ")), "ONNX Runtime does not run its graph"),
        (waves_model(anir="1"), "file format 1"),
        (waves_model(width="0"), "out of range"),
    ],
)
def test_a_trusted_graph_that_cannot_be_opened_is_refused(model: ModelProto, words: str) -> None:
    with pytest.raises(AnirError, match=words) as error:
        Decoder(model.SerializeToString(), trust_graph=True)
    assert "\n" not in str(error.value)


def test_a_graph_with_other_inputs_is_refused() -> None:
    model = waves_model()
    model.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, [1]))
    with pytest.raises(AnirError, match="inputs and outputs"):
        Decoder(model.SerializeToString(), trust_graph=True)


def test_a_graph_that_draws_another_size_is_refused() -> None:
    model = waves_model(NODES.replace("sum = Add(column, row)", "sum = Add(row, row)"))
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "a"
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "b"
    with pytest.raises(AnirError, match="its graph draws 8 rows of 12 as"):
        Decoder(model.SerializeToString(), trust_graph=True).decode()


def test_a_graph_that_fails_while_drawing_is_an_error_of_one_line() -> None:
    model = waves_model(NODES.replace("image = Expand(level, three)", "image = Reshape(level, three)"))
    with pytest.raises(AnirError, match="ONNX Runtime does not run its graph") as error:
        Decoder(model.SerializeToString(), trust_graph=True).decode()
    assert "\n" not in str(error.value)


def _secret() -> TensorProto:
    tensor = TensorProto(name="secret", data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="secret.bin")
    return tensor


def _body(tensor: TensorProto | None = None, node: onnx.NodeProto | None = None) -> GraphProto:
    nodes = [node] if node else []
    return helper.make_graph(nodes, "body", [], [], [tensor] if tensor else [])


def _within(graph: GraphProto, levels: int = 1) -> onnx.NodeProto:
    node = helper.make_node("If", ["x"], ["unused"], then_branch=graph)
    return node if levels == 1 else _within(_body(node=node), levels - 1)


def _sparse() -> onnx.SparseTensorProto:
    indices = helper.make_tensor("i", TensorProto.INT64, [1], [0])
    sparse = helper.make_sparse_tensor(helper.make_tensor("s", TensorProto.FLOAT, [1], [0]), indices, [1])
    sparse.values.CopyFrom(_secret())
    return sparse


def _function(model: ModelProto) -> None:
    node = helper.make_node("Constant", [], ["y"], value=_secret())
    model.functions.append(
        helper.make_function("own", "f", ["x"], ["y"], [node], [helper.make_opsetid("", 21)])
    )


def _default_of_function(model: ModelProto) -> None:
    _function(model)
    del model.functions[0].node[:]
    model.functions[0].attribute_proto.append(helper.make_attribute("a", _secret()))


def _location_alone(model: ModelProto) -> None:
    tensor = _secret()
    del tensor.external_data[:]
    model.graph.initializer.append(tensor)


def _training(model: ModelProto) -> None:
    model.training_info.add().initialization.CopyFrom(_body(_secret()))


CARRIERS: dict[str, Callable[[ModelProto], None]] = {
    "initializer": lambda m: m.graph.initializer.append(_secret()),
    "location alone": _location_alone,
    "sparse": lambda m: m.graph.sparse_initializer.append(_sparse()),
    "constant": lambda m: m.graph.node.append(helper.make_node("Constant", [], ["unused"], value=_secret())),
    "constants": lambda m: m.graph.node.append(helper.make_node("Own", [], ["unused"], values=[_secret()])),
    "sparse constant": lambda m: m.graph.node.append(
        helper.make_node("Constant", [], ["unused"], sparse_value=_sparse())
    ),
    "branch": lambda m: m.graph.node.append(_within(_body(_secret()))),
    "branch in a branch": lambda m: m.graph.node.append(_within(_body(_secret()), 3)),
    "constant in a branch": lambda m: m.graph.node.append(
        _within(_body(node=helper.make_node("Constant", [], ["unused"], value=_secret())))
    ),
    "graphs": lambda m: m.graph.node.append(
        helper.make_node("Own", [], ["unused"], bodies=[_body(_secret())])
    ),
    "function": _function,
    "default of a function": _default_of_function,
    "training": _training,
}


@pytest.mark.parametrize("carrier", CARRIERS)
def test_external_data_is_refused_anywhere(carrier: str) -> None:
    model = waves_model()
    CARRIERS[carrier](model)
    with pytest.raises(AnirError, match="another file"):
        Decoder(model.SerializeToString(), trust_graph=True)


def test_external_data_behind_a_group_or_a_second_graph_is_refused() -> None:
    hidden = ModelProto()
    hidden.graph.initializer.append(_secret())
    data = waves_model().SerializeToString()
    with pytest.raises(AnirError, match="another file"):
        Decoder(data + hidden.SerializeToString(), trust_graph=True)
    group = bytes([9 << 3 | 3, 9 << 3 | 4])
    with pytest.raises(AnirError, match="damaged"):
        Decoder(data + group + hidden.SerializeToString(), trust_graph=True)


def test_graphs_nested_too_deeply_are_refused() -> None:
    model = waves_model()
    model.graph.node.append(_within(_body(), 12))
    with pytest.raises(AnirError, match="nested too deeply"):
        Decoder(model.SerializeToString(), trust_graph=True)


def test_telemetry_of_onnx_runtime_is_off_by_default() -> None:
    code = "import os; from anir_runtime import Decoder; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    for own, want in (({}, "1"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0")):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment | own
        )
        assert done.stdout.strip() == want
