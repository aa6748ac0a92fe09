"""Evaluates the inputs of `lapped` networks: planes at a point, and their differences at its neighbours."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from anir_runtime.lapped_transform import Axis, LatentInput, coefficients, inputs_of
from anir_runtime.network import Floats, Latents
from anir_runtime.tile_graph import graph

_ROUNDING = 2**-23
"""Tolerance for rounding errors of coordinates in float32."""
_PLANES = """
sums = MatMul(rows, coefficients)
lines = Flatten(sums, axis=2)
planes = Gemm(lines, columns, transB=1)
"""
"""Graph that evaluates planes, one below the other, from coefficients and cosines of rows and columns."""


class Line(NamedTuple):
    """The cosines at a tile's samples along one axis, and at the samples' neighbours before and after them.

    Attributes:
        samples: number of samples.
        step: number of coordinates from one sample to the next.
        shift: number of coordinates from a sample to its neighbour at a distance of `Latents.reach`.
        cells: the cells whose windows are open at some of the coordinates.
        frequencies: number of lowest frequencies that are drawn at the samples' spacing.
        cosines: windowed cosines of these cells and frequencies, float32[coordinates, cells · frequencies].
    """

    samples: int
    step: int
    shift: int
    cells: slice
    frequencies: int
    cosines: Floats


class Planes:
    """Evaluates the inputs that a network takes from a picture's latents.

    Attributes:
        seen: number of these inputs.
    """

    def __init__(self, latents: Latents, size: tuple[int, int], channels: int) -> None:
        """Dequantizes the latents of a picture of native size (W, H) for a network of `channels` channels."""
        self._coefficients = coefficients(latents)
        self._axes = [Axis(pixels, latents.pitch) for pixels in size]
        self._reaches = [2 * latents.reach / pixels for pixels in size]
        many = len(latents.codes)
        self.seen = len(inputs_of(channels, many))
        # Neighbours are handled in groups of four; some of the last group may be unused.
        fours = max(0, -(-(self.seen - many) // 4))
        beside = inputs_of(many + 4 * fours + 1, many)[many:]
        self._fours = [beside[k : k + 4] for k in range(0, len(beside), 4)]
        self._far = [0] * many
        for plane, right, down in beside:
            if plane < many:
                self._far[plane] = max(self._far[plane], abs(right), abs(down))

    def line(self, axis: int, samples: Floats, spacing: float) -> Line:
        """Evaluates cosines at samples, coordinates float32[samples] along axis 0 for x or 1 for y.

        If they are more than one native pixel apart (`spacing`), these are averages.
        """
        own = self._axes[axis]
        at, step, shift = _besides(samples, self._reaches[axis], max(self._far))
        around = own.around(spacing)
        cells = own.open_cells(at + around[[0, -1], None])
        frequencies = own.shown(spacing, self._coefficients.shape[-1])
        first, *others = (at + offset for offset in around)
        values = own.cosines(first, frequencies, cells)
        for places in others:
            values += own.cosines(places, frequencies, cells)
        if others:
            values /= np.float32(len(around))
        cosines = np.ascontiguousarray(values.reshape(-1, len(at)).T)
        return Line(len(samples), step, shift, slice(cells.start, cells.stop), frequencies, cosines)

    def draw(self, rows: Line, columns: Line) -> Floats:
        """Returns the network's inputs at H × W samples, float32[seen, H · W]."""
        pictures, many = self._pictures(rows, columns), len(self._far)
        seen = np.empty((many + 4 * len(self._fours), rows.samples, columns.samples), np.float32)
        for picture, far, here in zip(pictures, self._far, seen, strict=False):
            inner = picture[far * rows.shift :: rows.step, far * columns.shift :: columns.step]
            here[:] = inner[: rows.samples, : columns.samples]
        for four, own in zip(self._fours, seen[many:].reshape(-1, 4, *seen.shape[1:]), strict=True):
            plane = four[0].plane
            if plane < many:
                around = self._around(pictures[plane], four, rows, columns)
                np.subtract(around, seen[plane], out=own.reshape(around.shape))
            else:
                own[:] = 0
        return seen[: self.seen].reshape(self.seen, rows.samples * columns.samples)

    def _around(self, picture: Floats, four: Sequence[LatentInput], rows: Line, columns: Line) -> Floats:
        """Returns a view of a plane's picture at four neighbours of the samples, float32[2, 2, H, W]."""
        far, (below, right) = self._far[four[0].plane], picture.strides
        corners = [
            (far + own.down) * rows.shift * below + (far + own.right) * columns.shift * right for own in four
        ]
        # The four neighbours are the corners of a square, whose sides are the view's first two axes.
        sides = corners[2] - corners[0], corners[1] - corners[0]
        shape, steps = (2, 2, rows.samples, columns.samples), (rows.step * below, columns.step * right)
        return np.ndarray(shape, np.float32, picture, corners[0], (*sides, *steps))

    def _pictures(self, rows: Line, columns: Line) -> list[Floats]:
        """Evaluates each plane at the samples, and at those of their neighbours that are inputs."""
        pictures = list[Floats]()
        # Planes whose neighbours are equally far away are evaluated together.
        for far, planes in groupby(self._far):
            first, many = len(pictures), len(list(planes))
            part = self._coefficients[
                first : first + many, rows.cells, : rows.frequencies, columns.cells, : columns.frequencies
            ]
            down, across = (self._inner(line, far) for line in (rows, columns))
            part = part.reshape(many, down.shape[1], across.shape[1])
            drawn = graph(_PLANES)({"rows": down, "coefficients": part, "columns": across})
            pictures += [*drawn.reshape(many, len(down), len(across))]
        return pictures

    def _inner(self, line: Line, far: int) -> Floats:
        """Returns a line's cosines at the samples and at their neighbours up to `far` reaches away."""
        outer = (max(self._far) - far) * line.shift
        return line.cosines[outer : len(line.cosines) - outer]


def _besides(samples: Floats, distance: float, far: int) -> tuple[Floats, int, int]:
    """Returns the coordinates of samples and of neighbours at up to `far` times `distance` on both sides.

    If an even grid holds all samples and neighbours, the coordinates are that grid. Otherwise, or if the grid
    had more points, they are all samples shifted by each distance in turn.

    Returns:
        The coordinates; the number of coordinates from one sample to the next; and that from a sample to
        its neighbour at `distance`.
    """
    count, length = len(samples), float(samples[-1]) - float(samples[0])
    for step in range(1, 2 * far + 1) if length > 0 else ():
        shift = round(step * distance * (count - 1) / length)
        many = step * (count - 1) + 1 + 2 * far * shift
        if shift > 0 and many <= (2 * far + 1) * count:
            at = samples[0] + distance / shift * (np.arange(many) - far * shift)
            if np.abs(at[far * shift :: step][:count] - samples).max() <= _ROUNDING:
                return at.astype(np.float32), step, shift
    shifts = distance * np.arange(-far, far + 1)
    return (samples + shifts[:, None]).ravel().astype(np.float32), 1, count
