"""Coefficients for a file of one level, chosen knowing what the level's network adds (analysis by synthesis).

A network predicts part of what quantization removes, so coefficients need to code only the rest. For files of
several levels, which share the intervals that earlier levels have coded, see `levels_by_synthesis`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from anir_runtime.anir_latents import latents_of
from anir_runtime.coder import Integers
from anir_runtime.decoder import Decoder
from anir_runtime.strips import Strips
from numpy.typing import NDArray

from anir_toolchain.embedding import UNIT, in_units
from anir_toolchain.lapped_analysis import Analysis, analyse
from anir_toolchain.levels import LevelNetwork
from anir_toolchain.metrics import psnr

_ROUNDS = 3
"""How often what the network adds is subtracted anew."""
_DB_PER_LOG_BYTES = 4.5
"""Gain in dB when a level's bytes grow by a factor of e, about: 3.4 in low levels, more in high ones."""
_ROUNDING = 1 / 12 / (127.5 * UNIT) ** 2
"""Mean squared error, in squared units, of the coefficients of a picture that is rounded to 8 bits."""


class _Trial(NamedTuple):
    """A level that was encoded from certain coefficients.

    Attributes:
        target: these coefficients, as `in_units` returns them.
        added: the coefficients of what the level's network adds to the planes.
        worth: the level's PSNR in dB, minus what other coefficients would gain in its bytes.
    """

    target: Integers
    added: Integers
    worth: float


@dataclass(frozen=True)
class AnalysisBySynthesis:
    """Chooses the coefficients of the only level of a file.

    Attributes:
        image: the picture, uint8[H, W, N].
        analysis: its lapped transform.
        level: the level.
        coders: makes coders for the picture's strips that have begun to encode.
    """

    image: NDArray[np.uint8]
    analysis: Analysis
    level: LevelNetwork
    coders: Callable[[], Strips]

    def chosen(self) -> Analysis:
        """Returns the transform without what the network will add to the planes, if that is worth it."""
        own = self.analysis.coefficients
        best = last = self._tried(own)
        for _ in range(_ROUNDS):
            last = self._tried(own - last.added)
            best = max(best, last, key=lambda trial: trial.worth)
        return replace(self.analysis, coefficients=best.target)

    def _tried(self, target: Integers) -> _Trial:
        """Encodes `target` and draws the level."""
        step, pitch, coders = self.level.step, self.analysis.pitch, self.coders()
        coders.set_target(target)
        coders.level(step.width)
        known = coders.values(last=True)
        latents = latents_of(known, 1 / step.width, pitch, step.reach)
        drawn = Decoder(replace(self.level.network, latents=latents)).decode()
        worth = psnr(drawn, self.image) - _DB_PER_LOG_BYTES * math.log(sum(coders.positions()))
        return _Trial(target, added_coefficients(drawn, known, self.analysis), worth)


def added_coefficients(drawn: NDArray[np.uint8], known: Sequence[Integers], analysis: Analysis) -> Integers:
    """Returns the coefficients of what a level's network has added to the planes.

    Args:
        drawn: the level's picture, uint8[H, W, N].
        known: the level's coefficients, with the cells' means at frequency (0, 0), in bands of rows of cells.
        analysis: the lapped transform of the original picture.
    """
    own = analyse(drawn, analysis.pitch, analysis.colours).coefficients
    planes = in_units((UNIT * band.transpose(2, 0, 1, 3, 4) for band in known), sum(map(len, known)))
    return _without_rounding(own - planes)


def _without_rounding(coefficients: Integers) -> Integers:
    """Estimates coefficients int32[rows, columns, N, K, K] from those of a picture rounded to 8 bits.

    Each frequency of a plane is scaled by the share of its energy that rounding does not explain (Wiener).
    """
    energy = np.square(coefficients, dtype=np.float32).mean((0, 1))
    scale = 1 - np.float32(_ROUNDING) / energy.clip(np.float32(_ROUNDING))
    result: Integers = np.rint(coefficients * scale).astype(np.int32)
    return result
