"""Encodes the coefficients of a lapped transform as one embedded stream, of which each level is a prefix.

Coefficients are not optimized one by one: a level's significance threshold depends on the probability that it
is reached, which is what rate–distortion optimization comes to (docs/format.md). What is searched for is each
level's quantization step (its `width`), so that the level fits into its bytes.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from anir_runtime.anir_latents import latents_of
from anir_runtime.coder import Coder, Integers
from anir_runtime.level_step import LEAST_WIDTH, MOST_WIDTH, LevelStep, code_level_step, near_width
from anir_runtime.network import Latents
from anir_runtime.segments import BLOCK
from numpy.typing import NDArray

Reals = NDArray[np.floating]
SmallIntegers = NDArray[np.int16]
"""Coefficients that a network adds, in units: at most some widths, so 16 bits suffice, and save memory."""

FINEST = 1.5 / 127.5
"""Finest quantization step of a level: 1.5 of the 255 steps of an 8-bit colour, which gives some 50 dB."""
UNIT = FINEST / LEAST_WIDTH
"""Value of one unit: the embedded stream codes coefficients as whole numbers of it."""
LARGEST = 1 << 22
"""Largest magnitude of a coefficient; larger ones are clipped."""
_TOLERANCE = 0.001
"""Share of the bytes up to a level's end that may stay unused."""
_LAST_TOLERANCE = 0.0005
"""The same for the last level."""
_TRIALS = 16
"""Largest number of widths that are tried for a level."""
_ALIKE = 1.0005
"""Ratio of a fitting width to a too fine one below which the search ends: bytes may jump past the target."""
_APART = 1.003
"""Least ratio from a too fine width to the next one tried; closer ones may be the same in a file (1/512)."""
_SIGNIFICANT = 0.6
"""Approximate magnitude, in widths of a level, from which on coefficients are significant there."""
_FIRST_BITS = 3.2
"""Bits per significant coefficient, as a first guess."""
_COUNT_EXPONENT = 0.7
"""The number of significant coefficients grows with this power of the bytes.

It is below 1 because more bytes also refine the coefficients that were significant before.
"""


@dataclass(frozen=True)
class Refined:
    """A picture's coefficients at one level.

    Attributes:
        step: how the level refines the coefficients.
        values: the coefficients as known after the level, int32[rows, columns, N, K, K]: the coder's memory,
            overwritten when the iterator that yielded the level moves on.
        end: bytes that a reader needs up to the end of the level's coefficients: of the stream, with its
            widths and reaches, and the four that a decoder reads ahead.
    """

    step: LevelStep
    values: Integers
    end: int

    def latents(self) -> Latents:
        """Returns the coefficients in units of the level's width."""
        return latents_of([self.values], 1 / self.step.width, self.values.shape[-1], self.step.reach)


def in_units(bands: Iterable[Reals], rows: int) -> Integers:
    """Returns the coefficients to encode, int32[rows, columns, N, K, K] in units of UNIT.

    The DC coefficients of the cells are replaced by their cosine transform over blocks of 8 × 8 cells.

    Args:
        bands: the transform's coefficients from the top, n rows of cells at a time, [N, n, columns, K, K].
        rows: total number of rows of cells.
    """
    first, means = 0, list[Reals]()
    for band in bands:
        own = band.transpose(1, 2, 0, 3, 4).astype(np.float64)
        if not means:
            result = np.empty((rows, *own.shape[1:]), np.int32)
        means.append(own[..., 0, 0].copy())
        result[first : first + len(own)] = _rounded(own)
        first += len(own)
    down, across = (_cosines(n) for n in result.shape[:2])
    for p, plane in enumerate(np.concatenate(means).transpose(2, 0, 1)):
        result[:, :, p, 0, 0] = _rounded(down @ plane @ across.T)
    return result


def reproducing(known: Integers) -> Integers:
    """Returns coefficients that, encoded with the steps of the levels that gave `known`, give these again.

    What is known after the last level lies within all intervals, and is so coded by the same decisions. The
    cells' means need the exact inverse of the decoder's DCT, whose cosines have 12 bits (docs/format.md,
    "Values"): with an orthonormal DCT, large means would be off by more than an interval.

    Args:
        known: coefficients of the last level, int32[rows, columns, N, K, K], as `Coder.values` returns them.
    """
    result = known.copy()
    down, across = (np.linalg.inv(np.floor(4096 * _cosines(n) + 0.5) / 4096) for n in known.shape[:2])
    for p, means in enumerate(known[..., 0, 0].transpose(2, 0, 1)):
        result[:, :, p, 0, 0] = np.rint(down.T @ means @ across)
    return result


def _rounded(values: Reals) -> Reals:
    """Converts values to whole units, clipped to ±LARGEST, in place."""
    values /= UNIT
    np.rint(values, out=values)
    return np.clip(values, -LARGEST, LARGEST, out=values)


def _cosines(n: int) -> Reals:
    """Returns the matrix [n, n] of an orthonormal cosine transform (DCT-II) over blocks of BLOCK numbers."""
    result = np.zeros((n, n))
    for start in range(0, n, BLOCK):
        k = min(BLOCK, n - start)
        angles = np.pi * np.arange(k)[:, None] * (np.arange(k) + 0.5) / k
        block = np.cos(angles) * math.sqrt(2 / k)
        block[0] /= math.sqrt(2)
        result[start : start + k, start : start + k] = block
    return result


