"""Rate-distortion optimisation: codes of a lapped transform that show the most of a picture in given bits.

Codes are rounded by D + λ R, the squared error plus λ times the bits (rate-distortion optimised quantization,
as in video coders), with λ in proportion to the squared step. So the step alone is left to be found: that
with which codes take the bits that there are.
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

import numpy as np
from anir_runtime.lapped_transform import EVEN, FEWEST, REACHES, Floats, context, expand
from anir_runtime.network import Latents
from anir_runtime.rans import Ints
from numpy.typing import NDArray

from anir_toolchain.lapped_analysis import Coefficients, analyse_planes
from anir_toolchain.latent_coding import Codes, in_lanes, out_of_lanes
from anir_toolchain.rans_encoder import LANE_BITS, activities, code_costs, fit_tables, table_index, total_bits

TRIALS = 9
"""Most steps that are tried for one budget of bits."""
_LAMBDA = 0.11
"""The rate-distortion multiplier λ, in step² per bit."""
_DEADZONE_OFFSET = 0.36
"""A magnitude of v steps has the code ⌊v + offset⌋ before bits of codes are known; ½ gives the nearest."""
_PASSES = 2
"""Times that codes are rounded anew by the bits that codes took in the pass before."""
_NEGLIGIBLE = 0.002
"""Share of the nonzero codes that is given up with the highest frequencies."""
_SAMPLED = 2**20
"""Coefficients of a plane on which the step is found, or up to twice as many, in a large picture."""
_FINEST = 0.5 / 127.5
"""Smallest step, half a level of a pixel: a finer one would show nothing more."""
_COARSEST = 1e3
"""Largest step: all codes are zero with it."""
_BLURRED = 0.21
"""Bits per pixel below which networks see planes 2 pixels away instead of 1: bench/NOTES.md."""


def quantize_picture(
    candidates: list[Coefficients], budgets: Sequence[float], pool: Executor
) -> list[Latents]:
    """For each budget the latents that show the most of a picture.

    Args:
        candidates: the picture's coefficients with each pitch (`analyse`); those with least error win.
        budgets: bits of the codes and their tables. Only in a large picture, where the step is found on some
            of the lanes, they may be exceeded a little.
        pool: runs candidates, and then budgets, side by side.
    """

    def quantize(solutions: tuple[tuple[float, float], ...], bits: float) -> Latents:
        (_, step), best = min(zip(solutions, candidates, strict=True), key=lambda pair: pair[0])
        return _latents(best, step, REACHES[-1] if bits < _BLURRED * best.values[0].size else REACHES[0])

    solutions = pool.map(lambda coefficients: _solve_steps(coefficients, budgets), candidates)
    return list(pool.map(quantize, zip(*solutions, strict=True), budgets))


def quantize_again(
    latents: Latents, planes: Floats, residual: Floats, bits: float | None = None, trials: int = TRIALS
) -> Latents:
    """New latents of the same transform, which show a residual besides.

    Args:
        latents: the latents so far.
        planes: what these show at every pixel, float32[H, W, N].
        residual: what is to be added to the planes, float32[H, W, N].
        bits: budget of the new codes and their tables; without one the step stays as it is.
        trials: most steps that are tried to meet the budget.
    """
    coefficients = analyse_planes(planes + residual, latents.pitch, latents.down)
    step = latents.step if bits is None else _solve_steps(coefficients, [bits], latents.step, trials)[0][1]
    return _latents(coefficients, step, latents.reach)


def _latents(coefficients: Coefficients, step: float, reach: int) -> Latents:
    values = coefficients.values
    codes = _quantized(values, step)
    # A float32 number, which a file carries exactly.
    return Latents(codes, float(np.float32(step)), values.shape[-1], coefficients.down, reach)


def _solve_steps(
    coefficients: Coefficients, budgets: Sequence[float], start: float | None = None, trials: int = TRIALS
) -> list[tuple[float, float]]:
    """For each budget in bits the squared error, and the step with which it is reached.

    Codes are counted on some of the lanes of a large picture. The search begins at `start`, if there is one.
    """
    values, errors = coefficients.values, dict[float, float]()
    across = values.shape[2]
    every = min(max(1, values[0].size // _SAMPLED), across)
    some = values[:, :, every // 2 :: every]
    share = some.shape[2] / across
    # Errors are compared between pitches, whose lanes are different samples of the picture's detail.
    detail = _detail(values) / max(_detail(some), 1e-9)

    def rate(step: float) -> float:
        codes = _quantized(some, step)
        errors[step] = _distortion(some, codes, step) * detail
        return _rate(codes)

    start = start or max(float(some.std()) / 4, _FINEST)
    tried = {start: rate(start)}
    steps = [_solve_step(rate, bits * share, tried, trials) for bits in budgets]
    return [(errors[step], step) for step in steps]


def _detail(values: Floats) -> float:
    """The energy (sum of squares) of all coefficients but the cells' means."""
    return float(np.square(values).sum() - np.square(values[..., 0, 0]).sum())


