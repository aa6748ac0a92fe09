"""How good and how large: PSNR and bits per pixel."""

import math

import numpy as np
from numpy.typing import NDArray


def psnr(decoded: NDArray[np.uint8], original: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio in dB over all 8-bit RGB values; infinite for equal pictures."""
    error = np.mean((decoded.astype(np.float64) - original.astype(np.float64)) ** 2)
    return math.inf if error == 0 else float(10 * np.log10(255**2 / error))


def bits_per_pixel(size: int, pixels: int) -> float:
    """Bits per native pixel of a file of `size` bytes."""
    return 8 * size / pixels
