"""The entropy encoder of `.onnx` files: range asymmetric numeral systems (rANS), with fitted tables.

`anir_runtime.rans` decodes the stream and describes its states, tables and contexts (Duda 2013, Asymmetric
numeral systems; Giesen 2014, Interleaved entropy coders). The size of a code is its absolute value.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from anir_runtime.rans import LANE_WEIGHTS, LOWEST, TOTAL, WORD_BITS, Context, Ints, Tables
from numpy.typing import NDArray

MOST_SIZES = TOTAL // 2
"""Largest number of different sizes, so that each can have a frequency for either sign."""
_ENTRY_BITS = 10
"""Estimated bits of a table's entry in a file."""
_LIMITS = (LANE_WEIGHTS[1] * np.unique(np.round(2 ** np.arange(1, 10, 0.4))) - 0.5).astype(np.float32)
"""Candidates for limits between tables: half below an activity from which another table may be used."""


@dataclass(frozen=True)
class Stream:
    """Entropy-coded codes.

    Attributes:
        states: the states from which the lanes start to decode, int32[lanes].
        words: the words that the lanes take in, in order, uint16[words].
        tables: the tables of the codes' frequencies.
        steps: number of codes in each lane.
    """

    states: NDArray[np.int32]
    words: NDArray[np.uint16]
    tables: Tables
    steps: int


def encode(codes: Ints, context: Context) -> Stream:
    """Encodes codes [lanes, steps], where the number of steps is a multiple of the context's period."""
    sizes, activity = np.abs(codes), activities(codes, context)
    tables = fit_tables(sizes, activity)
    signed = tables.signed()
    table, symbols = table_index(tables.limits, activity), codes + sizes.max()
    below = signed.cumsum(1) - signed
    states, words = _encode(signed[table, symbols].T, below[table, symbols].T)
    return Stream(states, words, tables, codes.shape[1])


def activities(codes: Ints, context: Context) -> Ints:
    """Returns each code's activity, [lanes, steps]: the context's prior plus the weighted sizes before it."""
    sizes = np.abs(codes)
    most = int(context.prior.max()) + int(sizes.max()) * sum(LANE_WEIGHTS) * sum(context.weights.values())
    # 16 bits where they suffice: half the memory takes half the time.
    sizes = sizes.astype(np.uint16 if most < 2**16 else np.int32)
    around = LANE_WEIGHTS[1] * sizes
    around[1:] += LANE_WEIGHTS[0] * sizes[:-1]
    around[:-1] += LANE_WEIGHTS[2] * sizes[1:]
    periods = codes.shape[1] // len(context.prior)
    total = np.tile(context.prior.astype(sizes.dtype), (len(codes), periods))
    for weight in set(context.weights.values()):
        weighted = weight * around
        for distance in (distance for distance, own in context.weights.items() if own == weight):
            total[:, distance:] += weighted[:, :-distance]
    return total


def fit_tables(sizes: Ints, activity: Ints) -> Tables:
    """Returns tables that minimize the bits of codes with these sizes and activities, tables included."""
    largest = int(sizes.max())
    entries = table_index(_LIMITS, activity).ravel() * np.int32(largest + 1) + sizes.ravel()
    counts = np.bincount(entries, minlength=(len(_LIMITS) + 1) * (largest + 1)).reshape(-1, largest + 1)
    groups = _merged(counts)
    limits = _LIMITS[[rows.start - 1 for _, rows in groups[1:]]]
    return Tables(np.stack([_frequencies(own) for own, _ in groups]), limits)


def table_index(limits: NDArray[np.generic], activity: Ints) -> Ints:
    """Returns the index of the table for each activity: the number of limits below it, int8."""
    # A lookup table takes a third of the time of a search.
    last = int(np.ceil(limits.max(initial=0)))
    below = np.searchsorted(limits, np.arange(last + 1)).astype(np.int8)
    return below[np.minimum(activity, last)]


def _merged(counts: Ints) -> list[tuple[Ints, slice]]:
    """Merges neighbouring rows of counts [rows, sizes] while that saves bits; returns sums and their rows."""
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
    """Returns the bits of sizes with these counts, coded with ideal frequencies and without signs."""
    some = counts[counts > 0]
    return float(-(some * np.log2(some / some.sum())).sum())


def _frequencies(counts: Ints) -> Ints:
    """Returns frequencies for counts of sizes: at least 1 where the count is, and TOTAL over both signs."""
    result: Ints = np.round(counts * (TOTAL / 2 / max(counts.sum(), 1))).astype(np.int64)
    result[(counts > 0) & (result == 0)] = 1
    result[0] = TOTAL - 2 * result[1:].sum()
    while result[0] < 2:
        result[1 + result[1:].argmax()] -= 1
        result[0] += 2
    return result


def _encode(frequencies: Ints, below: Ints) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
    """Encodes symbols, given their frequencies and cumulative frequencies `below`, both [steps, lanes]."""
    state = np.full(frequencies.shape[1], LOWEST, np.int64)
    words = []
    # The last symbol is encoded first, as decoding reverses the order.
    for frequency, start in zip(frequencies[::-1], below[::-1], strict=True):
        full = state >= frequency * (2**31 // TOTAL)
        words.append((state[full] % 2**WORD_BITS).astype(np.uint16))
        state = np.where(full, state >> WORD_BITS, state)
        state = state // frequency * TOTAL + start + state % frequency
    return state.astype(np.int32), np.concatenate(words[::-1])
