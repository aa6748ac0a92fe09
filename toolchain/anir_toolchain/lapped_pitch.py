"""Chooses the pitch of a picture's lapped transform: 16 pixels for detail, 32 for smooth pictures."""

from collections.abc import Iterator

import numpy as np
from anir_runtime.common_networks import Colours
from anir_runtime.lapped_transform import PITCHES
from anir_runtime.level_step import LEAST_WIDTH
from anir_runtime.segments import BLOCK
from numpy.typing import NDArray

from anir_toolchain.lapped_analysis import coefficients_of_part
from anir_toolchain.levels import BITS_PER_COEFFICIENT, RATES
from anir_toolchain.sample import block_starts, is_large

_LEAST_ERROR = LEAST_WIDTH**2 / 12
"""Mean squared error that the finest quantization step leaves, in units."""


def best_pitch(image: NDArray[np.uint8], colours: Colours) -> int:
    """Returns the pitch with which the levels of a picture uint8[H, W, N] are estimated to show it best.

    With each pitch, a level is taken to hold as many of the largest coefficients as its bytes suffice for;
    what the others leave out is its squared error. The gain in PSNR is the mean of all levels' gains.
    """
    parts = list(_parts(image))
    estimates = [_mean_error(image, parts, pitch, colours) for pitch in PITCHES]
    return PITCHES[int(np.argmin(estimates))]


def _parts(image: NDArray[np.uint8]) -> Iterator[tuple[slice, slice]]:
    """Yields the rows and columns of the whole picture, or, if it is large, of the blocks of its sample."""
    height, width = image.shape[:2]
    if not is_large(image):
        yield slice(0, height), slice(0, width)
        return
    # Those of the smaller pitch, which are more and so represent the picture better.
    pitch = PITCHES[0]
    down, across = block_starts((width, height), pitch)
    for top in pitch * down:
        for left in pitch * across:
            yield slice(top, top + pitch * BLOCK), slice(left, left + pitch * BLOCK)


def _mean_error(
    image: NDArray[np.uint8], parts: list[tuple[slice, slice]], pitch: int, colours: Colours
) -> float:
    """Returns the mean over all levels of the logarithm of the estimated squared error."""
    pixels = sum(image[part][..., 0].size for part in parts)
    values = [coefficients_of_part(image, part, pitch, colours).reshape(-1) for part in parts]
    squares = np.square(np.concatenate(values), dtype=np.float32)
    kept = [max(1, round(rate * pixels / BITS_PER_COEFFICIENT)) for rate in RATES]
    ends = [max(0, len(squares) - many) for many in kept]
    squares.partition(ends)
    errors = [squares[:end].sum(dtype=np.float64) for end in ends]
    return float(np.log(np.array(errors) / pixels + _LEAST_ERROR).mean())
