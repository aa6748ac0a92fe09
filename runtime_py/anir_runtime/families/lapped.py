"""A lapped transform under a small network of sine layers, which corrects some of the error of coarse codes.

h₁ = [planes at the point, differences of planes to their neighbours, π/2 …], hₗ₊₁ = h₁ + sin(Wₗ hₗ).
"""

import math
from functools import partial
from typing import NamedTuple

import numpy as np

from anir_runtime.families import LEAN_MATRICES, Family
from anir_runtime.lapped_transform import Axis, coefficients, present, seen_by
from anir_runtime.linear import Linear, head, hidden_layers
from anir_runtime.network import Network
from anir_runtime.tile_graph import Floats, graph
from anir_runtime.tiles import NATIVE, Draw, Spacing, in_tiles

_TILE_VALUES, _LONGEST = 131072, 128
"""Most values (pixels times channels) of a tile's layer, which stay in a core's cache; its most columns."""

_FEATURES = """
sums = MatMul(rows, coefficients)
planes = MatMul(sums, columns)
places = Reshape(planes, flat)
features = Gather(places, seen)
"""
"""Planes at all places around each point, and of these what channels see."""


class _Cosines(NamedTuple):
    """Windowed cosines along an axis of the cells whose windows are open, at points and beside them.

    Attributes:
        cells: these cells, one after the other.
        values: float32[n, points, cells · K] along columns of pixels, [n, cells · K, points] along rows.
    """

    cells: slice
    values: Floats


class Lapped:
    """Draws a network of the family."""

    def __init__(self, network: Network) -> None:
        assert network.latents is not None
        self._coefficients = coefficients(network.latents)
        self._axes = [Axis(pixels, network.latents.pitch) for pixels in network.size]
        self._planes = planes = len(self._coefficients)
        seen = [present(own, planes) for own in seen_by(network.channels, planes)]
        farthest = max(abs(step) for _, *place in seen for step in place)
        shifts = np.arange(-farthest, farthest + 1, dtype=np.float32)[:, None]
        self._beside = [shifts * np.float32(2 * network.latents.reach / pixels) for pixels in network.size]
        self._own = [own.plane for own in seen[planes:]]
        many = len(shifts)
        places = ((plane * many + farthest + down) * many + farthest + right for plane, right, down in seen)
        self._features = graph(_FEATURES, "features", flat=(planes * many**2, -1), seen=tuple(places))
        layers = [*hidden_layers(network), head(network)]
        first, *others = (_without_constants(layer, len(seen)) for layer in layers)
        weight = np.ascontiguousarray(first.weight[:, : len(seen)])
        self._layers = [first._replace(weight=weight), *others]
        self._colours = network.colours
        self._pixels = max(1, _TILE_VALUES // network.channels)
        self.rows = max(1, self._pixels // _LONGEST)

    def start(self, x: Floats, y: Floats, spacing: Spacing = NATIVE) -> Draw:
        """Prepares to draw columns x, float32[W], of rows y, float32[H]; far samples are averages."""
        columns = min(_LONGEST, self._pixels, len(x))
        shape = max(1, self._pixels // columns), columns
        right, below = (
            axis.shown(own, self._coefficients.shape[-1])
            for axis, own in zip(self._axes, spacing, strict=True)
        )
        # Of each of the frequencies there are the cosines of some cells at some places.
        column_bytes = self._beside[0].nbytes * len(self._open(0, x[:columns], spacing[0])) * right

        def across(x: Floats) -> _Cosines:
            cells, values = self._cosines(0, x, spacing[0])
            values = np.ascontiguousarray(values.transpose(2, 0, 1, 3))
            return _Cosines(cells, values.reshape(len(values), -1, len(x)))

        def down(y: Floats) -> _Cosines:
            cells, values = self._cosines(1, y, spacing[1])
            values = np.ascontiguousarray(values.transpose(2, 3, 0, 1))
            return _Cosines(cells, values.reshape(*values.shape[:2], -1))

        paint = partial(self._paint, self._coefficients[:, :, :below, :, :right])
        return in_tiles(x, y, shape, across, down, paint, self._colours, column_bytes)

    def _cosines(self, axis: int, at: Floats, spacing: float) -> tuple[slice, Floats]:
        """The open cells and their cosines, averages over samples, float32[cells, K, n, points]."""
        own, cells = self._axes[axis], self._open(axis, at, spacing)
        frequencies = own.shown(spacing, self._coefficients.shape[-1])
        first, *others = (at + self._beside[axis] + offset for offset in own.around(spacing))
        values = own.cosines(first, frequencies, cells)
        for places in others:
            values += own.cosines(places, frequencies, cells)
        if others:
            values /= np.float32(1 + len(others))
        return slice(cells.start, cells.stop), values

    def _open(self, axis: int, at: Floats, spacing: float) -> range:
        """The cells that are open at points, beside them, and as far around as samples are averaged."""
        around = self._axes[axis].around(spacing)
        return self._axes[axis].open_cells(at + self._beside[axis] + around[[0, -1], None, None])

    def _paint(self, coefficients: Floats, down: _Cosines, across: _Cosines) -> Floats:
        """Colours of a tile's pixels, float32[colours, pixels]."""
        part = coefficients[:, down.cells, :, across.cells].reshape(
            len(coefficients), down.values.shape[2], across.values.shape[1]
        )
        feeds = {"rows": down.values[:, None], "columns": across.values, "coefficients": part[:, None, None]}
        (features,) = self._features.run(feeds)
        features[self._planes :] -= features[self._own]
        first, *others = self._layers
        z = first(features)
        features = features.reshape(len(features), -1)
        for layer in others:
            np.sin(z, out=z)
            z[: len(features)] += features
            z = layer(z)
        return z


def _without_constants(layer: Linear, seen: int) -> Linear:
    """The layer with π/2 for the channels of h₁ that see nothing in its bias: only `seen` are then added."""
    return layer._replace(bias=layer.bias + math.pi / 2 * layer.weight[:, seen:].sum(1, keepdims=True))


FAMILIES = {"lapped": Family(LEAN_MATRICES, Lapped, has_latents=True)}
