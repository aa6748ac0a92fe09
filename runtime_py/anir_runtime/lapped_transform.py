"""The modulated lapped transform of a picture (Malvar 1992), evaluated at arbitrary coordinates.

A lattice of square cells covers the picture. Along each axis, a cell has cosines of the lowest frequencies
under a window that overlaps those of the two adjacent cells. The transform is orthonormal.
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
"""Values of `Latents.pitch`: pixels from one cell to the next."""
LEAST_FREQUENCIES = 4
"""Least number of frequencies that are kept along each axis."""
_TOLERANCE = 0.01
"""Excess over a whole number of native pixels between samples that is ignored."""
REACHES = (1, 2, 3, 4)
"""Values of `Latents.reach`: pixels from a point to the nearest neighbours that are network inputs."""
MEAN_ACTIVITY = 280
"""Prior activity of the code of a cell's mean."""
_SIDES = ((-1, 0), (0, -1), (0, 1), (1, 0))
"""Offsets (right, down) of a point's left, upper, lower and right neighbours, in units of `Latents.reach`."""
_CORNERS = ((-1, -1), (-1, 1), (1, -1), (1, 1))
"""Offsets of the neighbours above left, below left, above right and below right, in the same units."""


@dataclass(frozen=True)
class Axis:
    """The cells along one axis of a picture.

    Coordinates span [-1, 1] over the picture. Positions are in cells: position i is the middle of cell i.

    Attributes:
        pixels: native length of the axis.
        pitch: pixels from one cell to the next.
    """

    pixels: int
    pitch: int

    @property
    def cells(self) -> int:
        """Number of cells; the last one may extend beyond the picture."""
        return -(-self.pixels // self.pitch)

    def positions(self, at: Floats) -> NDArray[np.float64]:
        """Converts coordinates to positions, of the same shape."""
        positions: NDArray[np.float64] = (at.astype(np.float64) + 1) * (self.pixels / 2 / self.pitch) - 0.5
        return positions

    def open_cells(self, at: Floats) -> range:
        """Returns the range of cells whose windows are open, that is nonzero, at some of the coordinates."""
        clipped = self.positions(at).clip(0, self.cells - 1)
        return range(int(clipped.min()), min(math.ceil(clipped.max()) + 1, self.cells))

    def windows(self, at: Floats, cells: range | None = None) -> NDArray[np.float64]:
        """Returns the windows of some cells, by default all, at coordinates [...]: float64[cells, ...]."""
        # Beyond the middles of the first and last cells there is no neighbour to overlap: windows stay 1.
        offset = self.positions(at).clip(0, self.cells - 1) - self._middles(cells, at.ndim)
        windows: NDArray[np.float64] = np.cos(np.clip(offset, -1, 1) * (math.pi / 2))
        return windows

    def around(self, spacing: float) -> Floats:
        """Returns the offsets of the points over which a sample is averaged, in coordinates: float32[points].

        Samples are `spacing` native pixels apart, points at most one; so at native or larger size a sample is
        a single point (docs/decoding.md).
        """
        count = max(1, math.ceil(spacing - _TOLERANCE))
        offsets = (np.arange(count) + 0.5) / count - 0.5
        return (offsets * (2 * spacing / self.pixels)).astype(np.float32)

    def shown(self, spacing: float, frequencies: int) -> int:
        """Returns how many of the `frequencies` lowest are drawn in samples `spacing` native pixels apart.

        Waves shorter than half the spacing are left out: averaging leaves almost nothing of them.
        """
        return min(frequencies, max(1, math.ceil(4 * self.pitch / spacing - 0.5)))

    def cosines(self, at: Floats, frequencies: int, cells: range | None = None) -> Floats:
        """Returns windowed cosines of some cells, by default all: float32[cells, frequencies, ...].

        They are evaluated at coordinates [...], and not normalized: `coefficients` includes the factor.
        """
        angles = (self.positions(at) - self._middles(cells, at.ndim) + 1.5) * (math.pi / 2)
        odd = np.arange(1, 2 * frequencies, 2, dtype=np.float32).reshape(-1, *[1] * at.ndim)
        waves = angles.astype(np.float32)[:, None] * odd
        np.cos(waves, out=waves)
        waves *= self.windows(at, cells).astype(np.float32)[:, None]
        return waves

    def _middles(self, cells: range | None, axes: int) -> NDArray[np.int64]:
        """Returns the positions of cells' middles, [cells, 1, ...], with `axes` axes of length 1."""
        return np.array(range(self.cells) if cells is None else cells).reshape(-1, *[1] * axes)


def lattice(size: tuple[int, int], pitch: int, down: bool) -> tuple[int, int]:
    """Returns the numbers of cells along and across the scan for a picture of (width, height)."""
    across, along = (Axis(pixels, pitch).cells for pixels in size)
    return (along, across) if down else (across, along)


def coefficients(latents: Latents) -> Floats:
    """Dequantizes latents to the weights of the cosines, float32[planes, rows of cells, K, columns, K]."""
    planes, along, across, k, _ = latents.codes.shape
    cells = (along, k, across, k) if latents.down else (across, k, along, k)
    result = np.empty((planes, *cells), np.float32)
    # Plane by plane, which takes less memory.
    for codes, own in zip(latents.codes, result, strict=True):
        values: Floats = np.copysign(latents.magnitudes[np.abs(codes)], codes)
        # Codes of means are differences along the scan.
        values[..., 0, 0] = values[..., 0, 0].cumsum(0, dtype=np.float64)
        values *= np.float32(latents.step * 2 / latents.pitch)
        # From [along, across, frequency along, frequency across].
        own[:] = values.transpose(0, 2, 1, 3) if latents.down else values.transpose(1, 3, 0, 2)
    return result


class LatentInput(NamedTuple):
    """A network input: a plane at an offset (right, down) from a point, -2 to 2 times `Latents.reach`."""

    plane: int
    right: int
    down: int


def inputs_of(channels: int, planes: int) -> list[LatentInput]:
    """Returns the inputs of a network's first channels, in order: all planes at the point, then neighbours.

    At neighbours, the input is the plane there minus the plane at the point; a plane that the picture does
    not have is 0. Channels after these inputs, at least the last one, are constant: π/2.
    """
    here = [LatentInput(plane, 0, 0) for plane in range(planes)]
    near = [LatentInput(0, *place) for place in _SIDES + _CORNERS]
    others = [LatentInput(plane, *place) for plane in (1, 2) for place in _SIDES]
    far = [LatentInput(0, 2 * right, 2 * down) for right, down in _SIDES]
    corners = [LatentInput(plane, *place) for plane in (1, 2) for place in _CORNERS]
    return [*here, *near, *others, *far, *corners][: channels - 1]


def context(order: int) -> Context:
    """Returns the context model of codes: earlier codes of similar frequencies in this and the previous cell.

    `order` is the number K of frequencies that are kept along each axis.
    """
    cell = order**2
    # If K is small, some of these distances are equal, and their weights add up.
    weights = Counter({order + 1: 2, cell: 15, cell + 1: 3})
    for frequencies, weight in enumerate((12, 5, 2, 1, 1, 1), start=1):
        weights.update({frequencies: weight, frequencies * order: weight})
    return Context(weights, np.array([MEAN_ACTIVITY, *[0] * (cell - 1)]))


def from_lanes(
    lanes: NDArray[np.int16], planes: int, cells: tuple[int, int], order: int, apart: bool
) -> NDArray[np.int16]:
    """Rearranges decoded codes as `Latents.codes`, int16[planes, A, B, K, K].

    Args:
        lanes: codes of each lane, a row or column of cells along the scan: int16[steps, lanes].
        planes: number of colour planes.
        cells: numbers of cells A along and B across the scan.
        order: number K of frequencies kept along each axis.
        apart: whether each plane has lanes of its own; otherwise a lane holds one plane after the other.
    """
    along, across = cells
    if apart:
        return lanes.reshape(along, order, order, planes, across).transpose(3, 0, 4, 1, 2)
    return lanes.reshape(planes, along, order, order, across).transpose(0, 1, 4, 2, 3)
