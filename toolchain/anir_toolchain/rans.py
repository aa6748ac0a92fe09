"""Codes as a stream of entropy-coded words, which the ONNX graph decodes by itself.

Range asymmetric numeral systems (Duda 2013), in lanes that are decoded side by side (Giesen 2014): a step
of the graph's Scan takes one code of every lane. A lane's state is in [2^15, 2^31), so that it fits an
int32, and takes in at most one word of 16 bits at a step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from anir_toolchain.graph import Graph

_TOTAL = 1 << 12
"""What the frequencies of a table sum up to."""
_WORD = 1 << 16
_LOWEST = 1 << 15
"""Of a lane's states."""
_LANES = 128
"""At most: they shorten decoding, and cost two bytes each."""
_LANE_BITS = 800
"""What a lane has to decode at least."""
_ENTRY_BITS = 12
"""What an entry of a table costs in the file."""


@dataclass(frozen=True)
class Stream:
    """Entropy-coded codes.

    Attributes:
        states: of each lane, int32[lanes].
        words: what lanes take in, in order, uint16[words].
        lowest: the smallest code, which is symbol 0.
        tables: frequencies of the symbols, int32[tables, symbols].
        starts: the step from which each table but the first holds.
        steps: how many.
    """

    states: NDArray[np.int32]
    words: NDArray[np.uint16]
    lowest: int
    tables: NDArray[np.int32]
    starts: tuple[int, ...]
    steps: int

    @property
    def bytes(self) -> int:
        """Of states and words."""
        return self.states.nbytes + self.words.nbytes


