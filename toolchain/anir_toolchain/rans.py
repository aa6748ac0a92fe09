"""An entropy coder: range asymmetric numeral systems in lanes, with a table of frequencies for each activity.

Range asymmetric numeral systems, rANS (Duda 2013, Asymmetric numeral systems), code a symbol by its
frequency. A lane is a coder with a state of its own; all lanes share one array of words and are decoded side
by side, one code of each lane at a step (Giesen 2014, Interleaved entropy coders). Which table of frequencies
holds for a code depends on its activity, a weighted sum of the sizes of codes before it. The size of a code
is its absolute value. A state is in [2^15, 2^31), so that it fits an int32, and takes in at most one word of
16 bits at a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from anir_toolchain.graph import Graph

TOTAL = 1 << 14
"""Sum of the frequencies of a table."""
WORD = 1 << 16
"""Number of values of a word."""
LOWEST = 1 << 15
"""Lowest state of a lane."""
LANE_WEIGHTS = (1, 4, 1)
"""Weights of the sizes in the lane before, in a code's own lane, and in the lane after it."""
LANE_BITS = 21
"""Estimate of the bits that a lane adds to a file for its state, beside those of its codes."""
_ENTRY_BITS = 10
"""Estimate of the bits that an entry of a table adds to a file."""
_LIMITS = LANE_WEIGHTS[1] * np.unique(np.round(2 ** np.arange(1, 10, 0.4))).astype(np.int64)
"""Activities from which on there may be another table."""

Ints = NDArray[np.integer]


