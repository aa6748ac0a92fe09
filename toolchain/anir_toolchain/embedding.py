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
from anir_runtime.segments import BLOCK
from anir_runtime.steps import LEAST_WIDTH, MOST_WIDTH, Step, cheap_width, code_step
from numpy.typing import NDArray

Reals = NDArray[np.floating]

FINEST = 1.5 / 127.5
"""Width of the finest level that is thought of: a level and a half of a pixel, which shows some 50 dB."""
UNIT = FINEST / LEAST_WIDTH
"""Value of a size of 1 of the embedded code."""
LARGEST = 1 << 22
"""Size beyond which no coefficient is told apart."""
_TOLERANCE, _LAST_TOLERANCE, _TRIALS = 0.001, 0.0005, 16
"""Share of a level's bytes that may be left, of the last one's, and how many widths are tried at most."""
_ALIKE, _APART = 1.0005, 1.003
"""Two widths between which no other one is tried, as a level may jump over its end there; and two that are
told apart in a file, where none is known yet with which the level ends in time."""
_LARGE, _BITS, _LESS = 0.6, 3.2, 0.7
"""Sizes that a level tells of are larger than so many widths, about, and take so many bits each at first.

Of a level's own bytes, those for the others change as well: that power of a ratio of bytes is one of counts.
"""


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


@dataclass(frozen=True)
class Refined:
    """What is known of a picture at one level.

    Attributes:
        step: how the level refines what was known.
        values: what is known then, int32[rows, columns, N, K, K], until the next level is asked for.
        end: bytes of the stream up to there, if it had nothing but coefficients.
    """

    step: Step
    values: Integers
    end: int


def in_units(bands: Iterable[Reals], rows: int) -> Integers:
    """Coefficients to encode, int32[rows, columns, N, K, K].

    They come from the top in bands of some rows of cells, [N, n, columns, K, K]. Cells' means become cosines
    over blocks of 8 by 8 cells.
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


def _rounded(values: Reals) -> Reals:
    """Values in whole units; they are changed."""
    values /= UNIT
    np.rint(values, out=values)
    return np.clip(values, -LARGEST, LARGEST, out=values)


def _cosines(n: int) -> Reals:
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
    """Levels that end after so many bytes each, or just before: see `refine`."""
    result = []
    for own in refine(target, ends, reaches, trials):
        latents = latents_of([own.values], 1 / own.step.width, target.shape[3], own.step.reach)
        result.append(Embedded(own.step, latents, own.end))
    return result


def refine(
    target: Integers, ends: Sequence[int], reaches: Sequence[int], trials: int = _TRIALS
) -> Iterator[Refined]:
    """Levels in turn, each of which ends after so many bytes, or just before.

    Args:
        target: what levels come near to, as `in_units` has it.
        ends: bytes of coefficients up to the end of each level, rising.
        reaches: of each level's network (`Latents.reach`).
        trials: widths that are tried for a level at most.
    """
    rows, columns, planes, pitch, _ = target.shape
    coder = Coder(rows, columns, planes, pitch)
    # Room for widths that turn out far too fine: of noise, a code of a byte and more for each coefficient.
    coder.encode(4 * target.size + 4096, target)
    sizes = _Sizes(target)
    before, bits = None, _BITS
    for end, reach in zip(ends, reaches, strict=True):
        guess = Step(sizes.width(8 * end / bits), reach)
        tolerance = _LAST_TOLERANCE if end == ends[-1] else _TOLERANCE
        inside = range(round(end - tolerance * end), end + 1)
        before = _coded_within(coder, sizes, before, guess, inside, trials)
        yield Refined(before, coder.values(), coder.position())
        bits = 8 * coder.position() / sizes.beyond(before.width)


class _Sizes:
    """Sizes of coefficients in order: a level's bytes are about in proportion to how many are large.

    So He and Mitra 2002, A linear source model and a unified rate control algorithm for DCT video coding.
    """

    def __init__(self, target: Integers) -> None:
        self._ascending = np.sort(np.abs(target), axis=None)

    def beyond(self, width: int) -> int:
        """How many are large for a level of that width, at least 1."""
        return max(1, len(self._ascending) - int(np.searchsorted(self._ascending, _LARGE * width)))

    def width(self, count: float) -> int:
        """For which width so many are large, about."""
        return int(self._ascending[-min(max(1, round(count)), len(self._ascending))] / _LARGE)


def coded(target: Integers, steps: Iterable[Step]) -> Iterator[Latents]:
    """The latents of levels that refine `target`, as `in_units` has it, by these steps in turn."""
    rows, columns, planes, pitch, _ = target.shape
    coder = Coder(rows, columns, planes, pitch)
    coder.encode(target.size + 4096, target)
    before = None
    for step in steps:
        _code(coder, before, step)
        before = step
        yield latents_of([coder.values()], 1 / step.width, pitch, step.reach)


def _code(coder: Coder, before: Step | None, step: Step) -> int:
    """Codes a level after the one before; where it ends."""
    code_step(coder, before, step)
    coder.level(step.width)
    return coder.position()


def _coded_within(
    coder: Coder, sizes: _Sizes, before: Step | None, guess: Step, ends: range, trials: int
) -> Step:
    """Codes a level with the least of the tried widths with which it ends in time; at worst the widest.

    It ends at one of `ends`, or before these if no width that is tried does.
    """
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
        fine = max((w for w, taken in tried.items() if taken >= ends.stop), default=0)
        fit = min((w for w, taken in tried.items() if taken < ends.stop), default=0)
        if fit and (tried[fit] in ends or fit == LEAST_WIDTH or fit < _ALIKE * fine):
            break
        width = _between(sizes, fine, fit, tried, ends)
    width = min((w for w, taken in tried.items() if taken < ends.stop), default=max(tried))
    if width != next(reversed(tried)):
        coder.restore()
        _code(coder, before, replace(guess, width=width))
    return replace(guess, width=width)


def _between(sizes: _Sizes, fine: int, fit: int, tried: dict[int, int], ends: range) -> int:
    """The next width to try, where `fine` is too fine and `fit` is not; 0 if there is none yet."""
    aim = (ends.start + ends.stop) / 2
    if fine and fit:
        above, below = math.log(tried[fine] / aim), math.log(aim / tried[fit])
        last = [taken >= ends.stop for taken in tried.values()][-2:]
        # Sizes may jump: in the middle where the last two widths were on the same side.
        share = 0.5 if last[0] == last[-1] else min(max(above / (above + below), 0.1), 0.9)
        return min(max(round(float(fine * (fit / fine) ** share)), fine + 1), fit - 1)
    width = sizes.width(sizes.beyond(fine or fit) * (aim / tried[fine or fit]) ** _LESS)
    return max(width, math.ceil(_APART * fine)) if fine else min(width, fit - 1)
