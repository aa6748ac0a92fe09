"""The graph that decodes an entropy-coded stream: range asymmetric numeral systems (Duda 2013) in a Scan.

The stream's lanes (Giesen 2014) are decoded in parallel: one step of the Scan decodes one code of each lane.
"""

from collections.abc import Callable

import numpy as np
import onnx_ir as ir
from anir_runtime.rans import LANE_WEIGHTS, LOWEST, TOTAL, WORD_BITS, Context
from onnxscript import OpBuilder

from anir_toolchain.onnx_writer.tensors import NetworkTensors
from anir_toolchain.rans_encoder import Stream

_INT, _FLOAT = ir.DataType.INT32, ir.DataType.FLOAT


def decoded(tensors: NetworkTensors, stream: Stream, context: Context, prior: ir.Value) -> ir.Value:
    """Writes the decoder of a stream; returns all its codes, float32[steps, 1, 1, lanes].

    Args:
        tensors: the tensors of the graph, to which the stream is added.
        stream: the entropy-coded codes.
        context: the context model that the stream was encoded with.
        prior: the context model's prior as float32[period, 1].
    """
    op, lanes, farthest = tensors.op, len(stream.states), max(context.weights)
    before = {"state": _INT, "last": _INT, "sizes": _FLOAT, "prior": _FLOAT}
    after = {"next_state": _INT, "next_last": _INT, "next_sizes": _FLOAT, "code": _FLOAT}
    step = tensors.builder.subgraph(
        _step(tensors, stream, context),
        [ir.val(name, kind) for name, kind in before.items()],
        [ir.val(name, kind) for name, kind in after.items()],
        name="step",
    )
    results = op.Scan(
        tensors.constant("latents.states", stream.states[None, None]),
        tensors.constant("none_read", np.full((1, 1, 1), -1, np.int32)),
        op.ConstantOfShape([1, farthest, lanes]),
        op.Tile(prior, [stream.steps // len(context.prior), 1]),
        body=step,
        num_scan_inputs=1,
        _outputs=len(after),
    )
    codes: ir.Value = results[-1]
    return codes


def _step(
    tensors: NetworkTensors, stream: Stream, context: Context
) -> Callable[[OpBuilder, ir.Value, ir.Value, ir.Value, ir.Value], list[ir.Value]]:
    """Adds the constants that all steps read, and returns the function that writes the nodes of one step."""
    op, farthest = tensors.op, max(context.weights)
    largest = stream.tables.frequencies.shape[1] - 1
    zero, one = tensors.constant("zero", np.int32(0)), tensors.constant("one", np.int32(1))
    total = tensors.constant("total", np.int32(TOTAL))
    # Lanes read a word even where they do not use it, so there must be one.
    words = stream.words if stream.words.size else np.zeros(1, np.uint16)
    words = op.Cast(tensors.constant("latents.words", words), to=_INT)
    limits = tensors.constant("latents.limits", stream.tables.limits[:, None])
    # Frequencies of the codes from -largest to largest, table after table, and their cumulative sums.
    first, end = tensors.constant("first", np.int32(-largest)), tensors.constant("end", np.int32(largest + 1))
    tables = tensors.constant("latents.frequencies", stream.tables.frequencies.astype(np.int32))
    frequencies = op.Reshape(op.Gather(tables, op.Abs(op.Range(first, end, one)), axis=1), [-1])
    sums = op.CumSum(frequencies, 0)
    symbols = _by_slot(op, sums, one, len(stream.tables.frequencies))
    distances = tensors.constant("distances", np.array([*context.weights], np.int32) - 1)
    weights = tensors.constant("context", np.array([*context.weights.values()], np.float32)[None, :, None])
    weights = op.Mul(weights, tensors.constant("beside", np.array(LANE_WEIGHTS, np.float32)))

    def step(
        op: OpBuilder, state: ir.Value, last: ir.Value, sizes: ir.Value, prior: ir.Value
    ) -> list[ir.Value]:
        """Writes the nodes that decode one code of each lane.

        Args:
            op: adds the nodes.
            state: each lane's state, int32[1, 1, lanes].
            last: index of the word that was read last, int32[1, 1, 1].
            sizes: magnitudes of the previous codes, the most recent first, float32[1, farthest, lanes].
            prior: prior of this code's activity, float32[1].

        Returns:
            The next state, last and sizes, and the codes, float32[1, 1, lanes].
        """
        activity = op.Conv(op.Gather(sizes, distances, axis=1), weights, prior, pads=[1, 1])
        table = op.ReduceSum(op.Where(op.Less(limits, activity), total, zero), [1])
        slot = op.Add(table, op.Mod(state, total))
        symbol = op.Gather(symbols, slot)
        # state = frequency · (state div total) + slot - sum of the frequencies before, without overflow.
        turns = op.Add(op.Div(state, total), one)
        state = op.Mul(turns, op.Gather(frequencies, symbol))
        state = op.Add(state, op.Sub(slot, op.Gather(sums, symbol)))
        # A lane whose state has become too low takes in a word; lanes read in order.
        low = op.Less(state, LOWEST)
        read = op.Add(op.CumSum(op.Where(low, one, zero), 2), last)
        longer = op.Add(op.Mul(state, 2**WORD_BITS), op.Gather(words, read))
        code = op.Cast(op.Add(op.Mod(symbol, 2 * largest + 1), first), to=_FLOAT)
        sizes = op.Slice(op.Concat(op.Abs(code), sizes, axis=1), [0], [farthest], [1])
        return [op.Where(low, longer, state), op.ReduceMax(read), sizes, code]

    return step


def _by_slot(op: OpBuilder, sums: ir.Value, one: ir.Value, tables: int) -> ir.Value:
    """Writes the symbol of each slot of all tables, int32: the number of cumulative sums up to that slot."""
    # One slot more, as the last sum is one beyond the last slot.
    none = op.ConstantOfShape([tables * TOTAL + 1], value=ir.tensor(np.zeros(1, np.int32)))
    ends = op.ScatterElements(none, sums, op.Expand(one, op.Shape(sums)), reduction="add")
    symbols: ir.Value = op.CumSum(ends, 0)
    return symbols
