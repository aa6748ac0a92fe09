"""Evaluates multiplicative filter networks (Fathony et al. 2020) tile by tile, up to a last linear layer.

h₁ = g₁(x, y), hₗ₊₁ = (Wₗ hₗ + bₗ) ∘ gₗ₊₁(x, y), followed by a linear layer. A SIREN has this form, too, up to
the arguments of its second sines. Sums and products of sines of low frequency are smooth: if the pixels of a
tile are close enough together, the network is evaluated at Chebyshev nodes and interpolated to the pixels.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from anir_runtime.chebyshev import interpolation, nodes
from anir_runtime.filters import COLUMNS, ROWS, Filters
from anir_runtime.layers import Layer
from anir_runtime.network import Floats, Network
from anir_runtime.tile_graph import graph
from anir_runtime.tiles import NATIVE, Draw, Spacing, bands, in_tiles, stretches

_TILE_VALUES = 131072
"""Most values (points times channels) of a layer at a time, so that they stay in a core's cache."""
_LONGEST = 128
"""Most columns of a tile, unless few channels are interpolated."""
_SMOOTH_VALUES, _SMOOTH_ROWS = 393216, 128
"""Most values and rows of an interpolated tile. Larger tiles need fewer nodes per pixel."""
_FEW_CHANNELS, _WIDTHS = 16, (256, 128, 64)
"""Below _FEW_CHANNELS interpolated channels, tiles have at most the cheapest of _WIDTHS columns."""
_FILTER_COST = 16
"""Multiply-adds that take as long as evaluating a filter at a point."""
_WORTHWHILE = 0.7
"""Share of the multiply-adds of all pixels below which interpolation, which has other costs, is used."""
_WORTH_JUDGING = 16384
"""Pixels below which evaluating all of them is faster than finding out how smooth the network is."""
_CACHED_LENGTHS = 64
"""Number of stretch lengths whose node counts are cached."""
_Inputs = dict[str, Floats]
"""Inputs of a graph by name."""


class _Tiling(NamedTuple):
    """Size of interpolated tiles: most columns, and number of nodes across and down."""

    columns: int
    across: int
    down: int


class _Plan(NamedTuple):
    """How tiles are evaluated: see `in_tiles`."""

    shape: tuple[int, int]
    across: Callable[[Floats], list[_Inputs]]
    down: Callable[[Floats], _Inputs]
    paint: Callable[[_Inputs, list[_Inputs]], Floats]


