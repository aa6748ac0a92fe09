"""The family `lapped`: a lapped transform, whose quantization errors a small sine network reduces.

h₁ = [planes at the point, differences of the planes at neighbours from these, π/2 …], hₗ₊₁ = h₁ + sin(Wₗ hₗ).
"""

import math
from functools import partial

import numpy as np

from anir_runtime.families import LEAN_MATRICES, Family
from anir_runtime.layers import Layer, head, hidden_layers
from anir_runtime.network import Floats, Network
from anir_runtime.planes import Line, Planes
from anir_runtime.tiles import NATIVE, Draw, Spacing, in_tiles

_TILE_VALUES = 163840
"""Most values (pixels times channels) of a layer in a tile, so that they stay in a core's cache."""
_ROWS = 64
"""Most rows of a tile."""


class Lapped:
    """Draws a network of the family."""

    def __init__(self, network: Network) -> None:
        assert network.latents is not None
        self._channels, self._colours = network.channels, network.colours
        self._planes = Planes(network.latents, network.size, network.channels)
        weights, planes = network.tensors["weights"], min(network.channels - 1, network.colours)
        # Planes to which no weights lead pass through layers unchanged; common networks have none from them.
        self._passed = 0 if weights[..., :planes].any() else planes
        self._unread = 0 if weights[:, :planes].any() else planes
        layers = [*hidden_layers(network), head(network)]
        *hidden, self._head = (_without_constants(layer, self._planes.seen) for layer in layers)
        first, *self._others = (self._inner(*layer) for layer in hidden)
        inputs = self._planes.seen - self._unread
        self._first = first._replace(weight=np.ascontiguousarray(first.weight[:, :inputs]))
        pixels = max(1, _TILE_VALUES // network.channels)
        self.rows = min(_ROWS, math.isqrt(pixels))
        self._columns = pixels // self.rows

    def start(self, x: Floats, y: Floats, spacing: Spacing = NATIVE) -> Draw:
        """Prepares to draw samples at columns x, float32[W], and rows y, float32[H]: see `Renderer.start`."""
        across, down = (partial(self._planes.line, axis, spacing=spacing[axis]) for axis in (0, 1))
        stretch = x[: self._columns]
        column_bytes = across(stretch).cosines.nbytes // len(stretch)
        shape = self.rows, self._columns
        return in_tiles(x, y, shape, across, down, self._paint, self._colours, column_bytes)

    def _paint(self, down: Line, across: Line) -> Floats:
        """Returns the colours of a tile's pixels, float32[colours, pixels]."""
        seen, passed = self._planes.draw(down, across), self._passed
        h = np.empty((self._channels, seen.shape[1]), np.float32)
        h[:passed] = seen[:passed]

        def channels(z: Floats) -> Floats:
            np.sin(z, out=h[passed:])
            h[passed : len(seen)] += seen[passed:]
            return h

        z = self._first(seen[self._unread :])
        for layer in self._others:
            z = layer(channels(z)[self._unread :])
        return self._head(channels(z))

    def _inner(self, weight: Floats, bias: Floats) -> Layer:
        """Returns a hidden layer without the weights to and from planes, where these are all zero."""
        return Layer(np.ascontiguousarray(weight[self._passed :, self._unread :]), bias[self._passed :])


def _without_constants(layer: Layer, seen: int) -> Layer:
    """Moves the constant π/2 of the channels of h₁ after the first `seen` into the layer's bias."""
    return layer._replace(bias=layer.bias + math.pi / 2 * layer.weight[:, seen:].sum(1, keepdims=True))


FAMILIES = {"lapped": Family(LEAN_MATRICES, Lapped, has_latents=True)}
