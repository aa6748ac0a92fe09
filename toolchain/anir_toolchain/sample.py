"""A sample of a large picture: blocks from all over it, side by side, which stand for it in training."""

import math

import numpy as np
from anir_runtime.coder import Integers
from anir_runtime.segments import BLOCK
from numpy.typing import NDArray

from anir_toolchain.lapped_analysis import PITCH

_PIXELS = 2**20
"""Pixels of a sample, about; of pictures up to twice as large, all is taken."""


def is_large(image: NDArray[np.uint8]) -> bool:
    """Whether less of a picture uint8[H, W, N] will do."""
    return math.prod(image.shape[:2]) > 2 * _PIXELS


def sample_of(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Blocks of a large picture uint8[H, W, N]: as large as those whose cells' means are coded as cosines."""
    down, across = _starts(*image.shape[:2])
    side = PITCH * BLOCK
    rows = [np.hstack([image[y : y + side, x : x + side] for x in PITCH * across]) for y in PITCH * down]
    return np.vstack(rows)


def sampled_coefficients(coefficients: Integers) -> Integers:
    """The coefficients in the blocks of `sample_of`, as `in_units` has those of a whole large picture.

    They know nothing of seams, which would cost bits that the picture does not.
    """
    down, across = _starts(*(PITCH * cells for cells in coefficients.shape[:2]))
    rows = [np.hstack([coefficients[y : y + BLOCK, x : x + BLOCK] for x in across]) for y in down]
    return np.vstack(rows)


def _starts(height: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows and the columns of cells at which blocks of a picture begin, in pixels, evenly spread."""
    blocks = _PIXELS / (PITCH * BLOCK) ** 2
    down, across = (
        _spread(length // PITCH, round((blocks * length / other) ** 0.5))
        for length, other in ((height, width), (width, height))
    )
    return down, across


def _spread(cells: int, count: int) -> NDArray[np.int64]:
    """Where that many blocks, or as many as there are, begin along so many whole cells."""
    blocks = max(1, cells // BLOCK)
    numbers = np.linspace(0, blocks - 1, min(max(1, count), blocks))
    return BLOCK * numbers.round().astype(np.int64)
