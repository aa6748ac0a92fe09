"""A sample of a picture's cells, in which levels are drawn and compared without drawing the whole picture."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from anir_runtime.coder import Integers
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.lapped_transform import Axis, LatentInput
from anir_runtime.level_step import LevelStep
from anir_runtime.network import Floats, Network
from numpy.typing import NDArray

from anir_toolchain.lapped_synthesis import existing_inputs, last_layer

HEAD_PIXELS = 2**19
"""About how many pixels the sampled cells have, in which heads are solved and compared."""
HEAD_EVERY = 5
"""Stride of the pixels used in these cells; all pixels of fewer cells would vary less (bench/NOTES.md)."""
_Cells = NDArray[np.int64]


class CellSample:
    """A regular subset of the cells of a picture's lapped transform.

    Attributes:
        pixels: the picture's pixels in these cells, one cell below the other, uint8[n · pitch, pitch, N].
    """

    def __init__(self, image: NDArray[np.uint8], pitch: int, pixels: int, block: int | None = None) -> None:
        """Chooses the cells.

        Args:
            image: the picture, uint8[H, W, N].
            pitch: pixels from one cell to the next.
            pixels: approximate number of pixels of all chosen cells; all cells if the picture has fewer.
            block: side, in cells, of the blocks that the picture was assembled from, if it is the sample of a
                larger one; cells at the blocks' borders, which have the wrong neighbours, are left out.
        """
        self._axes = [Axis(length, pitch) for length in image.shape[:2]]
        down, across = (_inner(axis, block) for axis in self._axes)
        ratio = max(1.0, len(down) * len(across) * pitch**2 / pixels)
        stride = round(math.sqrt(ratio))
        self._rows, self._columns = down[:: round(ratio / stride)], across[::stride]
        cells = [_cell(image, pitch, row, column) for row in self._rows for column in self._columns]
        self.pixels = np.concatenate(cells)

    def colours(self, every: int) -> Floats:
        """Returns the colours in [0, 1], float32[M, N], of the pixels that `seen` describes."""
        rows = self.pixels.reshape(len(self._rows), -1, self.pixels.shape[-1])[:, ::every]
        return rows.reshape(-1, rows.shape[-1]).astype(np.float32) / np.float32(255)

    def near(self, bands: Sequence[Integers]) -> Integers:
        """Copies the coefficients of the sampled cells and of their neighbours.

        `bands` are the coefficients of the whole picture from the top, some rows of cells at a time:
        int32[rows, columns, N, K, K].
        """
        ends = np.cumsum([len(band) for band in bands])
        (rows, _), (columns, _) = self._near()
        own = np.split(rows, np.searchsorted(rows, ends[:-1]))
        return np.concatenate(
            [band[(at - end)[:, None], columns] for band, at, end in zip(bands, own, ends, strict=True)]
        )

    def seen(self, near: Integers, step: LevelStep, channels: int, every: int) -> Floats:
        """Returns the inputs of a level's network from its latents at pixels of the cells, float32[M, n].

        Args:
            near: the coefficients as known at the level, as `near` returns them.
            step: the level's step.
            channels: number of the network's channels; n of them have an input (`inputs_of`).
            every: stride of the pixels that are taken in each row of cells.
        """
        return np.concatenate([own[::every] for own in self._seen(near, step, channels)])

    def drawn(self, network: Network, near: Integers, step: LevelStep) -> NDArray[np.uint8]:
        """Draws a level in the sampled cells, in the shape of `pixels`; for `near` and `step` see `seen`."""
        weights = network.values("weights") * network.values("steps")[:, None, None]
        head, bias = network.values("head").T, network.values("head.bias")
        rows = []
        for seen in self._seen(near, step, network.channels):
            shown = last_layer(weights, seen) @ head + bias
            rows.append(np.rint(255 * shown.clip(0, 1)).astype(np.uint8))
        return np.concatenate(rows).reshape(self.pixels.shape)

    def _near(self) -> list[tuple[_Cells, _Cells]]:
        """Returns for each axis the needed cells, and the indices of each sampled cell's three among these.

        Each sampled cell needs three cells, itself and its two neighbours: their indices are [sampled cells,
        3].
        """
        threes = (
            (own[:, None] + np.arange(-1, 2)).clip(0, axis.cells - 1)
            for own, axis in zip((self._rows, self._columns), self._axes, strict=True)
        )
        return [(needed := np.unique(own), np.searchsorted(needed, own)) for own in threes]

    def _seen(self, near: Integers, step: LevelStep, channels: int) -> Iterator[Floats]:
        """Yields the network's inputs at all pixels of one row of sampled cells after the other."""
        reach, pitch = step.reach, self._axes[0].pitch
        scale = np.float32(2 / pitch / step.width)
        down, across = (
            np.stack([_cosines(axis, cell, reach) for cell in cells])
            for axis, cells in zip(self._axes, (self._rows, self._columns), strict=True)
        )
        (_, rows), (_, columns) = self._near()
        for three, cosines in zip(rows, scale * down, strict=True):
            # From [cells down, columns, cells across, N, frequencies down, frequencies across].
            own = near[three[:, None, None], columns].transpose(1, 3, 0, 4, 2, 5).astype(np.float32)
            own = own.reshape(*own.shape[:2], 3 * pitch, 3 * pitch)
            yield _features(cosines.T @ own @ across[:, None], channels, pitch, reach)


def _inner(axis: Axis, block: int | None) -> _Cells:
    """Returns the cells along an axis: whole ones, if any, and none at blocks' borders."""
    cells = np.arange(max(1, axis.pixels // axis.pitch))
    return cells if block is None else cells[(cells % block > 0) & (cells % block < block - 1)]


def _cell(image: NDArray[np.uint8], pitch: int, row: int, column: int) -> NDArray[np.uint8]:
    """Returns a cell's pixels; beyond its end the picture is mirrored, as for its transform."""
    own = image[pitch * row : pitch * (row + 1), pitch * column : pitch * (column + 1)]
    beyond = [(0, pitch - length) for length in own.shape[:2]]
    return np.pad(own, [*beyond, (0, 0)], "symmetric")


def _cosines(axis: Axis, cell: int, reach: int) -> Floats:
    """Returns the cosines [3 · pitch, n] of a cell and its neighbours at its pixels and 2 · reach beyond."""
    pitch, near = axis.pitch, range(cell - 1, cell + 2)
    side = pitch + 4 * reach
    at = axis_coordinates(axis.pixels, side, pitch * cell - 2 * reach, side)
    return axis.cosines(at, pitch, near).reshape(3 * pitch, side)


def _features(planes: Floats, channels: int, pitch: int, reach: int) -> Floats:
    """Returns a network's inputs at the inner pixels of planes, float32[n · pitch², inputs].

    Args:
        planes: planes of n cells with a margin of 2 · reach pixels: float32[n, N, pitch + 4 · reach, same].
        channels: number of the network's channels.
        pitch: pixels from one cell to the next.
        reach: pixels from a point to the nearest neighbours.
    """

    def at(seen: LatentInput) -> Floats:
        top, left = reach * (2 + seen.down), reach * (2 + seen.right)
        own: Floats = planes[:, seen.plane, top : top + pitch, left : left + pitch]
        return own

    many = planes.shape[1]
    seen = existing_inputs(channels, many)
    here = [at(own) for own in seen[:many]]
    beside = [at(own) - here[own.plane] for own in seen[many:]]
    return np.stack([*here, *beside], axis=-1).reshape(-1, len(seen))
