"""SIREN: sine layers (Sitzmann et al. 2020, Implicit Neural Representations with Periodic Activations).

h₁ = sin(ωx x + ωy y + φ), hₗ₊₁ = sin(Wₗ hₗ + bₗ).
"""

import numpy as np

from anir_runtime.families import MATRICES, Family, Field
from anir_runtime.filter_network import FilterNetwork
from anir_runtime.filters import Filters
from anir_runtime.layers import head, hidden_layers
from anir_runtime.network import Floats, Network
from anir_runtime.tiles import NATIVE, Draw, Spacing


class Siren:
    """Draws a SIREN.

    The arguments of the second layer's sines are a smooth, linear function of the first layer: a filter
    network of one bank, which can be evaluated at few points.
    """

    def __init__(self, network: Network) -> None:
        first, *self._others = [*hidden_layers(network), head(network)]
        self._arguments = FilterNetwork(Filters.of(network), [first], after=network.channels)
        self._colours, self.rows = network.colours, self._arguments.rows

    def start(self, x: Floats, y: Floats, _spacing: Spacing = NATIVE) -> Draw:
        """Prepares to draw samples at columns x, float32[W], and rows y, float32[H]."""
        return self._arguments.start(x, y, self._colours_of, self._colours)

    def _colours_of(self, z: Floats) -> Floats:
        """Returns colours from the arguments of the second layer's sines, float32[C, ...]."""
        for layer in self._others:
            # numpy's sines take 0.25 to 0.7 of the time of ONNX Runtime's.
            z = layer(np.sin(z, out=z))
        return z


_SINES = {
    "steps": Field(("int8",), ("L", "C"), scaled=1),
    "biases": Field(("int8",), ("L", "C"), scaled=1),
    "frequencies": Field(("int16",), (2, 1, "C"), scaled=2),
    "phases": Field(("int8",), (1, "C"), scaled=1),
}

FAMILIES = {"siren": Family({**MATRICES, **_SINES}, Siren)}
