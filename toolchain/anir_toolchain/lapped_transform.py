"""A modulated lapped transform: a picture from quantized coefficients, at any coordinates.

A plane is a sum over cells of a square lattice. Each cell has K cosines along each axis, under a window that
overlaps the windows of the cells beside it by half (Malvar 1992, Signal Processing with Lapped Transforms).
The transform is orthonormal: the squared error of the coefficients is that of the pixels.
"""

import math
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple, TypeVar

import numpy as np
from anir_runtime.network import Latents
from numpy.typing import NDArray

PITCHES = (16, 32)
"""Pixels from one cell to the next. The wider pitch suits coarse texture at few bits."""
FEWEST = 4
"""Least number K of frequencies that are kept along each axis of a cell."""
EVEN = 12
"""Largest code up to which values are proportional to codes; larger codes are further and further apart."""
CONSTANT = math.pi / 2
"""Value of the first layer's channels that no feature leads to: a number that the file's graph has anyway."""
BESIDE = (-1, 0, 1)
"""Multiples of the reach, along each axis, at which a network sees planes."""
FARTHEST = 2
"""Largest reach, in pixels."""

Floats = NDArray[np.float32]
Codes = NDArray[np.int16]
_T = TypeVar("_T")


def check_latents(latents: Latents, size: tuple[int, int], shape: tuple[int, ...]) -> None:
    """Raises ValueError if latents whose codes have that shape are not those of a picture of size (W, H).

    The codes themselves are not looked at, so that the check can come before memory is taken for them.
    """
    if latents.pitch not in PITCHES or not isinstance(latents.down, bool):
        raise ValueError("no pitch or no direction")
    planes, *cells, along, across = shape
    if (planes, *cells) != (
        3,
        *lattice(size, latents.pitch, latents.down),
    ) or not FEWEST <= along == across <= latents.pitch:
        raise ValueError("codes do not fit the picture")
    if not isinstance(latents.step, float) or not 0 < latents.step <= float(np.finfo(np.float32).max):
        raise ValueError("no step")
    if float(np.float32(latents.step)) != latents.step:
        raise ValueError("no float32 step")
    if latents.reach not in range(1, FARTHEST + 1):
        raise ValueError("no reach")


def by_scan(down: bool, columns_and_rows: tuple[_T, _T]) -> tuple[_T, _T]:
    """A pair that belongs to (columns, rows), in the order (along the scan, across the scan)."""
    return columns_and_rows[::-1] if down else columns_and_rows


def lattice(size: tuple[int, int], pitch: int, down: bool) -> tuple[int, int]:
    """Numbers of cells along and across the scan for a picture of (width, height)."""
    along, across = (Axis(side, pitch).cells for side in by_scan(down, size))
    return along, across


