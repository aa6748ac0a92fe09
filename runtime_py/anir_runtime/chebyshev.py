"""Interpolates smooth functions from their values at Chebyshev nodes in a stretched coordinate.

Chebyshev nodes crowd at the ends of an interval. Here nodes and polynomials are those of the coordinate
s = sin(t arcsin α) / α for t in [-1, 1], which makes the nodes more even in t: waves need up to a third fewer
(Kosloff and Tal-Ezer 1993; Trefethen, Approximation Theory, ch. 2–4 and 22).
"""

from bisect import bisect_left
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from anir_runtime.network import Floats

Functions = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Maps points of [-1, 1], float64[points], to the values of some functions, float64[functions, points]."""

NOISE = 2e-7
"""Sum of neglected Chebyshev coefficients' magnitudes up to which they count as rounding errors."""

_SAMPLES = 256
"""Nodes at which functions are sampled to find out how smooth they are; interpolation uses fewer."""
_ENDS = 26.0
"""Negative natural logarithm of the stretching's own error, which is negligible in float32."""


def nodes(stretch: Floats, count: int) -> Floats:
    """Returns `count` nodes, float32[count], on the interval from the first to the last coordinate given."""
    middle, half = _interval(stretch)
    return (middle + half * _lattice(count, _alpha(count))).astype(np.float32)


def interpolation(stretch: Floats, count: int) -> Floats:
    """Returns the weights that interpolate from `nodes` to coordinates, float32[count, coordinates]."""
    (middle, half), alpha = _interval(stretch), _alpha(count)
    t = np.clip((stretch.astype(np.float64) - middle) / half, -1, 1)
    angles = np.arccos(np.clip(np.sin(t * np.arcsin(alpha)) / alpha, -1, 1))
    cosines = np.cos(np.arange(count)[:, None] * angles)
    # Not by `@`: BLAS threads keep all cores busy long after the product.
    weights: Floats = np.einsum("nd,dc->nc", _transform(count), cosines).astype(np.float32)
    return weights


def nodes_needed(functions: Functions, size: float) -> int:
    """Returns the number of nodes that functions, multiplied by `size`, need; 0 if that is 256 or more."""

    def suffices(count: int) -> bool:
        values = functions(_lattice(_SAMPLES, _alpha(count)))
        coefficients = np.einsum("fn,nd->fd", values, _transform(_SAMPLES)[:, count:])
        return bool(size * np.abs(coefficients).sum(1).max() <= NOISE)

    # Bisection is valid as more nodes are more even, so that significant coefficients have lower degrees.
    return (bisect_left(range(1, _SAMPLES), True, key=suffices) + 1) % _SAMPLES


def _alpha(count: int) -> float:
    """Returns the α of `count` nodes: 0 would make them Chebyshev nodes, 1 evenly spaced."""
    return float(1 / np.cosh(_ENDS / count))


def _lattice(count: int, alpha: float) -> NDArray[np.float64]:
    """Returns `count` nodes on [-1, 1]."""
    lattice: NDArray[np.float64] = np.arcsin(alpha * np.cos(_angles(count))) / np.arcsin(alpha)
    return lattice


@cache
def _transform(count: int) -> NDArray[np.float64]:
    """Returns the matrix [nodes, degrees] that maps values at nodes to Chebyshev coefficients."""
    degrees = np.arange(count)
    matrix: NDArray[np.float64] = np.cos(_angles(count)[:, None] * degrees) * np.where(degrees, 2, 1) / count
    return matrix


def _interval(stretch: Floats) -> tuple[float, float]:
    """Returns the middle and the half length of an interval, which is positive even for one coordinate."""
    first, last = float(stretch[0]), float(stretch[-1])
    return (first + last) / 2, max((last - first) / 2, 1e-9)


def _angles(count: int) -> NDArray[np.float64]:
    return (np.arange(count) + 0.5) * np.pi / count
