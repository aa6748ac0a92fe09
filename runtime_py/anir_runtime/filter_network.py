"""Multiplicative filter networks (Fathony et al. 2020) up to a linear layer, evaluated tile by tile.

h₁ = g₁(x, y), hₗ₊₁ = (Wₗ hₗ + bₗ) ∘ gₗ₊₁(x, y), and a last linear layer of h. A SIREN is one, too, up to the
arguments of its second sines. Sums and products of sines of low frequency are smooth: where the pixels of a
tile are close enough, the network is evaluated at Chebyshev nodes of it and interpolated.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from anir_runtime.chebyshev import NOISE, Spectrum, interpolation, nodes, spectrum
from anir_runtime.filters import COLUMNS, ROWS, Filters
from anir_runtime.linear import Linear
from anir_runtime.tile_graph import Floats, graph
from anir_runtime.tiles import Draw, bands, in_tiles, stretches

_TILE_VALUES, _LONGEST = 131072, 128
"""Most values (pixels times channels) of a tile's layer, which stay in a core's cache; its most columns."""
_SMOOTH_VALUES, _SMOOTH_ROWS = 393216, 64
"""Most values and rows of an interpolated tile: larger, as its nodes cost about as much whatever its size."""
_FEW_CHANNELS, _LONGEST_OF_FEW = 16, 256
"""Below so many interpolated channels, tiles of so many columns, with fewer nodes a pixel, take less time."""
_WORTHWHILE = 16384
"""Pixels below which evaluating the network at all of them takes less time than judging how smooth it is."""
_SAMPLES = 64, 32
"""Chebyshev nodes along columns and rows of a tile at which filters are sampled to judge their smoothness."""
_JUDGED = 64
"""Stretches of columns, and bands of rows, whose smoothness is judged at most; they are evenly spaced."""


class _Smoothness(NamedTuple):
    """How smooth the filters are along columns or along rows, by bank.

    Attributes:
        spectra: bounds of the Chebyshev coefficients of the bank's factors along that axis.
        sizes: the largest absolute value of these factors.
    """

    spectra: list[Spectrum]
    sizes: list[float]


class FilterNetwork:
    """A filter network of D banks, D − 1 hidden layers and a last linear layer.

    Attributes:
        rows: height of a tile.
    """

    def __init__(self, filters: Filters, layers: Sequence[Linear], after: int) -> None:
        """`layers` are the hidden ones and the last one.

        `after` is the largest number of values that a pixel has from the last layer's results on.
        """
        self._filters, self._layers = filters, layers
        self._weights: dict[str, Floats] = {}
        for k, layer in enumerate(layers):
            self._weights |= {f"weight{k}": layer.weight, f"bias{k}": layer.bias}
        self._pixels = max(1, _TILE_VALUES // len(layers[0].weight[0]))
        self._longest = _LONGEST_OF_FEW if after < _FEW_CHANNELS else _LONGEST
        self.rows = min(_SMOOTH_ROWS, max(1, _SMOOTH_VALUES // after // self._longest))

    def start(self, x: Floats, y: Floats, finish: Callable[[Floats], Floats], colours: int) -> Draw:
        """Prepares to draw columns x of rows y.

        `finish` makes colours float32[colours, pixels] of the last layer's results, float32[outputs, ...],
        which it may change.
        """
        counts = self._nodes_needed(x, y) if len(x) * len(y) >= _WORTHWHILE else None
        text, shape = _network(len(self._layers)), (self.rows, self._longest)
        if not counts:
            columns = min(_LONGEST, self._pixels, len(x))
            shape = max(1, self._pixels // columns), columns
        own = graph(text + _INTERPOLATION if counts else text, "pixels" if counts else "last", **_CONSTANTS)

        def across(at: Floats) -> dict[str, Floats]:
            if not counts:
                return self._across(at)
            return {**self._across(nodes(at, counts[0])), "to_columns": interpolation(at, counts[0])}

        def down(at: Floats) -> dict[str, Floats]:
            if not counts:
                return self._down(at)
            to_rows = np.ascontiguousarray(interpolation(at, counts[1]).T)
            return {**self._down(nodes(at, counts[1])), "to_rows": to_rows}

        def paint(down: dict[str, Floats], across: dict[str, Floats]) -> Floats:
            return finish(own.run(self._weights | down | across)[0])

        column_bytes = 8 * len(self._layers) * len(self._layers[0].weight[0])
        return in_tiles(x, y, shape, across, down, paint, colours, column_bytes)

    def _across(self, at: Floats) -> dict[str, Floats]:
        """What the graph takes of columns: [C, 2, columns] of each bank."""
        return {f"across{k}": own for k, own in enumerate(self._filters.factors(COLUMNS, at))}

    def _down(self, at: Floats) -> dict[str, Floats]:
        """What the graph takes of rows: [C, rows, 2] of each bank."""
        factors = np.ascontiguousarray(self._filters.factors(ROWS, at).swapaxes(2, 3))
        return {f"down{k}": own for k, own in enumerate(factors)}

    def _nodes_needed(self, x: Floats, y: Floats) -> tuple[int, int] | None:
        """Numbers of nodes of a tile across and down; None if evaluating every pixel takes less time."""
        along = self._smoothness(COLUMNS, [x[span] for span in stretches(len(x), self._longest)])
        beside = self._smoothness(ROWS, [y[band] for band in bands(len(y), self.rows)])
        if not along or not beside:
            return None
        across, down = self._degree(along.spectra, beside.sizes), self._degree(beside.spectra, along.sizes)
        pixels = min(len(x), self._longest) * min(len(y), self.rows)
        return (across, down) if 2 * across * down <= pixels else None

    def _smoothness(self, axis: int, stretches: Sequence[Floats]) -> _Smoothness | None:
        """How smooth the banks are on such stretches; None if a bank needs more nodes than _SAMPLES."""
        count = _SAMPLES[axis]
        judged = stretches[:: -(-len(stretches) // _JUDGED)]
        with np.errstate(all="ignore"):
            factors = self._filters.factors(axis, np.concatenate([nodes(own, count) for own in judged]))
            spectra = [spectrum(own.reshape(-1, count)) for own in factors]
        if any(own[-2:].any() for own in spectra):
            return None
        return _Smoothness(spectra, [float(np.abs(own).max()) for own in factors])

    def _degree(self, spectra: Sequence[Spectrum], sizes: Sequence[float]) -> int:
        """Nodes that the last layer needs, from the banks' spectra along an axis and sizes along the other.

        Degrees add up where values are multiplied; a row of weights counts by its norm, as if its signs
        were random.
        """
        banks = [own * size for own, size in zip(spectra, sizes, strict=True)]
        result = banks[0]
        for layer, bank in zip(self._layers, [*banks[1:], np.ones(1)], strict=True):
            result = result * np.linalg.norm(layer.weight.astype(np.float64), axis=1).max()
            result[0] = max(result[0], np.abs(layer.bias).max())
            result = np.convolve(result, bank)
        return int(np.flatnonzero(result > NOISE).max(initial=0)) + 1


def _network(layers: int) -> str:
    """The graph with so many linear layers, of which the last is `last`, float32[outputs, pixels]."""
    lines = ["grid0 = MatMul(down0, across0)", "h0 = Reshape(grid0, flat)"]
    for k in range(1, layers):
        lines += [
            f"z{k} = Gemm(weight{k - 1}, h{k - 1}, bias{k - 1})",
            f"grid{k} = MatMul(down{k}, across{k})",
            f"filter{k} = Reshape(grid{k}, flat)",
            f"h{k} = Mul(z{k}, filter{k})",
        ]
    return "\n".join([*lines, f"last = Gemm(weight{layers - 1}, h{layers - 1}, bias{layers - 1})"])


_CONSTANTS = {"flat": (0, -1), "any": (-1,)}

_INTERPOLATION = """
lattice = Shape(grid0, start=1)
shape = Concat(any, lattice, axis=0)
at_nodes = Reshape(last, shape)
at_rows = MatMul(to_rows, at_nodes)
pixels = MatMul(at_rows, to_columns)
"""
"""From `last` at nodes, [outputs, nodes down · nodes across], to [outputs, rows, columns]."""
