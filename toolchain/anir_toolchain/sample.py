"""Samples large pictures: blocks from all over a picture, side by side, are trained on instead of it."""

import math

import numpy as np
from anir_runtime.coder import Integers
from anir_runtime.segments import BLOCK
from numpy.typing import NDArray

from anir_toolchain.lapped_analysis import PITCH

_PIXELS = 2**20
"""Approximate number of pixels of a sample; pictures up to twice as large are not sampled."""


def is_large(image: NDArray[np.uint8]) -> bool:
    """Whether a picture uint8[H, W, N] is large enough to be sampled."""
    return math.prod(image.shape[:2]) > 2 * _PIXELS


def sample_of(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns the sample of a large picture uint8[H, W, N], in blocks of BLOCK × BLOCK cells.

    Within blocks of that size the cells' DC coefficients are coded, as their cosine transform.
    """
    down, across = _starts(*image.shape[:2])
    side = PITCH * BLOCK
    rows = [np.hstack([image[y : y + side, x : x + side] for x in PITCH * across]) for y in PITCH * down]
    return np.vstack(rows)


def sampled_coefficients(coefficients: Integers, size: tuple[int, int]) -> Integers:
    """Returns the coefficients in the blocks of `sample_of`, given those of the whole picture (`in_units`).

    `size` is the picture's, (W, H) in pixels. Transforming the sample instead would spend bits on the seams
    between blocks.
    """
    # Not from the number of cells: the last ones may be beyond the picture, and so in no block of its sample.
    down, across = _starts(*size[::-1])
    rows = [np.hstack([coefficients[y : y + BLOCK, x : x + BLOCK] for x in across]) for y in down]
    return np.vstack(rows)


def _starts(height: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the rows and columns of cells at which blocks begin, evenly spread; sizes are in pixels."""
    blocks = _PIXELS / (PITCH * BLOCK) ** 2
    down, across = (
        _spread(length // PITCH, round((blocks * length / other) ** 0.5))
        for length, other in ((height, width), (width, height))
    )
    return down, across


def _spread(cells: int, count: int) -> NDArray[np.int64]:
    """Returns the first cells of `count` blocks, or all if there are fewer, spread evenly over an axis."""
    blocks = max(1, cells // BLOCK)
    numbers = np.linspace(0, blocks - 1, min(max(1, count), blocks))
    return BLOCK * numbers.round().astype(np.int64)
