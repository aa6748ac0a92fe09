"""Sums of products of columns and rows: a small matrix product for each channel."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

Values = Callable[[list[str]], Mapping[str, Floats]]
"""Works out values of the exported graph, of columns or rows alone."""


class Products(NamedTuple):
    """Σ columns[t] · rows[t], as a product of matrices for each of F entries and C channels.

    Attributes:
        columns: names of T values [F, 1, W, C] of the exported graph.
        rows: names of T values [F, H, 1, C].
        across: the F inputs that take values of columns, [C, T, w].
        down: the F inputs that take values of rows, [C, h, T].
        channels: C.
    """

    columns: list[str]
    rows: list[str]
    across: list[str]
    down: list[str]
    channels: int

    def of_columns(self, values: Mapping[str, Floats]) -> dict[str, Floats]:
        """What `across` takes, given the graph's values."""
        stacks = self._stacked(values, self.columns).transpose(1, 3, 0, 2)
        return dict(zip(self.across, np.ascontiguousarray(stacks), strict=True))

    def of_rows(self, values: Mapping[str, Floats]) -> dict[str, Floats]:
        """What `down` takes, given the graph's values."""
        stacks = self._stacked(values, self.rows).transpose(1, 3, 2, 0)
        return dict(zip(self.down, stacks, strict=True))

    def _stacked(self, values: Mapping[str, Floats], names: list[str]) -> Floats:
        """[T, F, points, C]."""
        shape = (len(names), len(self.across), -1, self.channels)
        return np.stack([values[name] for name in names]).reshape(shape)


def of_columns(products: Sequence[Products], values: Values) -> dict[str, Floats]:
    """What all of them take of columns."""
    known = values([name for own in products for name in own.columns])
    return {name: value for own in products for name, value in own.of_columns(known).items()}


def of_rows(products: Sequence[Products], values: Values) -> dict[str, Floats]:
    """What all of them take of rows."""
    known = values([name for own in products for name in own.rows])
    return {name: value for own in products for name, value in own.of_rows(known).items()}
