"""The planes of a lapped transform at samples, and how they differ beside them, as a network sees them."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from anir_runtime.lapped_transform import Axis, Seen, coefficients, seen_by
from anir_runtime.network import Floats, Latents
from anir_runtime.tile_graph import graph

_ROUNDING = 2**-23
"""What coordinates in float32 may differ by from what they should be."""
_PLANES = """
sums = MatMul(rows, coefficients)
lines = Flatten(sums, axis=2)
planes = Gemm(lines, columns, transB=1)
"""
"""Planes, one below the other, from cosines of rows and of columns."""


class Line(NamedTuple):
    """Coordinates along an axis: those of samples, and before and after them those of their neighbours.

    Attributes:
        samples: their number.
        step: how many coordinates further the next sample is.
        shift: how many coordinates further a neighbour is, for each `Latents.reach`.
        cells: the cells whose windows are open at some of the coordinates.
        frequencies: number of each cell's frequencies that samples show.
        cosines: windowed, of these cells and frequencies, float32[coordinates, cells · frequencies].
    """

    samples: int
    step: int
    shift: int
    cells: slice
    frequencies: int
    cosines: Floats


class Planes:
    """Draws what a network's first channels see of a picture's latents.

    Attributes:
        seen: number of these channels.
    """

    def __init__(self, latents: Latents, size: tuple[int, int], channels: int) -> None:
        """Prepares the planes of a picture of size (W, H) for a network of so many channels."""
        self._coefficients = coefficients(latents)
        self._axes = [Axis(pixels, latents.pitch) for pixels in size]
        self._reaches = [2 * latents.reach / pixels for pixels in size]
        many = len(latents.codes)
        self.seen = len(seen_by(channels, many))
        # Neighbours of a point are drawn four at a time, the last ones perhaps in vain.
        fours = max(0, -(-(self.seen - many) // 4))
        beside = seen_by(many + 4 * fours + 1, many)[many:]
        self._fours = [beside[k : k + 4] for k in range(0, len(beside), 4)]
        self._far = [0] * many
        for plane, right, down in beside:
            if plane < many:
                self._far[plane] = max(self._far[plane], abs(right), abs(down))

    def line(self, axis: int, samples: Floats, spacing: float) -> Line:
        """An axis, 0 for x and 1 for y, at samples so many native pixels apart; far ones are averages."""
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
        """What channels see at H x W samples, float32[seen, H · W]."""
        pictures, many = self._pictures(rows, columns), len(self._far)
        seen = np.empty((many + 4 * len(self._fours), rows.samples, columns.samples), np.float32)
        for plane, picture in enumerate(pictures):
            seen[plane] = self._around(picture, [Seen(plane, 0, 0)] * 4, rows, columns)[0, 0]
        for four, own in zip(self._fours, seen[many:].reshape(-1, 4, *seen.shape[1:]), strict=True):
            plane = four[0].plane
            if plane < many:
                around = self._around(pictures[plane], four, rows, columns)
                np.subtract(around, seen[plane], out=own.reshape(around.shape))
            else:
                own[:] = 0
        return seen[: self.seen].reshape(self.seen, rows.samples * columns.samples)

    def _around(self, picture: Floats, four: Sequence[Seen], rows: Line, columns: Line) -> Floats:
        """A plane's picture at four neighbours of samples: a view, float32[2, 2, H, W]."""
        far, (below, right) = self._far[four[0].plane], picture.strides
        corners = [
            (far + own.down) * rows.shift * below + (far + own.right) * columns.shift * right for own in four
        ]
        # They are the corners of a square, whose sides are the two first axes.
        sides = corners[2] - corners[0], corners[1] - corners[0]
        shape, steps = (2, 2, rows.samples, columns.samples), (rows.step * below, columns.step * right)
        return np.ndarray(shape, np.float32, picture, corners[0], (*sides, *steps))

    def _pictures(self, rows: Line, columns: Line) -> list[Floats]:
        """Each plane at samples and at the neighbours where it is seen."""
        pictures = list[Floats]()
        # Planes that are seen equally far away are drawn together.
        for far, planes in groupby(self._far):
            first, many = len(pictures), len(list(planes))
            part = self._coefficients[
                first : first + many, rows.cells, : rows.frequencies, columns.cells, : columns.frequencies
            ]
            down, across = (self._inner(line, far) for line in (rows, columns))
            part = part.reshape(many, down.shape[1], across.shape[1])
            feeds = {"rows": down, "coefficients": part, "columns": across}
            (drawn,) = graph(_PLANES, "planes").run(feeds)
            pictures += [*drawn.reshape(many, len(down), len(across))]
        return pictures

    def _inner(self, line: Line, far: int) -> Floats:
        """A line's cosines at samples and at their neighbours so far away."""
        outer = (max(self._far) - far) * line.shift
        return line.cosines[outer : len(line.cosines) - outer]


def _besides(samples: Floats, distance: float, far: int) -> tuple[Floats, int, int]:
    """Coordinates of samples and of neighbours up to `far` distances before and after them.

    Where samples are so even that they and their neighbours are multiples of a step apart, coordinates are a
    step apart, too. Elsewhere, or if that were more of them, all samples come once for each distance.

    Returns:
        The coordinates, how many of them further the next sample is, and how many a neighbour is.
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
