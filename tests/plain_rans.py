"""A plain rANS encoder, code by code in Python's integers, whose streams `anir_runtime.rans` must decode.

It is independent of the toolchain's encoder, so that a mistake goes unnoticed only if it is made twice.
"""

import numpy as np
from anir_runtime.rans import LANE_WEIGHTS, LOWEST, TOTAL, WORD_BITS, Context, Tables
from numpy.typing import NDArray

LIMITS = np.array([20.5, 100.5, 400.5], np.float32)
"""Activities between one table and the next."""


def activities(codes: NDArray[np.int16], context: Context) -> NDArray[np.int64]:
    """The activity of each code, int64[steps, lanes]."""
    magnitudes = np.pad(np.abs(codes.astype(np.int64)), ((0, 0), (1, 1)))
    around = sum(w * magnitudes[:, i : i + codes.shape[1]] for i, w in enumerate(LANE_WEIGHTS))
    result = np.resize(context.prior, len(codes))[:, None] + np.zeros_like(around)
    for distance, weight in context.weights.items():
        result[distance:] += weight * around[:-distance]
    return result


def tables_of(codes: NDArray[np.int16], context: Context) -> Tables:
    """Tables in which every code of int16[steps, lanes] that occurs has a frequency above 0."""
    table = np.searchsorted(LIMITS, activities(codes, context))
    frequencies = np.zeros((len(LIMITS) + 1, int(np.abs(codes).max()) + 1), np.int64)
    for own, counts in zip(
        frequencies, (np.abs(codes)[table == k] for k in range(len(LIMITS) + 1)), strict=True
    ):
        own[:] = np.bincount(counts.ravel(), minlength=len(own)) * (TOTAL // 2) // max(2 * counts.size, 1)
        own[np.unique(counts)] += 1
        own[0] = TOTAL - 2 * own[1:].sum()
    return Tables(frequencies.astype(np.int32), LIMITS)


def encode(
    codes: NDArray[np.int16], tables: Tables, context: Context
) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """Encodes codes int16[steps, lanes] to words and to initial states of the decoder's lanes."""
    largest, frequencies = tables.frequencies.shape[1] - 1, tables.signed()
    first = frequencies.cumsum(1) - frequencies
    which = np.searchsorted(tables.limits, activities(codes, context))
    states, words = [LOWEST] * codes.shape[1], list[int]()
    # rANS is last in, first out: codes are encoded in the reverse of the decoder's order.
    for step in reversed(range(len(codes))):
        for lane in reversed(range(len(states))):
            symbol = which[step, lane], int(codes[step, lane]) + largest
            frequency, start = int(frequencies[symbol]), int(first[symbol])
            if states[lane] >= frequency * (2**31 // TOTAL):
                words.append(states[lane] % 2**WORD_BITS)
                states[lane] >>= WORD_BITS
            turns, rest = divmod(states[lane], frequency)
            states[lane] = turns * TOTAL + start + rest
    return np.array(words[::-1], np.uint16), np.array(states, np.int32)