def encode_levels(
    target: Integers,
    ends: Sequence[int],
    reaches: Sequence[int],
    trials: int = _TRIALS,
    left_out: Sequence[SmallIntegers] = (),
) -> Iterator[Refined]:
    """Encodes and yields one level after the other, each of which ends at its given byte or just before.

    Args:
        target: the coefficients to encode, as `in_units` returns them.
        ends: for each level the largest `Refined.end`, ascending.
        reaches: the reach of each level's network (`Latents.reach`).
        trials: largest number of widths that are tried for a level.
        left_out: for each level what to subtract from `target` there; nothing by default.
    """
    coder = Coder(*target.shape[:4])
    # Room for widths that turn out far too fine: noise may take more than a byte for each coefficient.
    coder.encode(4 * target.size + 4096, target)
    rate_model = RateModel(target)
    before, bits = None, _FIRST_BITS
    for number, (end, reach) in enumerate(zip(ends, reaches, strict=True)):
        if left_out:
            coder.set_target(target - left_out[number])
        guess = LevelStep(rate_model.width(8 * end / bits), reach)
        tolerance = _LAST_TOLERANCE if end == ends[-1] else _TOLERANCE
        inside = range(round(end - tolerance * end), end + 1)
        before = _coded_within(coder, rate_model, before, guess, inside, trials)
        yield Refined(before, coder.values(), coder.position())
        bits = 8 * coder.position() / rate_model.beyond(before.width)


class RateModel:
    """Rate model: a level's bytes are about proportional to its number of significant coefficients.

    After He and Mitra 2002, A linear source model and a unified rate control algorithm for DCT video coding.
    """

    def __init__(self, target: Integers) -> None:
        self._ascending = np.sort(np.abs(target), axis=None)

    def beyond(self, width: int) -> int:
        """Returns about how many coefficients are significant at a width, at least 1."""
        return max(1, len(self._ascending) - int(np.searchsorted(self._ascending, _SIGNIFICANT * width)))

    def width(self, count: float) -> int:
        """Returns the width at which about `count` coefficients are significant."""
        return int(self._ascending[-min(max(1, round(count)), len(self._ascending))] / _SIGNIFICANT)


def refined_after(
    target: Integers, steps: Iterable[LevelStep], left_out: Sequence[SmallIntegers] = ()
) -> Iterator[Refined]:
    """Encodes and yields levels with the given steps; for `target` and `left_out` see `encode_levels`."""
    coder = Coder(*target.shape[:4])
    coder.encode(target.size + 4096, target)
    before = None
    for number, step in enumerate(steps):
        if left_out:
            coder.set_target(target - left_out[number])
        end = _code(coder, before, step)
        yield Refined(step, coder.values(), end)
        before = step


def latents_after(target: Integers, steps: Iterable[LevelStep]) -> Iterator[Latents]:
    """Encodes `target`, as `in_units` returns it, with the given steps, and yields each level's latents."""
    return (level.latents() for level in refined_after(target, steps))


def _code(coder: Coder, before: LevelStep | None, step: LevelStep) -> int:
    """Encodes a level, given the step of the level before, and returns the byte at which it ends."""
    code_level_step(coder, before, step)
    coder.level(step.width)
    return coder.position()


def _coded_within(
    coder: Coder, rate_model: RateModel, before: LevelStep | None, guess: LevelStep, ends: range, trials: int
) -> LevelStep:
    """Encodes a level with the finest of the tried widths whose bytes fit, and returns its step.

    The search stops once the level ends at one of `ends`. If no tried width achieves that, the level ends
    before them; if none fits at all, the widest is taken, and the level ends after them.
    """
    coder.keep()
    tried: dict[int, int] = {}
    width = guess.width
    for _ in range(trials):
        width = near_width(before, min(max(width, LEAST_WIDTH), MOST_WIDTH))
        if width in tried:
            break
        if tried:
            coder.restore()
        tried[width] = _code(coder, before, replace(guess, width=width))
        fine = max((w for w, taken in tried.items() if taken >= ends.stop), default=0)
        fit = min((w for w, taken in tried.items() if taken < ends.stop), default=0)
        if fit and (tried[fit] in ends or fit == LEAST_WIDTH or fit < _ALIKE * fine):
            break
        width = _between(rate_model, fine, fit, tried, ends)
    width = min((w for w, taken in tried.items() if taken < ends.stop), default=max(tried))
    if width != next(reversed(tried)):
        coder.restore()
        _code(coder, before, replace(guess, width=width))
    return replace(guess, width=width)


def _between(rate_model: RateModel, fine: int, fit: int, tried: dict[int, int], ends: range) -> int:
    """Returns the next width to try, given the widest too fine and the finest fitting width (0: none yet)."""
    aim = (ends.start + ends.stop) / 2
    if fine and fit:
        above, below = math.log(tried[fine] / aim), math.log(aim / tried[fit])
        last = [taken >= ends.stop for taken in tried.values()][-2:]
        # Bytes are no smooth function of the width: bisect where the last two widths erred on the same side.
        share = 0.5 if last[0] == last[-1] else min(max(above / (above + below), 0.1), 0.9)
        return min(max(round(float(fine * (fit / fine) ** share)), fine + 1), fit - 1)
    width = rate_model.width(rate_model.beyond(fine or fit) * (aim / tried[fine or fit]) ** _COUNT_EXPONENT)
    return max(width, math.ceil(_APART * fine)) if fine else min(width, fit - 1)
