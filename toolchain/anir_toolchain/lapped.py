"""Local cosines: a picture as the codes of a modulated lapped transform, which the ONNX graph inverts.

Each cell of a square lattice has as many cosines along each axis as there are frequencies, under a window
that overlaps the neighbours' (Malvar 1992). The transform is orthonormal: an error of a code is one of the
picture, so that codes can be chosen by what they cost and what they gain.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import TensorProto
from torch import Tensor
from torch.nn import functional

from anir_toolchain.graph import Graph
from anir_toolchain.rans import LANE_BITS, Context, Ints, Stream, Tables, encode
from anir_toolchain.rans import emit as emit_codes

_PITCH = 16
"""Pixels from one cell to the next."""
_FEWEST = 4
"""Frequencies along an axis."""
_EVEN = 8
"""Codes up to this one are a step apart, larger ones more."""
_CODES_APART = 48
"""A lane decodes at least so many codes other than zero."""
_FEWEST_STEPS = 3072
"""Fewer steps than these would make the graph decode no faster."""
_EXPECTED = np.array([[40, 6, 1], [6, 3, 1], [1, 1, 0]])
"""Activity of the lowest frequencies before anything is known."""
_ROUNDING = 0.36
"""What is added to a code's size before it is known what codes cost."""
_PASSES = 2
"""Times that codes are chosen by what they cost."""
_NEGLIGIBLE = 0.01
"""Share of the codes other than zero that is given up with the highest frequencies."""
_SAMPLED = 4096
"""Cells on which the step is found, or up to twice as many: some rows of them in a large picture."""
_LAGRANGE = 0.09
"""What a bit may cost, in squared steps."""
_FINEST = 0.5 / 127.5
"""Step, of half a level of a pixel: a finer one shows nothing more."""

Floats = NDArray[np.float32]
Codes = NDArray[np.int16]