class FilterNetwork:
    """Draws a filter network of D banks, D − 1 hidden layers and a last linear layer.

    Attributes:
        rows: height of an interpolated tile in pixels.
    """

    def __init__(self, network: Network, layers: Sequence[Layer], finish: Callable[[Floats], Floats]) -> None:
        """Prepares to draw with a network's filters; `layers` are the hidden layers and the last one.

        `finish` converts the last layer's outputs, float32[outputs, ...], which it may overwrite, to colours,
        float32[colours, pixels].
        """
        self._filters, self._layers, self._finish = Filters.of(network), layers, finish
        self._nodes_needed = lru_cache(_CACHED_LENGTHS)(self._filters.nodes_needed)
        self._colours = network.colours
        self._weights: _Inputs = {}
        for k, layer in enumerate(layers):
            self._weights |= {f"weight{k}": layer.weight, f"bias{k}": layer.bias}
        outputs, self._channels = len(layers[-1].weight), len(layers[0].weight[0])
        self._points = max(1, _TILE_VALUES // self._channels)
        self._widths = _WIDTHS if outputs < _FEW_CHANNELS else (_LONGEST,)
        self.rows = min(_SMOOTH_ROWS, max(1, _SMOOTH_VALUES // outputs // self._widths[0]))

    def start(self, x: Floats, y: Floats, _spacing: Spacing = NATIVE) -> Draw:
        """Prepares to draw samples at columns x, float32[W], and rows y, float32[H]."""
        tiling = self._choose_tiling(x, y) if len(x) * len(y) >= _WORTH_JUDGING else None
        plan = self._at_nodes(tiling) if tiling else self._at_pixels(len(x))
        column_bytes = 8 * len(self._layers) * self._channels
        return in_tiles(x, y, *plan, self._colours, column_bytes)

    def _at_pixels(self, width: int) -> _Plan:
        """Plans the evaluation of every pixel."""
        last = graph(_network(len(self._layers)))
        columns = min(_LONGEST, self._points, width)

        def paint(down: _Inputs, across: list[_Inputs]) -> Floats:
            return self._finish(last(self._weights | down | across[0]))

        shape = max(1, self._points // columns), columns
        return _Plan(shape, lambda x: [self._across(x)], self._down, paint)

    def _at_nodes(self, tiling: _Tiling) -> _Plan:
        """Plans the evaluation of nodes, some columns of them at a time, and their interpolation."""
        parts = list(stretches(tiling.across, max(1, self._points // tiling.down)))
        text, is_whole = _network(len(self._layers)) + _TO_ROWS, len(parts) == 1
        first = graph(text + _TO_COLUMNS * is_whole)
        last = graph(_TO_COLUMNS)

        def across(x: Floats) -> list[_Inputs]:
            at, to_columns = nodes(x, tiling.across), interpolation(x, tiling.across)
            return [*(self._across(at[part]) for part in parts), {"to_columns": to_columns}]

        def down(y: Floats) -> _Inputs:
            to_rows = np.ascontiguousarray(interpolation(y, tiling.down).T)
            return {**self._down(nodes(y, tiling.down)), "to_rows": to_rows}

        def paint(down: _Inputs, across: list[_Inputs]) -> Floats:
            known, (*own, to_columns) = self._weights | down, across
            if is_whole:
                return self._finish(first(known | own[0] | to_columns))
            at_rows = np.concatenate([first(known | part) for part in own], axis=2)
            return self._finish(last({"at_rows": at_rows, **to_columns}))

        return _Plan((self.rows, tiling.columns), across, down, paint)

    def _across(self, at: Floats) -> _Inputs:
        """Returns the graph's inputs that depend on columns: [C, 2, columns] for each bank."""
        return {f"across{k}": own for k, own in enumerate(self._filters.factors(COLUMNS, at))}

    def _down(self, at: Floats) -> _Inputs:
        """Returns the graph's inputs that depend on rows: [C, rows, 2] for each bank."""
        factors = np.ascontiguousarray(self._filters.factors(ROWS, at).swapaxes(2, 3))
        return {f"down{k}": own for k, own in enumerate(factors)}

    def _choose_tiling(self, x: Floats, y: Floats) -> _Tiling | None:
        """Returns the tiling that takes the fewest multiply-adds; None if that is to evaluate all pixels."""
        outputs = len(self._layers[-1].weight)
        each = sum(layer.weight.size + _FILTER_COST * layer.weight.shape[1] for layer in self._layers)
        rows, down = min(self.rows, len(y)), self._needed(ROWS, y, self.rows)
        best: _Tiling | None = None
        least = _WORTHWHILE * each
        for columns in self._widths if down else ():
            across = self._needed(COLUMNS, x, columns)
            if not across:
                continue
            share = across * down / min(columns, len(x))
            cost = share * (each / rows + outputs) + outputs * across
            if cost < least:
                best, least = _Tiling(columns, across, down), cost
        return best

    def _needed(self, axis: int, coordinates: Floats, size: int) -> int:
        """Returns how many nodes stretches of `size` coordinates need; 0 if no number is known to suffice."""
        spans = (stretches if axis == COLUMNS else bands)(len(coordinates), size)
        half = max(abs(float(own[-1]) - float(own[0])) for own in (coordinates[span] for span in spans)) / 2
        with np.errstate(all="ignore"):
            # Hidden layers' gain does not matter: it cancels in the colours of filter networks, quotients.
            gain = float(np.linalg.norm(self._layers[-1].weight, axis=1).max())
            return self._nodes_needed(axis, half, gain)


def _network(layers: int) -> str:
    """Returns a graph of `layers` linear layers as text, with output `last`, float32[outputs, points]."""
    lines = ["grid0 = MatMul(down0, across0)", "h0 = Flatten(grid0, axis=1)"]
    for k in range(1, layers):
        lines += [
            f"z{k} = Gemm(weight{k - 1}, h{k - 1}, bias{k - 1})",
            f"grid{k} = MatMul(down{k}, across{k})",
            f"filter{k} = Flatten(grid{k}, axis=1)",
            f"h{k} = Mul(z{k}, filter{k})",
        ]
    return "\n".join([*lines, f"last = Gemm(weight{layers - 1}, h{layers - 1}, bias{layers - 1})"])


_TO_ROWS = """
outputs = Shape(last, end=1)
lattice = Shape(grid0, start=1)
shape = Concat(outputs, lattice, axis=0)
at_nodes = Reshape(last, shape)
at_rows = MatMul(to_rows, at_nodes)
"""
"""Interpolates `last`, [outputs, nodes down · nodes across], to `at_rows`, [outputs, rows, nodes across]."""

_TO_COLUMNS = "pixels = MatMul(at_rows, to_columns)"
"""Interpolates `at_rows` to `pixels`, [outputs, rows, columns]."""
