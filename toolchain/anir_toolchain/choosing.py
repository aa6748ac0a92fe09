"""Choosing local cosines: the codes that show the most of a picture in so many bits."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anir_toolchain.lapped import (
    EVEN,
    FARTHEST,
    FEWEST,
    PITCHES,
    Codes,
    Floats,
    Latents,
    context,
    from_lanes,
    in_lanes,
    values_of,
    worth_of,
)
from anir_toolchain.rans import LANE_BITS, Ints, Tables

_ROUNDING = 0.36
"""What is added to a code's size before it is known what codes cost."""
_PASSES = 2
"""Times that codes are chosen by what they cost."""
TRIALS = 9
"""Of steps, at most, until codes take hardly fewer bits than they may."""
_NEGLIGIBLE = 0.002
"""Share of the codes other than zero that is given up with the highest frequencies."""
_SAMPLED = 2**20
"""Pixels on which the step is found, or up to twice as many: some lanes in a large picture."""
_LAGRANGE = 0.11
"""What a bit may cost, in squared steps."""
_FINEST = 0.5 / 127.5
"""Step, of half a level of a pixel: a finer one shows nothing more."""
_BLURRED = 0.21
"""Bits per pixel below which pixels FARTHEST apart tell networks more than those side by side."""
_COARSEST = 1e3
"""Step at which all codes are zero."""


@dataclass(frozen=True)
class Coefficients:
    """A picture in a lapped transform.

    Attributes:
        values: float32[3, A, B, pitch, pitch], as `Latents.codes`, but for the means.
        down: as in `Latents`.
    """

    values: Floats
    down: bool


def analyse(image: NDArray[np.uint8]) -> list[Coefficients]:
    """A picture [H, W, 3] in lapped transforms of each pitch."""
    levels = image.astype(np.float32) / 127.5
    # All cosines are zero along these borders, which so show this colour.
    border = np.concatenate([levels[0], levels[:, 0]]).mean(0)
    planes = np.ascontiguousarray(((levels - border) @ principal_colours(image)).transpose(2, 0, 1))
    return [_in_scan(np.stack([_analyse(plane, pitch) for plane in planes])) for pitch in PITCHES]


def choose(candidates: list[Coefficients], budgets: Sequence[float], pool: Executor) -> list[Latents]:
    """The codes that show the most of the picture that was analysed, for each budget of bits.

    They take hardly fewer bits than they may, or hardly more in a large picture.
    """

    def codes(solutions: tuple[tuple[float, float], ...], bits: float) -> Latents:
        (_, step), best = min(zip(solutions, candidates, strict=True), key=lambda pair: pair[0])
        return _latents(best, step, FARTHEST if bits < _BLURRED * best.values[0].size else 1)

    solutions = pool.map(lambda coefficients: _steps(coefficients, budgets), candidates)
    return list(pool.map(codes, zip(*solutions, strict=True), budgets))


def choose_again(
    latents: Latents, planes: Floats, missing: Floats, bits: float | None = None, trials: int = TRIALS
) -> Latents:
    """Codes of the same transform for what they are to show besides.

    Args:
        latents: the codes so far.
        planes: what these show at every pixel, float32[H, W, 3].
        missing: what is to be shown besides, float32[H, W, 3], in the planes' colours.
        bits: what the new codes may take; if nothing is said, the step stays.
        trials: of steps, until codes take hardly fewer bits.
    """
    wanted = (planes + missing).transpose(2, 0, 1)
    values = np.stack([_analyse(np.ascontiguousarray(plane), latents.pitch) for plane in wanted])
    values = values if latents.down else values.transpose(0, 2, 1, 4, 3)
    coefficients = Coefficients(values, latents.down)
    step = latents.step if bits is None else _steps(coefficients, [bits], latents.step, trials)[0][1]
    return _latents(coefficients, step, latents.reach)


def _latents(coefficients: Coefficients, step: float, reach: int) -> Latents:
    values = coefficients.values
    return Latents(_quantise(values, step), step, values.shape[-1], coefficients.down, reach)