@dataclass(frozen=True)
class Latents:
    """A picture as codes of local cosines.

    Attributes:
        codes: int16[3, rows, columns, K, K] by plane, cell, and frequency along y and x. A cell's first one,
            its mean, is the difference to the cell before in its lane.
        step: what a code of 1 is worth.
    """

    codes: Codes
    step: float

    def check(self, size: tuple[int, int]) -> None:
        """Raises ValueError if these are no codes of a picture of size (W, H)."""
        cells = tuple(-(-side // _PITCH) for side in reversed(size))
        *shape, height, width = self.codes.shape
        if self.codes.dtype != np.int16 or tuple(shape) != (3, *cells) or not _FEWEST <= width == height:
            raise ValueError("codes do not fit the picture")
        if not isinstance(self.step, float) or not self.step > 0:
            raise ValueError("no step")

    @cached_property
    def stream(self) -> Stream:
        """The codes, entropy-coded."""
        return encode(_in_lanes(self.codes), _context(self.codes))

    def planes(self, size: tuple[int, int]) -> Floats:
        """The planes float32[3, H, W] of a picture of size (W, H), as the graph works them out."""
        width, height = size
        kernel = _kernel(self.codes.shape[-1]) * self.step**0.5
        worth = _values(self.codes.astype(np.float64))
        runs = worth[..., 0, 0].reshape(_lanes(self.codes), -1)
        worth[..., 0, 0] = runs.cumsum(1).reshape(self.codes.shape[:3])
        planes = _overlap(worth.transpose(0, 2, 4, 1, 3) @ kernel, height).transpose(0, 3, 1, 2)
        return _overlap(planes @ kernel, width).astype(np.float32)


def analyse(image: NDArray[np.uint8]) -> Floats:
    """A picture [H, W, 3] as coefficients of its lapped transform, [3, rows, columns, pitch, pitch]."""
    return np.stack([_analyse(plane) for plane in _principal_colours(image)])


def choose(coefficients: Floats, bits: float) -> Latents:
    """The codes that show the most of the picture that was analysed, in about so many bits."""
    _, rows, columns, *_ = coefficients.shape
    every = min(max(1, rows * columns // _SAMPLED), rows)
    some = coefficients[:, every // 2 :: every]
    share = some.shape[1] / rows
    step = _solve(lambda step: _cost(_quantise(some, step)), bits * share, float(some.std()) / 4)
    return Latents(_quantise(coefficients, step), step)


def sample(planes: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Planes [3, H, W] at N points, [N, 3]: bilinear between pixels' centres, held at the borders."""
    points = torch.stack([x, y], dim=1)[None, None]
    samples = functional.grid_sample(planes[None], points, "bilinear", "border", align_corners=False)
    return samples[0, :, 0].T


def _principal_colours(image: NDArray[np.uint8]) -> Floats:
    """A picture's planes [3, H, W], in units of half its range: principal axes of neighbours' differences."""
    levels = image.astype(np.float32) / 127.5
    differences = np.concatenate([np.diff(levels, axis=axis).reshape(-1, 3) for axis in (0, 1)])
    _, axes = np.linalg.eigh(differences.T.astype(np.float64) @ differences)
    centred = levels - levels.mean((0, 1))
    return np.ascontiguousarray((centred @ axes[:, ::-1]).transpose(2, 0, 1), np.float32)


def _kernel(frequencies: int) -> NDArray[np.float64]:
    """The cosines of a cell under its window, orthonormal: [frequencies, 2 · pitch]."""
    angle = (np.arange(2 * _PITCH) + 0.5) * math.pi / (2 * _PITCH)
    odd = np.arange(1, 2 * frequencies, 2)[:, None]
    result: NDArray[np.float64] = math.sqrt(2 / _PITCH) * np.sin(angle) * np.cos(odd * (angle + math.pi / 4))
    return result


def _border_gain(cells: int) -> NDArray[np.float64]:
    """What makes up for the neighbour that the outer half of the first and of the last cell lacks."""
    middle = cells * _PITCH / 2
    distance = middle - np.abs(np.arange(cells * _PITCH) + 0.5 - middle)
    result: NDArray[np.float64] = 1 / np.sin(np.minimum(distance / _PITCH + 0.5, 1) * math.pi / 2)
    return result


def _analyse(plane: Floats) -> Floats:
    """Coefficients [rows, columns, pitch, pitch] of [H, W], mirrored where the last cells reach beyond."""
    kernel = _kernel(_PITCH).astype(np.float32)
    for _ in range(2):
        length, outer = plane.shape[-1], [(0, 0)] * (plane.ndim - 1)
        cells = -(-length // _PITCH)
        plane = np.pad(plane, [*outer, (0, cells * _PITCH - length)], "symmetric")
        plane = plane * _border_gain(cells).astype(np.float32)
        halves = np.pad(plane, [*outer, (_PITCH // 2, _PITCH // 2)])
        halves = halves.reshape(*plane.shape[:-1], cells + 1, _PITCH)
        frames = np.concatenate([halves[..., :-1, :], halves[..., 1:, :]], axis=-1)
        # [H, W] to [columns, pitch, H], then to [columns, pitch, rows, pitch].
        plane = np.moveaxis(frames @ kernel.T, 0, -1) if plane.ndim == 2 else frames @ kernel.T
    return plane.transpose(2, 0, 3, 1)


def _overlap(frames: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """[..., cells, 2 · pitch] added up where they overlap, [..., length]."""
    *outer, cells, _ = frames.shape
    halves = np.zeros((*outer, cells + 1, _PITCH))
    halves[..., :-1, :] += frames[..., :_PITCH]
    halves[..., 1:, :] += frames[..., _PITCH:]
    inner = halves.reshape(*outer, -1)[..., _PITCH // 2 : -(_PITCH // 2)]
    return (inner * _border_gain(cells))[..., :length]


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
    means = scaled[..., 0, 0].reshape(_lanes(codes), -1)
    differences, known = np.empty_like(means), np.zeros(len(means))
    for i in range(means.shape[1]):
        difference = means[:, i] - known
        differences[:, i] = np.copysign(np.round(_exact(difference)), difference)
        known += _values(differences[:, i])
    codes[..., 0, 0] = differences.reshape(codes.shape[:3])
    return codes


def _costs(codes: Codes) -> tuple[NDArray[np.float64], Ints]:
    """Bits of a code of each size, [tables, sizes], and the table that holds for each of the codes."""
    lanes = _in_lanes(codes)
    activity = _context(codes).activity(lanes)
    tables = Tables.of(np.abs(lanes), activity)
    return tables.costs(), tables.kinds(activity).reshape(codes.shape)


def _cheapest(scaled: Floats, costs: NDArray[np.float64], kinds: Ints) -> Floats:
    """The size of each code, rounded up, down, or to zero: least squared error plus price of its bits."""
    exact, prices = _exact(scaled), (_LAGRANGE * costs).astype(np.float32)
    best, least = np.zeros_like(scaled), scaled**2 + prices[:, 0][kinds]
    for size in (np.minimum(whole(exact), costs.shape[1] - 1) for whole in (np.floor, np.ceil)):
        loss = (np.abs(scaled) - _values(size)) ** 2 + prices[kinds, size.astype(np.intp)]
        best, least = np.where(loss < least, size, best), np.minimum(loss, least)
    return best


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
    last = {cell - k: 1, cell - 1: 1, cell: 4, cell + 1: 1, cell + k: 1}
    return Context(own | last, np.pad(_EXPECTED, (0, k - len(_EXPECTED))).ravel())


def _lanes(codes: Codes) -> int:
    """How many lanes codes are decoded in, each of whole cells."""
    # Means do not count, as they depend on where a lane starts.
    others = np.count_nonzero(codes) - np.count_nonzero(codes[..., 0, 0])
    most = max(1, min(int(others) // _CODES_APART, codes.size // _FEWEST_STEPS))
    cells = math.prod(codes.shape[:3])
    return max(n for n in range(1, most + 1) if cells % n == 0)


def _in_lanes(codes: Codes) -> Ints:
    """Codes as the entropy coder takes them: cell by cell, [lanes, steps]."""
    return codes.reshape(_lanes(codes), -1).astype(np.int32)


def _cost(codes: Codes) -> float:
    """About how many bits codes take in the file."""
    lanes = _in_lanes(codes)
    activity, sizes = _context(codes).activity(lanes), np.abs(lanes)
    return Tables.of(sizes, activity).bits(sizes, activity) + LANE_BITS * len(lanes)


def emit(graph: Graph, latents: Latents, size: tuple[int, int], x: str, y: str, channels: int) -> str:
    """Writes the planes of a picture of size (W, H) where they are asked for, float32[H, W, channels].

    Between pixels' centres they are interpolated bilinearly. The channels after the third are zero.

    Args:
        graph: where the nodes go.
        latents: what is shown.
        size: (W, H) of the picture that was coded.
        x: columns, float32[W, 1].
        y: rows, float32[H, 1, 1].
        channels: how many there are to be.
    """
    parts = [
        graph.op("Mul", axis, graph.tensor(np.eye(2, dtype=np.float32)[i])) for i, axis in enumerate((x, y))
    ]
    points = graph.op("Unsqueeze", graph.op("Add", *parts), graph.integers(0))
    planes = _emit_planes(graph, latents, size)
    samples = graph.op("GridSample", planes, points, padding_mode="border")
    features = graph.op("Squeeze", graph.op("Transpose", samples, perm=[0, 2, 3, 1]), graph.integers(0))
    return graph.op("Pad", features, graph.integers(0, 0, 0, 0, 0, channels - 3))


def _emit_planes(graph: Graph, latents: Latents, size: tuple[int, int]) -> str:
    """Writes what `Latents.planes` gives, float32[1, 3, H, W]."""
    (width, height), codes = size, latents.codes
    _, rows, columns, frequencies, _ = codes.shape
    kernel = _emit_kernel(graph, frequencies, latents.step)
    values = graph.op("Transpose", _emit_values(graph, latents), perm=[0, 2, 4, 3, 1])
    planes = _emit_overlap(graph, values, (3 * columns * frequencies, frequencies, rows), kernel, height)
    planes = graph.op("Reshape", planes, graph.integers(3, columns, frequencies, height))
    planes = graph.op("Transpose", planes, perm=[0, 3, 2, 1])
    planes = _emit_overlap(graph, planes, (3 * height, frequencies, columns), kernel, width)
    return graph.op("Reshape", planes, graph.integers(1, 3, height, width))


def _emit_values(graph: Graph, latents: Latents) -> str:
    """What the codes stand for, in steps: float32 of the codes' shape."""
    codes, stream = latents.codes, latents.stream
    _, rows, columns, frequencies, _ = codes.shape
    prior = graph.varints(_EXPECTED.astype(np.int32))
    spare = frequencies - len(_EXPECTED)
    prior = graph.op(
        "Reshape", graph.op("Pad", prior, graph.integers(0, 0, spare, spare)), graph.integers(-1)
    )
    lanes = graph.op("Transpose", emit_codes(graph, stream, _context(codes), prior), perm=[1, 0, 2])
    lanes = graph.op("Cast", lanes, to=TensorProto.FLOAT)
    apart = graph.op("Mul", graph.op("Abs", lanes), graph.scalar(1 / _EVEN))
    values = graph.op("Mul", lanes, graph.op("Max", apart, graph.scalar(1)))
    cells = graph.op(
        "Reshape", values, graph.integers(len(stream.states), stream.steps // frequencies**2, frequencies**2)
    )
    means, others = graph.split_op("Split", 2, cells, graph.integers(1, frequencies**2 - 1), axis=2)
    values = graph.op("Concat", graph.op("CumSum", means, graph.integers(1)), others, axis=2)
    return graph.op("Reshape", values, graph.integers(3, rows, columns, frequencies, frequencies))


def _emit_kernel(graph: Graph, frequencies: int, step: float) -> str:
    """`_kernel` times the root of a step, float32[K, 1, 2 · pitch]."""
    unit = math.pi / (2 * _PITCH)
    angle = graph.op("Range", *(graph.scalar(n) for n in (unit / 2, math.pi, unit)))
    odd = graph.op("Range", *(graph.scalar(n) for n in (1, 2 * frequencies, 2)))
    odd = graph.op("Reshape", odd, graph.integers(frequencies, 1, 1))
    cosines = graph.op("Cos", graph.op("Mul", graph.op("Add", angle, graph.scalar(math.pi / 4)), odd))
    window = graph.op("Mul", graph.op("Sin", angle), graph.scalar(math.sqrt(2 * step / _PITCH)))
    return graph.op("Mul", cosines, window)


def _emit_overlap(graph: Graph, values: str, shape: tuple[int, int, int], kernel: str, length: int) -> str:
    """`_overlap` of cosines: [N, K, cells] in any shape to [N, 1, length]."""
    cells = shape[2]
    values = graph.op("Reshape", values, graph.integers(*shape))
    beyond = cells * _PITCH - length
    pads = [_PITCH // 2, _PITCH // 2 + beyond]
    waves = graph.op("ConvTranspose", values, kernel, strides=[_PITCH], pads=pads)
    middle, unit = cells * _PITCH / 2, math.pi / (2 * _PITCH)
    limits = ((0.5 - middle) * unit, (length - middle) * unit, unit)
    distance = graph.op("Abs", graph.op("Range", *(graph.scalar(n) for n in limits)))
    edge = graph.op("Sub", graph.scalar(middle * unit + math.pi / 4), distance)
    return graph.op("Div", waves, graph.op("Sin", graph.op("Min", edge, graph.scalar(math.pi / 2))))
