"""Latents as an entropy-coded stream: how codes are laid in lanes, and from which context each is coded."""

from collections import Counter

import numpy as np
from anir_runtime.network import Latents

from anir_toolchain.lapped_transform import Codes
from anir_toolchain.rans import Context, Ints, Stream, encode

MEAN_ACTIVITY = 280
"""Activity that is added for the code of a cell's mean, which is large more often than the others."""
_CODES_APART = 150
"""Least number of nonzero codes in a lane, on average, for each plane to have lanes of its own."""
_SAME_CELL = (12, 5, 2, 1, 1, 1)
"""Weights of the codes 1 to 6 frequencies lower in the same cell, along either axis."""


def encode_latents(latents: Latents) -> Stream:
    """The codes as a stream, in the lanes of `in_lanes` and with the context of `context`."""
    return encode(in_lanes(latents.codes), context(latents.codes.shape[-1]))


def context(order: int) -> Context:
    """What tells how large a code is: codes of similar frequencies in its cell and in the cell before it.

    Distances are along a lane, which takes the codes of one cell after the other.

    Args:
        order: K, the number of frequencies along each axis.
    """
    cell = order**2
    # A counter, as with few frequencies some of these distances coincide, and their weights add up.
    weights = Counter({order + 1: 2, cell: 15, cell + 1: 3})
    for frequencies, weight in enumerate(_SAME_CELL, start=1):
        weights.update({frequencies: weight, frequencies * order: weight})
    return Context(weights, np.array([MEAN_ACTIVITY, *[0] * (cell - 1)]))


def planes_apart(codes: Codes) -> bool:
    """Whether each plane has lanes of its own: three times as many lanes, of a third as many steps."""
    # Means do not count: they are differences along the scan, so that their number depends on its direction.
    others = np.count_nonzero(codes) - np.count_nonzero(codes[..., 0, 0])
    return bool(others >= _CODES_APART * 3 * codes.shape[2])


def in_lanes(codes: Codes) -> Ints:
    """Codes [3, A, B, K, K] in lanes, int32[lanes, steps].

    Each of the B rows of cells along the scan is a lane, in which planes come one after the other; with
    `planes_apart` there are 3 · B lanes, of one plane each.
    """
    apart = planes_apart(codes)
    lanes = codes.transpose(0, 2, 1, 3, 4) if apart else codes.transpose(2, 0, 1, 3, 4)
    return lanes.reshape(codes.shape[2] * (3 if apart else 1), -1).astype(np.int32)


def out_of_lanes(lanes: Ints, codes: Codes) -> Ints:
    """The inverse of `in_lanes` for an array with an entry for each of the codes: [3, A, B, K, K]."""
    planes, along, across, k, _ = codes.shape
    if planes_apart(codes):
        return lanes.reshape(planes, across, along, k, k).transpose(0, 2, 1, 3, 4)
    return lanes.reshape(across, planes, along, k, k).transpose(1, 2, 0, 3, 4)
