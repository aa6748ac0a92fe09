"""Coefficients of a lapped transform as one embedded code, of which each level is a prefix.

Nothing is weighed: a level tells of coefficients by thresholds that depend on how likely these are reached,
as rate and distortion would have it (docs/format.md). Sought is each level's width, so that it ends in time.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from anir_runtime.anir_latents import latents_of
from anir_runtime.coder import Coder, Integers
from anir_runtime.network import Latents
from anir_runtime.steps import LEAST_WIDTH, MOST_WIDTH, Step, cheap_width, code_step, factor
from numpy.typing import NDArray

Floats = NDArray[np.floating]

FINEST = 1.5 / 127.5
"""Width of the finest level that is thought of: a level and a half of a pixel, which shows some 50 dB."""
UNIT = FINEST / LEAST_WIDTH
"""Value of a size of 1 of the embedded code."""
LARGEST = 1 << 22
"""Size beyond which no coefficient is told apart."""
BLOCK = 8
"""Cells along a side of a block, whose means are coded as cosines."""
_TOLERANCE, _TRIALS = 0.003, 9
"""Share of a level's bytes that may be left, and how many widths are tried at most."""


@dataclass(frozen=True)
class Embedded:
    """A picture at one level.

    Attributes:
        step: how the level refines what was known.
        latents: what is known then, in units of the level's width.
        end: bytes of the stream up to there, if it had nothing but coefficients.
    """

    step: Step
    latents: Latents
    end: int


def in_units(values: Floats) -> Integers:
    """Coefficients to encode, int32[rows, columns, N, K, K], of coefficients [N, rows, columns, K, K].

    Cells' means become cosines over blocks of 8 by 8 cells.
    """
    planes, rows, columns, *frequencies = values.shape
    result = np.empty((rows, columns, planes, *frequencies), np.int32)
    # One plane after the other, which takes less memory.
    for p, plane in enumerate(values):
        own = plane.astype(np.float64)
        own[..., 0, 0] = _cosines(rows) @ own[..., 0, 0] @ _cosines(columns).T
        own /= UNIT
        np.rint(own, out=own)
        result[:, :, p] = np.clip(own, -LARGEST, LARGEST, out=own)
    return result


def _cosines(n: int) -> Floats:
    """The orthonormal cosines of n numbers in blocks of BLOCK, [n, n]."""
    result = np.zeros((n, n))
    for start in range(0, n, BLOCK):
        k = min(BLOCK, n - start)
        angles = np.pi * np.arange(k)[:, None] * (np.arange(k) + 0.5) / k
        block = np.cos(angles) * math.sqrt(2 / k)
        block[0] /= math.sqrt(2)
        result[start : start + k, start : start + k] = block
    return result


def embed(
    target: Integers, ends: Sequence[int], reaches: Sequence[int], trials: int = _TRIALS
) -> list[Embedded]:
    """Levels that end after so many bytes each, or just before.

    Args:
        target: what levels come near to, as `in_units` has it.
        ends: bytes of coefficients up to the end of each level, rising.
        reaches: of each level's network (`Latents.reach`).
        trials: widths that are tried for a level at most.
    """
    rows, columns, planes, pitch, _ = target.shape
    coder = Coder(rows, columns, planes, pitch)
    coder.encode(target.size + 4096, target)
    result: list[Embedded] = []
    for end, reach in zip(ends, reaches, strict=True):
        before = result[-1].step if result else None
        if before:
            guess = before.width * math.sqrt(result[-1].end / end)
        else:
            guess = math.sqrt(float(np.square(target, dtype=np.float64).mean()))
        step = _coded_within(coder, before, Step(round(guess), reach), end, trials)
        result.append(
            Embedded(step, latents_of(coder.values(), 1 / step.width, pitch, reach), coder.position())
        )
    return result


def coded(target: Integers, steps: Iterable[Step]) -> Iterator[Latents]:
    """The latents of levels that refine `target`, as `in_units` has it, by these steps in turn."""
    rows, columns, planes, pitch, _ = target.shape
    coder = Coder(rows, columns, planes, pitch)
    coder.encode(target.size + 4096, target)
    before = None
    for step in steps:
        _code(coder, before, step)
        before = step
        yield latents_of(coder.values(), 1 / step.width, pitch, step.reach)


def _code(coder: Coder, before: Step | None, step: Step) -> int:
    """Codes a level after the one before; where it ends."""
    code_step(coder, before, step)
    coder.level(step.width, factor(before))
    return coder.position()


def _coded_within(coder: Coder, before: Step | None, guess: Step, end: int, trials: int) -> Step:
    """Codes a level with the least of the tried widths with which it ends in time; at worst the widest."""
    coder.keep()
    tried: dict[int, int] = {}
    width = guess.width
    for _ in range(trials):
        width = cheap_width(before, min(max(width, LEAST_WIDTH), MOST_WIDTH))
        if width in tried:
            break
        if tried:
            coder.restore()
        tried[width] = _code(coder, before, replace(guess, width=width))
        fine = max((w for w, taken in tried.items() if taken > end), default=0)
        fit = min((w for w, taken in tried.items() if taken <= end), default=0)
        if fit and (tried[fit] > (1 - _TOLERANCE) * end or fit == LEAST_WIDTH or fit - fine == 1):
            break
        width = _between(fine, fit, tried, end)
    step = replace(guess, width=min((w for w, taken in tried.items() if taken <= end), default=max(tried)))
    if step.width != next(reversed(tried)):
        coder.restore()
        _code(coder, before, step)
    return step


def _between(fine: int, fit: int, tried: dict[int, int], end: int) -> int:
    """The next width to try, where `fine` is too fine and `fit` is not; 0 if there is none yet."""
    if fine and fit:
        above, below = math.log(tried[fine] / end), math.log(end / tried[fit])
        last = [taken > end for taken in tried.values()][-2:]
        # Sizes may jump: in the middle where the last two widths were on the same side.
        share = 0.5 if last[0] == last[-1] else min(max(above / (above + below + 1e-9), 0.1), 0.9)
        return min(max(round(float(fine * (fit / fine) ** share)), fine + 1), fit - 1)
    width = fine or fit
    return round(float(width * (tried[width] / end) ** 0.6) * (1.01 if fine else 0.99))
