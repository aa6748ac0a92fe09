"""Functions of columns or rows by their values at few points: Chebyshev interpolation on short stretches."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Spectrum = NDArray[np.float64]
"""What Chebyshev coefficients of some functions do not exceed, by degree."""

NOISE = 2e-6
"""Coefficients up to here are rounding errors of float32 functions of arguments up to some 60."""


def points(stretch: Floats, count: int) -> Floats:
    """So many points on a stretch of coordinates: Chebyshev's, which are densest at the ends."""
    middle, half = _span(stretch)
    return (middle + half * np.cos(_angles(count))).astype(np.float32)


def weights(stretch: Floats, count: int) -> Floats:
    """What coordinates of a stretch take of the values at its `points`, [points, coordinates].

    Exact for polynomials of a lower degree than the number of points.
    """
    middle, half = _span(stretch)
    angles = np.arccos(np.clip((stretch.astype(np.float64) - middle) / half, -1, 1))
    cosines = np.cos(np.arange(count)[:, None] * angles)
    # Not by `@`: BLAS has threads of its own, which keep cores busy long after.
    shares: Floats = np.einsum("pd,dc->pc", _transform(count), cosines).astype(np.float32)
    return shares


def spectrum(values: Floats) -> Spectrum:
    """Of functions that have these values at `points`, [functions, points]; noise counts as nothing.

    What is no number stays none.
    """
    coefficients = np.einsum("fp,pd->fd", values, _transform(values.shape[1]).astype(np.float32))
    largest = np.abs(coefficients).max(0).astype(np.float64)
    return np.where(largest <= NOISE, 0.0, largest)


def _transform(count: int) -> NDArray[np.float64]:
    """Chebyshev coefficients of values at `points`, [points, degrees]."""
    degrees = np.arange(count)
    shares: NDArray[np.float64] = np.cos(_angles(count)[:, None] * degrees) * np.where(degrees, 2, 1) / count
    return shares


def _span(stretch: Floats) -> tuple[float, float]:
    first, last = float(stretch[0]), float(stretch[-1])
    # A single coordinate is a stretch, too.
    return (first + last) / 2, max((last - first) / 2, 1e-9)


def _angles(count: int) -> NDArray[np.float64]:
    return (np.arange(count) + 0.5) * np.pi / count