def encode(planes: Sequence[NDArray[np.int8]]) -> Stream:
    """Codes, plane after plane; neighbours of like statistics share a table.

    Args:
        planes: int8 arrays, whose sizes are multiples of the first one's.
    """
    lowest = min(int(plane.min()) for plane in planes)
    symbols = [plane.ravel().astype(np.int64) - lowest for plane in planes]
    size = 1 + max(int(plane.max()) for plane in symbols)
    groups = _group(np.stack([np.bincount(plane, minlength=size) for plane in symbols]))
    most = min(_LANES, max(1, int(sum(_bits(counts) for counts, _ in groups)) // _LANE_BITS))
    lanes = max(n for n in range(1, most + 1) if planes[0].size % n == 0)
    tables = np.stack([_frequencies(counts) for counts, _ in groups])
    lengths = [sum(plane.size for plane in symbols[group]) // lanes for _, group in groups]
    states, words = _encode(np.concatenate(symbols).reshape(-1, lanes), tables.repeat(lengths, axis=0))
    *starts, steps = np.cumsum(lengths).tolist()
    return Stream(states, words, lowest, tables.astype(np.int32), tuple(starts), steps)


def _group(counts: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], slice]]:
    """Neighbouring rows of counts [planes, symbols] added up while that saves bits, and which they are."""
    groups = [(row, slice(i, i + 1)) for i, row in enumerate(counts)]
    while len(groups) > 1:
        merged = [(a + b, slice(i.start, j.stop)) for (a, i), (b, j) in pairwise(groups)]
        gains = [
            _ENTRY_BITS * counts.shape[1] + _bits(a) + _bits(b) - _bits(both)
            for (a, _), (b, _), (both, _) in zip(groups, groups[1:], merged, strict=False)
        ]
        best = int(np.argmax(gains))
        if gains[best] < 0:
            break
        groups[best : best + 2] = [merged[best]]
    return groups


def _bits(counts: NDArray[np.int64]) -> float:
    """What so many symbols of each kind take, by their entropy."""
    some = counts[counts > 0]
    return float(-(some * np.log2(some / some.sum())).sum())


def _frequencies(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts scaled to the sum _TOTAL, at least 1 each."""
    spare = _TOTAL - len(counts)
    scaled = counts * spare // counts.sum()
    scaled[scaled.argmax()] += spare - scaled.sum()
    result: NDArray[np.int64] = scaled + 1
    return result


def _encode(
    symbols: NDArray[np.int64], frequencies: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
    """States and words from symbols [steps, lanes] and each step's frequencies [steps, symbols]."""
    below = frequencies.cumsum(1) - frequencies
    state = np.full(symbols.shape[1], _LOWEST, np.int64)
    words = []
    # The last symbol first: a decoder takes it out again last.
    for symbol, frequency, start in zip(symbols[::-1], frequencies[::-1], below[::-1], strict=True):
        own = frequency[symbol]
        full = state >= own * (2**31 // _TOTAL)
        words.append((state[full] % _WORD).astype(np.uint16))
        state = np.where(full, state // _WORD, state)
        state = state // own * _TOTAL + start[symbol] + state % own
    return state.astype(np.int32), np.concatenate(words[::-1])


def emit(graph: Graph, stream: Stream) -> str:
    """Writes a decoder of the stream: all codes in their order, float32[steps, lanes, 1]."""
    # No lane may find nothing to read, if only to throw it away.
    words = stream.words if stream.words.size else np.zeros(1, np.uint16)
    words_name = graph.op("Cast", graph.tensor(words), to=TensorProto.INT32)
    frequencies = graph.varints(stream.tables)
    tops = graph.op("CumSum", frequencies, graph.integers(1))
    if stream.starts:
        steps = graph.op("Range", *(graph.varints(np.array(n)) for n in (0, stream.steps, 1)))
        starts = graph.varints(np.array(stream.starts)[:, None])
        passed = graph.op("Cast", graph.op("GreaterOrEqual", steps, starts), to=TensorProto.INT64)
        at = graph.op("ReduceSum", passed, graph.integers(0), keepdims=0)
    else:
        at = graph.op("ConstantOfShape", graph.integers(stream.steps))
        at = graph.op("Cast", at, to=TensorProto.INT64)
    inputs = [
        graph.tensor(stream.states[:, None]),
        # Where the last word was read.
        graph.tensor(np.full((1, 1), -1, np.int32)),
        graph.op("Gather", frequencies, at),
        graph.op("Gather", tops, at),
    ]
    body = graph.body()
    parameters = body.names(len(inputs))
    results = _emit_step(body, words_name, *parameters)
    *_, symbols = graph.split_op(
        "Scan", len(results), *inputs, body=body.as_body(parameters, results), num_scan_inputs=2
    )
    symbols = graph.op("Cast", symbols, to=TensorProto.FLOAT)
    return graph.op("Add", symbols, graph.scalar(stream.lowest))


def _emit_step(graph: Graph, words: str, state: str, last: str, frequencies: str, tops: str) -> list[str]:
    """One symbol of each lane, [lanes, 1]: returns the names of the new state and `last`, and the symbols."""
    one = graph.integers(1)
    slot = graph.op("BitwiseAnd", state, graph.int32(_TOTAL - 1))
    above = graph.op("Cast", graph.op("GreaterOrEqual", slot, tops), to=TensorProto.INT32)
    symbol = graph.op("ReduceSum", above, one)
    # state = frequency · (state / total) + slot - the frequencies before this symbol's.
    turns = graph.op("Add", graph.op("Div", state, graph.int32(_TOTAL)), graph.int32(1))
    state = graph.op("Mul", turns, graph.op("Gather", frequencies, symbol))
    state = graph.op("Sub", graph.op("Add", state, slot), graph.op("Gather", tops, symbol))
    low = graph.op("Less", state, graph.int32(_LOWEST))
    count = graph.op("CumSum", graph.op("Cast", low, to=TensorProto.INT32), graph.integers(0))
    read = graph.op("Add", count, last)
    longer = graph.op("Mul", state, graph.int32(_WORD))
    longer = graph.op("Add", longer, graph.op("Gather", words, read))
    return [
        graph.op("Where", low, longer, state),
        graph.op("Gather", read, graph.integers(-1)),
        symbol,
    ]
