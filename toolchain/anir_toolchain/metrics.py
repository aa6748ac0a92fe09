"""Quality and rate of a picture: PSNR and bits per pixel."""

import math

import numpy as np
from numpy.typing import NDArray


def psnr(decoded: NDArray[np.uint8], original: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of two pictures in dB, 10 log₁₀(255² / MSE); infinite if they are equal."""
    error = np.mean((decoded.astype(np.float64) - original.astype(np.float64)) ** 2)
    return math.inf if error == 0 else float(10 * np.log10(255**2 / error))


def bits_per_pixel(size: int, pixels: int) -> float:
    """Bits per native pixel of a file of `size` bytes for a picture of that many pixels."""
    return 8 * size / pixels
