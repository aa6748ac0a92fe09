"""The families `fourier` and `gabor`: multiplicative filter networks (Fathony et al. 2020).

They are evaluated by filter_network.py. Colours are a linear head of the last layer's normalized channels,
h / √(1 + Σ h²), with the sum over the first `NORM_CHANNELS` channels.
"""

import numpy as np

from anir_runtime.families import LEAN_MATRICES, Family, Field
from anir_runtime.filter_network import FilterNetwork
from anir_runtime.filters import Filters
from anir_runtime.layers import Layer, head, hidden_layers
from anir_runtime.network import Floats, Network
from anir_runtime.tiles import NATIVE, Draw, Spacing

NORM_CHANNELS = 8
"""Number of leading channels of the last layer whose squares are summed; all channels if there are fewer."""


class MultiplicativeFilterNetwork:
    """Draws a multiplicative filter network, which has one bank of filters per layer."""

    def __init__(self, network: Network) -> None:
        weight, self._bias = head(network)
        # Colours before the division and channels under the root are smooth; the quotient need not be.
        both = np.concatenate([weight, np.eye(NORM_CHANNELS, network.channels, dtype=np.float32)])
        last = Layer(both, np.zeros((len(both), 1), np.float32))
        layers = [*hidden_layers(network), last]
        self._last = FilterNetwork(Filters.of(network), layers, after=len(both))
        self._colours, self.rows = network.colours, self._last.rows

    def start(self, x: Floats, y: Floats, _spacing: Spacing = NATIVE) -> Draw:
        """Prepares to draw samples at columns x, float32[W], and rows y, float32[H]."""
        return self._last.start(x, y, self._colours_of, self._colours)

    def _colours_of(self, last: Floats) -> Floats:
        """Returns colours, float32[colours, pixels], from outputs, float32[colours + NORM_CHANNELS, ...]."""
        values = last.reshape(len(last), -1)
        colours, channels = values[: self._colours], values[self._colours :]
        norm = np.sqrt(np.einsum("cn,cn->n", channels, channels) + np.float32(1))
        result: Floats = colours / norm + self._bias
        return result


def _family(values: int) -> Family:
    """Returns a family whose filters have `values` parameters each."""
    filters = Field(("int8",), (values, "D", "C"), scaled=2)
    return Family({**LEAN_MATRICES, "filters": filters}, MultiplicativeFilterNetwork)


FAMILIES = {"fourier": _family(3), "gabor": _family(6)}
