"""Local cosines: a picture as the codes of a modulated lapped transform, drawn at any coordinates.

Each cell of a square lattice has as many cosines along each axis as there are frequencies, under a window
that overlaps the neighbours' (Malvar 1992). The transform is orthonormal: an error of a code is one of the
picture, so that codes can be chosen by what they cost and what they gain.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from anir_toolchain.graph import Graph
from anir_toolchain.rans import LANE_BITS, Context, Ints, Stream, Tables, encode
from anir_toolchain.rans import emit as emit_codes

_PITCHES = (16, 32)
"""Pixels from one cell to the next: the wider suits coarse texture at few bits."""
_FEWEST = 4
"""Frequencies along an axis."""
_EVEN = 12
"""Codes up to this one are a step apart, larger ones more."""
_CODES_APART = 150
"""Planes have lanes of their own where each then decodes at least so many codes other than zero."""
_MEAN_ACTIVITY = 160
"""Of cells' means, before anything is known."""
_ROUNDING = 0.36
"""What is added to a code's size before it is known what codes cost."""
_PASSES = 2
"""Times that codes are chosen by what they cost."""
_NEGLIGIBLE = 0.005
"""Share of the codes other than zero that is given up with the highest frequencies."""
_SAMPLED = 4096
"""Cells on which the step is found, or up to twice as many: some lanes in a large picture."""
_LAGRANGE = 0.09
"""What a bit may cost, in squared steps."""
_FINEST = 0.5 / 127.5
"""Step, of half a level of a pixel: a finer one shows nothing more."""

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
    """

    codes: Codes
    step: float
    pitch: int
    down: bool

    def check(self, size: tuple[int, int]) -> None:
        """Raises ValueError if these are no codes of a picture of size (W, H)."""
        if self.pitch not in _PITCHES or not isinstance(self.down, bool):
            raise ValueError("no pitch or no direction")
        cells = tuple(-(-side // self.pitch) for side in self.in_scan(size))
        *shape, along, across = self.codes.shape
        if self.codes.dtype != np.int16 or tuple(shape) != (3, *cells) or not _FEWEST <= along == across:
            raise ValueError("codes do not fit the picture")
        if not isinstance(self.step, float) or not self.step > 0:
            raise ValueError("no step")

    @cached_property
    def stream(self) -> Stream:
        """The codes, entropy-coded."""
        return encode(_in_lanes(self.codes), _context(self.codes))

    def at(self, x: Floats, y: Floats, size: tuple[int, int]) -> Floats:
        """The planes float32[H', W', 3] at columns x [W'] and rows y [H'] of a picture of size (W, H)."""
        values = (_worth(self.codes) * (self.step * 2 / self.pitch)).astype(np.float32)
        along, across = (
            _Axis(side, self.pitch).cosines(places, values.shape[-1])
            for side, places in zip(self.in_scan(size), self.in_scan((x, y)), strict=True)
        )
        equation = "kah,pabkl,lbw->hwp" if self.down else "kaw,pabkl,lbh->hwp"
        planes: Floats = np.einsum(equation, along, values, across, optimize=["einsum_path", (0, 1), (0, 1)])
        return planes

    @property
    def macs_per_pixel(self) -> int:
        """Multiply-accumulates that a pixel of the planes takes, where windows of two cells overlap."""
        k = int(self.codes.shape[-1])
        # Along the scan first, for the cosines across it, of which a pixel has a cell's share.
        return 3 * (2 * k + 2 * k * k // self.pitch)

    def in_scan(self, columns_and_rows: tuple[_T, _T]) -> tuple[_T, _T]:
        """What belongs to the axis along the scan, and to the one across it."""
        return columns_and_rows[::-1] if self.down else columns_and_rows


@dataclass(frozen=True)
class Coefficients:
    """A picture in a lapped transform.

    Attributes:
        values: float32[3, A, B, pitch, pitch], as `Latents.codes`, but for the means.
        down: as in `Latents`.
    """

    values: Floats
    down: bool


@dataclass(frozen=True)
class _Axis:
    """Cells along an axis of a picture; coordinates on it are in [-1, 1].

    The cosines of cell i are of the angle unit · coordinate + start - i · π/2, and zero unless that is
    in [0, π].
    """

    pixels: int
    pitch: int

    @property
    def cells(self) -> int:
        return -(-self.pixels // self.pitch)

    @property
    def unit(self) -> float:
        return math.pi / 4 * self.pixels / self.pitch

    @property
    def start(self) -> float:
        return self.unit + math.pi / 4

    @property
    def inner(self) -> tuple[float, float]:
        """From the middle of the first cell to the middle of the last: unit · coordinate.

        Beyond them there is no neighbour to overlap, and the window is 1.
        """
        return math.pi / 4 - self.unit, math.pi / 2 * self.cells - math.pi / 4 - self.unit

    def cosines(self, at: Floats, frequencies: int) -> Floats:
        """Windowed cosines at coordinates [N]: [frequencies, cells, N]."""
        places = at.astype(np.float64) * self.unit
        centres = self.start - np.arange(self.cells)[:, None] * math.pi / 2
        window = np.sin(np.clip(places.clip(*self.inner) + centres, 0, math.pi))
        odd = np.arange(1, 2 * frequencies, 2)[:, None, None]
        return (np.cos((places + centres + math.pi / 4) * odd) * window).astype(np.float32)


def analyse(image: NDArray[np.uint8]) -> list[Coefficients]:
    """A picture [H, W, 3] in lapped transforms of each pitch."""
    colours = _principal_colours(image)
    return [_in_scan(np.stack([_analyse(plane, pitch) for plane in colours])) for pitch in _PITCHES]


def choose(candidates: list[Coefficients], bits: float) -> Latents:
    """The codes that show the most of the picture that was analysed, in about so many bits."""
    chosen = [_choose(coefficients, bits) for coefficients in candidates]
    return min(chosen, key=lambda pair: pair[0])[1]


def _choose(coefficients: Coefficients, bits: float) -> tuple[float, Latents]:
    """A picture's codes, and their squared error."""
    values = coefficients.values
    _, rows, columns, pitch, _ = values.shape
    every = min(max(1, rows * columns // _SAMPLED), columns)
    some = values[:, :, every // 2 :: every]
    share = some.shape[2] / columns
    step = _solve(lambda step: _cost(_quantise(some, step)), bits * share, float(some.std()) / 4)
    codes = _quantise(values, step)
    return _error(values, codes, step), Latents(codes, step, pitch, coefficients.down)


def _principal_colours(image: NDArray[np.uint8]) -> Floats:
    """A picture's planes [3, H, W], in units of half its range: principal axes of neighbours' differences."""
    levels = image.astype(np.float32) / 127.5
    differences = np.concatenate([np.diff(levels, axis=axis).reshape(-1, 3) for axis in (0, 1)])
    _, axes = np.linalg.eigh(differences.T.astype(np.float64) @ differences)
    centred = levels - levels.mean((0, 1))
    return np.ascontiguousarray((centred @ axes[:, ::-1]).transpose(2, 0, 1), np.float32)


def _in_scan(values: Floats) -> Coefficients:
    """Of [3, rows, columns, pitch, pitch], scanned in the direction in which means differ less."""
    means = values[..., 0, 0]
    down, right = (float(np.abs(np.diff(means, axis=axis)).sum()) for axis in (1, 2))
    return (
        Coefficients(values, True) if down < right else Coefficients(values.transpose(0, 2, 1, 4, 3), False)
    )


def _analyse(plane: Floats, pitch: int) -> Floats:
    """Coefficients [rows, columns, pitch, pitch] of [H, W], mirrored where the last cells reach beyond."""
    angle = (np.arange(2 * pitch) + 0.5) * math.pi / (2 * pitch)
    odd = np.arange(1, 2 * pitch, 2)[:, None]
    kernel = (math.sqrt(2 / pitch) * np.sin(angle) * np.cos(odd * (angle + math.pi / 4))).astype(np.float32)
    for _ in range(2):
        length, outer = plane.shape[-1], [(0, 0)] * (plane.ndim - 1)
        cells = -(-length // pitch)
        plane = np.pad(plane, [*outer, (0, cells * pitch - length)], "symmetric")
        # The outer half of the first and of the last cell is under no window.
        half = pitch // 2
        edge = np.sin(angle[half : 2 * half]).astype(np.float32)
        plane[..., :half] /= edge
        plane[..., -half:] /= edge[::-1]
        halves = np.pad(plane, [*outer, (half, half)])
        halves = halves.reshape(*plane.shape[:-1], cells + 1, pitch)
        frames = np.concatenate([halves[..., :-1, :], halves[..., 1:, :]], axis=-1)
        # [H, W] to [columns, pitch, H], then to [columns, pitch, rows, pitch].
        plane = np.moveaxis(frames @ kernel.T, 0, -1) if plane.ndim == 2 else frames @ kernel.T
    return plane.transpose(2, 0, 3, 1)


def _solve(cost: Callable[[float], float], bits: float, step: float) -> float:
    """The step at which codes cost so many bits, or hardly fewer.

    The cost falls about as a power of the step, but jumps where a frequency or some lanes come in.
    """
    step, fine, coarse = max(step, _FINEST), None, None
    for _ in range(9):
        taken = cost(step)
        if taken > bits:
            fine = step, taken
        else:
            coarse = step, taken
        if step == _FINEST or 0.997 * bits < taken <= bits:
            break
        if fine and coarse:
            share = math.log(fine[1] / bits) / math.log(fine[1] / coarse[1])
            step = fine[0] * (coarse[0] / fine[0]) ** min(max(share, 0.1), 0.9)
        else:
            step = max(step * (taken / bits) ** 1.1, _FINEST)
    return coarse[0] if coarse else step


def _quantise(coefficients: Floats, step: float) -> Codes:
    """Codes that are worth their bits, rounded with an eye on what they cost after those before them."""
    scaled = coefficients / np.float32(step)
    used = _frequencies_used(np.floor(np.abs(scaled) + _ROUNDING))
    scaled = scaled[..., :used, :used]
    codes = _rounded(scaled, np.floor(_exact(scaled) + _ROUNDING))
    for _ in range(_PASSES):
        codes = _rounded(scaled, _cheapest(scaled, *_costs(codes)))
    return codes


def _frequencies_used(sizes: Floats) -> int:
    """How many frequencies along each axis to keep: next to nothing is beyond them."""
    frequencies = sizes.shape[-1]
    each = np.count_nonzero(sizes.reshape(-1, frequencies, frequencies), axis=0)
    highest = np.maximum(*np.indices(each.shape))
    beyond = np.array([each[highest >= k].sum() for k in range(_FEWEST, frequencies)])
    return _FEWEST + int(np.count_nonzero(beyond > _NEGLIGIBLE * each.sum()))


def _rounded(scaled: Floats, sizes: Floats) -> Codes:
    """Codes of these sizes, but for each cell's mean, which is told as the difference to the cell before."""
    codes = np.copysign(sizes, scaled).astype(np.int16)
    known = np.zeros_like(scaled[:, 0, :, 0, 0])
    for i in range(scaled.shape[1]):
        difference = scaled[:, i, :, 0, 0] - known
        codes[:, i, :, 0, 0] = np.copysign(np.round(_exact(difference)), difference)
        known += _values(codes[:, i, :, 0, 0].astype(np.float32))
    return codes


def _costs(codes: Codes) -> tuple[NDArray[np.float64], Ints]:
    """Bits of a code of each size, [tables, sizes], and the table that holds for each of the codes."""
    lanes = _in_lanes(codes)
    activity = _context(codes).activity(lanes)
    tables = Tables.of(np.abs(lanes), activity)
    return tables.costs(), _from_lanes(tables.kinds(activity), codes)


def _cheapest(scaled: Floats, costs: NDArray[np.float64], kinds: Ints) -> Floats:
    """The size of each code, rounded up, down, or to zero: least squared error plus price of its bits."""
    exact, prices = _exact(scaled), (_LAGRANGE * costs).astype(np.float32)
    best, least = np.zeros_like(scaled), scaled**2 + prices[:, 0][kinds]
    for size in (np.minimum(whole(exact), costs.shape[1] - 1) for whole in (np.floor, np.ceil)):
        loss = (np.abs(scaled) - _values(size)) ** 2 + prices[kinds, size.astype(np.intp)]
        best, least = np.where(loss < least, size, best), np.minimum(loss, least)
    return best


def _error(values: Floats, codes: Codes, step: float) -> float:
    """Squared error of the picture that codes give."""
    k = codes.shape[-1]
    worth = _worth(codes).astype(np.float32) * np.float32(step)
    return float(
        np.square(values[..., :k, :k] - worth).sum()
        + np.square(values).sum()
        - np.square(values[..., :k, :k]).sum()
    )


def _worth(codes: Codes) -> NDArray[np.floating]:
    """What codes stand for, in steps, means put together again."""
    worth = _values(codes.astype(np.float64))
    worth[..., 0, 0] = worth[..., 0, 0].cumsum(1)
    return worth


def _values(codes: NDArray[np.floating]) -> NDArray[np.floating]:
    """What codes stand for, in steps: beyond _EVEN they are further and further apart."""
    result: NDArray[np.floating] = codes * np.maximum(1, np.abs(codes) / _EVEN)
    return result


def _exact(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """The size of the code, were it not whole: the inverse of `_values`."""
    sizes = np.abs(values)
    result: NDArray[np.floating] = np.where(sizes <= _EVEN, sizes, np.sqrt(_EVEN * sizes))
    return result


def _context(codes: Codes) -> Context:
    """What tells how large a code is: its frequency, those of like frequency, and the cell before."""
    k = codes.shape[-1]
    cell = k**2
    own = {1: 5, 2: 3, 3: 1, k - 1: 1, k: 5, k + 1: 2, k + 2: 1, 2 * k: 2, 2 * k + 1: 1, 3 * k: 1}
    last = {cell - k: 1, cell - 1: 1, cell: 7, cell + 1: 1, cell + k: 1}
    return Context(own | last, np.array([_MEAN_ACTIVITY, *[0] * (cell - 1)]))


def _planes_apart(codes: Codes) -> bool:
    """Whether each plane has lanes of its own: then fewer steps decode them all."""
    # Means do not count, as they depend on the direction of the scan.
    others = np.count_nonzero(codes) - np.count_nonzero(codes[..., 0, 0])
    return bool(others >= _CODES_APART * 3 * codes.shape[2])


def _in_lanes(codes: Codes) -> Ints:
    """Codes as the entropy coder takes them: a lane for each row or column of cells, [lanes, steps]."""
    apart = _planes_apart(codes)
    lanes = codes.transpose(0, 2, 1, 3, 4) if apart else codes.transpose(2, 0, 1, 3, 4)
    return lanes.reshape(codes.shape[2] * (3 if apart else 1), -1).astype(np.int32)


def _from_lanes(lanes: Ints, codes: Codes) -> Ints:
    """The inverse of `_in_lanes`, of what there is for each of the codes."""
    planes, along, across, k, _ = codes.shape
    if _planes_apart(codes):
        return lanes.reshape(planes, across, along, k, k).transpose(0, 2, 1, 3, 4)
    return lanes.reshape(across, planes, along, k, k).transpose(1, 2, 0, 3, 4)


def _cost(codes: Codes) -> float:
    """About how many bits codes take in the file."""
    lanes = _in_lanes(codes)
    activity, sizes = _context(codes).activity(lanes), np.abs(lanes)
    return Tables.of(sizes, activity).bits(sizes, activity) + LANE_BITS * len(lanes)


def emit(graph: Graph, latents: Latents, size: tuple[int, int], channels: int) -> str:
    """Writes the planes of a picture of size (W, H) at columns x and rows y, float32[H', W', channels].

    The channels after the third are zero.
    """
    frequencies = latents.codes.shape[-1]
    odd = graph.varints(np.arange(1, 2 * frequencies, 2, dtype=np.int32)[:, None, None])
    odd = graph.op("Cast", odd, to=TensorProto.FLOAT)
    along, across = (
        _emit_cosines(graph, _Axis(side, latents.pitch), places, odd)
        for side, places in zip(latents.in_scan(size), latents.in_scan(("x", "y")), strict=True)
    )
    values, equation = _emit_values(graph, latents), "kah,{},lbw->hwp" if latents.down else "kaw,{},lbh->hwp"
    equation = equation.format("aklpb" if _planes_apart(latents.codes) else "paklb")
    planes = graph.op("Einsum", along, values, across, equation=equation)
    return graph.op("Pad", planes, graph.integers(0, 0, 0, 0, 0, channels - 3))


def _emit_values(graph: Graph, latents: Latents) -> str:
    """What the codes stand for, float32[3, A, K, K, B], or [A, K, K, 3, B] if planes have own lanes."""
    planes, along, across, k, _ = latents.codes.shape
    mean = graph.tensor(np.full((1, 1), _MEAN_ACTIVITY, np.float32))
    prior = graph.op("Pad", mean, graph.integers(0, 0, k**2 - 1, 0))
    codes = emit_codes(graph, latents.stream, _context(latents.codes), prior)
    apart = graph.op("Max", graph.op("Abs", codes), graph.scalar(_EVEN))
    scale = graph.scalar(latents.step * 2 / latents.pitch / _EVEN)
    values = graph.op("Mul", codes, graph.op("Mul", apart, scale))
    before, beside = (1, planes * across) if _planes_apart(latents.codes) else (planes, across)
    values = graph.op("Reshape", values, graph.integers(before, along, k**2, beside))
    sums = graph.op("CumSum", values, graph.integers(1))
    values = graph.op("Where", graph.op("Less", graph.scalar(0), prior), sums, values)
    shape = (along, k, k, planes, across) if before == 1 else (planes, along, k, k, across)
    return graph.op("Reshape", values, graph.integers(*shape))


def _emit_cosines(graph: Graph, axis: _Axis, places: str, odd: str) -> str:
    """`_Axis.cosines`, float32[K, cells, N]."""
    quarter = math.pi / 2
    places = graph.op("Mul", places, graph.scalar(axis.unit))
    limits = (axis.start, axis.start - (axis.cells - 0.5) * quarter, -quarter)
    centres = graph.op("Range", *(graph.scalar(n) for n in limits))
    centres = graph.op("Unsqueeze", centres, graph.integers(1))
    inner = graph.op("Clip", places, *(graph.scalar(n) for n in axis.inner))
    angle = graph.op("Clip", graph.op("Add", inner, centres), graph.scalar(0), graph.scalar(math.pi))
    angles = graph.op("Add", graph.op("Add", places, centres), graph.scalar(math.pi / 4))
    return graph.op("Mul", graph.op("Cos", graph.op("Mul", angles, odd)), graph.op("Sin", angle))