@dataclass(frozen=True)
class Context:
    """How the activity of a code follows from the codes before it.

    Attributes:
        weights: of the sizes of codes before, by their distance in steps, 1 for the last code.
        prior: what is added for each code of a period, int64[period]; the first code of a lane begins one.
    """

    weights: dict[int, int]
    prior: Ints

    def activity(self, codes: Ints) -> Ints:
        """The activity of each of the codes [lanes, steps]: prior and weighted sizes before it.

        Sizes at one distance are summed over the lane and its two neighbours with LANE_WEIGHTS.
        """
        sizes = np.abs(codes)
        most = int(self.prior.max()) + int(sizes.max()) * sum(LANE_WEIGHTS) * sum(self.weights.values())
        # Half the memory is half the time.
        sizes = sizes.astype(np.uint16 if most < 2**16 else np.int32)
        around = LANE_WEIGHTS[1] * sizes
        around[1:] += LANE_WEIGHTS[0] * sizes[:-1]
        around[:-1] += LANE_WEIGHTS[2] * sizes[1:]
        total = np.tile(self.prior.astype(sizes.dtype), (len(codes), codes.shape[1] // len(self.prior)))
        for weight in set(self.weights.values()):
            weighted = weight * around
            for distance in (distance for distance, own in self.weights.items() if own == weight):
                total[:, distance:] += weighted[:, :-distance]
        return total


@dataclass(frozen=True)
class Tables:
    """How often codes of each size occur, depending on their activity.

    Attributes:
        limits: the least activity of each table but the first, int64[tables - 1], rising.
        frequencies: of each size, int64[tables, sizes], for each of its two signs (size 0 has one). The
            frequencies of all codes of a table sum up to TOTAL.
    """

    limits: Ints
    frequencies: Ints

    @classmethod
    def of(cls, sizes: Ints, activity: Ints) -> Tables:
        """The tables with which codes of these sizes and activities are shortest, the tables included."""
        largest = int(sizes.max())
        entries = _reached(_LIMITS, activity).ravel() * np.int32(largest + 1) + sizes.ravel()
        counts = np.bincount(entries, minlength=(len(_LIMITS) + 1) * (largest + 1)).reshape(-1, largest + 1)
        groups = _merged(counts)
        limits = np.array([_LIMITS[rows.start - 1] for _, rows in groups[1:]], np.int64)
        return cls(limits, np.stack([_frequencies(own) for own, _ in groups]))

    def index(self, activity: Ints) -> Ints:
        """Which table holds for codes of these activities, int8."""
        return _reached(self.limits, activity)

    @property
    def largest(self) -> int:
        """The largest size."""
        return int(self.frequencies.shape[1]) - 1

    @property
    def signed(self) -> Ints:
        """Frequencies of the codes from -largest to largest, int64[tables, 2 · largest + 1]."""
        return self.frequencies[:, np.abs(np.arange(-self.largest, self.largest + 1))]

    def costs(self) -> NDArray[np.float64]:
        """Bits of a code of each size, [tables, sizes]; a size that does not occur counts as frequency ½."""
        return np.log2(TOTAL / np.maximum(self.frequencies, 0.5))

    def bits(self, sizes: Ints, activity: Ints) -> float:
        """Bits of codes of these sizes and activities, and of the tables."""
        varints = 1 + (self.frequencies >= 2**7) + (self.frequencies >= 2**14)
        tables = 8 * varints.sum() + 32 * len(self.limits)
        return float(self.costs()[self.index(activity), sizes].sum() + tables)


@dataclass(frozen=True)
class Stream:
    """Entropy-coded codes.

    Attributes:
        states: from which the lanes start to decode, int32[lanes].
        words: what the lanes take in, in order, uint16[words].
        tables: of the codes' frequencies.
        steps: number of codes in each lane.
    """

    states: NDArray[np.int32]
    words: NDArray[np.uint16]
    tables: Tables
    steps: int

    @property
    def bytes(self) -> int:
        """Bytes of states and words."""
        return self.states.nbytes + self.words.nbytes


def encode(codes: Ints, context: Context) -> Stream:
    """The stream of codes [lanes, steps], whose steps are whole periods of the context."""
    sizes, activity = np.abs(codes), context.activity(codes)
    tables = Tables.of(sizes, activity)
    table, symbols = tables.index(activity), codes + sizes.max()
    below = tables.signed.cumsum(1) - tables.signed
    states, words = _encode(tables.signed[table, symbols].T, below[table, symbols].T)
    return Stream(states, words, tables, codes.shape[1])


def _reached(limits: Ints, activity: Ints) -> Ints:
    """How many of the limits each activity has reached, int8."""
    # A lookup takes a third of the time of a search.
    last = int(limits.max(initial=0))
    reached = np.searchsorted(limits, np.arange(last + 1), side="right").astype(np.int8)
    return reached[np.minimum(activity, last)]


def _merged(counts: Ints) -> list[tuple[Ints, slice]]:
    """Neighbouring rows of counts [rows, sizes], added up while that saves bits, and which rows they are."""
    groups = [(row, slice(i, i + 1)) for i, row in enumerate(counts)]
    while len(groups) > 1:
        merged = [(a + b, slice(i.start, j.stop)) for (a, i), (b, j) in pairwise(groups)]
        gains = [
            _ENTRY_BITS * counts.shape[1] + _entropy(a) + _entropy(b) - _entropy(both)
            for (a, _), (b, _), (both, _) in zip(groups, groups[1:], merged, strict=False)
        ]
        best = int(np.argmax(gains))
        if gains[best] < 0:
            break
        groups[best : best + 2] = [merged[best]]
    return groups


def _entropy(counts: Ints) -> float:
    """Bits of sizes that occur so often, with ideal frequencies and without their signs."""
    some = counts[counts > 0]
    return float(-(some * np.log2(some / some.sum())).sum())


def _frequencies(counts: Ints) -> Ints:
    """Frequencies of sizes from their counts: at least 1 for each that occurs, and TOTAL over both signs."""
    result: Ints = np.round(counts * (TOTAL / 2 / max(counts.sum(), 1))).astype(np.int64)
    result[(counts > 0) & (result == 0)] = 1
    result[0] = TOTAL - 2 * result[1:].sum()
    while result[0] < 2:
        result[1 + result[1:].argmax()] -= 1
        result[0] += 2
    return result


def _encode(frequencies: Ints, below: Ints) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
    """States and words from each symbol's frequency and the sum of those below it, both [steps, lanes]."""
    state = np.full(frequencies.shape[1], LOWEST, np.int64)
    words = []
    # The last symbol goes in first: a decoder takes them out in the opposite order.
    for frequency, start in zip(frequencies[::-1], below[::-1], strict=True):
        full = state >= frequency * (2**31 // TOTAL)
        words.append((state[full] % WORD).astype(np.uint16))
        state = np.where(full, state // WORD, state)
        state = state // frequency * TOTAL + start + state % frequency
    return state.astype(np.int32), np.concatenate(words[::-1])


def emit(graph: Graph, stream: Stream, context: Context, prior: str) -> str:
    """Writes a decoder of the stream: all codes in their order, float32[steps, 1, 1, lanes].

    Args:
        graph: where the nodes go.
        stream: what it decodes.
        context: that it was encoded with.
        prior: float32[period, 1], as in `context`.
    """
    from onnx import TensorProto

    kinds, largest, lanes = len(stream.tables.frequencies), stream.tables.largest, len(stream.states)
    # No lane may find nothing to read, if only to throw it away.
    words = stream.words if stream.words.size else np.zeros(1, np.uint16)
    codes = graph.op("Range", *(graph.int32(n) for n in (-largest, largest + 1, 1)))
    tables = graph.varints(stream.tables.frequencies.astype(np.int32))
    tables = graph.op("Gather", tables, graph.op("Abs", codes), axis=1)
    frequencies = graph.op("Reshape", tables, graph.integers(kinds * (2 * largest + 1)))
    tops = graph.op("CumSum", frequencies, graph.int32(0))
    weights = np.outer([*context.weights.values()], LANE_WEIGHTS).astype(np.int32)[None]
    shape = graph.integers(1, max(context.weights), lanes)
    inputs = [
        graph.varints(stream.states[None, None]),
        # Where the last word was read.
        graph.varints(np.full((1, 1, 1), -1, np.int32)),
        # Sizes of the codes before, the last one first.
        graph.op("Expand", graph.scalar(0), shape),
        graph.op("Tile", prior, graph.integers(stream.steps // len(context.prior), 1)),
    ]
    outside = [
        graph.op("Cast", graph.tensor(words), to=TensorProto.INT32),
        frequencies,
        tops,
        graph.op("Flatten", tops),
        # Between activities, which are whole.
        graph.tensor(stream.tables.limits[:, None].astype(np.float32) - np.float32(0.5)),
        graph.integers(*(distance - 1 for distance in context.weights)),
        graph.op("Cast", graph.varints(weights), to=TensorProto.FLOAT),
        graph.op("Cast", codes, to=TensorProto.FLOAT),
        graph.int32(2 * largest + 1),
        shape,
    ]
    body = graph.body()
    parameters = body.names(len(inputs))
    results = _emit_step(body, *outside, *parameters)
    outputs = graph.split_op(
        "Scan", len(results), *inputs, body=body.as_body(parameters, results), num_scan_inputs=1
    )
    return outputs[-1]


def _emit_step(
    graph: Graph,
    words: str,
    frequencies: str,
    tops: str,
    each_top: str,
    limits: str,
    places: str,
    weights: str,
    codes: str,
    symbols: str,
    shape: str,
    state: str,
    last: str,
    before: str,
    prior: str,
) -> list[str]:
    """One code of each lane: names of the new state, `last` and `before`, and of the codes [1, 1, lanes].

    The runtimes know these nodes and do their work sooner (stream.py, stream.ts); change them together.
    """
    zero, one, total = (graph.int32(n) for n in (0, 1, TOTAL))
    near = graph.op("Gather", before, places, axis=1)
    activity = graph.op("Conv", near, weights, prior, pads=[1, 1])
    table = _emit_sum(graph, graph.op("Where", graph.op("Less", limits, activity), total, zero))
    slot = graph.op("Add", table, graph.op("Mod", state, total))
    symbol = _emit_sum(graph, graph.op("Where", graph.op("Less", slot, each_top), zero, one))
    # state = frequency · (state / total) + slot - the frequencies before this symbol's; none overflows.
    turns = graph.op("Add", graph.op("Div", state, total), one)
    state = graph.op("Mul", turns, graph.op("Gather", frequencies, symbol))
    state = graph.op("Add", state, graph.op("Sub", slot, graph.op("Gather", tops, symbol)))
    low = graph.op("Less", state, graph.int32(LOWEST))
    read = graph.op("CumSum", graph.op("Where", low, one, zero), graph.int32(2))
    read = graph.op("Add", read, last)
    longer = graph.op("Mul", state, graph.int32(WORD))
    longer = graph.op("Add", longer, graph.op("Gather", words, read))
    code = graph.op("Gather", codes, graph.op("Mod", symbol, symbols))
    sizes = graph.op("Concat", graph.op("Abs", code), before, axis=1)
    return [
        graph.op("Where", low, longer, state),
        graph.op("ReduceMax", read),
        graph.op("Slice", sizes, graph.integers(0, 0, 0), shape),
        code,
    ]


def _emit_sum(graph: Graph, terms: str) -> str:
    """Of [1, n, lanes], for each lane."""
    return graph.op("ReduceSum", terms, graph.integers(1))