def _steps(
    coefficients: Coefficients, budgets: Sequence[float], start: float | None = None, trials: int = TRIALS
) -> list[tuple[float, float]]:
    """For each budget the squared error and the step that gives it, found on some of the lanes.

    From `start` on, if there is one.
    """
    values, errors = coefficients.values, dict[float, float]()
    across = values.shape[2]
    every = min(max(1, values[0].size // _SAMPLED), across)
    some = values[:, :, every // 2 :: every]
    share = some.shape[2] / across
    # Lanes differ in what there is to see in them.
    detail = _detail(values) / max(_detail(some), 1e-9)

    def cost(step: float) -> float:
        codes = _quantise(some, step)
        errors[step] = _error(some, codes, step) * detail
        return _cost(codes)

    start = start or max(float(some.std()) / 4, _FINEST)
    tried = {start: cost(start)}
    steps = [_solve(cost, bits * share, tried, trials) for bits in budgets]
    return [(errors[step], step) for step in steps]


def _detail(values: Floats) -> float:
    """The energy of all but cells' means."""
    return float(np.square(values).sum() - np.square(values[..., 0, 0]).sum())


def principal_colours(image: NDArray[np.uint8]) -> Floats:
    """Principal axes of neighbours' differences in a picture [H, W, 3], the longest first: [RGB, planes]."""
    levels = image.astype(np.float32) / 127.5
    differences = np.concatenate([np.diff(levels, axis=axis).reshape(-1, 3) for axis in (0, 1)])
    _, axes = np.linalg.eigh(differences.T.astype(np.float64) @ differences)
    return axes[:, ::-1].astype(np.float32)


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


def _solve(cost: Callable[[float], float], bits: float, tried: dict[float, float], trials: int) -> float:
    """The step at which codes cost so many bits, or hardly fewer.

    The cost falls about as a power of the step, but jumps where a frequency or some lanes come in.
    `tried` are steps and what they cost, at least one; it grows.
    """
    aim = 0.999 * bits

    def coarse_enough() -> float:
        return min((step for step, taken in tried.items() if taken <= bits), default=math.inf)

    for _ in range(trials):
        coarse = coarse_enough()
        fine = max((step for step in tried if step < coarse), default=0.0)
        if coarse == _FINEST or coarse < 1.001 * fine or tried.get(coarse, 0.0) > 0.998 * bits:
            break
        if fine and coarse < math.inf:
            share = math.log(tried[fine] / aim) / math.log(tried[fine] / tried[coarse])
            step = fine * (coarse / fine) ** min(max(share, 0.1), 0.9)
        else:
            nearest = fine or coarse
            step = min(max(nearest * (tried[nearest] / aim) ** 1.1, _FINEST), _COARSEST)
        if step in tried:
            break
        tried[step] = cost(step)
    return min(coarse_enough(), max(tried))


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
    beyond = np.array([each[highest >= k].sum() for k in range(FEWEST, frequencies)])
    return FEWEST + int(np.count_nonzero(beyond > _NEGLIGIBLE * each.sum()))


def _rounded(scaled: Floats, sizes: Floats) -> Codes:
    """Codes of these sizes, but for each cell's mean, which is told as the difference to the cell before."""
    codes = np.copysign(sizes, scaled).astype(np.int16)
    known = np.zeros_like(scaled[:, 0, :, 0, 0])
    for i in range(scaled.shape[1]):
        difference = scaled[:, i, :, 0, 0] - known
        codes[:, i, :, 0, 0] = np.copysign(np.round(_exact(difference)), difference)
        known += values_of(codes[:, i, :, 0, 0].astype(np.float32))
    return codes


def _costs(codes: Codes) -> tuple[NDArray[np.float64], Ints]:
    """Bits of a code of each size, [tables, sizes], and the table that holds for each of the codes."""
    lanes = in_lanes(codes)
    activity = context(codes).activity(lanes)
    tables = Tables.of(np.abs(lanes), activity)
    return tables.costs(), from_lanes(tables.kinds(activity), codes)


def _cheapest(scaled: Floats, costs: NDArray[np.float64], kinds: Ints) -> Floats:
    """The size of each code, rounded up, down, or to zero: least squared error plus price of its bits."""
    result, prices = np.zeros_like(scaled), (_LAGRANGE * costs).astype(np.float32)
    # The others, most of all, are nearest to zero, which is cheapest, too.
    some = np.abs(scaled) >= 0.5
    values, own = np.abs(scaled[some]), kinds[some]
    exact, best, least = _exact(values), np.zeros_like(values), values**2 + prices[own, 0]
    for size in (np.minimum(whole(exact), costs.shape[1] - 1) for whole in (np.floor, np.ceil)):
        loss = (values - values_of(size)) ** 2 + prices[own, size.astype(np.intp)]
        best, least = np.where(loss < least, size, best), np.minimum(loss, least)
    result[some] = best
    return result


def _error(values: Floats, codes: Codes, step: float) -> float:
    """Squared error of the picture that codes give."""
    k = codes.shape[-1]
    worth = worth_of(codes).astype(np.float32) * np.float32(step)
    return float(
        np.square(values[..., :k, :k] - worth).sum()
        + np.square(values).sum()
        - np.square(values[..., :k, :k]).sum()
    )


def _exact(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """The size of the code, were it not whole: the inverse of `values_of`."""
    sizes = np.abs(values)
    result: NDArray[np.floating] = np.where(sizes <= EVEN, sizes, np.sqrt(EVEN * sizes))
    return result


def _cost(codes: Codes) -> float:
    """About how many bits codes take in the file."""
    lanes = in_lanes(codes)
    activity, sizes = context(codes).activity(lanes), np.abs(lanes)
    return Tables.of(sizes, activity).bits(sizes, activity) + LANE_BITS * len(lanes)
