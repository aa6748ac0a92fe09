"""Decodes integers from a stream of range asymmetric numeral systems (rANS).

Duda, Asymmetric numeral systems (2013); interleaved lanes as in Giesen, Interleaved entropy coders (2014).
Each step decodes one code of every lane. A code's table of frequencies depends on its activity: a weighted
sum of the magnitudes of earlier codes in its lane and the two adjacent lanes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anir_runtime.errors import AnirError

TOTAL_BITS, WORD_BITS = 14, 16
TOTAL = 1 << TOTAL_BITS
"""Sum of a table's frequencies over codes of both signs."""
LOWEST = 1 << 15
"""Lowest state of a lane between steps; the encoder starts in this state, and so the decoder ends in it."""
LANE_WEIGHTS = (1, 4, 1)
"""Weights of magnitudes in the previous lane, in the code's own lane, and in the next lane."""
MOST_TABLES, HIGHEST_LIMIT = 64, 1 << 20

Ints = NDArray[np.integer]


@dataclass(frozen=True)
class Context:
    """The context model: how the activity of a code is computed.

    Attributes:
        weights: weight of an earlier code's magnitude by its distance in steps, 1 for the last code; it is
            multiplied by the LANE_WEIGHTS of the three lanes.
        prior: constants added to the activity, repeated along the steps, int64[period].
    """

    weights: Mapping[int, int]
    prior: Ints


@dataclass(frozen=True)
class Tables:
    """Frequencies of codes by their magnitude, one table for each range of activities.

    Attributes:
        frequencies: int[tables, magnitudes]; codes of either sign have the frequency of their magnitude.
        limits: number[tables - 1], ascending; table k is used if exactly k limits are below the activity.
    """

    frequencies: Ints
    limits: NDArray[np.generic]

    def check(self) -> None:
        """Raises AnirError if the tables are invalid."""
        count, magnitudes = self.frequencies.shape
        frequencies, limits = self.frequencies.astype(np.int64), self.limits.astype(np.float64)
        if count > MOST_TABLES or not 1 <= magnitudes <= TOTAL or limits.shape != (count - 1,):
            raise AnirError("the number of its entropy coder's tables is out of range")
        if frequencies.min() < 0 or (2 * frequencies.sum(1) - frequencies[:, 0] != TOTAL).any():
            raise AnirError(f"the frequencies in its entropy coder's tables do not add up to {TOTAL}")
        if not (np.diff(limits, prepend=0, append=HIGHEST_LIMIT) > 0).all():
            raise AnirError("the limits between its entropy coder's tables do not ascend")

    def signed(self) -> Ints:
        """Returns the frequencies of the codes from −largest to largest, int64[tables, 2 · largest + 1]."""
        largest = self.frequencies.shape[1] - 1
        return self.frequencies.astype(np.int64)[:, np.abs(np.arange(-largest, largest + 1))]


def decode(words: Ints, states: Ints, tables: Tables, context: Context, steps: int) -> NDArray[np.int16]:
    """Decodes all codes of a stream, int16[steps, lanes].

    `words`, uint16[words], are in the order in which lanes read them; `states`, int32[lanes], are the lanes'
    initial states. Raises AnirError if the tables are invalid, or the stream is of another length or damaged.
    """
    tables.check()
    frequency, start, code_of = _by_slot(tables)
    # By activity: the first slot of the table to use.
    below = np.searchsorted(tables.limits, np.arange(int(tables.limits.max(initial=0)) + 2)) * TOTAL
    distances, weights = np.array([*context.weights.items()]).T
    # Ring buffer of the activities of this step and of all later steps that its codes contribute to.
    size, period = int(distances.max()) + 1, len(context.prior)
    ring = np.repeat(np.resize(context.prior, size)[:, None].astype(np.int32), len(states), axis=1)
    later = (np.arange(size)[:, None] + distances) % size
    weights = weights[:, None].astype(np.int32)
    magnitudes, beside = np.zeros(len(states) + 2, np.int32), np.array(LANE_WEIGHTS, np.int32)
    codes = np.empty((steps, len(states)), np.int16)
    state, words, taken = states.astype(np.int64), words.astype(np.int64), 0
    for step, row in enumerate(codes):
        activity = ring[step % size]
        slot = below.take(activity, mode="clip")
        slot += state & TOTAL - 1
        state >>= TOTAL_BITS
        state *= frequency.take(slot)
        state += start.take(slot)
        low = (state < LOWEST).nonzero()[0]
        if low.size:
            if taken + low.size > words.size:
                raise AnirError("its entropy-coded stream ends too early")
            state[low] = state[low] << WORD_BITS | words[taken : taken + low.size]
            taken += low.size
        code_of.take(slot, out=row, mode="clip")
        activity[:] = context.prior[(step + size) % period]
        # Most steps have only zeros, which add nothing.
        if row.any():
            np.abs(row, out=magnitudes[1:-1])
            ring[later[step % size]] += weights * np.correlate(magnitudes, beside)
    # One word may be left in a stream that needs none: a file's own graph must have a word to read.
    if words.size > max(taken, 1) or (state != LOWEST).any():
        raise AnirError("its entropy-coded stream is damaged")
    return codes


def _by_slot(tables: Tables) -> tuple[Ints, Ints, NDArray[np.int16]]:
    """Returns, by slot of all tables: its code's frequency, its distance from the code's start, the code."""
    signed = tables.signed()
    frequencies, codes = signed.ravel(), signed.shape[1]
    symbol = np.repeat(np.arange(frequencies.size), frequencies)
    first = frequencies.cumsum() - frequencies
    code = (symbol % codes - codes // 2).astype(np.int16)
    return frequencies[symbol], np.arange(symbol.size) - first[symbol], code
