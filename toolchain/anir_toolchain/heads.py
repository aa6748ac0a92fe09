"""The linear heads in closed form: least squares, then rounding with error feedback (as in GPTQ)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
_RIDGE = 1e-5
"""Ridge penalty on each channel's coefficients, as a multiple of the channel's mean square."""
_LEAST_ENERGY = 0.1
"""Lower bound of the mean square that the penalty is based on, as a share of the channels' median."""
_LEAST_STEP = 1e-12
_STAY_BITS = 0.3
"""Estimated bits of a head offset of 0."""
_OFFSET_BITS = 3.3
"""Estimated bits of any other offset, to which its magnitude is added."""
_ROUNDS = 12
"""Largest number of passes over all channels in the search for offsets."""


@dataclass(frozen=True)
class Moments:
    """Second moments of one layer's C channels and of the colours, summed over points.

    Attributes:
        gram: products of a constant 1 and the channels with each other, float64[1 + C, 1 + C].
        cross: products of these with the colours in [0, 1], float64[1 + C, colours].
        points: number of points.
    """

    gram: Doubles
    cross: Doubles
    points: int

    @classmethod
    def of(cls, channels: NDArray[np.floating], colours: NDArray[np.floating]) -> "Moments":
        """Returns the moments of N points, given their channels [N, C] and colours [N, colours]."""
        rows = np.concatenate([np.ones((len(channels), 1)), channels], axis=1)
        return cls(rows.T @ rows, rows.T @ colours.astype(np.float64), len(rows))

    def solve(self, bits: int, shared_step: bool = False) -> tuple[Doubles, Doubles, Doubles]:
        """Solves the best quantized linear map from the C channels to the colours.

        Args:
            bits: bits of a code.
            shared_step: whether all colours must have the same step.

        Returns:
            Codes, whole numbers [colours, C]; steps [colours]; and biases [colours].
        """
        # The bias, which is not rounded, comes last, so that it absorbs the remaining rounding error.
        width = len(self.gram) - 1
        order = [*range(1, width + 1), 0]
        gram = _with_ridge(self.gram[order][:, order] / self.points)
        solution: Doubles = np.ascontiguousarray(np.linalg.solve(gram, self.cross[order] / self.points).T)
        largest = np.abs(solution[:, :-1]).max(axis=1)
        largest = np.full_like(largest, largest.max()) if shared_step else largest
        top = 2 ** (bits - 1) - 1
        step = np.maximum(largest / top, _LEAST_STEP)
        codes = _rounded_in_turn(
            solution, gram, step, width, lambda own: np.rint(own / step).clip(-top - 1, top)
        )
        return codes, step, solution[:, -1]

    def head_offsets(self, head: Mapping[str, NDArray[Any]], most: int, price: float) -> NDArray[np.int64]:
        """Returns the best offsets, small integers to add to a head's codes, for channels after the planes.

        The codes of the planes and the bias stay. Coordinate descent minimizes error + price · bits from two
        starts: the rounded least-squares solution, and zeros. The better result is taken.

        Args:
            head: the head's tensors by the names of docs/format.md, for as many planes as colours.
            most: the offsets lie in [-most, most - 1].
            price: the mean squared error, summed over all colours in [0, 1], that a bit has to save.

        Returns:
            int64[N, C - N] for N colours.
        """
        own, scale = slice(1 + len(head["head"]), None), head["head.scale"].astype(np.float64)[:, None]
        known = np.concatenate([head["head.bias"][:, None], head["head"] * scale], axis=1)
        gram = _with_ridge(self.gram[own, own] / self.points)
        lacking = (self.cross[own] - self.gram[own] @ known.T) / self.points
        rounded = _rounded_in_turn(
            np.linalg.solve(gram, lacking).T / scale,
            gram,
            np.ones(len(scale)),
            len(gram),
            lambda own: np.rint(own).clip(-most, most - 1),
        )
        rows = []
        for best, wanted, unit in zip(rounded, lacking.T, scale[:, 0], strict=True):
            search = _OffsetSearch(gram * unit**2, wanted * unit, most, price)
            rows.append(min(map(search.descend, (best, np.zeros_like(best))), key=search.cost))
        return np.stack(rows).astype(np.int64)


