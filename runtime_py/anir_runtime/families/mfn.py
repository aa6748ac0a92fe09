"""The families `fourier` and `gabor`: multiplicative filter networks (Fathony et al. 2020).

They are evaluated by filter_network.py. Colours are a linear head of the last layer's normalized channels,
h / √(1 + Σ h²), with the sum over the first `NORM_CHANNELS` channels.
"""

import numpy as np

from anir_runtime.families import LEAN_MATRICES, Family, Field
from anir_runtime.filter_network import FilterNetwork
from anir_runtime.layers import Layer, head, hidden_layers
from anir_runtime.network import Floats, Network

NORM_CHANNELS = 8
"""Number of leading channels of the last layer whose squares are summed; all channels if there are fewer."""


def renderer(network: Network) -> FilterNetwork:
    """Returns the renderer of a multiplicative filter network, which has one bank of filters per layer."""
    weight, bias = head(network)
    # Colours before the division and channels under the root are smooth; the quotient need not be.
    both = np.concatenate([weight, np.eye(NORM_CHANNELS, network.channels, dtype=np.float32)])
    last = Layer(both, np.zeros((len(both), 1), np.float32))

    def finish(outputs: Floats) -> Floats:
        """Returns colours, float32[colours, pixels], from outputs, float32[colours + NORM_CHANNELS, ...]."""
        colours, channels = np.split(outputs.reshape(len(both), -1), [network.colours])
        norm = np.sqrt(np.einsum("cn,cn->n", channels, channels) + np.float32(1))
        result: Floats = colours / norm + bias
        return result

    return FilterNetwork(network, [*hidden_layers(network), last], finish)


def _family(values: int) -> Family:
    """Returns a family whose filters have `values` parameters each."""
    filters = Field(("int8",), (values, "D", "C"), scaled=2)
    return Family({**LEAN_MATRICES, "filters": filters}, renderer)


FAMILIES = {"fourier": _family(3), "gabor": _family(6)}
