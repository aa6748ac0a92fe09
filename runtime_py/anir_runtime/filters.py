"""Banks of sine and Gabor filters over the plane, as sums of products of functions of x and of y.

g(x, y) = sin(ωx x + ωy y + φ) · exp(−γ ((x − μx)² + (y − μy)²)); without centres the exponential is left out.
With sin(a + b) = sin a cos b + cos a sin b, no pixel needs a sine or an exponential of its own.
"""

from dataclasses import dataclass

import numpy as np

from anir_runtime.network import Network
from anir_runtime.tile_graph import Floats

COLUMNS, ROWS = 0, 1


@dataclass(frozen=True)
class Filters:
    """F banks of C filters.

    Attributes:
        frequencies: float32[2, F, C], ωx and ωy in radians per unit.
        phases: float32[F, C], φ.
        centres: float32[2, F, C], μx and μy, of Gabor filters.
        decays: float32[F, C], γ, of Gabor filters.
    """

    frequencies: Floats
    phases: Floats
    centres: Floats | None = None
    decays: Floats | None = None

    @classmethod
    def of(cls, network: Network) -> "Filters":
        """Those of a network, by its tensors' names."""
        names = ("frequencies", "phases", "centres", "decays")
        return cls(*(network.values(name) for name in names if name in network.tensors))

    def factors(self, axis: int, at: Floats) -> Floats:
        """The two functions of each filter along COLUMNS or ROWS, float32[F, C, 2, points].

        Σₜ columns[..., t, i] · rows[..., t, j] is the filter at the i-th column and the j-th row.
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