def offset_bits(offsets: NDArray[np.number]) -> float:
    """Estimates the bits that the offsets of a head's codes take in a file."""
    return float(_bits_of(offsets).sum())


def _bits_of(offsets: NDArray[np.number]) -> Doubles:
    """Estimates the bits of each offset."""
    far = np.abs(offsets)
    return np.where(far == 0, _STAY_BITS, _OFFSET_BITS + far)


@dataclass(frozen=True)
class _OffsetSearch:
    """The search for the offsets of one colour's codes with the least error + price · bits.

    Attributes:
        gram: second moments of the channels, in units of a code's step, float64[n, n].
        lacking: moments of the channels and the head's residual error, in the same units, float64[n].
        most: the offsets lie in [-most, most - 1].
        price: the mean squared error that a bit has to save.
    """

    gram: Doubles
    lacking: Doubles
    most: int
    price: float

    def cost(self, offsets: Doubles) -> float:
        """Returns the squared error, relative to that without offsets, plus the price of the bits."""
        error = offsets @ self.gram @ offsets - 2 * offsets @ self.lacking
        return float(error) + self.price * offset_bits(offsets)

    def descend(self, offsets: Doubles) -> Doubles:
        """Sets one offset after another to its cheapest value until none changes (coordinate descent)."""
        offsets, slope = offsets.copy(), self.lacking - self.gram @ offsets
        for _ in range(_ROUNDS):
            before = offsets.copy()
            for channel, curvature in enumerate(self.gram.diagonal()):
                own = offsets[channel]
                best = own + slope[channel] / curvature
                tried = np.array([own, 0.0, np.floor(best), np.ceil(best)]).clip(-self.most, self.most - 1)
                away = tried - own
                error = curvature * away**2 - 2 * away * slope[channel]
                to = tried[np.argmin(error + self.price * _bits_of(tried))]
                if to != own:
                    slope -= (to - own) * self.gram[channel]
                    offsets[channel] = to
            if np.array_equal(offsets, before):
                break
        return offsets


def _rounded_in_turn(
    solution: Doubles, gram: Doubles, step: Doubles, count: int, to_codes: Callable[[Doubles], Doubles]
) -> Doubles:
    """Rounds the first `count` channels' coefficients of a least-squares solution, one channel at a time.

    The coefficients that are not yet rounded are adjusted for each rounding error, as in GPTQ (Frantar et al.
    2022), with its Cholesky factor of the inverse Hessian.

    Args:
        solution: coefficients float64[N, C]; adjusted in place.
        gram: second moments of the channels, float64[C, C].
        step: the value of a code of 1, [N].
        count: number of channels to round.
        to_codes: rounds coefficients [N] to codes [N].

    Returns:
        float64[N, count].
    """
    feedback = np.linalg.cholesky(np.linalg.inv(gram)).T
    codes = np.zeros_like(solution[:, :count])
    for i in range(count):
        codes[:, i] = to_codes(solution[:, i])
        error = (solution[:, i] - codes[:, i] * step) / feedback[i, i]
        solution[:, i:] -= error[:, None] * feedback[i, i:]
    return codes


def _with_ridge(gram: Doubles) -> Doubles:
    """Returns a matrix of second moments with the ridge penalty added to its diagonal."""
    energy = gram.diagonal()
    # In a picture of a single colour most channels may be 0.
    others = energy[energy > 0] if energy.any() else np.ones(1)
    # The largest coefficient sets the step of all, so a nearly zero channel must not get a huge one.
    return gram + np.diag(_RIDGE * energy.clip(_LEAST_ENERGY * np.quantile(others, 0.5, method="lower")))
