"""Banks of sine and Gabor filters of the position, as sums of products of functions of x and of y.

g(x, y) = sin(ωx x + ωy y + φ) · exp(−γ ((x − μx)² + (y − μy)²)), for sine filters without the exponential.
As sin(a + b) = sin a cos b + cos a sin b, no sine or exponential has to be evaluated per pixel.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anir_runtime.chebyshev import nodes_needed
from anir_runtime.network import Floats, Network

COLUMNS, ROWS = 0, 1


@dataclass(frozen=True)
class Filters:
    """F banks of C filters.

    Attributes:
        frequencies: ωx and ωy in radians per unit of x and y, float32[2, F, C].
        phases: φ in radians, float32[F, C].
        centres: μx and μy of Gabor filters, float32[2, F, C].
        decays: γ of Gabor filters, float32[F, C].
    """

    frequencies: Floats
    phases: Floats
    centres: Floats | None = None
    decays: Floats | None = None

    @classmethod
    def of(cls, network: Network) -> "Filters":
        """Returns a network's filters: `frequencies` and `phases`, or signed squares of `filters`."""
        if "filters" not in network.tensors:
            return cls(network.values("frequencies"), network.values("phases"))
        roots = network.values("filters")
        values = roots * np.abs(roots)
        gaussians = (values[3:5], values[5]) if len(values) > 3 else ()
        return cls(values[:2], values[2], *gaussians)

    def factors(self, axis: int, at: Floats) -> Floats:
        """Evaluates the two functions of each filter along COLUMNS or ROWS, float32[F, C, 2, points].

        Σₜ columns[..., t, i] · rows[..., t, j] is the filter's value at the i-th column and the j-th row.
        """
        angles = self.frequencies[axis][..., None] * at
        if axis == ROWS:
            angles += self.phases[..., None]
        factors = np.empty((*angles.shape[:2], 2, len(at)), np.float32)
        np.sin(angles, out=factors[..., axis, :])
        np.cos(angles, out=factors[..., 1 - axis, :])
        if self.centres is not None and self.decays is not None:
            distances = at - self.centres[axis][..., None]
            factors *= np.exp(-self.decays[..., None] * distances**2)[..., None, :]
        return factors

    def nodes_needed(self, axis: int, half: float, size: float) -> int:
        """Returns how many Chebyshev nodes along an axis a product of one filter from each bank needs.

        They suffice on any stretch of length 2 · `half`, for products multiplied by `size`. The number is 0
        if products are not smooth enough, or grow exponentially.
        """
        decays = np.zeros(1) if self.decays is None else self.decays.max(-1)
        if self.decays is not None and not self.decays.min() >= 0:
            return 0
        # In products, frequencies of waves add up, and so do decays of Gaussians.
        highest = half * float(np.abs(self.frequencies[axis]).max(1).sum())
        narrowest = half**2 * float(decays.sum())

        def products(t: NDArray[np.float64]) -> NDArray[np.float64]:
            bells = np.exp(-narrowest * (t - _CENTRES) ** 2)
            return np.concatenate([bells * np.sin(highest * t), bells * np.cos(highest * t)])

        return nodes_needed(products, size)


_CENTRES = np.arange(-2, 3)[:, None]
"""Centres, in half lengths, at which the narrowest Gaussian is tried; they represent all Gaussians."""
