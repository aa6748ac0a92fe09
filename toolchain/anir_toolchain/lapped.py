"""Local cosines: a picture as the codes of a modulated lapped transform, seen from any coordinates.

Each cell of a square lattice has as many cosines along each axis as there are frequencies, under a window
that overlaps the neighbours' (Malvar 1992). The transform is orthonormal: an error of a code is one of the
picture, so that codes can be chosen by what they cost and what they gain (choosing.py).
"""

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from anir_toolchain.rans import Context, Ints, Stream, encode

PITCHES = (16, 32)
"""Pixels from one cell to the next: the wider suits coarse texture at few bits."""
FEWEST = 4
"""Frequencies along an axis."""
EVEN = 12
"""Codes up to this one are a step apart, larger ones more."""
_CODES_APART = 150
"""Planes have lanes of their own where each then decodes at least so many codes other than zero."""
CONSTANT = math.pi / 2
"""Of channels that see nothing: a number that the graph has anyway."""
BESIDE = (-1, 0, 1)
"""How many times `Latents.reach` to the right, or further down, planes are seen, too."""
FARTHEST = 2
"""The most pixels that a network reaches."""
MEAN_ACTIVITY = 280
"""Of cells' means, before anything is known."""

Floats = NDArray[np.float32]
Codes = NDArray[np.int16]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Latents:
    """A picture as codes of local cosines.

    Attributes:
        codes: int16[3, A, B, K, K] by plane, by cell along and across the scan, and by frequency likewise.
            A cell's first one, its mean, is the difference to the cell before in the scan.
        step: what a code of 1 is worth.
        pitch: pixels from one cell to the next.
        down: whether the scan goes down columns of cells; else along rows.
        reach: pixels from a point to the nearest others that networks see.
    """

    codes: Codes
    step: float
    pitch: int
    down: bool
    reach: int

    def check(self, size: tuple[int, int], shape: tuple[int, ...]) -> None:
        """Raises ValueError if these are no codes, in an array of that shape, of a picture of size (W, H)."""
        if self.pitch not in PITCHES or not isinstance(self.down, bool):
            raise ValueError("no pitch or no direction")
        cells = tuple(Axis(side, self.pitch).cells for side in self.in_scan(size))
        planes, *lattice, along, across = shape
        if (planes, *lattice) != (3, *cells) or not FEWEST <= along == across <= self.pitch:
            raise ValueError("codes do not fit the picture")
        if not isinstance(self.step, float) or not self.step > 0:
            raise ValueError("no step")
        if self.reach not in range(1, FARTHEST + 1):
            raise ValueError("no reach")

    @cached_property
    def stream(self) -> Stream:
        """The codes, entropy-coded."""
        return encode(in_lanes(self.codes), context(self.codes))

    def seen(self, x: Floats, y: Floats, size: tuple[int, int], channels: int) -> Floats:
        """What is `seen_by` a network's channels at columns x [W'] and rows y [H'], float32[H', W', n]."""
        right, down = (
            (at + np.array(BESIDE, np.float32)[:, None] * np.float32(2 * self.reach / pixels)).ravel()
            for at, pixels in zip((x, y), size, strict=True)
        )
        planes = self.at(right, down, size).reshape(len(BESIDE), len(y), len(BESIDE), len(x), 3)
        return planes.transpose(1, 3, 2, 0, 4).reshape(len(y), len(x), -1)[..., seen_positions(channels)]

    def at(self, x: Floats, y: Floats, size: tuple[int, int]) -> Floats:
        """The planes float32[H', W', 3] at columns x [W'] and rows y [H'] of a picture of size (W, H)."""
        values = (worth_of(self.codes) * (self.step * 2 / self.pitch)).astype(np.float32)
        along, across = (
            Axis(side, self.pitch).cosines(places, values.shape[-1])
            for side, places in zip(self.in_scan(size), self.in_scan((x, y)), strict=True)
        )
        equation = "kah,pabkl,lbw->hwp" if self.down else "kaw,pabkl,lbh->hwp"
        planes: Floats = np.einsum(equation, along, values, across, optimize=["einsum_path", (0, 1), (0, 1)])
        return planes

    @property
    def macs_per_pixel(self) -> int:
        """Multiply-accumulates that a pixel takes before the network, where windows of two cells overlap."""
        k, beside = int(self.codes.shape[-1]), len(BESIDE)
        # Along rows first, for the cosines down them, of which a pixel has a cell's share: the first plane
        # from all places, the other two from one.
        return (beside + 2) * (2 * k * k // self.pitch) + (beside**2 + 2) * 2 * k

    def in_scan(self, columns_and_rows: tuple[_T, _T]) -> tuple[_T, _T]:
        """What belongs to the axis along the scan, and to the one across it."""
        return columns_and_rows[::-1] if self.down else columns_and_rows


class Seen(NamedTuple):
    """A plane, seen so many times the reach to the right and further down."""

    plane: int
    right: int
    down: int


def seen_by(channels: int) -> list[Seen]:
    """What the first of a network's channels see: planes where the point is, and the first one beside it.

    One channel at least sees nothing.
    """
    beside = [Seen(0, right, down) for right, down in product(BESIDE, BESIDE) if right or down]
    nearest_first = sorted(beside, key=lambda seen: abs(seen.right) + abs(seen.down))
    return [*(Seen(plane, 0, 0) for plane in range(3)), *nearest_first][: channels - 1]


def seen_positions(channels: int) -> list[int]:
    """Where they are in an array [right, down, plane]."""
    at = {offset: i for i, offset in enumerate(BESIDE)}
    return [(at[seen.right] * len(BESIDE) + at[seen.down]) * 3 + seen.plane for seen in seen_by(channels)]


@dataclass(frozen=True)
class Axis:
    """Cells along an axis of a picture; coordinates on it are in [-1, 1].

    Those of cell i are under a window, the cosine of unit · coordinate - first - i · π/2 where that is within
    ±π/2 and zero elsewhere.
    """

    pixels: int
    pitch: int

    @property
    def cells(self) -> int:
        """Number of cells."""
        return -(-self.pixels // self.pitch)

    @property
    def unit(self) -> float:
        """Angle of the window that a unit of the coordinate makes."""
        return math.pi / 4 * self.pixels / self.pitch

    @property
    def inner(self) -> tuple[float, float]:
        """From the middle of the first cell to that of the last, or hardly beyond it: unit · coordinate.

        Outside there is no neighbour to overlap, and the window is 1.
        """
        first = math.pi / 4 - self.unit
        # The graph counts cells from the one to the other, in float32.
        return first, first + math.pi / 2 * (self.cells - 1) + 0.001 + 1e-6 * self.unit

    def cosines(self, at: Floats, frequencies: int) -> Floats:
        """Windowed cosines at coordinates [N]: [frequencies, cells, N]."""
        places = at.astype(np.float64) * self.unit
        middles = self.inner[0] + np.arange(self.cells)[:, None] * math.pi / 2
        window = np.cos(np.clip(places.clip(*self.inner) - middles, -math.pi / 2, math.pi / 2))
        odd = np.arange(1, 2 * frequencies, 2)[:, None, None]
        return (np.cos((places - middles + math.pi * 3 / 4) * odd) * window).astype(np.float32)


def worth_of(codes: Codes) -> NDArray[np.floating]:
    """What codes stand for, in steps, means put together again."""
    worth = values_of(codes.astype(np.float64))
    worth[..., 0, 0] = worth[..., 0, 0].cumsum(1)
    return worth


def values_of(codes: NDArray[np.floating]) -> NDArray[np.floating]:
    """What codes stand for, in steps: beyond EVEN they are further and further apart."""
    result: NDArray[np.floating] = codes * np.maximum(1, np.abs(codes) / EVEN)
    return result


def context(codes: Codes) -> Context:
    """What tells how large a code is: those of like frequency in its cell and in the cell before."""
    k = codes.shape[-1]
    cell = k**2
    # Where there are few frequencies, some of these are one and the same code.
    weights = Counter({k + 1: 2, cell: 15, cell + 1: 3})
    for frequencies, weight in enumerate((12, 5, 2, 1, 1, 1), start=1):
        weights.update({frequencies: weight, frequencies * k: weight})
    return Context(weights, np.array([MEAN_ACTIVITY, *[0] * (cell - 1)]))


def planes_apart(codes: Codes) -> bool:
    """Whether each plane has lanes of its own: then fewer steps decode them all."""
    # Means do not count, as they depend on the direction of the scan.
    others = np.count_nonzero(codes) - np.count_nonzero(codes[..., 0, 0])
    return bool(others >= _CODES_APART * 3 * codes.shape[2])


def in_lanes(codes: Codes) -> Ints:
    """Codes as the entropy coder takes them: a lane for each row or column of cells, [lanes, steps]."""
    apart = planes_apart(codes)
    lanes = codes.transpose(0, 2, 1, 3, 4) if apart else codes.transpose(2, 0, 1, 3, 4)
    return lanes.reshape(codes.shape[2] * (3 if apart else 1), -1).astype(np.int32)


def from_lanes(lanes: Ints, codes: Codes) -> Ints:
    """The inverse of `in_lanes`, of what there is for each of the codes."""
    planes, along, across, k, _ = codes.shape
    if planes_apart(codes):
        return lanes.reshape(planes, across, along, k, k).transpose(0, 2, 1, 3, 4)
    return lanes.reshape(across, planes, along, k, k).transpose(1, 2, 0, 3, 4)