@dataclass(frozen=True)
class Axis:
    """The cells along one axis of a picture, whose coordinates are in [-1, 1].

    Cell i has the window cos(unit · coordinate - first - i · π/2) where that angle is within ±π/2, and zero
    elsewhere; `first` is the first value of `inner`.

    Attributes:
        pixels: of the picture along this axis.
        pitch: pixels from one cell to the next.
    """

    pixels: int
    pitch: int

    @property
    def cells(self) -> int:
        """Number of cells; the last one may reach beyond the picture."""
        return -(-self.pixels // self.pitch)

    @property
    def unit(self) -> float:
        """Window angle in radians per unit of the coordinate."""
        return math.pi / 4 * self.pixels / self.pitch

    @property
    def inner(self) -> tuple[float, float]:
        """Angles, unit · coordinate, at the middle of the first cell and at that of the last, or just beyond.

        Outside this range there is no cell to overlap with, and the window is 1.
        """
        first = math.pi / 4 - self.unit
        # The graph counts cells by adding π/2 from the one to the other, in float32.
        return first, first + math.pi / 2 * (self.cells - 1) + 0.001 + 1e-6 * self.unit

    def cosines(self, at: Floats, frequencies: int) -> Floats:
        """The windowed cosines at N coordinates: float32[frequencies, cells, N]."""
        places = at.astype(np.float64) * self.unit
        middles = self.inner[0] + np.arange(self.cells)[:, None] * math.pi / 2
        window = np.cos(np.clip(places.clip(*self.inner) - middles, -math.pi / 2, math.pi / 2))
        odd = np.arange(1, 2 * frequencies, 2)[:, None, None]
        return (np.cos((places - middles + math.pi * 3 / 4) * odd) * window).astype(np.float32)


def expand(codes: NDArray[np.floating]) -> NDArray[np.floating]:
    """Values of codes in steps: code · max(1, |code| / EVEN), so that large values are quantized coarsely."""
    result: NDArray[np.floating] = codes * np.maximum(1, np.abs(codes) / EVEN)
    return result


def dequantized(codes: Codes) -> NDArray[np.floating]:
    """Coefficients in steps, float64[3, A, B, K, K], each cell's mean summed up along the scan."""
    values = expand(codes.astype(np.float64))
    values[..., 0, 0] = values[..., 0, 0].cumsum(1)
    return values


def planes_at(latents: Latents, x: Floats, y: Floats, size: tuple[int, int]) -> Floats:
    """The colour planes float32[H', W', 3] at columns x [W'] and rows y [H'] of a picture of size (W, H)."""
    values = (dequantized(latents.codes) * (latents.step * 2 / latents.pitch)).astype(np.float32)
    along, across = (
        Axis(side, latents.pitch).cosines(places, values.shape[-1])
        for side, places in zip(by_scan(latents.down, size), by_scan(latents.down, (x, y)), strict=True)
    )
    equation = "kah,pabkl,lbw->hwp" if latents.down else "kaw,pabkl,lbh->hwp"
    planes: Floats = np.einsum(equation, along, values, across, optimize=["einsum_path", (0, 1), (0, 1)])
    return planes


class Seen(NamedTuple):
    """What one channel of the first layer sees: a plane, at multiples of the reach to the right and down."""

    plane: int
    right: int
    down: int


def seen_by(channels: int) -> list[Seen]:
    """What the first of a network's channels see: the planes at the point, then plane 0 beside it.

    At least one channel sees nothing and is CONSTANT instead.
    """
    beside = [Seen(0, right, down) for right, down in product(BESIDE, BESIDE) if right or down]
    nearest_first = sorted(beside, key=lambda seen: abs(seen.right) + abs(seen.down))
    return [*(Seen(plane, 0, 0) for plane in range(3)), *nearest_first][: channels - 1]


def seen_positions(channels: int) -> list[int]:
    """Where what the channels see is in an array [right, down, plane], flattened."""
    at = {offset: i for i, offset in enumerate(BESIDE)}
    seen = seen_by(channels)
    return [(at[right] * len(BESIDE) + at[down]) * 3 + plane for plane, right, down in seen]


def features_at(latents: Latents, x: Floats, y: Floats, size: tuple[int, int], channels: int) -> Floats:
    """The features of a network's channels, float32[H', W', n], at columns x [W'] and rows y [H'].

    Args:
        latents: of the network.
        x: coordinates in [-1, 1].
        y: coordinates in [-1, 1].
        size: (W, H) of the picture in pixels.
        channels: of the network; n of them see a feature (`seen_by`).
    """
    right, down = (
        (at + np.array(BESIDE, np.float32)[:, None] * np.float32(2 * latents.reach / pixels)).ravel()
        for at, pixels in zip((x, y), size, strict=True)
    )
    planes = planes_at(latents, right, down, size).reshape(len(BESIDE), len(y), len(BESIDE), len(x), 3)
    return planes.transpose(1, 3, 2, 0, 4).reshape(len(y), len(x), -1)[..., seen_positions(channels)]


def synthesis_macs_per_pixel(latents: Latents) -> int:
    """Multiply-accumulates that the features take at a pixel, where the windows of two cells overlap."""
    k, beside = int(latents.codes.shape[-1]), len(BESIDE)
    # Sums along rows come first, for each cosine down the columns; a pixel has a pitch's share of them.
    # Plane 0 is needed at all multiples of the reach, the other two at the point alone.
    return (beside + 2) * (2 * k * k // latents.pitch) + (beside**2 + 2) * 2 * k
