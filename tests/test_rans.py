import numpy as np
import onnxruntime as ort
import pytest
from anir_toolchain.graph import Graph
from anir_toolchain.rans import Stream, emit, encode
from numpy.typing import NDArray
from onnx import TensorProto, helper

Planes = list[NDArray[np.int8]]


def _decoded(stream: Stream) -> NDArray[np.float32]:
    """What ONNX Runtime makes of it, with default options and unoptimised."""
    graph = Graph()
    codes = graph.op("Reshape", emit(graph, stream), graph.integers(-1))
    graph.rename_output(codes, "codes")
    outputs = [helper.make_tensor_value_info("codes", TensorProto.FLOAT, [None])]
    model = graph.model([], outputs, {}).SerializeToString()
    plain = ort.SessionOptions()
    plain.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    one, other = (ort.InferenceSession(model, options).run(None, {})[0] for options in (None, plain))
    assert np.array_equal(one, other)
    result: NDArray[np.float32] = one
    return result


def _laplace(*sizes: int, spread: float = 1.0, seed: int = 0) -> Planes:
    generator = np.random.default_rng(seed)
    return [generator.laplace(0, spread, n).round().clip(-8, 7).astype(np.int8) for n in sizes]


@pytest.mark.parametrize(
    "planes",
    [
        _laplace(384, 384, 1536, 6144, 24576),
        _laplace(7, 28),
        _laplace(96, spread=0.1),
        [np.zeros(16, np.int8), np.zeros(64, np.int8)],
        [np.full(4, -8, np.int8), np.full(16, 7, np.int8)],
        [np.arange(-8, 8, dtype=np.int8).repeat(24)],
        [np.zeros(1, np.int8)],
        [np.array([-128, 127], np.int8)],
    ],
    ids=["levels", "odd", "sparse", "zeros", "two codes", "flat", "one code", "8 bits"],
)
def test_the_graph_decodes_what_was_encoded(planes: Planes) -> None:
    assert np.array_equal(_decoded(encode(planes)), np.concatenate(planes))


def test_a_stream_is_hardly_longer_than_its_entropy() -> None:
    planes = _laplace(38400, spread=0.4)
    _, counts = np.unique(planes[0], return_counts=True)
    share = counts / counts.sum()
    entropy = -(counts * np.log2(share)).sum() / 8
    stream = encode(planes)
    assert entropy < stream.bytes < entropy * 1.035


def test_lanes_divide_every_plane_and_are_few_where_there_is_little_to_decode() -> None:
    much, little = encode(_laplace(384, 76800)), encode(_laplace(384, spread=0.2))
    assert len(much.states) == 128
    assert len(little.states) == 1
    assert much.steps == (384 + 76800) // 128


def test_neighbours_of_like_statistics_share_a_table() -> None:
    alike = _laplace(960, 960, 9600)
    sparse = _laplace(19200, spread=0.15, seed=1)
    assert encode(alike).starts == ()
    stream = encode([*alike, *sparse])
    assert stream.starts == ((960 + 960 + 9600) // len(stream.states),)
    assert stream.tables.shape[0] == 2
    assert stream.tables.sum(1).tolist() == [4096, 4096]
    assert stream.tables.min() >= 1
