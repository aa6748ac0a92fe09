"""Quality and rate of a picture: PSNR and bits per pixel."""

import math

import numpy as np
from numpy.typing import NDArray

MAX_PSNR = 100.0
"""Highest PSNR in dB, that of equal pictures too: JSON has no infinity, and no mean of pictures bears it."""


def psnr(decoded: NDArray[np.uint8], original: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of two pictures in dB, 10 log₁₀(255² / MSE), at most MAX_PSNR."""
    error = float(np.mean((decoded.astype(np.float64) - original.astype(np.float64)) ** 2))
    return min(MAX_PSNR, 10 * math.log10(255**2 / error)) if error else MAX_PSNR


def bits_per_pixel(size: int, pixels: int) -> float:
    """Bits per native pixel of a file of `size` bytes for a picture of that many pixels."""
    return 8 * size / pixels
