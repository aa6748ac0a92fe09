"""Pictures for tests of the lapped transform, and their latents."""

import numpy as np
from anir_runtime.network import Latents
from anir_toolchain.embedding import encode_levels
from anir_toolchain.lapped_analysis import analyse
from numpy.typing import NDArray


def waves(width: int, height: int) -> NDArray[np.uint8]:
    """Returns a picture of waves that become finer to the right and are stronger in red than in green."""
    y, x = np.mgrid[:height, :width]
    levels = np.sin(x**2 / width / 4 + y / 9)
    return np.stack([128 + 100 * levels, 128 + 60 * levels, np.full_like(levels, 90)], axis=-1).astype(
        np.uint8
    )


def blocks(columns: int, rows: int, size: int, seed: int = 0) -> NDArray[np.uint8]:
    """Returns `columns` × `rows` squares of `size` pixels in random colours."""
    colours = np.random.default_rng(seed).integers(0, 256, (rows, columns, 3)).astype(np.uint8)
    return colours.repeat(size, 0).repeat(size, 1)


def dead_leaves(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    """Returns discs of many sizes and random colours that cover one another, slightly blurred.

    Such pictures have the statistics of photographs (Lee et al. 2001, the "dead leaves" model).
    """
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    picture = np.zeros((height, width, 3))
    for _ in range(400):
        radius, centre = 4 / (random.random() + 0.04), random.random(2) * (width, height)
        picture[(x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2] = random.integers(0, 256, 3)
    shifted = [np.roll(picture, shift, (0, 1)) for shift in ((0, 0), (1, 0), (0, 1), (1, 1))]
    blurred: NDArray[np.uint8] = np.mean(shifted, 0).astype(np.uint8)
    return blurred


def latents_of(picture: NDArray[np.uint8], bits: float, reach: int = 1) -> Latents:
    """Returns the latents of a picture that take at most about this number of bits."""
    levels = encode_levels(analyse(picture, 16).coefficients, [round(bits / 8)], [reach])
    return next(levels).latents()
