"""Constant arrays times functions of rows and of columns: features of all pixels by matrix products."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

NEGLIGIBLE = 1e-6
"""Of a windowed function, outside its window."""


class Functions(NamedTuple):
    """Those that matter for a stretch of rows or columns, of all that there are.

    Attributes:
        chosen: which, int64[n].
        values: float32[views, n, points]: each function is seen from several places beside a point.
    """

    chosen: NDArray[np.intp]
    values: Floats


class Expansion(NamedTuple):
    """Features Σ rows[v, r, i] · coefficients[p, r, c] · columns[u, c, j], and the inputs for a tile of them.

    Attributes:
        coefficients: float32[P, R, C].
        rows: the exported graph's value [V, ..., H] of R functions.
        columns: the exported graph's value [U, ..., W] of C functions.
        part: name of the input that takes the tile's coefficients, [P, r, c].
        down: name of the input that takes functions of rows, [V, 1, h, r].
        across: name of the input that takes functions of columns, [U, 1, 1, c, w].
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
            self.down: np.ascontiguousarray(rows.values[:, None].swapaxes(2, 3)),
            self.across: columns.values[:, None, None],
        }


def choose(values: Floats, functions: int) -> Functions:
    """Of so many functions, values [views, ..., points], those that are not next to nothing there."""
    values = values.reshape(-1, functions, values.shape[-1])
    chosen = np.flatnonzero(np.abs(values).max((0, 2)) > NEGLIGIBLE)
    return Functions(chosen, values[:, chosen])


class Labels(NamedTuple):
    """Einsum's labels of an array times functions of rows and of columns."""

    array: str
    rows: str
    columns: str

    def views(self, functions: str) -> str:
        """The label of places that functions are seen from: the first, unless the array has it too."""
        return "".join(label for label in functions[:-1][:1] if label not in self.array)


def coefficients(array: NDArray[np.generic], labels: Labels, output: str) -> Floats | None:
    """The array as [P, R, C], or None if the sum is of another form."""
    down, across = (labels.views(own) for own in (labels.rows, labels.columns))
    own_rows, own_columns = labels.rows[len(down) : -1], labels.columns[len(across) : -1]
    feature = "".join(label for label in labels.array if label not in own_rows + own_columns)
    order = feature + own_rows + own_columns
    points, views = labels.rows[-1] + labels.columns[-1], across + down
    once = len(set(order + points + views)) == len(order + points + views)
    fits = sorted(labels.array) == sorted(order) and len(feature) == 1
    if not once or not fits or output != points + views + feature:
        return None
    turned = array.transpose([labels.array.index(label) for label in order])
    rows = int(np.prod(turned.shape[1 : 1 + len(own_rows)]))
    return np.ascontiguousarray(turned.reshape(turned.shape[0], rows, -1), np.float32)
