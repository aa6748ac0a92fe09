"""Pictures of features, interpolated as products of matrices: ONNX's GridSample takes ten times as long."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Weights(NamedTuple):
    """Bilinear interpolation along one axis of a picture of features.

    Attributes:
        cells: of the picture, those that points lie between.
        matrix: what each is worth, float32[points, cells] for rows, [cells, points] for columns.
    """

    cells: slice
    matrix: Floats


class Grid(NamedTuple):
    """A picture of features, and the graph's inputs for a tile of it.

    Attributes:
        picture: float32[1, C, rows, columns].
        part: name of the input that takes the tile's cells, [1, C, r, c].
        rows: name of the input that takes weights of rows, [h, r].
        columns: name of the input that takes weights of columns, [c, w].
    """

    picture: Floats
    part: str
    rows: str
    columns: str

    def row_weights(self, y: Floats) -> Weights:
        """For rows at y, in [-1, 1]."""
        return _weights(y, self.picture.shape[2])

    def column_weights(self, x: Floats) -> Weights:
        """For columns at x, in [-1, 1]."""
        cells, matrix = _weights(x, self.picture.shape[3])
        return Weights(cells, np.ascontiguousarray(matrix.T))

    def feeds(self, rows: Weights, columns: Weights) -> dict[str, Floats]:
        """What the inputs take for a tile."""
        part = self.picture[:, :, rows.cells, columns.cells]
        return {
            self.part: np.ascontiguousarray(part),
            self.rows: rows.matrix,
            self.columns: columns.matrix,
        }

    def sample(self, x: Floats, y: Floats) -> Floats:
        """Features at columns x and rows y, [1, C, H, W], as GridSample gives them with padding "border"."""
        feeds = self.feeds(self.row_weights(y), self.column_weights(x))
        result: Floats = feeds[self.rows] @ (feeds[self.part] @ feeds[self.columns])
        return result


def _weights(at: Floats, size: int) -> Weights:
    position = np.clip(((at + 1) * np.float32(size) - 1) / 2, 0, size - 1)
    cells = slice(math.floor(position.min()), math.ceil(position.max()) + 1)
    distance = np.abs(position[:, None] - np.arange(cells.start, cells.stop, dtype=np.float32))
    return Weights(cells, np.maximum(0, 1 - distance))
