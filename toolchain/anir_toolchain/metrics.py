"""Quality and rate of a picture: PSNR and bits per pixel."""

import math

import numpy as np
from numpy.typing import NDArray

MAX_PSNR = 100.0
"""Largest PSNR in dB, also that of equal pictures: infinity is not valid JSON and would spoil any mean."""
_PART = 2**20
"""Values of a picture that are compared at a time."""


def psnr(decoded: NDArray[np.uint8], original: NDArray[np.uint8]) -> float:
    """Returns the peak signal-to-noise ratio of two pictures in dB, 10 log₁₀(255² / MSE), at most MAX_PSNR.

    Pictures are uint8[H, W, 1 | 3 | 4]. If one has an alpha, the MSE is the mean of the MSE of the pictures
    composited over black and over white. Raises ValueError if they differ in width or height.
    """
    if decoded.shape[:-1] != original.shape[:-1]:
        raise ValueError(f"pictures of different sizes: {decoded.shape[:-1]} and {original.shape[:-1]}")
    measure = _error_seen if 4 in (decoded.shape[-1], original.shape[-1]) else _error
    # Part by part, as float64 copies of a large picture would take gigabytes.
    starts = range(0, len(original), max(1, _PART * len(original) // original.size))
    ends = [*starts[1:], len(original)]
    total = sum(
        (end - start) * measure(decoded[start:end], original[start:end])
        for start, end in zip(starts, ends, strict=True)
    )
    error = total / len(original)
    return min(MAX_PSNR, 10 * math.log10(255**2 / error)) if error else MAX_PSNR


def _error(decoded: NDArray[np.uint8], original: NDArray[np.uint8]) -> float:
    """Returns the mean squared error of two pictures' values."""
    return float(np.mean((decoded.astype(np.float64) - original.astype(np.float64)) ** 2))


def _error_seen(decoded: NDArray[np.uint8], original: NDArray[np.uint8]) -> float:
    """Returns the mean squared error over black and over white of two pictures, at least one with alpha."""
    (black, alpha), (other_black, other_alpha) = (_on_black(own) for own in (decoded, original))
    on_black = black - other_black
    # White shines through where a picture is not opaque.
    on_white = on_black - (alpha - other_alpha)
    return float(np.mean(on_black**2) + np.mean(on_white**2)) / 2


def _on_black(picture: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns colours multiplied by alpha, and alpha, both from 0 to 255."""
    values = picture.astype(np.float64)
    if values.shape[-1] < 4:
        return values, np.full((*values.shape[:-1], 1), 255.0)
    return values[..., :3] * values[..., 3:] / 255, values[..., 3:]


def bits_per_pixel(size: int, pixels: int) -> float:
    """Returns the bits per native pixel of a file of `size` bytes for a picture of `pixels` pixels."""
    return 8 * size / pixels
