"""Interpolation of smooth functions between nodes that are Chebyshev's in a stretched coordinate.

Chebyshev nodes crowd at the ends of an interval. In s = sin(t arcsin α) / α for t in [-1, 1], which Chebyshev
polynomials are of here, they lie more evenly, and waves need up to a third fewer of them (Kosloff and
Tal-Ezer 1993; Trefethen, Approximation Theory, ch. 2–4 and 22).
"""

from bisect import bisect_left
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from anir_runtime.network import Floats

Functions = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Some functions on [-1, 1]: their values, float64[functions, points], at float64[points]."""

NOISE = 2e-7
"""Coefficients that add up to this are rounding errors."""

_SAMPLES = 256
"""Nodes at which functions are sampled to judge how smooth they are; as many are never taken."""
_ENDS = 26.0
"""Natural logarithm, without its sign, of how much the stretching itself errs: next to nothing in float32."""


def nodes(stretch: Floats, count: int) -> Floats:
    """The nodes, float32[count], on the interval from the first to the last coordinate given."""
    middle, half = _interval(stretch)
    return (middle + half * _lattice(count, _alpha(count))).astype(np.float32)


def interpolation(stretch: Floats, count: int) -> Floats:
    """Weights, float32[count, coordinates], that give values at coordinates from values at their `nodes`."""
    (middle, half), alpha = _interval(stretch), _alpha(count)
    t = np.clip((stretch.astype(np.float64) - middle) / half, -1, 1)
    angles = np.arccos(np.clip(np.sin(t * np.arcsin(alpha)) / alpha, -1, 1))
    cosines = np.cos(np.arange(count)[:, None] * angles)
    # Not by `@`, whose threads keep all cores busy long after.
    weights: Floats = np.einsum("nd,dc->nc", _transform(count), cosines).astype(np.float32)
    return weights


def nodes_needed(functions: Functions, size: float) -> int:
    """Nodes that these functions, times `size`, need; 0 if as many are not taken."""

    def suffices(count: int) -> bool:
        values = functions(_lattice(_SAMPLES, _alpha(count)))
        coefficients = np.einsum("fn,nd->fd", values, _transform(_SAMPLES)[:, count:])
        return bool(size * np.abs(coefficients).sum(1).max() <= NOISE)

    # The more nodes, the more evenly they lie, and the lower are the degrees that count.
    return (bisect_left(range(1, _SAMPLES), True, key=suffices) + 1) % _SAMPLES


def _alpha(count: int) -> float:
    """How even so many nodes are: Chebyshev's own for 0, evenly spaced for 1."""
    return float(1 / np.cosh(_ENDS / count))


def _lattice(count: int, alpha: float) -> NDArray[np.float64]:
    """Nodes on [-1, 1]."""
    lattice: NDArray[np.float64] = np.arcsin(alpha * np.cos(_angles(count))) / np.arcsin(alpha)
    return lattice


@cache
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
