"""Pictures for the lapped transform's tests, and their latents."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from anir_runtime.network import Latents
from anir_toolchain.lapped_analysis import Coefficients, analyse
from anir_toolchain.rate_distortion import quantize_picture
from numpy.typing import NDArray


def waves(width: int, height: int) -> NDArray[np.uint8]:
    """Waves that grow finer to the right, in one colour more than in the others."""
    y, x = np.mgrid[:height, :width]
    levels = np.sin(x**2 / width / 4 + y / 9)
    return np.stack([128 + 100 * levels, 128 + 60 * levels, np.full_like(levels, 90)], axis=-1).astype(
        np.uint8
    )


def blocks(columns: int, rows: int, size: int, seed: int = 0) -> NDArray[np.uint8]:
    """Squares of random colours."""
    colours = np.random.default_rng(seed).integers(0, 256, (rows, columns, 3)).astype(np.uint8)
    return colours.repeat(size, 0).repeat(size, 1)


def quantized(candidates: list[Coefficients], bits: float) -> Latents:
    """The latents for one budget."""
    with ThreadPoolExecutor(1) as pool:
        return quantize_picture(candidates, [bits], pool)[0]


def latents_of(picture: NDArray[np.uint8], bits: float) -> Latents:
    """The latents of a picture for one budget."""
    return quantized(analyse(picture), bits)
