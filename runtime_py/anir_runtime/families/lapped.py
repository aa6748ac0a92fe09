"""A lapped transform under a small network of sine layers, which corrects some of the error of coarse codes.

h₁ = [planes at the point, differences of planes to their neighbours, π/2 …], hₗ₊₁ = h₁ + sin(Wₗ hₗ).
"""

import math
from functools import partial

import numpy as np

from anir_runtime.families import LEAN_MATRICES, Family
from anir_runtime.linear import Linear, head, hidden_layers
from anir_runtime.network import Network
from anir_runtime.planes import Line, Planes
from anir_runtime.tile_graph import Floats
from anir_runtime.tiles import NATIVE, Draw, Spacing, in_tiles

_TILE_VALUES, _ROWS = 262144, 64
"""Most values (pixels times channels) of a tile's layer, which stay in a core's cache; its most rows."""


class Lapped:
    """Draws a network of the family."""

    def __init__(self, network: Network) -> None:
        assert network.latents is not None
        self._channels, self._colours = network.channels, network.colours
        self._planes = Planes(network.latents, network.size, network.channels)
        layers = [*hidden_layers(network), head(network)]
        # No weights lead to planes, which all layers pass on.
        passed = min(network.channels - 1, network.colours)
        self._passed = 0 if network.tensors["weights"][..., :passed].any() else passed
        *hidden, last = (_without_constants(layer, self._planes.seen) for layer in layers)
        first, *others = (Linear(weight[self._passed :], bias[self._passed :]) for weight, bias in hidden)
        weight = np.ascontiguousarray(first.weight[:, : self._planes.seen])
        self._layers = first._replace(weight=weight), *others, last
        pixels = max(1, _TILE_VALUES // network.channels)
        self.rows = min(_ROWS, math.isqrt(pixels))
        self._columns = pixels // self.rows

    def start(self, x: Floats, y: Floats, spacing: Spacing = NATIVE) -> Draw:
        """Prepares to draw columns x, float32[W], of rows y, float32[H]; far samples are averages."""
        across, down = (partial(self._planes.line, axis, spacing=spacing[axis]) for axis in (0, 1))
        stretch = x[: self._columns]
        column_bytes = across(stretch).cosines.nbytes // len(stretch)
        shape = self.rows, self._columns
        return in_tiles(x, y, shape, across, down, self._paint, self._colours, column_bytes)

    def _paint(self, down: Line, across: Line) -> Floats:
        """Colours of a tile's pixels, float32[colours, pixels]."""
        seen, passed = self._planes.draw(down, across), self._passed
        h = np.empty((self._channels, seen.shape[1]), np.float32)
        h[:passed] = seen[:passed]
        first, *others = self._layers
        z = first(seen)
        for layer in others:
            np.sin(z, out=h[passed:])
            h[passed : len(seen)] += seen[passed:]
            z = layer(h)
        return z


def _without_constants(layer: Linear, seen: int) -> Linear:
    """The layer with π/2 for the channels of h₁ that see nothing in its bias: only `seen` are then added."""
    return layer._replace(bias=layer.bias + math.pi / 2 * layer.weight[:, seen:].sum(1, keepdims=True))


FAMILIES = {"lapped": Family(LEAN_MATRICES, Lapped, has_latents=True)}
