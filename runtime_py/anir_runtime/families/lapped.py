"""A lapped transform under a small network of sine layers, which corrects some of the error of coarse codes.

h₁ = [planes at the point, differences of planes to their neighbours, π/2 …], hₗ₊₁ = h₁ + sin(Wₗ hₗ).
"""

import math
from functools import partial

import numpy as np

from anir_runtime.families import LEAN_MATRICES, Family
from anir_runtime.layers import Layer, head, hidden_layers
from anir_runtime.network import Floats, Network
from anir_runtime.planes import Line, Planes
from anir_runtime.tiles import NATIVE, Draw, Spacing, in_tiles

_TILE_VALUES, _ROWS = 163840, 64
"""Most values (pixels times channels) of a tile's layer, which stay in a core's cache; its most rows."""


class Lapped:
    """Draws a network of the family."""

    def __init__(self, network: Network) -> None:
        assert network.latents is not None
        self._channels, self._colours = network.channels, network.colours
        self._planes = Planes(network.latents, network.size, network.channels)
        weights, planes = network.tensors["weights"], min(network.channels - 1, network.colours)
        # Layers pass planes on: no weights lead to them, and from them only if a picture's own layers do so.
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

        def channels(z: Floats) -> Floats:
            np.sin(z, out=h[passed:])
            h[passed : len(seen)] += seen[passed:]
            return h

        z = self._first(seen[self._unread :])
        for layer in self._others:
            z = layer(channels(z)[self._unread :])
        return self._head(channels(z))

    def _inner(self, weight: Floats, bias: Floats) -> Layer:
        """A hidden layer without what leads to planes, and from them."""
        return Layer(np.ascontiguousarray(weight[self._passed :, self._unread :]), bias[self._passed :])


def _without_constants(layer: Layer, seen: int) -> Layer:
    """The layer with π/2 for the channels of h₁ that see nothing in its bias: only `seen` are then added."""
    return layer._replace(bias=layer.bias + math.pi / 2 * layer.weight[:, seen:].sum(1, keepdims=True))


FAMILIES = {"lapped": Family(LEAN_MATRICES, Lapped, has_latents=True)}
