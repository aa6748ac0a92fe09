import numpy as np
import onnx_ir as ir
import onnxruntime as ort
import pytest
from anir_runtime.network import Network
from anir_runtime.rans import Context, Ints, decode
from anir_toolchain.onnx_writer.rans import decoded
from anir_toolchain.onnx_writer.tensors import NetworkTensors
from anir_toolchain.rans_encoder import Stream, activities, encode, fit_tables, table_index
from onnxscript import GraphBuilder

CONTEXT = Context({1: 2, 3: 1, 5: 4}, np.array([9, 0, 2, 0]))


def _decoded(stream: Stream, context: Context) -> Ints:
    """Returns codes [lanes, steps], on which ONNX Runtime, optimized or not, and the runtime must agree."""
    builder = GraphBuilder(ir.Graph([], [], nodes=[], opset_imports={"": 21}, name="stream"))
    tensors = NetworkTensors(builder, Network("lapped", (1, 1), 4, {}))
    prior = tensors.constant("prior_of_codes", context.prior.astype(np.float32)[:, None])
    builder.add_output(decoded(tensors, stream, context, prior), "codes")
    # onnxscript numbers names in a loop's body from 0 again, so that they would clash with names outside.
    values = [value for node in builder.graph.all_nodes() for value in node.outputs]
    for number, value in enumerate(value for value in values if value.name.startswith("v_")):
        value.name = f"v{number}"
    model = ir.to_proto(ir.Model(builder.graph, ir_version=10)).SerializeToString()
    plain = ort.SessionOptions()
    plain.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    one, other = (ort.InferenceSession(model, options).run(None, {})[0] for options in (None, plain))
    assert np.array_equal(one, other)
    result: Ints = one[:, 0, 0].T.astype(np.int64)
    mine = decode(stream.words, stream.states, stream.tables, context, stream.steps)
    assert np.array_equal(mine.T, result)
    return result


def _laplace(lanes: int, steps: int, spread: float = 1.0) -> Ints:
    return np.random.default_rng(0).laplace(0, spread, (lanes, steps)).round().astype(np.int64)


def _bursts(lanes: int, steps: int) -> Ints:
    """Returns codes that are alternately large for 16 steps and nearly all 0 for 48 steps."""
    loud = np.arange(steps) % 64 < 16
    return np.where(loud, _laplace(lanes, steps, 6.0), _laplace(lanes, steps, 0.05))


@pytest.mark.parametrize(
    "codes",
    [
        _laplace(32, 400),
        _bursts(96, 640),
        _laplace(7, 8, spread=0.1),
        np.zeros((3, 16), np.int64),
        np.full((2, 12), -8, np.int64),
        np.arange(-8, 8).repeat(25).reshape(4, 100),
        np.zeros((1, 4), np.int64),
        np.array([[-128, 127, 0, 3]]),
    ],
    ids=["noise", "bursts", "sparse", "zeros", "one code", "flat", "tiny", "8 bits"],
)
def test_the_graph_decodes_the_encoded_codes(codes: Ints) -> None:
    assert np.array_equal(_decoded(encode(codes, CONTEXT), CONTEXT), codes)


def test_activity_is_the_prior_plus_the_weighted_sizes_of_earlier_codes() -> None:
    codes = np.array([[3, -1, 0, 2, 5, 0, -7, 1]])
    weighted = [0, 6, 2, 0 + 3, 4 + 1, 10 + 4 * 3, 0 + 2 + 4, 14 + 5]
    want = [prior + 4 * sizes for prior, sizes in zip([9, 0, 2, 0] * 2, weighted, strict=True)]
    assert activities(codes, CONTEXT).tolist() == [want]


def test_neighbouring_lanes_add_a_quarter_of_their_activity() -> None:
    alone, codes = Context({1: 3}, np.zeros(1, np.int64)), np.array([[0, 0], [0, 0], [-2, 0], [0, 0], [0, 0]])
    assert activities(codes, alone)[:, 1].tolist() == [0, 6, 24, 6, 0]


def test_a_stream_is_hardly_longer_than_its_entropy() -> None:
    codes = _laplace(64, 600, spread=0.4)
    _, counts = np.unique(codes, return_counts=True)
    entropy = -(counts * np.log2(counts / counts.sum())).sum() / 8
    stream = encode(codes, Context({1: 1}, np.zeros(1, np.int64)))
    size = stream.states.nbytes + stream.words.nbytes
    assert entropy - 1 < size - 2 * 64 < entropy * 1.015


def test_earlier_codes_help_to_predict_later_ones() -> None:
    codes = _bursts(32, 6400)
    nothing = Context({1: 0}, np.zeros(1, np.int64))
    assert len(encode(codes, CONTEXT).words) < 0.85 * len(encode(codes, nothing).words)


def test_there_is_one_table_where_activity_predicts_nothing() -> None:
    codes = _laplace(32, 400)
    assert len(encode(codes, CONTEXT).tables.limits) == 0
    tables = encode(_bursts(96, 640), CONTEXT).tables
    assert len(tables.limits) == len(tables.frequencies) - 1 > 0
    assert (np.diff(tables.limits) > 0).all()


def test_tables_count_both_signs_and_leave_out_sizes_that_never_occur() -> None:
    sizes = np.abs(_bursts(96, 640))
    activity = activities(_bursts(96, 640), CONTEXT)
    tables = fit_tables(sizes, activity)
    assert tables.signed().sum(1).tolist() == [1 << 14] * len(tables.frequencies)
    index = table_index(tables.limits, activity)
    for table, row in enumerate(tables.frequencies):
        assert set(np.unique(sizes[index == table])) - {0} == set(np.flatnonzero(row)) - {0}
