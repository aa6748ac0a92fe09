"""Multiplicative filter networks (Fathony et al. 2020) of Fourier or Gabor filters: see filter_network.py."""

from anir_runtime.families import AFFINE, MATRICES, Family, Field, sine_filters
from anir_runtime.filter_network import FilterNetwork
from anir_runtime.filters import Filters
from anir_runtime.linear import head, hidden_layers
from anir_runtime.network import Network
from anir_runtime.tile_graph import Floats
from anir_runtime.tiles import Draw


class MultiplicativeFilterNetwork:
    """Draws a network of as many banks of filters as it has layers."""

    def __init__(self, network: Network) -> None:
        layers = [*hidden_layers(network), head(network)]
        self._levels = FilterNetwork(Filters.of(network), layers, after=network.colours)
        self._colours, self.rows = network.colours, self._levels.rows

    def start(self, x: Floats, y: Floats) -> Draw:
        """Prepares to draw columns x, float32[W], of rows y, float32[H]."""
        return self._levels.start(x, y, lambda levels: levels.reshape(self._colours, -1), self._colours)


_FOURIER = {**MATRICES, **AFFINE, **sine_filters("D")}
_GABOR = {
    "centres": Field(("int8",), (2, "D", "C"), scaled=2),
    "decays": Field(("int8",), ("D", "C"), scaled=1),
}

FAMILIES = {
    "fourier": Family(_FOURIER, MultiplicativeFilterNetwork),
    "gabor": Family({**_FOURIER, **_GABOR}, MultiplicativeFilterNetwork),
}
