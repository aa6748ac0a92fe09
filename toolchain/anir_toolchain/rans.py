"""Codes as a stream of entropy-coded words, which the ONNX graph decodes by itself.

Range asymmetric numeral systems (Duda 2013), in lanes that are decoded side by side (Giesen 2014): a step
of the graph's Scan takes one code of every lane. How likely a code is depends on the sizes of those that
its lane and the two beside it have had before, its context. A lane's state is in [2^15, 2^31), so that it
fits an int32, and takes in at most one word of 16 bits at a step.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

TOTAL = 1 << 14
"""What the frequencies of a table sum up to."""
WORD = 1 << 16
LOWEST = 1 << 15
"""Of a lane's states."""
_ENTRY_BITS = 10
"""About what an entry of a table costs in the file."""
LANE_BITS = 21
"""What a lane costs more than what it decodes."""
BESIDE = (1, 4, 1)
"""What sizes count in the lane before, in a code's own lane, and in the lane after."""
_LIMITS = BESIDE[1] * np.unique(np.round(2 ** np.arange(1, 10, 0.4))).astype(np.int64)
"""Activities from which on there may be another table."""

Ints = NDArray[np.integer]


@dataclass(frozen=True)
class Context:
    """What tells how large a lane's next code will be.

    Attributes:
        weights: of the codes before, by how far back they are, 1 for the last one.
        prior: what is added to the sum of their sizes, one for each code of a period, int64[period].
    """

    weights: dict[int, int]
    prior: Ints

    def activity(self, codes: Ints) -> Ints:
        """Of each code [lanes, steps]: its prior, and the weighted sizes of those before it.

        The lanes beside a code's own count too, by BESIDE.
        """
        sizes = np.abs(codes)
        most = int(self.prior.max()) + int(sizes.max()) * sum(BESIDE) * sum(self.weights.values())
        # Half the memory is half the time.
        sizes = sizes.astype(np.uint16 if most < 2**16 else np.int32)
        around = BESIDE[1] * sizes
        around[1:] += BESIDE[0] * sizes[:-1]
        around[:-1] += BESIDE[2] * sizes[1:]
        total = np.tile(self.prior.astype(sizes.dtype), (len(codes), codes.shape[1] // len(self.prior)))
        for weight in set(self.weights.values()):
            weighted = weight * around
            for distance in (distance for distance, own in self.weights.items() if own == weight):
                total[:, distance:] += weighted[:, :-distance]
        return total


@dataclass(frozen=True)
class Tables:
    """How often codes occur, by activity.

    Attributes:
        limits: the activity from which each table but the first holds, int64[tables - 1].
        frequencies: of sizes, int64[tables, sizes], out of TOTAL; each of two signs has the frequency.
    """

    limits: Ints
    frequencies: Ints

    @classmethod
    def of(cls, sizes: Ints, activity: Ints) -> "Tables":
        """The tables that make codes of these sizes shortest, themselves included."""
        largest = int(sizes.max())
        rows = _kinds(_LIMITS, activity).ravel() * np.int32(largest + 1) + sizes.ravel()
        counts = np.bincount(rows, minlength=(len(_LIMITS) + 1) * (largest + 1)).reshape(-1, largest + 1)
        groups = _group(counts)
        limits = np.array([_LIMITS[rows.start - 1] for _, rows in groups[1:]], np.int64)
        return cls(limits, np.stack([_frequencies(own) for own, _ in groups]))

    def kinds(self, activity: Ints) -> Ints:
        """Which table holds for codes of this activity."""
        return _kinds(self.limits, activity)

    @property
    def largest(self) -> int:
        """The largest size."""
        return int(self.frequencies.shape[1]) - 1

    @property
    def signed(self) -> Ints:
        """Frequencies of codes from the smallest to the largest."""
        return self.frequencies[:, np.abs(np.arange(-self.largest, self.largest + 1))]

    def costs(self) -> NDArray[np.float64]:
        """Bits of a code of each size, [tables, sizes]; of one that does not occur, as if it did."""
        return np.log2(TOTAL / np.maximum(self.frequencies, 0.5))

    def bits(self, sizes: Ints, activity: Ints) -> float:
        """What codes of these sizes take, with the tables."""
        varints = 1 + (self.frequencies >= 2**7) + (self.frequencies >= 2**14)
        tables = 8 * varints.sum() + 32 * len(self.limits)
        return float(self.costs()[self.kinds(activity), sizes].sum() + tables)


@dataclass(frozen=True)
class Stream:
    """Entropy-coded codes.

    Attributes:
        states: of each lane, int32[lanes].
        words: what lanes take in, in order, uint16[words].
        tables: of their codes.
        steps: how many.
    """

    states: NDArray[np.int32]
    words: NDArray[np.uint16]
    tables: Tables
    steps: int

    @property
    def bytes(self) -> int:
        """Of states and words."""
        return self.states.nbytes + self.words.nbytes


def encode(codes: Ints, context: Context) -> Stream:
    """Codes [lanes, steps], where steps are whole periods."""
    sizes, activity = np.abs(codes), context.activity(codes)
    tables = Tables.of(sizes, activity)
    kinds, symbols = tables.kinds(activity), codes + sizes.max()
    below = tables.signed.cumsum(1) - tables.signed
    states, words = _encode(tables.signed[kinds, symbols].T, below[kinds, symbols].T)
    return Stream(states, words, tables, codes.shape[1])


def _kinds(limits: Ints, activity: Ints) -> Ints:
    """How many of the limits each activity has reached, int8."""
    # Looked up, which takes a third of the time of searching.
    last = int(limits.max(initial=0))
    reached = np.searchsorted(limits, np.arange(last + 1), side="right").astype(np.int8)
    return reached[np.minimum(activity, last)]


def _group(counts: Ints) -> list[tuple[Ints, slice]]:
    """Neighbouring rows of counts [kinds, sizes] added up while that saves bits, and which they are."""
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


def _bits(counts: Ints) -> float:
    """What so many sizes of each kind take, by their entropy; signs come on top."""
    some = counts[counts > 0]
    return float(-(some * np.log2(some / some.sum())).sum())


def _frequencies(counts: Ints) -> Ints:
    """Those of sizes, with the sum TOTAL over both signs; none for what does not occur."""
    result: Ints = np.round(counts * (TOTAL / 2 / max(counts.sum(), 1))).astype(np.int64)
    result[(counts > 0) & (result == 0)] = 1
    result[0] = TOTAL - 2 * result[1:].sum()
    while result[0] < 2:
        result[1 + result[1:].argmax()] -= 1
        result[0] += 2
    return result


def _encode(frequencies: Ints, below: Ints) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
    """States and words from symbols' frequencies and those of the symbols below, both [steps, lanes]."""
    state = np.full(frequencies.shape[1], LOWEST, np.int64)
    words = []
    # The last symbol first: a decoder takes it out again last.
    for frequency, start in zip(frequencies[::-1], below[::-1], strict=True):
        full = state >= frequency * (2**31 // TOTAL)
        words.append((state[full] % WORD).astype(np.uint16))
        state = np.where(full, state // WORD, state)
        state = state // frequency * TOTAL + start + state % frequency
    return state.astype(np.int32), np.concatenate(words[::-1])
