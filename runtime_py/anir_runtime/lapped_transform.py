"""The modulated lapped transform of a picture, evaluated at any coordinates (Malvar 1992).

A square lattice of cells covers the picture. Along each axis a cell has cosines of its lowest frequencies,
under a window that overlaps those of the two cells beside it; the transform is orthonormal.
"""

import math
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anir_runtime.network import Floats, Latents
from anir_runtime.rans import Context

PITCHES = (16, 32)
"""Pixels from one cell to the next."""
FEWEST = 4
"""Frequencies that are kept along each axis, at least."""
_HARDLY = 0.01
"""So many native pixels more than a whole number between samples are as good as none."""
REACHES = (1, 2, 3, 4)
"""Pixels from a point to the neighbours at which a network sees planes; to some, twice as many."""
MEAN_ACTIVITY = 280
"""Prior activity of the code of a cell's mean."""
_SIDES = ((-1, 0), (0, -1), (0, 1), (1, 0))
"""Neighbours (right, down) of a point, in units of `Latents.reach`: left, above, below, right."""
_CORNERS = ((-1, -1), (-1, 1), (1, -1), (1, 1))
"""The same: above left, below left, above right, below right."""


@dataclass(frozen=True)
class Axis:
    """The cells along one axis of a picture, whose coordinates are in [-1, 1].

    Positions on it count cells: i is the middle of cell i.

    Attributes:
        pixels: native length of the axis.
        pitch: pixels from one cell to the next.
    """

    pixels: int
    pitch: int

    @property
    def cells(self) -> int:
        """Number of cells; the last one may reach beyond the picture."""
        return -(-self.pixels // self.pitch)

    def positions(self, at: Floats) -> NDArray[np.float64]:
        """Positions of coordinates, of the same shape."""
        positions: NDArray[np.float64] = (at.astype(np.float64) + 1) * (self.pixels / 2 / self.pitch) - 0.5
        return positions

    def open_cells(self, at: Floats) -> range:
        """The cells whose windows are not zero at all of the coordinates."""
        clipped = self.positions(at).clip(0, self.cells - 1)
        return range(int(clipped.min()), min(math.ceil(clipped.max()) + 1, self.cells))

    def windows(self, at: Floats, cells: range | None = None) -> NDArray[np.float64]:
        """Windows of some cells, or all, at coordinates [...]: float64[cells, ...]."""
        # Before the first and after the last middle, where there is no neighbour to overlap, windows are 1.
        offset = self.positions(at).clip(0, self.cells - 1) - self._middles(cells, at.ndim)
        windows: NDArray[np.float64] = np.cos(np.clip(offset, -1, 1) * (math.pi / 2))
        return windows

    def around(self, spacing: float) -> Floats:
        """Distances of the points over which a sample is averaged, where samples are `spacing` pixels apart.

        Points are at most a native pixel apart, so that close samples are one point (docs/decoding.md).
        """
        count = max(1, math.ceil(spacing - _HARDLY))
        offsets = (np.arange(count) + 0.5) / count - 0.5
        return (offsets * (2 * spacing / self.pixels)).astype(np.float32)

    def shown(self, spacing: float, frequencies: int) -> int:
        """Of so many frequencies, those that samples `spacing` pixels apart show.

        Of the others, whose waves are shorter than half of that, averages have next to nothing left.
        """
        return min(frequencies, max(1, math.ceil(4 * self.pitch / spacing - 0.5)))

    def cosines(self, at: Floats, frequencies: int, cells: range | None = None) -> Floats:
        """Windowed cosines of some cells, or all, at coordinates [...]: float32[cells, frequencies, ...]."""
        angles = (self.positions(at) - self._middles(cells, at.ndim) + 1.5) * (math.pi / 2)
        odd = np.arange(1, 2 * frequencies, 2, dtype=np.float32).reshape(-1, *[1] * at.ndim)
        waves = angles.astype(np.float32)[:, None] * odd
        np.cos(waves, out=waves)
        waves *= self.windows(at, cells).astype(np.float32)[:, None]
        return waves

    def _middles(self, cells: range | None, axes: int) -> NDArray[np.int64]:
        """Positions of cells' middles, [cells, 1 ...] with so many axes of length 1."""
        return np.array(range(self.cells) if cells is None else cells).reshape(-1, *[1] * axes)


def lattice(size: tuple[int, int], pitch: int, down: bool) -> tuple[int, int]:
    """Numbers of cells along and across the scan for a picture of (width, height)."""
    across, along = (Axis(pixels, pitch).cells for pixels in size)
    return (along, across) if down else (across, along)


def coefficients(latents: Latents) -> Floats:
    """Weights of the transform's cosines, float32[planes, rows of cells, K, columns, K]."""
    planes, along, across, k, _ = latents.codes.shape
    cells = (along, k, across, k) if latents.down else (across, k, along, k)
    result = np.empty((planes, *cells), np.float32)
    # One plane after the other, which takes less memory.
    for codes, own in zip(latents.codes, result, strict=True):
        values: Floats = np.copysign(latents.magnitudes[np.abs(codes)], codes)
        # Codes of means are differences along the scan.
        values[..., 0, 0] = values[..., 0, 0].cumsum(0, dtype=np.float64)
        values *= np.float32(latents.step * 2 / latents.pitch)
        # From [along, across, frequency along, frequency across].
        own[:] = values.transpose(0, 2, 1, 3) if latents.down else values.transpose(1, 3, 0, 2)
    return result


class Seen(NamedTuple):
    """A plane at some distance from a point, in units of `Latents.reach`: 2 at most to the right and down."""

    plane: int
    right: int
    down: int


def seen_by(channels: int, planes: int) -> list[Seen]:
    """What the first of a network's channels see, in order: all planes at the point, then three beside it.

    Beside the point they see by how much a plane differs there from what it is at the point; a plane that
    the picture does not have is 0. The last channel, and those for which nothing is left to see, are
    constant: π/2.
    """
    here = [Seen(plane, 0, 0) for plane in range(planes)]
    near = [Seen(0, *place) for place in _SIDES + _CORNERS]
    others = [Seen(plane, *place) for plane in (1, 2) for place in _SIDES]
    far = [Seen(0, 2 * right, 2 * down) for right, down in _SIDES]
    corners = [Seen(plane, *place) for plane in (1, 2) for place in _CORNERS]
    return [*here, *near, *others, *far, *corners][: channels - 1]


def present(seen: Seen, planes: int) -> Seen:
    """What is seen in a picture of so many planes; for a plane that it lacks, plane 0 at the point.

    As channels see by how much this differs from itself, they see 0.
    """
    return seen if seen.plane < planes else Seen(0, 0, 0)


def context(order: int) -> Context:
    """The context model of the codes: earlier ones of like frequency in the same cell and in the one before.

    Args:
        order: number K of frequencies kept along each axis.
    """
    cell = order**2
    # Where K is small, some of these distances are equal.
    weights = Counter({order + 1: 2, cell: 15, cell + 1: 3})
    for frequencies, weight in enumerate((12, 5, 2, 1, 1, 1), start=1):
        weights.update({frequencies: weight, frequencies * order: weight})
    return Context(weights, np.array([MEAN_ACTIVITY, *[0] * (cell - 1)]))


def from_lanes(
    lanes: NDArray[np.int16], planes: int, cells: tuple[int, int], order: int, apart: bool
) -> NDArray[np.int16]:
    """Codes int16[planes, A, B, K, K], as `Latents` has them, from int16[steps, lanes].

    Args:
        lanes: codes of each lane, a row or column of cells along the scan.
        planes: number of colour planes.
        cells: numbers of cells A along and B across the scan.
        order: number K of frequencies kept along each axis.
        apart: whether each plane has lanes of its own; else a lane has one plane after the other.
    """
    along, across = cells
    if apart:
        return lanes.reshape(along, order, order, planes, across).transpose(3, 0, 4, 1, 2)
    return lanes.reshape(planes, along, order, order, across).transpose(0, 1, 4, 2, 3)