def _solve_step(rate: Callable[[float], float], bits: float, tried: dict[float, float], trials: int) -> float:
    """The finest step tried whose codes do not exceed the budget, and hardly stay below it.

    Args:
        rate: the bits of codes with a step. They fall about as a power of the step, but jump where a
            frequency or some lanes come in.
        bits: the budget.
        tried: steps and their bits, at least one; those that are tried here are added.
        trials: most steps to try.
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
        tried[step] = rate(step)
    return min(coarse_enough(), max(tried))


def _quantized(coefficients: Floats, step: float) -> Codes:
    """Codes [N, A, B, K, K] of coefficients [N, A, B, pitch, pitch], rounded for the least D + λ R."""
    scaled = coefficients / np.float32(step)
    kept = _frequencies_kept(np.floor(np.abs(scaled) + _DEADZONE_OFFSET))
    scaled = scaled[..., :kept, :kept]
    codes = _with_means(scaled, np.floor(_fractional_sizes(scaled) + _DEADZONE_OFFSET))
    for _ in range(_PASSES):
        codes = _with_means(scaled, _cheapest_sizes(scaled, *_code_costs(codes)))
    return codes


def _frequencies_kept(sizes: Floats) -> int:
    """K, the number of frequencies along each axis beyond which hardly any of the sizes differs from zero."""
    frequencies = sizes.shape[-1]
    each = np.count_nonzero(sizes.reshape(-1, frequencies, frequencies), axis=0)
    highest = np.maximum(*np.indices(each.shape))
    beyond = np.array([each[highest >= k].sum() for k in range(FEWEST, frequencies)])
    return FEWEST + int(np.count_nonzero(beyond > _NEGLIGIBLE * each.sum()))


def _with_means(scaled: Floats, sizes: Floats) -> Codes:
    """Codes of these sizes with the signs of the coefficients; means as differences along the scan.

    A difference is that to the mean that a decoder knows of the cell before, so that errors do not add up.
    """
    codes = np.copysign(sizes, scaled).astype(np.int16)
    known = np.zeros_like(scaled[:, 0, :, 0, 0])
    for i in range(scaled.shape[1]):
        difference = scaled[:, i, :, 0, 0] - known
        codes[:, i, :, 0, 0] = np.copysign(np.round(_fractional_sizes(difference)), difference)
        known += expand(codes[:, i, :, 0, 0])
    return codes


def _code_costs(codes: Codes) -> tuple[NDArray[np.float64], Ints]:
    """Bits of a code of each size, float64[tables, sizes], and the index of each code's table."""
    lanes = in_lanes(codes)
    activity = activities(lanes, context(codes.shape[-1]))
    tables = fit_tables(np.abs(lanes), activity)
    return code_costs(tables), out_of_lanes(table_index(tables.limits, activity), codes)


def _cheapest_sizes(scaled: Floats, costs: NDArray[np.float64], tables: Ints) -> Floats:
    """The size of each code with the least D + λ R: its magnitude rounded down, rounded up, or zero.

    Args:
        scaled: coefficients in steps.
        costs: bits of a code of each size, [tables, sizes].
        tables: index of the table of each code.
    """
    result, prices = np.zeros_like(scaled), (_LAMBDA * costs).astype(np.float32)
    # Below half a step, where most coefficients are, zero is the nearest size and the cheapest.
    some = np.abs(scaled) >= 0.5
    values, own = np.abs(scaled[some]), tables[some]
    exact, best, least = _fractional_sizes(values), np.zeros_like(values), values**2 + prices[own, 0]
    for size in (np.minimum(whole(exact), costs.shape[1] - 1) for whole in (np.floor, np.ceil)):
        loss = (values - expand(size)) ** 2 + prices[own, size.astype(np.intp)]
        best, least = np.where(loss < least, size, best), np.minimum(loss, least)
    result[some] = best
    return result


def _fractional_sizes(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """The inverse of `expand` on magnitudes: sizes of codes if they did not have to be whole."""
    magnitudes = np.abs(values)
    result: NDArray[np.floating] = np.where(magnitudes <= EVEN, magnitudes, np.sqrt(EVEN * magnitudes))
    return result


def _distortion(values: Floats, codes: Codes, step: float) -> float:
    """Squared error of the coefficients that codes give; frequencies without a code count as zero."""
    k, decoded = codes.shape[-1], expand(codes)
    decoded[..., 0, 0] = decoded[..., 0, 0].cumsum(1, dtype=np.float64)
    decoded *= np.float32(step)
    return float(
        np.square(values[..., :k, :k] - decoded).sum()
        + np.square(values).sum()
        - np.square(values[..., :k, :k]).sum()
    )


def _rate(codes: Codes) -> float:
    """About how many bits codes take in the file, with their tables and the states of their lanes."""
    lanes = in_lanes(codes)
    activity, sizes = activities(lanes, context(codes.shape[-1])), np.abs(lanes)
    return total_bits(fit_tables(sizes, activity), sizes, activity) + LANE_BITS * len(lanes)
