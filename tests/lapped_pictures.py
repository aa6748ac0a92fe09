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


def latents_of(picture: NDArray[np.uint8], bits: float, reach: int = 1) -> Latents:
    """Returns the latents of a picture that take at most about this number of bits."""
    levels = encode_levels(analyse(picture, 16).coefficients, [round(bits / 8)], [reach])
    return next(levels).latents()
