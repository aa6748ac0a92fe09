"""Interpolation of smooth functions between Chebyshev nodes (Trefethen, Approximation Theory, ch. 2–4)."""

import numpy as np
from numpy.typing import NDArray

from anir_runtime.tile_graph import Floats, product

Spectrum = NDArray[np.float64]
"""Upper bounds, by degree, of the Chebyshev coefficients of some functions."""

NOISE = 2e-6
"""Coefficients up to this are rounding errors: float32 functions of arguments up to some 60 radians."""


def nodes(stretch: Floats, count: int) -> Floats:
    """The Chebyshev nodes, float32[count], on the interval from the first to the last coordinate given."""
    middle, half = _interval(stretch)
    return (middle + half * np.cos(_angles(count))).astype(np.float32)


def interpolation(stretch: Floats, count: int) -> Floats:
    """Weights, float32[count, coordinates], that give values at coordinates from values at their `nodes`.

    They are exact for polynomials of a degree below `count`.
    """
    middle, half = _interval(stretch)
    angles = np.arccos(np.clip((stretch.astype(np.float64) - middle) / half, -1, 1))
    cosines = np.cos(np.arange(count)[:, None] * angles)
    # Not by `@`, whose threads keep all cores busy long after.
    weights: Floats = np.einsum("nd,dc->nc", _transform(count), cosines).astype(np.float32)
    return weights


def spectrum(values: Floats) -> Spectrum:
    """The spectrum of functions that have these values at `nodes`, float32[functions, nodes].

    Coefficients up to NOISE count as 0. Bounds are NaN if any value is NaN.
    """
    count = values.shape[1]
    coefficients = product(values, _transform(count).astype(np.float32), np.zeros((1, 1), np.float32))
    largest = np.abs(coefficients).max(0).astype(np.float64)
    return np.where(largest <= NOISE, 0.0, largest)


def _transform(count: int) -> NDArray[np.float64]:
    """Matrix [nodes, degrees] from values at nodes to Chebyshev coefficients."""
    degrees = np.arange(count)
    matrix: NDArray[np.float64] = np.cos(_angles(count)[:, None] * degrees) * np.where(degrees, 2, 1) / count
    return matrix


def _interval(stretch: Floats) -> tuple[float, float]:
    """Middle and half length; a single coordinate has an interval, too."""
    first, last = float(stretch[0]), float(stretch[-1])
    return (first + last) / 2, max((last - first) / 2, 1e-9)


def _angles(count: int) -> NDArray[np.float64]:
    return (np.arange(count) + 0.5) * np.pi / count
