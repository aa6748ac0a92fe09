"""Levels chosen knowing what their networks add to the planes (analysis by synthesis), in several rounds.

In each round the levels are encoded and drawn, and what their networks have added is left out of the
coefficients that the next round encodes. As a level cannot leave the intervals that earlier ones have coded,
each level mostly leaves out what later networks add.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from anir_runtime.coder import Integers
from anir_runtime.decoder import Decoder
from anir_runtime.side_by_side import available_cores, side_by_side
from numpy.typing import NDArray

from anir_toolchain.analysis_by_synthesis import added_coefficients
from anir_toolchain.embedding import Refined, SmallIntegers, refined_after, reproducing
from anir_toolchain.instant import instant_levels
from anir_toolchain.lapped_analysis import Analysis
from anir_toolchain.levels import LevelNetwork
from anir_toolchain.metrics import psnr
from anir_toolchain.sample import is_large
from anir_toolchain.space import Space

_SHARE = 0.4
"""A level of width w leaves out `_SHARE` · w_last / w of what its own network adds (w_last: the last width).

The remaining share is taken from what the next level leaves out. As a network adds about in proportion to its
level's width, a coefficient in a wrong interval errs by about as much in all levels (bench/NOTES.md).
"""


class _Round(NamedTuple):
    """All levels of a picture.

    Attributes:
        levels: the levels.
        coefficients: coefficients that, encoded with the levels' steps, give these levels.
        ends: bytes of the stream up to each level's end, without side information.
        psnr: the levels' PSNR in dB.
    """

    levels: list[LevelNetwork]
    coefficients: Integers
    ends: list[int]
    psnr: list[float]

    def gain_over(self, other: "_Round") -> float:
        """Returns how many dB the levels have more at equal bytes, on average."""
        at_equal_bytes = np.interp(np.log(self.ends), np.log(other.ends), other.psnr)
        return float(np.mean(self.psnr - at_equal_bytes))


def levels_by_synthesis(
    image: NDArray[np.uint8], analysis: Analysis, space: Space, bits: int, rounds: int
) -> tuple[list[LevelNetwork], Analysis]:
    """Returns the best levels of several rounds, and the coefficients to encode with their steps.

    Args:
        image: the picture, uint8[H, W, N].
        analysis: the picture's lapped transform.
        space: the subnets, for all of which there are common networks.
        bits: bits of a hidden weight, for the file's header.
        rounds: number of rounds after the first one, which leaves out nothing; with none, and in large
            pictures (`is_large`), the levels and coefficients are `instant_levels` and those of `analysis`.
    """
    if not rounds or is_large(image):
        return list(instant_levels(image, analysis, space, bits)), analysis
    first, left_out = _encoded(image, analysis, space, bits, ())
    best = first
    for _ in range(rounds):
        last, left_out = _encoded(image, analysis, space, bits, left_out)
        best = max(best, last, key=lambda own: own.gain_over(first))
    return best.levels, replace(analysis, coefficients=best.coefficients)


def _mixed(levels: Sequence[LevelNetwork], added: Sequence[SmallIntegers]) -> list[SmallIntegers]:
    """Returns what each level leaves out in the next round, given what the networks add in this one."""
    result = [added[-1]]
    finest = levels[-1].step.width
    for level, own in zip(levels[-2::-1], added[-2::-1], strict=True):
        share, following = _SHARE * finest / level.step.width, result[-1].astype(np.float64)
        result.append(np.rint(following + share * (own - following)).astype(np.int16))
    return result[::-1]


def _encoded(
    image: NDArray[np.uint8], analysis: Analysis, space: Space, bits: int, left_out: Sequence[SmallIntegers]
) -> tuple[_Round, list[SmallIntegers]]:
    """Encodes and draws all levels; returns them, and what they leave out in the next round.

    `left_out` has what each level leaves out now, nothing if it is empty.
    """
    levels = list(instant_levels(image, analysis, space, bits, left_out))
    known = [
        replace(own, values=own.values.copy())
        for own in refined_after(analysis.coefficients, [level.step for level in levels], left_out)
    ]

    def added_and_psnr(own: tuple[LevelNetwork, Refined]) -> tuple[SmallIntegers, float]:
        level, refined = own
        drawn = Decoder(replace(level.network, latents=refined.latents())).decode()
        added = added_coefficients(drawn, [refined.values], analysis)
        return added.clip(-(2**15), 2**15 - 1).astype(np.int16), float(psnr(drawn, image))

    results = side_by_side(added_and_psnr, zip(levels, known, strict=True), available_cores())
    added, quality = map(list, zip(*results, strict=True))
    own = _Round(levels, reproducing(known[-1].values), [own.end for own in known], quality)
    return own, _mixed(levels, added)
