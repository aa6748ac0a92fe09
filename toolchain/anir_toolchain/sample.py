"""Samples large pictures: blocks from all over a picture, side by side, are trained on instead of it."""

import math

import numpy as np
from anir_runtime.coder import Integers
from anir_runtime.segments import BLOCK
from numpy.typing import NDArray

_PIXELS = 2**20
"""Approximate number of pixels of a sample; pictures up to twice as large are not sampled."""


def is_large(image: NDArray[np.uint8]) -> bool:
    """Whether a picture uint8[H, W, N] is large enough to be sampled."""
    return math.prod(image.shape[:2]) > 2 * _PIXELS


def sample_of(image: NDArray[np.uint8], pitch: int) -> NDArray[np.uint8]:
    """Returns the sample of a large picture uint8[H, W, N], in blocks of BLOCK × BLOCK cells of a pitch.

    Within blocks of that size the cells' DC coefficients are coded, as their cosine transform.
    """
    down, across = block_starts((image.shape[1], image.shape[0]), pitch)
    side = pitch * BLOCK
    rows = [np.hstack([image[y : y + side, x : x + side] for x in pitch * across]) for y in pitch * down]
    return np.vstack(rows)


def sampled_coefficients(coefficients: Integers, size: tuple[int, int]) -> Integers:
    """Returns the coefficients in the blocks of `sample_of`, given those of the whole picture (`in_units`).

    `size` is the picture's, (W, H) in pixels. Transforming the sample instead would spend bits on the seams
    between blocks.
    """
    # Not from the number of cells: the last ones may be beyond the picture, and so in no block of its sample.
    down, across = block_starts(size, coefficients.shape[-1])
    rows = [np.hstack([coefficients[y : y + BLOCK, x : x + BLOCK] for x in across]) for y in down]
    return np.vstack(rows)


def block_starts(size: tuple[int, int], pitch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the rows and columns of cells at which blocks begin, for a picture of size (W, H) in pixels."""
    width, height = size
    blocks = _PIXELS / (pitch * BLOCK) ** 2
    down, across = (
        _spread(length // pitch, round((blocks * length / other) ** 0.5))
        for length, other in ((height, width), (width, height))
    )
    return down, across


def _spread(cells: int, count: int) -> NDArray[np.int64]:
    """Returns the first cells of `count` blocks, or all if there are fewer, spread evenly over an axis."""
    blocks = max(1, cells // BLOCK)
    numbers = np.linspace(0, blocks - 1, min(max(1, count), blocks))
    return BLOCK * numbers.round().astype(np.int64)
