"""Constant arrays times functions of rows and of columns: features of all pixels by matrix products."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_NEGLIGIBLE = 1e-6
"""Of a windowed function, outside its window."""


class Functions(NamedTuple):
    """Those that matter for a stretch of rows or columns, of all that there are.

    Attributes:
        chosen: which, int64[n].
        values: float32[n, points] of columns, [points, n] of rows, as a tile takes them.
    """

    chosen: NDArray[np.intp]
    values: Floats

    @property
    def turned(self) -> "Functions":
        """Those of rows as those of columns are, and the other way round."""
        return Functions(self.chosen, np.ascontiguousarray(self.values.T))


class Expansion(NamedTuple):
    """Features Σ rows[r, i] · coefficients[p, r, c] · columns[c, j], and the inputs for a tile of them.

    Attributes:
        coefficients: float32[P, R, C].
        rows: the exported graph's value [..., H] of R functions.
        columns: the exported graph's value [..., W] of C functions.
        part: name of the input that takes the tile's coefficients, [P, r, c].
        down: name of the input that takes functions of rows, [h, r].
        across: name of the input that takes functions of columns, [c, w].
    """

    coefficients: Floats
    rows: str
    columns: str
    part: str
    down: str
    across: str

    def feeds(self, rows: Functions, columns: Functions) -> dict[str, Floats]:
        """What the inputs take for a tile."""
        return {
            self.part: self.coefficients[:, rows.chosen[:, None], columns.chosen],
            self.down: rows.values,
            self.across: columns.values,
        }


def choose(values: Floats) -> Functions:
    """Of functions [..., points], those that are not next to nothing there, as of columns."""
    values = values.reshape(-1, values.shape[-1])
    chosen = np.flatnonzero(np.abs(values).max(1) > _NEGLIGIBLE)
    return Functions(chosen, values[chosen])


class Labels(NamedTuple):
    """Einsum's labels of an array times functions of rows and of columns, which come out last."""

    array: str
    rows: str
    columns: str


def coefficients(array: NDArray[np.generic], labels: Labels, output: str) -> Floats | None:
    """The array as [P, R, C], or None if the sum is of another form."""
    own_rows, own_columns = labels.rows[:-1], labels.columns[:-1]
    feature = "".join(label for label in labels.array if label not in own_rows + own_columns)
    order = feature + own_rows + own_columns
    points = labels.rows[-1] + labels.columns[-1]
    once = len(set(order + points)) == len(order) + 2
    if not once or sorted(labels.array) != sorted(order) or len(feature) != 1 or output != points + feature:
        return None
    turned = array.transpose([labels.array.index(label) for label in order])
    rows = int(np.prod(turned.shape[1 : 1 + len(own_rows)]))
    return np.ascontiguousarray(turned.reshape(turned.shape[0], rows, -1), np.float32)
